"""What a server says of itself, and of its parts."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from antiphon import NamespaceStatistics, RoomStatistics, Server, ServerStatistics, SessionStatistics, Socket
from antiphon.protocol.packets import Ack, Call, Cancel, Close, Event, Item, Pong, Refuse, Reply, Welcome
from antiphon.protocol.statistics import Amount
from antiphon.testing.clock import ManualClock
from tests.server.peer import Peer, entered, serving, settle


def gap(peer: Peer) -> None:
    """Something that the client had sent before is lost on the way."""
    peer.wire.received(peer.pack(peer.sent + 5, Event("/", "say", [])))


# -- a server


async def test_sessions_transports_sockets_and_rooms_are_counted_as_they_are_now(server: Server) -> None:
    root = server.namespace("/")

    @root.on_connect
    async def enter(socket: Socket) -> None:
        await socket.join("lobby")

    await entered(server, "ann")
    bob = await entered(server, "bob", "/", "/other")
    bob.wire.lost()

    statistics = server.statistics()

    assert (statistics.sessions, dict(statistics.transports)) == (2, {"websocket": 1})
    assert dict(statistics.sockets) == {"/": 2, "/other": 1}
    assert statistics.rooms == 1


async def test_what_has_happened_is_counted_even_when_its_session_is_over(server: Server) -> None:
    root = server.namespace("/")

    @root.on("say")
    async def say(socket: Socket, text: str) -> None: ...

    ann = await entered(server)
    message = ann.pack(1, Event("/", "nobody", []), Event("/", "say", [1]))
    for _ in range(3):
        ann.wire.received(message)
    ann.sent = 2
    ann.say(Call(1, "/", "say", []))
    await settle()
    before = server.statistics()
    ann.say(Close("closed"))
    await settle()
    after = server.statistics()

    assert (before.unhandled, before.misfits, before.duplicates) == (1, 2, 4)
    assert (after.unhandled, after.misfits, after.duplicates) == (1, 2, 4)
    assert (before.sessions_made, before.sessions_ended, after.sessions_ended) == (1, 0, 1)


async def test_the_sums_of_sessions_survive_them(server: Server) -> None:
    root = server.namespace("/")
    ann = await entered(server)
    [socket] = root.sockets
    for _ in range(3):
        root.emit_nowait("pose", "x" * 40_000, volatile=True)  # the second does not fit, nor the third
    await settle()
    ann.say(Reply(7), Item(7, 0, 1))
    gap(ann)
    ann.attach()
    await settle()
    living = server.statistics()
    ann.say(Close("closed"))
    await settle()
    buried = server.statistics()

    assert not socket.connected
    for statistics in (living, buried):
        counted = (statistics.attaches, statistics.resumes, statistics.gaps)
        assert counted == (2, 1, 1)
        assert (statistics.late_replies, statistics.late_items, statistics.dropped) == (1, 1, 2)
    assert (living.sessions, buried.sessions) == (1, 0)


async def test_sessions_and_transports_end_by_words(server: Server, clock: ManualClock) -> None:
    ann, bob, cat = [await entered(server, name) for name in ("ann", "bob", "cat")]
    ann.say(Close("closed"))
    bob.wire.received(b"nonsense")
    cat.attach()
    cat.wire.lost()
    server.tick(clock.advance(121))
    await settle()

    statistics = server.statistics()

    assert statistics.endings == {"closed": 1, "protocol": 1, "expired": 1}
    assert statistics.transports_closed == {"ended": 1, "protocol": 1, "fenced": 1, "lost": 1}
    assert statistics.sessions_ended == 3


async def test_refused_attaches_are_counted_by_code(server: Server) -> None:
    ann = await entered(server)
    ann.attempt = 0
    assert isinstance(ann.attach(), Refuse)
    assert isinstance(Peer(server, "bob").attach(version=9), Refuse)
    Peer(server, "eve").wire.received(ann.pack(0, Close("closed")))

    assert server.statistics().refused == {"stale": 1, "version": 1, "bad_hello": 1}


async def test_handlers_at_work_cancelled_and_left_over_are_counted(server: Server, clock: ManualClock) -> None:
    root, go_on = server.namespace("/"), asyncio.Event()

    @root.on("work", concurrent=True)
    async def work(socket: Socket) -> None:
        await go_on.wait()

    ann = await entered(server)
    ann.say(*[Call(number, "/", "work", []) for number in (1, 2, 3)])
    await settle()
    working = server.statistics()
    ann.say(Cancel(1))
    await settle()
    cancelled = server.statistics()
    ann.say(Close("closed"))
    await settle()
    server.tick(clock.advance(1))
    over = server.statistics()
    go_on.set()
    await settle()
    server.tick(clock.advance(1))
    done = server.statistics()

    assert (working.handlers, working.cancelled, working.lingering) == (3, 0, 0)
    assert (cancelled.handlers, cancelled.cancelled, cancelled.lingering) == (2, 1, 0)
    assert (over.handlers, over.sessions, over.lingering) == (0, 0, 2)
    assert (done.lingering, done.cancelled) == (0, 1)
    assert server.lingering == []


async def test_handlers_that_are_cancelled_since_the_server_closes_are_counted() -> None:
    async with serving() as (server, _):

        @server.namespace("/").on("work")
        async def work(socket: Socket) -> None:
            await asyncio.Event().wait()

        ann = await entered(server)
        ann.emit("work")
        await settle()
        await server.close(patience=0.01)

    assert server.statistics().cancelled == 1


async def test_when_everybody_is_gone_everything_is_as_at_the_start(server: Server, clock: ManualClock) -> None:
    root = server.namespace("/")

    @root.on_connect
    async def enter(socket: Socket) -> None:
        await socket.join("lobby", "bar")

    for number in range(10):
        peer = await entered(server, f"client {number}")
        peer.wire.lost()
    server.tick(clock.advance(121))
    await settle()

    statistics = server.statistics()

    assert (statistics.sessions, dict(statistics.sockets), statistics.rooms) == (0, {"/": 0}, 0)
    assert (statistics.waiting, statistics.unacked, statistics.lingering) == (Amount(), Amount(), 0)
    assert (statistics.sessions_made, statistics.sessions_ended) == (10, 10)


@pytest.mark.parametrize("kind", [ServerStatistics, NamespaceStatistics, RoomStatistics, SessionStatistics])
def test_records_are_frozen_and_named(kind: Any) -> None:
    parameters = kind.__dataclass_params__

    assert parameters.frozen
    assert all(field.kw_only for field in dataclasses.fields(kind))
    assert "__dict__" not in dir(kind)


async def test_a_record_does_not_change_afterwards(server: Server) -> None:
    before = server.statistics()
    await entered(server)

    assert before.sessions == before.attaches == 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        before.sessions = 7  # type: ignore[misc]  # that is the point


# -- a namespace, a room


async def test_a_namespace_counts_its_sockets_and_rooms(server: Server) -> None:
    root = server.namespace("/")
    ann, bob = await entered(server, "ann"), await entered(server, "bob")
    await entered(server, "cat", "/other")
    for peer, rooms in ((ann, ["lobby", "bar"]), (bob, ["lobby"])):
        socket = root.socket(f"{peer.sid}/")
        assert socket is not None
        await socket.join(*rooms)
    bob.ack()
    bob.wire.lost()
    root.to("lobby").emit_nowait("hello")
    await settle()

    everybody, lobby, bar = root.statistics(), root.to("lobby").statistics(), root.to("bar").statistics()

    assert (everybody.name, everybody.sockets, everybody.attached) == ("/", 2, 1)
    assert (everybody.transports, everybody.rooms) == ({"websocket": 1}, {"lobby": 2, "bar": 1})
    assert (everybody.waiting.packets, everybody.unacked.packets) == (1, 2), "bob was told to join, and has acked that"
    assert (lobby.sockets, lobby.waiting, lobby.unacked) == (2, everybody.waiting, everybody.unacked)
    assert (bar.sockets, bar.attached, bar.waiting) == (1, 1, Amount())


async def test_users_are_counted_once() -> None:
    async with serving() as (server, _):

        @server.authenticate
        async def who(auth: str | None) -> str | None:
            return auth

        for name, auth in (("one", "ann"), ("two", "ann"), ("three", "bob"), ("four", None)):
            server.namespace("/")
            Peer(server, name).greet("/", auth=auth)
            await settle()

        assert (server.namespace("/").statistics().sockets, server.namespace("/").statistics().users) == (4, 2)


# -- a session


async def test_a_session_tells_what_waits_and_what_is_acked(server: Server, clock: ManualClock) -> None:
    root, go_on = server.namespace("/"), asyncio.Event()

    @root.on("work")
    async def work(socket: Socket, text: str) -> None:
        await go_on.wait()

    ann = await entered(server)
    [socket] = root.sockets
    ann.say(Ack(1))
    await settle()
    for number in range(3):
        ann.emit("work", str(number))
    root.emit_nowait("one")
    await settle()
    ann.wire.congested = True
    root.emit_nowait("two")
    asking = asyncio.create_task(socket.call("three"))
    await settle()
    clock.advance(7)
    statistics, kept = socket.statistics(), socket.connection.session.outbox.size
    go_on.set()
    asking.cancel()
    await settle()

    assert (statistics.sid, statistics.state, statistics.transport) == (ann.sid, "attached", "websocket")
    assert (statistics.age, statistics.since) == (7.0, 7.0)
    assert (statistics.waiting.packets, statistics.unacked.packets) == (2, 1)
    assert statistics.waiting.size + statistics.unacked.size == kept > statistics.waiting.size > 0
    assert statistics.unhandled.packets == 2 and statistics.unhandled.size > 0
    assert statistics.unconfirmed == Amount(), "an ack of the first went with the event"
    assert (statistics.calls, statistics.answering, statistics.handlers) == (1, 0, 1)


async def test_a_session_tells_of_what_it_owes_an_ack(server: Server) -> None:
    server.namespace("/").on("work")(lambda socket: None)
    ann = await entered(server)
    ann.emit("work")
    ann.emit("work")
    await settle()

    [socket] = server.namespace("/").sockets
    owed = socket.statistics().unconfirmed

    assert owed.packets == 2 and owed.size > 0


async def test_a_session_tells_its_round_trip_and_the_clock_of_its_client_in_seconds(
    server: Server, clock: ManualClock
) -> None:
    ann = await entered(server)
    [socket] = server.namespace("/").sockets
    before = socket.statistics()
    sent = clock()
    clock.advance(0.25)
    ann.say(Pong(round(sent * 1000), 500_000))

    after = socket.statistics()

    assert (before.round_trip, before.clock_offset) == (None, None)
    assert after.round_trip == pytest.approx(0.25)
    assert after.clock_offset == pytest.approx(500 - (sent + 0.125))


async def test_a_session_that_is_away_and_back_says_so(server: Server, clock: ManualClock) -> None:
    ann = await entered(server)
    [socket] = server.namespace("/").sockets
    clock.advance(10)
    ann.wire.lost()
    clock.advance(2)
    away = socket.statistics()
    assert isinstance(ann.attach(), Welcome)
    clock.advance(1)
    back = socket.statistics()
    ann.say(Close("closed"))
    await settle()

    assert (away.state, away.transport, away.age, away.since) == ("detached", None, 12.0, 2.0)
    assert (back.state, back.transport, back.age, back.since) == ("attached", "websocket", 13.0, 1.0)
    assert (away.attaches, away.resumes, back.attaches, back.resumes) == (1, 0, 2, 1)
    assert socket.statistics().state == "ended"


async def test_calls_of_the_client_and_streams_are_counted(server: Server) -> None:
    root = server.namespace("/")

    @root.on("ask", concurrent=True)
    async def ask(socket: Socket) -> None:
        await asyncio.Event().wait()

    ann = await entered(server)
    [socket] = root.sockets
    ann.say(Call(1, "/", "ask", []), Call(2, "/", "ask", []))
    stream = socket.stream("ticks")
    await settle()

    statistics = socket.statistics()
    stream.close()
    await server.close(patience=0.01)

    assert (statistics.answering, statistics.calls, statistics.streams, statistics.handlers) == (2, 1, 1, 2)
