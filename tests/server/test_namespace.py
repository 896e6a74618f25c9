"""Namespaces: several over one session, each with its own admission and handlers."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

import pytest

from antiphon import DisconnectCode, Disconnected, Limits, LocalProtocolError, Refused, Server, Socket
from antiphon.protocol.packets import Call, Event, Failed, Join, Joined, Leave, Reply
from antiphon.protocol.packets import Refused as Refusal
from antiphon.testing.clock import ManualClock
from tests.server.peer import Peer, entered, serving, settle


@dataclass
class Login:
    name: str


def test_a_namespace_is_made_once_and_found_by_its_name(server: Server) -> None:
    assert server.namespace("/chat") is server.namespace("/chat")
    assert server.namespace() is server.namespace("/")
    assert server.find("/nowhere") is None


@pytest.mark.parametrize("name", ["", "chat", "/" * 129, 5, "/\ud800"])
def test_a_name_that_is_none_is_refused_where_it_is_given(server: Server, name: str) -> None:
    with pytest.raises(LocalProtocolError, match="a namespace is named"):
        server.namespace(name)


async def test_namespaces_of_one_session_are_admitted_each_by_its_own_hook(server: Server) -> None:
    chat, admin = server.namespace("/chat"), server.namespace("/admin")

    @chat.on_connect
    async def enter(socket: Socket, auth: Login) -> None:
        socket.data["name"] = auth.name

    @admin.on_connect
    async def guard(socket: Socket) -> None:
        raise Refused("staff only", {"ask": "bob"})

    ann = Peer(server)
    ann.attach(("/chat", {"name": "Ann"}), "/admin")
    await settle()

    [joined, refused] = ann.read()
    assert isinstance(joined, Joined) and joined.namespace == "/chat"
    assert refused == Refusal("/admin", "staff only", {"ask": "bob"})
    assert [socket.data for socket in chat.sockets] == [{"name": "Ann"}]
    assert admin.count() == 0


async def test_a_namespace_that_does_not_exist_is_refused_and_not_made(server: Server) -> None:
    ann = await entered(server)

    ann.say(Join("/nowhere"))
    await settle()

    [refused] = ann.read()
    assert isinstance(refused, Refusal) and "/nowhere" in refused.reason
    assert server.find("/nowhere") is None


async def test_a_join_that_does_not_fit_the_hook_is_refused_with_parameter_and_expectation(server: Server) -> None:
    chat = server.namespace("/chat")

    @chat.on_connect
    async def enter(socket: Socket, auth: Login) -> None: ...

    ann = Peer(server)
    ann.attach(("/chat", {"name": 7}))
    await settle()

    [refused] = ann.read()
    assert isinstance(refused, Refusal)
    assert refused.data == {"parameter": "auth.name", "expected": "str"}


async def test_a_hook_that_fails_refuses_with_an_id_that_is_in_the_log(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    chat = server.namespace("/chat")

    @chat.on_connect
    async def enter(socket: Socket) -> None:
        raise RuntimeError("the database is called db7.internal")

    ann = Peer(server)
    ann.attach("/chat")
    await settle()

    [refused] = ann.read()
    assert isinstance(refused, Refusal)
    assert "db7" not in refused.reason
    assert refused.data["id"] in caplog.text
    assert "'/chat'" in caplog.text


async def test_a_value_of_the_hook_that_cannot_travel_is_not_blamed_on_the_client(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    chat = server.namespace("/chat")

    @chat.on_connect
    async def enter(socket: Socket) -> None:
        await socket.emit("secret", object())

    ann = Peer(server)
    ann.attach("/chat")
    await settle()

    [refused] = ann.read()
    assert isinstance(refused, Refusal) and refused.reason == "the connect handler failed"
    assert refused.data["id"] in caplog.text


async def test_a_hook_whose_own_client_does_not_answer_lets_nobody_in(
    server: Server, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    chat = server.namespace("/chat")

    @chat.on_connect
    async def enter(socket: Socket) -> None:
        await socket.call("riddle", timeout=5)

    ann = Peer(server)
    ann.attach("/chat")
    await settle()
    server.tick(clock.advance(6))
    await settle()

    assert [packet for packet in ann.read() if isinstance(packet, Refusal)] == [
        Refusal("/chat", "the connect handler's own call had no answer")
    ]
    assert chat.count() == 0
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_stopping_cancels_a_hook_that_hangs(server: Server) -> None:
    chat, seen = server.namespace("/chat"), []

    @chat.on_connect
    async def enter(socket: Socket) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("cancelled")

    Peer(server).attach("/chat")
    await settle()
    await server.close(patience=0.01)

    assert seen == ["cancelled"]
    assert chat.count() == 0


@pytest.mark.parametrize("data", [object(), "x" * 2_000_000])
async def test_a_refusal_whose_data_cannot_travel_still_refuses(
    server: Server, data: Any, caplog: pytest.LogCaptureFixture
) -> None:
    chat = server.namespace("/chat")

    @chat.on_connect
    async def enter(socket: Socket) -> None:
        raise Refused("no", data)

    ann = await entered(server, "ann", "/chat")
    ann.say(Join("/"))
    server.namespace("/")
    await settle()

    assert chat.count() == 0
    assert any(isinstance(packet, Joined) for packet in ann.read()), "the session goes on"
    assert "'/chat'" in caplog.text


async def test_a_name_too_long_to_be_repeated_is_refused_all_the_same(server: Server) -> None:
    ann = await entered(server)

    ann.say(Join("/" + "x" * 1_000_000))
    ann.say(Call(1, "/", "unknown", []))
    await settle()

    refused, answer = ann.read()
    assert isinstance(refused, Refusal) and len(refused.namespace) < 200
    assert isinstance(answer, Failed)


async def test_joining_twice_is_refused_and_leaves_the_first(server: Server) -> None:
    root = server.namespace("/")
    ann = await entered(server)

    ann.say(Join("/"))
    await settle()

    assert ann.read() == [Refusal("/", "joined already")]
    assert root.count() == 1


async def test_a_client_joins_so_many_namespaces_and_no_more() -> None:
    async with serving(limits=Limits(namespaces=2)) as (server, _):
        for name in ("/a", "/b", "/c"):
            server.namespace(name)
        ann = Peer(server)

        ann.attach("/a", "/b", "/c")
        await settle()

        assert [type(packet) for packet in ann.read()] == [Joined, Joined, Refusal]


async def test_events_wait_until_the_hook_has_let_the_socket_in(server: Server) -> None:
    root, door, handled = server.namespace("/"), asyncio.Event(), []

    @root.on_connect
    async def enter(socket: Socket) -> None:
        await door.wait()

    @root.on("say")
    async def say(socket: Socket, text: str) -> None:
        handled.append(text)

    ann = Peer(server)
    ann.attach("/")
    ann.emit("say", "hello")
    await settle()
    assert handled == []

    door.set()
    await settle()
    assert handled == ["hello"]


async def test_who_is_not_let_in_yet_hears_nothing_of_what_is_said_to_all(server: Server) -> None:
    root, door = server.namespace("/"), asyncio.Event()

    @root.on_connect
    async def enter(socket: Socket) -> None:
        await door.wait()
        raise Refused("no")

    ann = Peer(server)
    ann.attach("/")
    await settle()
    root.emit_nowait("secret", 42)
    await settle()
    door.set()
    await settle()

    assert ann.read() == [Refusal("/", "no")]


async def test_rooms_joined_and_events_emitted_in_the_hook_count_at_once(server: Server) -> None:
    root = server.namespace("/")

    @root.on_connect
    async def enter(socket: Socket) -> None:
        await socket.join("lobby")
        await root.to("lobby").emit("said", "welcome")
        await socket.emit("rules", 3)

    ann = Peer(server)
    ann.attach("/")
    await settle()

    assert ann.events() == [("said", "welcome"), ("rules", 3)]
    assert root.count("lobby") == 1


async def test_a_refused_socket_is_in_no_room_and_disconnect_does_not_fire(server: Server) -> None:
    root, gone = server.namespace("/"), []

    @root.on_connect
    async def enter(socket: Socket) -> None:
        await socket.join("lobby")
        raise Refused("no")

    @root.on_disconnect
    async def leave(socket: Socket, reason: str) -> None:
        gone.append(reason)

    ann = await entered(server)
    ann.wire.lost()
    await server.close()

    assert root.count("lobby") == 0
    assert gone == []


async def test_the_hook_may_ask_its_own_client(server: Server) -> None:
    root = server.namespace("/")

    @root.on_connect
    async def enter(socket: Socket) -> None:
        socket.data["answer"] = await socket.call("riddle")

    ann = Peer(server)
    ann.attach("/")
    await settle()
    [call] = ann.read()
    assert isinstance(call, Call)
    ann.say(Reply(call.id, "time"))
    await settle()

    assert [type(packet) for packet in ann.read()] == [Joined]
    assert [socket.data["answer"] for socket in root.sockets] == ["time"]


async def test_events_go_to_the_namespace_they_name(server: Server) -> None:
    handled = []
    for name in ("/a", "/b"):

        @server.namespace(name).on("say")
        async def say(socket: Socket, text: str) -> None:
            handled.append((socket.namespace.name, text))

    ann = await entered(server, "ann", "/a", "/b")
    ann.emit("say", 1, namespace="/b")
    ann.emit("say", "two", namespace="/b")
    ann.emit("say", "three", namespace="/a")
    await settle()

    assert handled == [("/b", "two"), ("/a", "three")]


async def test_a_call_to_a_namespace_that_was_not_joined_is_refused(server: Server) -> None:
    admin, handled = server.namespace("/admin"), []

    @admin.on("shutdown")
    async def shutdown(socket: Socket) -> None:
        handled.append(socket)

    ann = await entered(server)
    ann.say(Call(1, "/admin", "shutdown", []), Event("/admin", "shutdown", []))
    await settle()

    [failed] = ann.read()
    assert isinstance(failed, Failed) and failed.code == "not_joined"
    assert handled == []


async def test_the_catch_all_gets_what_has_no_handler_of_its_own(server: Server) -> None:
    root, caught = server.namespace("/"), []

    @root.on("known")
    async def known(socket: Socket) -> str:
        return "known"

    @root.on("*")
    async def anything(socket: Socket, event: str, *args: Any) -> str:
        caught.append((event, args))
        return "any"

    ann = await entered(server)
    ann.say(Call(1, "/", "known", []), Call(2, "/", "other", [1, b"\x00"]), Event("/", "third", []))
    await settle()

    assert ann.read() == [Reply(1, "known"), Reply(2, "any")]
    assert caught == [("other", (1, b"\x00")), ("third", ())]


@pytest.mark.parametrize("name", ["connect", "disconnect", "__proto__", "constructor", "__init__", "*"])
async def test_names_with_a_meaning_elsewhere_are_only_names(server: Server, name: str) -> None:
    root, seen = server.namespace("/"), []

    @root.on_connect
    async def enter(socket: Socket) -> None:
        seen.append("connect")

    ann = await entered(server)
    ann.say(Call(1, "/", name, []))
    await settle()

    [failed] = ann.read()
    assert isinstance(failed, Failed) and failed.code == "unknown_event"
    assert seen == ["connect"]


async def test_who_leaves_is_out_and_may_come_again(server: Server) -> None:
    root, gone = server.namespace("/"), []

    @root.on_disconnect
    async def leave(socket: Socket, reason: Disconnected) -> None:
        gone.append((reason, root.count()))

    ann = await entered(server)
    ann.say(Leave("/", "bored"))
    ann.say(Join("/"))
    await settle()

    assert gone == [(Disconnected(DisconnectCode.LEFT, "bored"), 0)]
    assert root.count() == 1
    assert [type(packet) for packet in ann.read()] == [Joined]


async def test_leaving_what_one_is_not_in_does_nothing(server: Server) -> None:
    ann = await entered(server)

    ann.say(Leave("/nowhere"), Call(1, "/", "unknown", []))
    await settle()

    assert [type(packet) for packet in ann.read()] == [Failed]


async def test_who_is_put_out_by_its_connect_handler_is_refused() -> None:
    """A Leave would be no answer to its join, and it would wait for ever."""
    async with serving() as (server, _):
        seen_off = []

        @server.namespace("/").on_connect
        async def enter(socket: Socket) -> None:
            await socket.disconnect("not today")

        @server.namespace("/").on_disconnect
        def leave(socket: Socket, reason: Disconnected) -> None:
            seen_off.append(reason)

        ann = Peer(server)
        ann.attach("/")
        await settle()

        assert ann.read() == [Refusal("/", "not today")]
        assert seen_off == [Disconnected(DisconnectCode.PUT_OUT, "not today")]
        assert server.namespace("/").count() == 0


async def test_who_is_put_out_and_refused_by_its_connect_handler_is_answered_once() -> None:
    async with serving() as (server, _):

        @server.namespace("/").on_connect
        async def enter(socket: Socket) -> None:
            await socket.disconnect("not today")
            raise Refused("nor tomorrow")

        ann = Peer(server)
        ann.attach("/")
        await settle()

        assert ann.read() == [Refusal("/", "nor tomorrow")]
