"""The process stalls: nobody is declared dead for what it did not read itself (contract rule 20)."""

from __future__ import annotations

import asyncio

from antiphon import Heartbeat, Resume, Server
from antiphon.protocol.packets import Pong
from antiphon.testing.clock import ManualClock
from tests.hosts.rig import until
from tests.server.peer import Peer, entered, serving, settle

STALL = 2.0


async def test_clients_that_were_about_to_be_given_up_are_not_for_a_stall_of_ours() -> None:
    async with serving(heartbeat=Heartbeat(interval=20, timeout=20), resume=Resume(window=120)) as (server, clock):
        quiet = [await entered(server, f"quiet-{number}") for number in range(50)]
        away = [await entered(server, f"away-{number}") for number in range(50)]
        for peer in away:
            peer.wire.lost()
        for _ in range(158):  # 39.5 s, and every deadline is 40 s
            server.tick(clock.advance(0.25))

        server.tick(clock.advance(STALL + 0.25), STALL)
        assert [peer.wire.shut for peer in quiet] == [None] * 50

        for peer in quiet:
            peer.say(Pong(1, 1))  # it had come before the stall, and is read after it
        for _ in range(320):  # 121.75 s after the cut: the windows of those who are away, too, are 2 s longer
            server.tick(clock.advance(0.25))
            if int(clock() * 4) % 40 == 0:
                for peer in quiet:
                    peer.say(Pong(1, 1))
        assert [back(peer) for peer in away] == [True] * 50
        assert [peer.wire.shut for peer in quiet] == [None] * 50
        assert server.statistics().transports_closed == {"lost": 50}


def back(peer: Peer) -> bool:
    answer = peer.attach()
    return bool(getattr(answer, "resumed", False))


async def test_without_a_stall_they_are_given_up_then() -> None:
    """So the test above would see it."""
    async with serving(heartbeat=Heartbeat(interval=20, timeout=20)) as (server, clock):
        ann = await entered(server)
        for _ in range(158):
            server.tick(clock.advance(0.25))

        for _ in range(9):
            server.tick(clock.advance(0.25))

        assert ann.wire.shut is not None


async def test_the_ticker_finds_a_stall_by_itself() -> None:
    clock = ManualClock()
    server = Server(clock=clock, heartbeat=Heartbeat(interval=1.0, timeout=0.5))
    server.start()
    ann = await entered(server)
    ticked: list[float] = []
    tick = server.tick

    def told(now: float, late: float = 0.0) -> None:
        ticked.append(late)
        tick(now, late)

    server.tick = told  # type: ignore[method-assign]  # to know of it; it ticks all the same
    clock.advance(STALL + 0.25)

    await until(lambda: bool(ticked))
    await settle()

    assert ticked[0] == STALL
    assert ann.wire.shut is None
    await asyncio.wait_for(server.close(), 5)
