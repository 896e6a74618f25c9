"""A server that stops with grace: what runs is finished, and everybody is told when to come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import cycle

import pytest

from antiphon import Disconnected, Server, Socket
from antiphon.dialects.base import Attach, Stream
from antiphon.protocol.closing import TransportCode
from antiphon.protocol.packets import Ack, Call, Close, Credit, End, Event, Hello, Item, Packet, Refuse, Reply, Welcome
from antiphon.server.server import LAST_PATIENCE
from antiphon.testing.clock import ManualClock
from tests.server.peer import MSGPACK, Peer, Poller, Port, entered, settle
from tests.server.test_sse import HostsStream

WINDOW = 30.0


@pytest.fixture
async def server(clock: ManualClock) -> AsyncIterator[Server]:
    """A server whose dice fall as the tests expect."""
    server = Server(clock=clock, random=cycle((0.5, 0.1, 0.9)).__next__)
    server.start(ticking=False)
    yield server
    await server.close(patience=0.1)


@asynccontextmanager
async def draining(server: Server, *, window: float = WINDOW, patience: float = 10.0) -> AsyncIterator[None]:
    """The server drains in a task of its own; in the end it has to be done."""
    task = asyncio.get_running_loop().create_task(server.drain(window=window, patience=patience))
    await settle()
    yield
    for _ in range(3):
        await settle()
    assert task.done()
    task.result()


async def pass_time(server: Server, clock: ManualClock, seconds: float) -> None:
    """Tick as the server does."""
    for _ in range(round(seconds * 4)):
        server.tick(clock.advance(0.25))
        await settle()


def closes(peer: Peer) -> list[Close]:
    """The goodbyes among what came."""
    return [packet for packet in peer.read() if isinstance(packet, Close)]


def gone(server: Server, *names: str) -> list[str]:
    """Why sockets leave their namespaces."""
    reasons: list[str] = []

    def leave(socket: Socket, reason: Disconnected) -> None:
        reasons.append(reason.code)

    for name in names or ("/",):
        server.namespace(name).on_disconnect(leave)
    return reasons


# -- nobody new


async def test_everybody_who_is_idle_is_told_at_once_when_to_come_back(server: Server) -> None:
    reasons, people = gone(server), [await entered(server, name) for name in ("ann", "bob", "eve")]
    for peer in people:
        peer.ack()

    await server.drain(window=WINDOW)

    waits = sorted(close.retry_after or 0 for peer in people for close in closes(peer))
    assert waits == [3000, 15000, 27000]
    assert reasons == ["draining"] * 3
    assert [peer.wire.shut for peer in people] == [(TransportCode.ENDED, "draining")] * 3
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("way", ["websocket", "attach", "stream"])
async def test_who_comes_meanwhile_is_refused_with_a_time_of_its_own(
    server: Server, clock: ManualClock, way: str
) -> None:
    await entered(server)
    async with draining(server):
        waits: list[int] = []
        for name in ("bob", "eve", "joe"):
            refused = refusal(server, name, way)
            assert (refused.code, refused.reason) == ("draining", "the server stops")
            waits.append(refused.retry_after or 0)
        await pass_time(server, clock, 2)

    assert sorted(waits) == [3000, 15000, 27000]


def refusal(server: Server, name: str, way: str) -> Refuse:
    """How a Hello is turned away that comes on one of the three ways."""
    peer = Peer(server, name)
    hello = peer.pack(0, Hello(key=peer.key, attempt=1))
    if way == "websocket":
        answer: Packet = peer.attach()
    elif way == "attach":
        port = Port()
        server.gateway.attach(Attach(MSGPACK, hello), port)
        [message] = port.answers
        assert message is not None
        [answer] = MSGPACK.decode(message).packets
    else:
        stream = HostsStream(server.gateway)
        server.gateway.stream(Stream(MSGPACK, hello), stream)
        [answer] = stream.news()
    assert isinstance(answer, Refuse)
    return answer


async def test_who_was_being_looked_into_when_it_began_is_refused(server: Server) -> None:
    door = asyncio.Event()

    @server.authenticate
    async def who(auth: object) -> None:
        await door.wait()

    ann = await greeting(server)
    async with draining(server):
        await settle()

    refused = ann.answered()
    assert isinstance(refused, Refuse) and refused.code == "draining"


async def greeting(server: Server) -> Peer:
    peer = Peer(server)
    peer.greet()
    await settle()
    return peer


async def test_a_session_that_is_cut_meanwhile_cannot_be_resumed(server: Server, clock: ManualClock) -> None:
    reasons, ann = gone(server), await entered(server)
    async with draining(server):
        ann.wire.lost()
        refused = ann.attach()
        await settle()

    assert isinstance(refused, Refuse) and refused.code == "draining"
    assert reasons == ["draining"]


async def test_detached_sessions_end_at_once(server: Server) -> None:
    reasons, ann = gone(server), await entered(server)
    ann.wire.lost()

    await server.drain()

    assert reasons == ["draining"]
    assert server.statistics().sessions == 0


# -- what runs


async def test_what_was_accepted_is_handled_before_the_goodbye(server: Server) -> None:
    root, door, said = server.namespace("/"), asyncio.Event(), []
    reasons = gone(server)

    @root.on("say")
    async def say(socket: Socket, text: str) -> str:
        await door.wait()
        said.append(text)
        return text

    ann, bob = await entered(server, "ann"), await entered(server, "bob")
    bob.ack()
    ann.say(*(Event("/", "say", [text]) for text in "ab"), Call(1, "/", "say", ["c"]))
    await settle()
    async with draining(server):
        assert closes(ann) == [] and len(closes(bob)) == 1, "nobody waits for another"

        door.set()
        await settle()
        assert Reply(1, "c") in ann.read() and not said[3:]
        ann.ack()
        await settle()

    assert said == ["a", "b", "c"]
    assert reasons == ["draining"] * 2
    assert len(closes(ann)) == 1


async def test_handlers_may_still_ask_their_clients(server: Server) -> None:
    answers = []

    @server.namespace("/").on("ask me")
    async def ask(socket: Socket) -> None:
        answers.append(await socket.call("riddle"))

    ann = await entered(server)
    ann.emit("ask me")
    await settle()
    async with draining(server):
        [call] = [packet for packet in ann.read() if isinstance(packet, Call)]
        ann.say(Reply(call.id, "an egg"))
        ann.ack()
        await settle()

    assert answers == ["an egg"]


async def test_handlers_beside_are_waited_for(server: Server) -> None:
    door, done = asyncio.Event(), []

    @server.namespace("/").on("work", concurrent=True)
    async def work(socket: Socket) -> None:
        await door.wait()
        done.append("worked")

    ann = await entered(server)
    ann.ack()
    ann.emit("work")
    await settle()
    async with draining(server):
        assert closes(ann) == []
        door.set()
        await settle()

    assert done == ["worked"] and len(closes(ann)) == 1


async def test_what_takes_too_long_is_cancelled(
    server: Server, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    ended, reasons = [], gone(server)

    @server.namespace("/").on("hang")
    async def hang(socket: Socket) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    ann, eve = await entered(server, "ann"), await entered(server, "eve")
    for peer in (ann, eve):
        peer.ack()
        peer.emit("hang")
    await settle()
    eve.wire.lost()
    async with draining(server, patience=10.0):
        await pass_time(server, clock, 9.75)
        assert ended == [] and closes(ann) == []
        await pass_time(server, clock, 0.25)

    assert ended == ["cancelled"] * 2
    assert len(closes(ann)) == 1
    assert reasons == ["draining"] * 2
    assert server.statistics().cancelled == 2
    assert "did not end in time; cancelled" in caplog.text


async def test_a_stall_of_the_process_is_no_ones_fault(server: Server, clock: ManualClock) -> None:
    door = asyncio.Event()

    @server.namespace("/").on("work")
    async def work(socket: Socket) -> None:
        await door.wait()

    ann = await entered(server)
    ann.ack()
    ann.emit("work")
    await settle()
    async with draining(server, patience=5.0):
        server.tick(clock.advance(20), 19.75)
        await settle()
        assert closes(ann) == []
        door.set()
        await settle()

    assert len(closes(ann)) == 1


async def test_streamed_answers_end_and_their_generators_are_closed(server: Server) -> None:
    closed = []

    @server.namespace("/").on("ticks")
    async def ticks(socket: Socket) -> AsyncIterator[int]:
        try:
            for number in range(1000):
                yield number
        finally:
            closed.append("generator")

    ann = await entered(server)
    ann.say(Call(1, "/", "ticks", [], credit=3))
    await settle()
    assert ann.read() == [Item(1, 0, 0), Item(1, 0, 1), Item(1, 0, 2)]
    async with draining(server):
        await settle()

        assert [packet for packet in ann.read() if isinstance(packet, End)] == [
            End(1, 0, ["cancelled", "the handler was stopped", None])
        ]
        ann.ack()
        await settle()
    assert closed == ["generator"]


async def test_no_stream_begins_any_more_and_an_upload_is_finished(server: Server) -> None:
    rows = []

    @server.namespace("/").on("upload")
    async def upload(socket: Socket, items: AsyncIterator[str]) -> int:
        async for item in items:
            rows.append(item)
        return len(rows)

    @server.namespace("/").on("ticks")
    async def ticks(socket: Socket) -> AsyncIterator[int]:
        yield 1

    ann = await entered(server)
    ann.say(Call(1, "/", "upload", [None], streams=(1,)))
    await settle()
    async with draining(server):
        ann.say(Call(2, "/", "ticks", [], credit=3), Item(1, 1, "a"), Item(1, 1, "b"), End(1, 1))
        await settle()
        packets = ann.read()
        ann.ack()
        await settle()

    assert Credit(1, 1, 32) in packets and Reply(1, 2) in packets
    assert any(getattr(packet, "code", "") == "cancelled" for packet in packets)
    assert rows == ["a", "b"]


# -- the goodbye


async def test_what_was_sent_is_waited_for_but_not_for_long(server: Server, clock: ManualClock) -> None:
    ann = await entered(server)
    server.namespace("/").emit_nowait("said", "before")
    async with draining(server):
        await pass_time(server, clock, 1.75)
        assert ann.events() == [("said", "before")]
        assert server.statistics().sessions == 1
        await pass_time(server, clock, 0.25)

    assert len(closes(ann)) == 1


async def test_a_client_that_polls_is_told_by_the_poll_that_is_open(server: Server) -> None:
    ann = Poller(server)
    server.namespace("/")
    ann.enter("/")
    await settle()
    ann.told(ann.poll())
    poll = ann.poll(received=1)

    await server.drain(window=WINDOW)

    assert isinstance(ann.told(poll)[-1], Close)


async def test_a_host_that_hears_nobody_any_more_waits_for_no_acks(server: Server) -> None:
    ann = await entered(server)
    server.namespace("/").emit_nowait("said", "before")

    await server.drain(window=WINDOW, hears=False)

    packets = ann.read()
    assert [type(packet) for packet in packets] == [Event, Close]


# -- twice


async def test_to_drain_twice_is_to_drain_once(server: Server) -> None:
    ann = await entered(server)
    async with draining(server), draining(server):
        ann.ack()
        await settle()

    await server.drain()
    assert len(closes(ann)) == 1


async def test_close_cuts_it_short(server: Server) -> None:
    ended, reasons = [], gone(server)

    @server.namespace("/").on("hang")
    async def hang(socket: Socket) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    ann = await entered(server)
    ann.emit("hang")
    await settle()
    async with draining(server):
        await server.close(patience=0.01)
        await settle()

    assert (ended, reasons) == (["cancelled"], ["shutdown"])
    assert len(asyncio.all_tasks()) == 1


async def test_handlers_may_drain_their_server(server: Server) -> None:
    seen, reasons = [], gone(server)

    @server.namespace("/").on("stop")
    async def stop(socket: Socket) -> None:
        await server.drain()
        seen.append("drained")

    people = [await entered(server, name) for name in ("ann", "bob")]
    for peer in people:
        peer.ack()
        peer.emit("stop")
    for _ in range(3):
        await settle()
        for peer in people:
            peer.ack()

    await asyncio.wait_for(server.drain(), LAST_PATIENCE * 4)
    await settle()

    assert seen == ["drained"] * 2
    assert reasons == ["draining"] * 2


async def test_a_drain_that_was_given_up_can_be_begun_again(server: Server) -> None:
    ann = await entered(server)
    given_up = asyncio.create_task(server.drain())
    await settle()
    given_up.cancel()
    await asyncio.wait((given_up,))
    assert not isinstance(Peer(server, "bob").attach(), Welcome), "it goes on refusing"

    async with draining(server):
        ann.ack()

    assert server.statistics().sessions == 0


async def test_a_closed_server_is_drained_already(server: Server) -> None:
    await server.close()

    await server.drain()


@pytest.mark.parametrize(("window", "patience"), [(-1.0, 10.0), (30.0, float("nan"))])
async def test_seconds_that_are_none_are_refused(server: Server, window: float, patience: float) -> None:
    with pytest.raises(ValueError, match=r"drain\((window|patience)=...\) is a number of seconds"):
        await server.drain(window=window, patience=patience)

    ann = await entered(server)
    ann.say(Ack(1))
    assert server.statistics().sessions == 1, "nothing was begun"
