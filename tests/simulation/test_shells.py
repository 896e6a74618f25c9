"""The asyncio shells on virtual time: hours of heartbeats, windows, backoff, tokens and drains, and no real second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from random import Random

import pytest

from antiphon import Client, Principal, Refused, Server, Socket
from antiphon.client.connector import Link, Port
from antiphon.client.transports import Events
from antiphon.protocol.client_session import Loss
from antiphon.testing import Direction, TestClient, VirtualClock
from antiphon.testing.network import Network
from antiphon.transports.memory import MemoryTransport

HOUR = 3600.0
# Of the backoff, unless somebody wants another one.
CEILING = 30.0


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def server(clock: VirtualClock) -> AsyncIterator[Server]:
    server = Server(clock=clock, wall=clock.wall)
    server.namespace("/")
    yield server
    await server.close()


class Way:
    """A network between a client and `server` that writes down when the client tried to open a transport."""

    def __init__(self, server: Server, clock: VirtualClock) -> None:
        self.tries: list[float] = []
        self.there = True
        self._network = Network(server, stir=clock.stir)
        self._clock = clock

    def open(self, kind: str, link: Link, events: Events) -> Port:
        """See Client(opener=)."""
        self.tries.append(self._clock())
        port = self._network.open(kind, link, events)
        if not self.there:
            self._clock.call_later(0.1, lambda: events.on_lost(link, 0, "refused"))
            port.close()
        return port

    def cut(self) -> None:
        """The transport that there is breaks; others can be opened, if there is a server."""
        self._network.cut()
        self._network.resume()


def client_of(way: Way, clock: VirtualClock) -> Client:
    return Client(
        "memory:",
        transports=(MemoryTransport.name,),
        opener=way.open,
        clock=clock,
        call_later=clock.call_later,
    )


# -- heartbeat


@pytest.mark.parametrize("direction", [Direction.UP, Direction.DOWN], ids=["up", "down"])
async def test_silence_of_one_direction_is_noticed_by_who_does_not_hear(
    server: Server, clock: VirtualClock, direction: Direction
) -> None:
    async with TestClient(server) as ann:
        ann.black_hole(direction)
        await clock.advance(15)
        still = server.statistics().transports
        await clock.advance(45)
        ann.release()
        await clock.advance(CEILING)

        assert still == {"memory": 1}
        assert ann.client.session.attempt > 1
        assert server.statistics().transports == {"memory": 1}
        assert ann.losses == []


async def test_nobody_is_silent_who_has_nothing_to_say_for_hours(server: Server, clock: VirtualClock) -> None:
    async with TestClient(server) as ann:
        await clock.advance(2 * HOUR)

        assert ann.client.session.attempt == 1
        assert ann.losses == []


# -- the window


@pytest.mark.parametrize(("away", "lost"), [(119.0, []), (121.0, ["expired"])])
async def test_a_detached_session_is_kept_for_its_window_and_no_longer(
    server: Server, clock: VirtualClock, away: float, lost: list[str]
) -> None:
    left: list[str] = []
    server.namespace("/").on_disconnect(lambda socket, reason: left.append(reason.code))
    async with TestClient(server) as ann:
        ann.cut()
        await clock.advance(away)
        before = list(left)
        await ann.resume()

        assert before == lost
        assert [loss.reason for loss in ann.losses] == lost


# -- backoff


async def test_a_server_that_is_away_for_hours_is_tried_all_the_time_and_never_in_a_hurry(
    server: Server, clock: VirtualClock
) -> None:
    clock.drive(server)
    server.start(ticking=False)
    way = Way(server, clock)
    way.there = False
    client = client_of(way, clock)
    connecting = asyncio.create_task(client.connect())

    await clock.advance(3 * HOUR)
    gaps = [after - before for before, after in pairwise(way.tries)]
    way.there = True
    await clock.advance(CEILING)
    await connecting

    assert client.state == "connected"
    assert max(gaps) <= CEILING + 0.2
    # Full jitter: half of the ceiling on average, however long it has been.
    assert 0.8 < sum(gaps[20:]) / len(gaps[20:]) / (CEILING / 2 + 0.1) < 1.2
    await client.close()


async def test_a_session_that_held_for_long_is_tried_again_within_a_second(server: Server, clock: VirtualClock) -> None:
    clock.drive(server)
    server.start(ticking=False)
    way = Way(server, clock)
    client = client_of(way, clock)
    await client.connect()
    waits: list[float] = []

    for _ in range(20):
        await clock.advance(60)
        cut, tries = clock(), len(way.tries)
        way.cut()
        await clock.advance(1)
        waits.append(way.tries[tries] - cut)

    assert max(waits) <= 1.0
    assert client.session.attempt == 21
    await client.close()


# -- tokens


async def test_a_token_that_expires_every_minute_is_renewed_for_hours_on_one_connection(
    server: Server, clock: VirtualClock
) -> None:
    seen: list[int] = []
    given: list[int] = []

    @server.authenticate
    async def who(auth: int) -> Principal:
        seen.append(auth)
        return Principal("ann", clock.wall() + 60)

    def token() -> int:
        given.append(len(given))
        return given[-1]

    async with TestClient(server, credentials=token) as ann:
        first = ann.id
        await clock.advance(2 * HOUR)

        assert (ann.id, ann.client.session.attempt, ann.losses) == (first, 1, [])
        assert seen == given
        assert 120 <= len(seen) <= 180


async def test_a_token_that_is_not_renewed_ends_what_it_opened(server: Server, clock: VirtualClock) -> None:
    until = clock.wall() + 60

    @server.authenticate
    async def who(auth: str) -> Principal:
        if clock.wall() >= until:
            raise Refused("too old")
        return Principal("ann", until)

    async with TestClient(server, credentials="token") as ann:
        await clock.advance(59)
        before = ann.client.state
        await clock.advance(10)

        assert before == "connected"
        assert ann.client.state == "closed"
        assert server.statistics().transports == {}


# -- drain


async def test_the_clients_of_a_server_that_drains_come_back_spread_over_the_window(
    server: Server, clock: VirtualClock
) -> None:
    clock.drive(server)
    server.start(ticking=False)
    server.random = Random(1).random
    ways = [Way(server, clock) for _ in range(30)]
    clients = [client_of(way, clock) for way in ways]
    told: list[list[tuple[float, Loss]]] = [[] for _ in ways]
    for client, losses in zip(clients, told, strict=True):
        client.on_loss = lambda loss, losses=losses: losses.append((clock(), loss))
        await client.connect()

    draining = asyncio.create_task(server.drain(window=60))
    await clock.advance(5)
    await draining
    await clock.advance(65)

    wished = []
    for way, [(at, loss)] in zip(ways, told, strict=True):
        assert loss.reason == "draining" and loss.retry_after is not None
        wished.append(loss.retry_after)
        # Nobody comes before he is to, and then within the first wait of his backoff.
        assert loss.retry_after - 1e-6 <= way.tries[1] - at <= max(1.0, loss.retry_after) + 1e-6
    tenths = [sum(6 * tenth <= wait < 6 * tenth + 6 for wait in wished) for tenth in range(10)]
    assert sum(tenths) == 30
    assert 0 < min(tenths) <= max(tenths) < 10
    for client in clients:
        await client.close(patience=0.0)


async def test_a_drain_waits_for_handlers_as_long_as_it_was_told(server: Server, clock: VirtualClock) -> None:
    ends: list[str] = []

    @server.namespace("/").on("work", concurrent=True)
    async def work(socket: Socket, seconds: float) -> None:
        try:
            await clock.sleep(seconds)
            ends.append(f"{seconds:.0f} s done")
        except asyncio.CancelledError:
            ends.append(f"{seconds:.0f} s cancelled")
            raise

    async with TestClient(server) as ann:
        await ann.emit("work", 5.0)
        await ann.emit("work", 50.0)

        draining = asyncio.create_task(server.drain(window=30, patience=10))
        await clock.advance(9)
        meanwhile = list(ends)
        await clock.advance(10)
        await draining

    assert meanwhile == ["5 s done"]
    assert ends == ["5 s done", "50 s cancelled"]
