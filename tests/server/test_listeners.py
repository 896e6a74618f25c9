"""Who is told of every event that comes and goes, and what hooks a namespace may have."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import antiphon
from antiphon import Refused, Server, Socket
from antiphon.protocol.packets import Call, Close, Event, Failed, Joined, Reply, Volatile
from antiphon.protocol.packets import Refused as RefusedPacket
from tests.server.asking import errors
from tests.server.peer import Peer, entered, settle


@pytest.fixture
def heard() -> list[Any]:
    return []


# -- what comes


async def test_who_is_told_of_everything_is_told_before_the_handlers_and_does_not_answer(
    server: Server, heard: list[Any]
) -> None:
    root = server.namespace("/")

    @root.on_any
    async def log(socket: Socket, event: str, *args: Any) -> str:
        await asyncio.sleep(0)
        heard.append((event, *args))
        return "not an answer"

    @root.on("say")
    async def say(socket: Socket, text: str) -> str:
        heard.append(f"handler {text}")
        return text

    root.on_any(lambda socket, event, *args: heard.append("second"))
    ann = await entered(server)
    ann.say(Call(1, "/", "say", ["a"]), Event("/", "nobody's", [2]), Volatile("/", "say", ["b"]), Call(2, "/", "x", []))
    await settle()

    assert heard == [
        *(("say", "a"), "second", "handler a"),
        *(("nobody's", 2), "second"),
        *(("say", "b"), "second", "handler b"),
        *(("x",), "second"),
    ]
    first, unknown = ann.read()
    assert first == Reply(1, "a")
    assert isinstance(unknown, Failed) and unknown.code == "unknown_event"


async def test_what_is_wrong_with_who_is_told_harms_no_event(
    server: Server, heard: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    root = server.namespace("/")

    @root.on_any
    def broken(socket: Socket, event: str, *args: Any) -> None:
        raise RuntimeError(event)

    @root.on_any
    def picky(socket: Socket, event: str, text: str) -> None:
        heard.append(text)

    root.on("sum")(lambda socket, a, b: a + b)
    ann = await entered(server)
    ann.say(Call(1, "/", "sum", [1, 2]))
    await settle()

    assert ann.read() == [Reply(1, 3)]
    assert heard == []
    [error] = errors(caplog)
    assert "'on_any: sum'" in error


async def test_who_is_told_of_everything_can_be_taken_out(server: Server, heard: list[Any]) -> None:
    root = server.namespace("/")

    def log(socket: Socket, event: str) -> None:
        heard.append(event)

    root.on_any(log)
    ann = await entered(server)
    ann.emit("a")
    await settle()
    root.off_any(log)
    ann.emit("b")
    await settle()

    assert heard == ["a"]


# -- what goes out


async def test_who_is_told_of_what_goes_out_is_told_once_per_emit(server: Server, heard: list[Any]) -> None:
    root = server.namespace("/")
    root.on_any_outgoing(lambda event, *args: heard.append((event, *args)))
    ann, bob = await entered(server, "ann"), await entered(server, "bob")
    socket = next(iter(root.sockets))

    await root.emit("a", 1)
    root.to("nowhere").emit_nowait("b", (2,))
    await socket.emit("c", volatile=True)
    socket.emit_nowait("d", {"x": 1}, latest="x")
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(socket.call("e", 5, timeout=1)), group.create_task(root.call("f", timeout=1))]
        await settle()
        for peer in (ann, bob):
            peer.say(*(Reply(packet.id, "yes") for packet in peer.read() if isinstance(packet, Call)))

    assert await calls[0] == "yes"
    assert heard == [("a", 1), ("b", [2]), ("c",), ("d", {"x": 1}), ("e", 5), ("f",)]


async def test_what_could_not_be_sent_is_not_told(server: Server, heard: list[Any]) -> None:
    root = server.namespace("/")
    root.on_any_outgoing(lambda event, *args: heard.append(event))
    ann = await entered(server)
    [socket] = root.sockets

    with pytest.raises(antiphon.PayloadError):
        await root.emit("a", object())
    with pytest.raises(antiphon.OutboxFull):
        await root.emit("a", bytes(2 << 20))
    with pytest.raises(antiphon.OutboxFull, match="a volatile event"):
        await root.emit("a", bytes(65 << 10), volatile=True)
    await socket.disconnect()
    await socket.emit("a")
    with pytest.raises(antiphon.CallNotSent):
        await socket.call("a")

    assert heard == []
    assert ann.wire.shut is None


async def test_what_is_wrong_with_who_is_told_harms_no_emit(
    server: Server, heard: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    root = server.namespace("/")

    @root.on_any_outgoing
    def broken(event: str, *args: Any) -> None:
        raise RuntimeError(event)

    @root.on_any_outgoing
    def picky(event: str, number: int) -> None:
        heard.append(number)

    ann = await entered(server)
    await root.emit("say", "a")
    await root.emit("say", 1)
    root.off_any_outgoing()
    await root.emit("say", 2)
    await settle()

    assert ann.events() == [("say", "a"), ("say", 1), ("say", 2)]
    assert heard == [1]
    assert errors(caplog) == ["on_any_outgoing of namespace '/' raised at 'say'"] * 2


# -- hooks


async def test_all_connect_handlers_are_asked_and_all_disconnect_handlers_are_told(
    server: Server, heard: list[Any]
) -> None:
    root = server.namespace("/")
    for name in "ab":
        root.on_connect(lambda socket, auth, name=name: heard.append(f"in {name} {auth}"))
        root.on_disconnect(lambda socket, reason, name=name: heard.append(f"out {name} {reason}"))

    ann = await entered(server, "ann", ("/", "secret"))
    ann.say(Close("closed"))
    await settle()

    assert heard == ["in a secret", "in b secret", "out a closed", "out b closed"]


async def test_the_first_connect_handler_that_refuses_is_the_last_that_is_asked(
    server: Server, heard: list[Any]
) -> None:
    root = server.namespace("/")

    @root.on_connect
    async def enter(socket: Socket, auth: str) -> None:
        heard.append(auth)
        if auth == "bad":
            raise Refused("not you")

    root.on_connect(lambda socket: heard.append("second"))
    ann, bob = Peer(server, "ann"), Peer(server, "bob")
    ann.attach(("/", "bad"))
    bob.attach(("/", "good"))
    await settle()

    assert ann.read() == [RefusedPacket("/", "not you")]
    assert [type(packet) for packet in bob.read()] == [Joined]
    assert heard == ["bad", "good", "second"]


async def test_who_is_put_out_by_one_connect_handler_is_not_shown_to_the_next(server: Server, heard: list[Any]) -> None:
    root = server.namespace("/")

    @root.on_connect
    async def enter(socket: Socket) -> None:
        await socket.disconnect("not today")

    root.on_connect(lambda socket: heard.append("second"))
    ann = Peer(server)
    ann.attach("/")
    await settle()

    assert ann.read() == [RefusedPacket("/", "not today")]
    assert heard == []


async def test_a_disconnect_handler_that_fails_keeps_no_other_from_running(server: Server, heard: list[Any]) -> None:
    root = server.namespace("/")

    @root.on_disconnect
    def broken(socket: Socket) -> None:
        raise RuntimeError

    root.on_disconnect(lambda socket: heard.append("told"))
    ann = await entered(server)
    ann.say(Close("closed"))
    await settle()

    assert heard == ["told"]
