"""Limits.rate: how many events and calls a second are handed over in one session; the rest waits, and none is lost."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator

import pytest

from antiphon import Limits, Server, Socket
from antiphon.protocol.packets import Call, Cancel, Event, Join, Leave, Reply, Volatile
from antiphon.testing import TestClient, VirtualClock
from antiphon.testing.clock import ManualClock
from tests.server.peer import Peer, entered, serving, settle

# A burst of ten, then five a second.
SLOW = Limits(rate=5.0)


class Told:
    """A server whose handler remembers what it was told."""

    def __init__(self, server: Server, clock: ManualClock) -> None:
        self.server, self.clock = server, clock
        self.numbers: list[int] = []
        server.namespace("/").on("n")(lambda socket, number: self.numbers.append(number))

    def pass_time(self, seconds: float) -> None:
        self.server.tick(self.clock.advance(seconds))

    @property
    def hits(self) -> int:
        return self.server.statistics().limits.rate


@pytest.fixture
async def told() -> AsyncIterator[Told]:
    async with serving(limits=SLOW) as (server, clock):
        yield Told(server, clock)


def events(first: int, last: int) -> list[Event]:
    return [Event("/", "n", [number]) for number in range(first, last + 1)]


async def test_a_burst_of_two_seconds_is_handed_over_at_once(told: Told) -> None:
    ann = await entered(told.server)

    ann.say(*events(1, 10))
    await settle()

    assert told.numbers == [*range(1, 11)]
    assert told.hits == 0


async def test_what_comes_above_it_waits_unacked_and_goes_on_in_order(told: Told) -> None:
    ann = await entered(told.server)

    ann.say(*events(1, 17))
    await settle()
    assert told.numbers == [*range(1, 11)]
    assert told.hits == 1
    ann.read()
    assert ann.acked is None or ann.acked.handed <= 11, "ten events and a join; more would let the client send on"

    told.pass_time(1.0)
    await settle()
    assert told.numbers == [*range(1, 16)]

    told.pass_time(1.0)
    await settle()
    assert told.numbers == [*range(1, 18)]
    assert told.hits == 2


async def test_nobody_else_has_to_wait(told: Told) -> None:
    ann, bob = await entered(told.server, "ann"), await entered(told.server, "bob")
    ann.say(*events(1, 17))
    await settle()

    bob.say(*events(101, 110))
    await settle()

    assert told.numbers[-10:] == [*range(101, 111)]


async def test_volatile_events_count_as_well(told: Told) -> None:
    ann = await entered(told.server)

    ann.say(*(Volatile("/", "n", [number]) for number in range(1, 12)))
    await settle()

    assert told.numbers == [*range(1, 11)]


async def test_joins_and_leaves_count_as_well(told: Told) -> None:
    ann = await entered(told.server)
    told.server.namespace("/b")

    ann.say(*[Join("/b"), Leave("/b")] * 5, *events(1, 1))
    await settle()

    assert (told.numbers, told.hits) == ([], 1)


async def test_replies_and_cancels_take_effect_while_events_wait(told: Told) -> None:
    ended: list[str] = []

    @told.server.namespace("/").on("ask", concurrent=True)
    async def ask(socket: Socket) -> None:
        try:
            ended.append(await socket.call("you"))
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    ann = await entered(told.server)
    ann.say(Call(1, "/", "ask", []))
    await settle()
    [call] = [packet for packet in ann.read() if isinstance(packet, Call)]
    ann.say(*events(1, 12))
    await settle()
    assert len(told.numbers) == 9

    ann.say(Reply(call.id, "me"))
    await settle()
    ann.say(Cancel(1))
    await settle()

    assert ended == ["me", "cancelled"]


async def test_a_session_that_ends_is_seen_off_without_delay(told: Told) -> None:
    gone: list[Socket] = []
    told.server.namespace("/").on_disconnect(gone.append)
    ann = await entered(told.server)
    ann.say(*events(1, 17))
    await settle()

    for line in told.server.registry:
        line.end("revoked", "")
    await settle()

    assert told.numbers == [*range(1, 18)]
    assert len(gone) == 1


async def test_a_server_that_closes_does_not_wait_for_it(told: Told) -> None:
    ann = await entered(told.server)
    ann.say(*events(1, 17))
    await settle()

    async with asyncio.timeout(1):
        await told.server.close()

    assert told.numbers == [*range(1, 18)]


async def test_joins_of_the_server_have_their_turn_while_events_wait(told: Told) -> None:
    ann = await entered(told.server)
    ann.say(*events(1, 17))
    await settle()
    gone: list[Socket] = []
    told.server.namespace("/").on_disconnect(gone.append)

    for socket in told.server.namespace("/").sockets:
        await socket.disconnect()
    await settle()

    assert len(gone) == 1


async def test_who_was_idle_has_a_whole_burst_again(told: Told) -> None:
    ann = await entered(told.server)
    ann.say(*events(1, 10))
    await settle()
    told.clock.advance(2.0)

    ann.say(*events(11, 20))
    await settle()

    assert told.numbers == [*range(1, 21)]
    assert told.hits == 0


async def test_time_may_also_pass_by_itself() -> None:
    server = Server(limits=Limits(rate=100.0))
    numbers: list[int] = []
    server.namespace("/").on("n")(lambda socket, number: numbers.append(number))

    async with TestClient(server) as ann:
        for number in range(201):
            await ann.emit("n", number)
        async with asyncio.timeout(5):
            while len(numbers) < 201:  # noqa: ASYNC110 - it is what a handler of ours does
                await asyncio.sleep(0.005)

    assert numbers == [*range(201)]


async def test_with_a_virtual_clock_it_passes_as_that_says() -> None:
    clock = VirtualClock()
    server = Server(limits=SLOW, clock=clock)
    numbers: list[int] = []
    server.namespace("/").on("n")(lambda socket, number: numbers.append(number))

    async with TestClient(server) as ann:
        for number in range(15):
            await ann.emit("n", number)
        await settle()
        assert len(numbers) == 10
        await clock.advance(1.0)

        assert len(numbers) == 15


async def test_without_a_rate_nothing_waits() -> None:
    async with serving(limits=Limits(rate=math.inf)) as (server, clock):
        told = Told(server, clock)
        ann: Peer = await entered(server)

        for first in range(1, 3000, 100):
            ann.say(*events(first, first + 99))
            await settle()

        assert len(told.numbers) == 3000
