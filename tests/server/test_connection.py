"""A session at work: the order of its handlers, its goodbye, and a first answer that was lost."""

from __future__ import annotations

import asyncio
import logging

import pytest

from antiphon import Disconnected, Inbox, Limits, Server, Socket
from antiphon.protocol.packets import Ack, Call, Close, Event, Join, Reply, Volatile
from antiphon.testing.clock import ManualClock
from tests.server.peer import Peer, entered, serving, settle

# -- order


async def test_handlers_of_one_session_run_in_order_across_namespaces(server: Server) -> None:
    handled: list[tuple[str, int]] = []

    async def slow(socket: Socket, number: int) -> None:
        await asyncio.sleep(0)
        handled.append((socket.namespace.name, number))

    server.namespace("/a").on("n")(slow)
    server.namespace("/b").on("n")(slow)
    ann = await entered(server, "ann", "/a", "/b")

    for number in range(6):
        ann.emit("n", number, namespace="/" + "ab"[number % 2])
    for _ in range(3):
        await settle()

    assert handled == [("/" + "ab"[number % 2], number) for number in range(6)]


async def test_a_handler_that_waits_holds_back_its_own_session_only(server: Server) -> None:
    root, door, handled = server.namespace("/"), asyncio.Event(), []

    @root.on("wait")
    async def wait(socket: Socket) -> None:
        await door.wait()

    @root.on("say")
    async def say(socket: Socket, text: str) -> None:
        handled.append(text)

    ann, bob = await entered(server, "ann"), await entered(server, "bob")
    ann.emit("wait")
    ann.emit("say", "ann")
    bob.emit("say", "bob")
    await settle()
    assert handled == ["bob"]

    door.set()
    await settle()
    assert handled == ["bob", "ann"]


async def test_a_concurrent_handler_runs_beside_the_others(server: Server) -> None:
    root, door, handled = server.namespace("/"), asyncio.Event(), []

    @root.on("slow", concurrent=True)
    async def slow(socket: Socket) -> str:
        await door.wait()
        return "slow"

    @root.on("fast")
    async def fast(socket: Socket) -> None:
        handled.append("fast")

    ann = await entered(server)
    ann.say(Call(1, "/", "slow", []), Event("/", "fast", []))
    await settle()
    assert handled == ["fast"]
    assert ann.read() == []

    door.set()
    await settle()
    assert ann.read() == [Reply(1, "slow")]


async def test_so_many_run_beside_and_the_rest_waits_its_turn(server: Server) -> None:
    root, door, running = server.namespace("/"), asyncio.Event(), 0

    @root.on("slow", concurrent=True)
    async def slow(socket: Socket) -> None:
        nonlocal running
        running += 1
        await door.wait()

    ann = await entered(server)
    for _ in range(4):
        ann.say(*(Event("/", "slow", []) for _ in range(50)))
        await settle()
    assert running == 64

    door.set()
    await settle()
    assert running == 200


async def test_a_handler_may_await_a_call_to_its_own_client(server: Server) -> None:
    root = server.namespace("/")

    @root.on("play")
    async def play(socket: Socket) -> str:
        return f"you said {await socket.call('choose', ['red', 'blue'])}"

    ann = await entered(server)
    ann.say(Call(1, "/", "play", []), Event("/", "play", []))
    await settle()
    [call] = ann.read()
    assert isinstance(call, Call) and call.args == [["red", "blue"]]
    ann.say(Reply(call.id, "red"))
    await settle()

    assert ann.read()[0] == Reply(1, "you said red")


async def test_a_handler_need_not_be_async(server: Server) -> None:
    @server.namespace("/").on("add")
    def add(socket: Socket, a: int, b: int) -> int:
        return a + b

    ann = await entered(server)
    ann.say(Call(1, "/", "add", [1, 2]))
    await settle()

    assert ann.read() == [Reply(1, 3)]


async def test_a_volatile_event_is_handled_in_its_place(server: Server) -> None:
    handled: list[str] = []

    @server.namespace("/").on("say")
    async def say(socket: Socket, text: str) -> None:
        handled.append(text)

    ann = await entered(server)
    ann.say(Event("/", "say", ["a"]), Volatile("/", "say", ["b"]), Event("/", "say", ["c"]))
    await settle()

    assert handled == ["a", "b", "c"]


async def test_a_replayed_event_is_handled_once(server: Server) -> None:
    handled: list[str] = []

    @server.namespace("/").on("say")
    async def say(socket: Socket, text: str) -> None:
        handled.append(text)

    ann = await entered(server)
    message = ann.pack(1, Event("/", "say", ["a"]))
    ann.wire.received(message)
    ann.wire.received(message)
    await settle()

    assert handled == ["a"]
    assert server.statistics().duplicates == 1


async def test_what_a_handler_has_got_is_acked_and_what_waits_is_not(server: Server) -> None:
    root, door = server.namespace("/"), asyncio.Event()

    @root.on("wait")
    async def wait(socket: Socket) -> None:
        await door.wait()

    ann = await entered(server)
    for _ in range(3):
        ann.emit("wait")
    await settle()
    await root.emit("anything")
    await settle()
    ann.read()

    assert ann.acked == Ack(1, 3)
    door.set()


# -- the goodbye


@pytest.fixture
def goodbyes(server: Server) -> list[tuple[str, str]]:
    """What "/" and "/b" heard, and why their sockets left."""
    heard: list[tuple[str, str]] = []
    for name in ("/", "/b"):

        @server.namespace(name).on("say")
        async def say(socket: Socket, text: str) -> None:
            await asyncio.sleep(0)
            heard.append((socket.namespace.name, text))

        @server.namespace(name).on_disconnect
        async def leave(socket: Socket, reason: Disconnected) -> None:
            heard.append((socket.namespace.name, f"gone: {reason.code}"))

    return heard


async def test_disconnect_fires_once_after_what_was_accepted(server: Server, goodbyes: list[tuple[str, str]]) -> None:
    ann = await entered(server)
    ann.say(*(Event("/", "say", [text]) for text in "abc"), Close("closed"))
    for _ in range(3):
        await settle()
    await server.close()

    assert goodbyes == [("/", "a"), ("/", "b"), ("/", "c"), ("/", "gone: closed")]


async def test_every_namespace_is_told(server: Server, goodbyes: list[tuple[str, str]]) -> None:
    ann = await entered(server, "ann", "/", "/b")

    ann.say(Close("closed"))
    await settle()

    assert sorted(goodbyes) == [("/", "gone: closed"), ("/b", "gone: closed")]


async def test_a_cut_is_no_disconnect_and_an_expired_session_is(
    server: Server, clock: ManualClock, goodbyes: list[tuple[str, str]]
) -> None:
    ann = await entered(server)
    ann.wire.lost()
    server.tick(clock.advance(119))
    await settle()
    assert goodbyes == []

    server.tick(clock.advance(2))
    await settle()
    assert goodbyes == [("/", "gone: expired")]


async def test_a_protocol_error_is_a_reason(server: Server, goodbyes: list[tuple[str, str]]) -> None:
    ann = await entered(server)

    ann.wire.received(b"\xc1")
    await settle()

    assert goodbyes == [("/", "gone: protocol")]


async def test_what_a_client_calls_its_goodbye_is_bounded(server: Server, goodbyes: list[tuple[str, str]]) -> None:
    ann = await entered(server)

    ann.say(Close("x\r\n" * 100_000))
    await settle()

    assert goodbyes == [("/", "gone: closed")]
    assert ann.wire.shut is not None


async def test_disconnect_without_reason_fires_as_well(server: Server) -> None:
    root, gone = server.namespace("/"), []

    @root.on_disconnect
    async def leave(socket: Socket) -> None:
        gone.append(socket.rooms)

    @root.on_connect
    async def enter(socket: Socket) -> None:
        await socket.join("lobby")

    ann = await entered(server)
    ann.say(Close("closed"))
    await settle()

    assert gone == [{"lobby"}]


async def test_a_disconnect_hook_that_fails_is_logged_and_the_others_run(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    gone = []
    for name in ("/a", "/b", "/c"):

        @server.namespace(name).on_disconnect
        async def leave(socket: Socket) -> None:
            gone.append(socket.namespace.name)
            raise RuntimeError

    ann = await entered(server, "ann", "/a", "/b", "/c")
    ann.say(Close("closed"))
    await settle()

    assert sorted(gone) == ["/a", "/b", "/c"]
    assert len([record for record in caplog.records if "'on_disconnect'" in record.getMessage()]) == 3


async def test_a_session_that_ends_while_it_is_being_admitted_says_hello_and_goodbye_once(server: Server) -> None:
    root, door, seen = server.namespace("/"), asyncio.Event(), []

    @root.on_connect
    async def enter(socket: Socket) -> None:
        await door.wait()
        seen.append("in")

    @root.on_disconnect
    async def leave(socket: Socket, reason: str) -> None:
        seen.append(reason)

    ann = Peer(server)
    ann.attach("/")
    await settle()
    ann.say(Close("closed"))
    await settle()
    door.set()
    await settle()

    assert seen == ["in", "closed"]
    assert root.count() == 0


async def test_replies_of_a_session_that_is_gone_go_nowhere(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    root, door = server.namespace("/"), asyncio.Event()

    @root.on("wait")
    async def wait(socket: Socket) -> str:
        await door.wait()
        return "too late"

    ann = await entered(server)
    ann.say(Call(1, "/", "wait", []))
    await settle()
    ann.say(Close("closed"))
    door.set()
    await settle()

    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


# -- a lost first answer


async def test_a_repeated_first_hello_runs_the_connect_hook_once(server: Server) -> None:
    root, entered = server.namespace("/"), []

    @root.on_connect
    async def enter(socket: Socket) -> None:
        entered.append(socket)

    ann = Peer(server)
    ann.attach("/")
    await settle()
    ann.sid = None
    ann.attach("/")
    await settle()

    assert len(entered) == 1
    assert root.count() == 1


async def test_a_repeated_first_hello_joins_what_is_new_in_it(server: Server) -> None:
    server.namespace("/a"), server.namespace("/b")
    ann = Peer(server)
    ann.attach("/a")
    await settle()
    ann.sid = None

    ann.attach("/a", "/b")
    await settle()

    assert (server.namespace("/a").count(), server.namespace("/b").count()) == (1, 1)


# -- floods


async def test_more_events_than_the_window_allows_end_that_session_only() -> None:
    async with serving(limits=Limits(inbox=Inbox(packets=10))) as (server, _):
        root, door, handled = server.namespace("/"), asyncio.Event(), []

        @root.on("wait")
        async def wait(socket: Socket) -> None:
            await door.wait()

        @root.on("say")
        async def say(socket: Socket, text: str) -> None:
            handled.append(text)

        ann, bob = await entered(server, "ann"), await entered(server, "bob")
        for _ in range(20):
            ann.emit("wait")
        bob.emit("say", "still here")
        await settle()

        assert any(isinstance(packet, Close) and packet.code == "flood" for packet in ann.read())
        assert handled == ["still here"]
        door.set()


async def test_a_join_for_each_namespace_there_is_runs_each_hook_once(server: Server) -> None:
    runs: list[str] = []
    for name in ("/a", "/b"):

        @server.namespace(name).on_connect
        async def enter(socket: Socket) -> None:
            runs.append(socket.namespace.name)

    ann = await entered(server, "ann", "/a")
    ann.say(Join("/b"), Join("/a"), Join("/b"))
    await settle()

    assert runs == ["/a", "/b"]


async def test_a_client_with_much_to_say_lets_others_have_their_turn(server: Server) -> None:
    handled: list[int] = []
    seen: list[int] = []
    server.namespace("/").on("n")(lambda socket, number: handled.append(number))
    ann = await entered(server)

    ann.say(*(Event("/", "n", [number]) for number in range(200)))
    for _ in range(5):
        await asyncio.sleep(0)
        seen.append(len(handled))
    await settle()

    assert any(0 < count < 200 for count in seen)
    assert handled == [*range(200)]
