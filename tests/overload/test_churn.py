"""Clients that come and go by the thousands leave nothing behind (I18)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from antiphon import Disconnected, Limits, Resume, Server, Socket
from antiphon.protocol.packets import Call, Close, Event
from antiphon.testing.clock import ManualClock
from tests.hosts.rig import Site, hello, message, served, until
from tests.overload.census import Census, left
from tests.server.peer import Peer, Poller, entered, serving, settle

CHURN = 5_000
AT_A_TIME = 50


async def says_goodbye(peer: Peer, server: Server) -> None:
    peer.say(Close("closed"))


async def is_sent_away(peer: Peer, server: Server) -> None:
    assert peer.sid is not None
    line = server.registry.at(peer.sid)
    assert line is not None
    line.end("revoked", "")


async def vanishes(peer: Peer, server: Server) -> None:
    peer.wire.lost()


async def breaks_a_rule(peer: Peer, server: Server) -> None:
    peer.wire.received(b"nonsense")


WAYS = (says_goodbye, is_sent_away, vanishes, breaks_a_rule)


async def come_and_go(server: Server, clock: ManualClock, name: str, leave: Callable[..., Awaitable[None]]) -> None:
    peers = [await entered(server, f"{name}-{number}") for number in range(AT_A_TIME)]
    for peer in peers:
        peer.say(Event("/", "enter", ["lobby"]), Call(1, "/", "hang", []), Call(2, "/", "enter", [peer.key]))
    await settle()
    for peer in peers:
        await leave(peer, server)
    await settle()
    server.tick(clock.advance(2.0))
    server.tick(clock.advance(2.0))
    await settle()


async def test_five_thousand_sessions_leave_nothing_behind() -> None:
    gone: list[str] = []
    async with serving(limits=Limits(), resume=Resume(window=1.0)) as (server, clock):
        root = server.namespace("/")

        @root.on("enter")
        async def enter(socket: Socket, room: str) -> None:
            await socket.join(room)

        @root.on("hang", concurrent=True)
        async def hang(socket: Socket) -> None:
            await socket.call("never answered", timeout=1000)

        @root.on_disconnect
        async def see_off(socket: Socket, reason: Disconnected) -> None:
            gone.append(reason.code)

        for leave in WAYS:  # what is made once is there
            await come_and_go(server, clock, "first", leave)
        before = Census.take()
        for number in range(CHURN // AT_A_TIME):
            await come_and_go(server, clock, str(number), WAYS[number % len(WAYS)])

        assert left(server) == {}
        assert Census.take().more_than(before) == {}
        assert len(gone) == CHURN + len(WAYS) * AT_A_TIME
        assert server.statistics().sessions_made == server.statistics().sessions_ended == len(gone)


async def test_pollers_leave_nothing_behind() -> None:
    async with serving(resume=Resume(window=1.0)) as (server, clock):
        server.namespace("/")

        async def come_and_vanish(count: int) -> None:
            for number in range(count):
                poller = Poller(server, f"poller-{number}")
                poller.enter("/")
                await settle()
                poller.poll()
                poller.poll()  # is held, and nobody comes for its answer
            for _ in range(45):  # a poll is held for 20 s, and 20 s later its transport is lost
                server.tick(clock.advance(1.0))
                await settle()

        await come_and_vanish(10)
        before = Census.take()
        await come_and_vanish(500)

        assert left(server) == {}
        assert Census.take().more_than(before) == {}


@pytest.mark.parametrize("goodbye", [True, False], ids=["who say goodbye", "who vanish"])
async def test_real_connections_leave_nothing_behind(goodbye: bool) -> None:
    server = Server(resume=Resume(window=0.001))
    async with served(server) as site:
        await visits(site, 5, goodbye)
        before = Census.take()

        await visits(site, 150, goodbye)

        assert left(server) == {}
        assert Census.take().more_than(before) == {}


async def visits(site: Site, count: int, goodbye: bool) -> None:
    for number in range(count):
        async with site.websocket() as socket:
            await socket.send_bytes(hello(f"key-{number}".ljust(43, "x")))
            await socket.receive()  # welcome
            await socket.receive()  # joined
            if goodbye:
                await socket.send_bytes(message(1, Close("closed")))
    await until(lambda: not (site.server.statistics().sessions or site.server.lingering))
    await settle()
