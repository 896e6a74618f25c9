"""A session and the transport under it, when the peer is slow, silent or gone."""

from __future__ import annotations

from typing import Any

from antiphon import Disconnected, Heartbeat, Limits, Outbox, Server, Socket
from antiphon.protocol.closing import TransportCode
from antiphon.protocol.packets import Close, Event, Ping, Pong, Welcome
from antiphon.testing.clock import ManualClock
from tests.server.peer import Peer, entered, serving, settle

SMALL: dict[str, Any] = {"outbox": Outbox(packets=100, size=1 << 20), "limits": Limits()}


async def pass_time(server: Server, clock: ManualClock, seconds: float, step: float = 0.25) -> None:
    """Tick as the server does, so that nothing is late."""
    end = clock() + seconds
    while clock() < end:
        server.tick(clock.advance(min(step, end - clock())))
        await settle()


async def test_a_client_that_takes_nothing_is_slow_after_five_seconds_above_three_quarters() -> None:
    async with serving(**SMALL) as (server, clock):
        root = server.namespace("/")
        ann = await entered(server)
        ann.wire.congested = True
        for _ in range(80):
            root.emit_nowait("tick")

        await pass_time(server, clock, 4.5)
        assert ann.wire.shut is None
        await pass_time(server, clock, 1.0)

        assert ann.wire.shut is not None and ann.wire.shut[0] == TransportCode.SLOW
        answer = ann.attach()
        assert isinstance(answer, Welcome) and answer.resumed
        await settle()
        assert len(ann.events()) == 80


async def test_a_client_that_takes_everything_and_acks_nothing_is_kept_up_to_the_bound() -> None:
    async with serving(**SMALL) as (server, _):
        root = server.namespace("/")
        ann = await entered(server)
        [socket] = root.sockets

        for _ in range(120):
            root.emit_nowait("tick")
            await settle()

        assert any(isinstance(packet, Close) and packet.code == "overflow" for packet in ann.read())
        assert socket.connection.session.outbox.size == 0


async def test_a_passed_bound_ends_the_session_and_says_so() -> None:
    async with serving(**SMALL) as (server, _):
        root, gone, heard = server.namespace("/"), [], []

        @root.on_disconnect
        async def leave(socket: Socket, reason: Disconnected) -> None:
            gone.append(reason.code)

        ann, bob = await entered(server, "ann"), await entered(server, "bob")
        bob.ack()
        ann.wire.congested = True
        for number in range(120):
            root.emit_nowait("tick", number)
            if number % 50 == 0:
                await settle()
                heard += bob.events()
                bob.ack()
        await settle()

        assert any(isinstance(packet, Close) and packet.code == "overflow" for packet in ann.read())
        assert ann.wire.shut is not None
        assert gone == ["overflow"]
        assert bob.wire.shut is None
        assert heard + bob.events() == [("tick", number) for number in range(120)]


async def test_overflow_while_detached_frees_the_memory_and_is_told_at_the_next_attach() -> None:
    async with serving(**SMALL) as (server, clock):
        root = server.namespace("/")
        ann = await entered(server)
        [socket] = root.sockets
        ann.wire.lost()

        for _ in range(101):
            root.emit_nowait("tick", "x" * 1000)
        await pass_time(server, clock, 0.25)

        assert socket.connection.session.outbox.size == 0
        assert not socket.connected
        answer = ann.attach()
        assert isinstance(answer, Welcome) and (answer.resumed, answer.reason) == (False, "overflow")


async def test_the_server_pings_and_gives_up_a_silent_client(server: Server, clock: ManualClock) -> None:
    ann = await entered(server)

    await pass_time(server, clock, 23, step=1.0)
    [ping] = ann.read()
    assert isinstance(ping, Ping)
    await pass_time(server, clock, 16, step=1.0)
    assert ann.wire.shut is None
    await pass_time(server, clock, 2, step=1.0)

    assert ann.wire.shut is not None and ann.wire.shut[0] == TransportCode.SILENT
    assert len(server.registry) == 1


async def test_anything_that_is_heard_is_a_sign_of_life(server: Server, clock: ManualClock) -> None:
    ann = await entered(server)

    for _ in range(5):
        await pass_time(server, clock, 30, step=1.0)
        ann.say(Pong(1, 2))

    assert ann.wire.shut is None


async def test_our_own_stall_kills_nobody() -> None:
    async with serving(heartbeat=Heartbeat(interval=2, timeout=2)) as (server, clock):
        ann, bob = await entered(server, "ann"), await entered(server, "bob")
        bob.wire.lost()
        server.tick(clock())

        # A handler blocked the process for ten minutes: heartbeats, windows and polls are all overdue.
        server.tick(clock.advance(600), late=600)
        await settle()

        assert ann.wire.shut is None
        assert len(server.registry) == 2
        answer = bob.attach()
        assert isinstance(answer, Welcome) and answer.resumed

        await pass_time(server, clock, 5)
        assert ann.wire.shut is not None and ann.wire.shut[0] == TransportCode.SILENT


async def test_a_tick_that_is_hardly_late_moves_no_deadline() -> None:
    async with serving(heartbeat=Heartbeat(interval=2, timeout=2)) as (server, clock):
        ann = await entered(server)

        for _ in range(5):
            server.tick(clock.advance(1), late=0.75)

        assert ann.wire.shut is not None and ann.wire.shut[0] == TransportCode.SILENT


async def test_the_last_words_of_a_session_come_before_its_transport_is_closed(server: Server) -> None:
    ann = await entered(server)

    ann.wire.received(b"\xc1")
    await settle()

    [close] = ann.read()
    assert isinstance(close, Close) and close.code == "protocol"
    assert ann.wire.shut == (TransportCode.PROTOCOL, "protocol")


async def test_a_gap_closes_the_transport_and_a_second_one_without_progress_the_session(server: Server) -> None:
    ann = await entered(server)

    ann.wire.received(ann.pack(5, Event("/", "e", [])))
    assert ann.wire.shut is not None and ann.wire.shut[0] == TransportCode.GAP
    answer = ann.attach()
    assert isinstance(answer, Welcome) and answer.resumed
    ann.wire.received(ann.pack(5, Event("/", "e", [])))

    assert ann.wire.shut == (TransportCode.PROTOCOL, "protocol")
    assert len(server.registry) == 0
    assert server.statistics().gaps == 2


async def test_a_fenced_transport_that_is_lost_afterwards_changes_nothing(server: Server) -> None:
    ann = await entered(server)
    old = ann.wire

    ann.attach()
    old.receiver.on_lost(old)

    assert dict(server.statistics().transports) == {"websocket": 1}


async def test_two_transports_of_one_client_take_turns_and_nothing_is_lost(server: Server) -> None:
    root = server.namespace("/")
    ann = await entered(server)
    heard = []

    for number in range(20):
        root.emit_nowait("tick", number)
        await settle()
        if number % 3:
            heard += ann.events()
        ann.attach()
        await settle()
        heard += ann.events()

    assert heard == [("tick", number) for number in range(20)]


async def test_a_peer_that_pings_faster_than_it_reads_gets_no_more_than_it_may(server: Server) -> None:
    ann = await entered(server)
    ann.wire.congested = True

    for number in range(1000):
        ann.say(Ping(number))
    ann.wire.congested = False
    ann.wire.receiver.on_drained(ann.wire)
    await settle()

    assert len(ann.read()) == 16
    assert isinstance(Peer(server, "bob").attach(), Welcome)
