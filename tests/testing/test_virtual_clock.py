"""A clock that takes a server's ticks and its clients' timers along."""

from __future__ import annotations

import asyncio

import pytest

from antiphon.testing import VirtualClock
from antiphon.testing.turns import settle


class Ticks:
    """What a server would be told."""

    def __init__(self) -> None:
        self.at: list[float] = []

    def tick(self, now: float) -> None:
        self.at.append(now)


async def test_it_stands_still_until_it_is_advanced() -> None:
    clock = VirtualClock(now=50.0)

    await settle()

    assert clock() == 50.0
    assert await clock.advance(2.5) == 52.5
    assert clock() == 52.5


async def test_timers_come_at_their_time_and_in_its_order() -> None:
    clock = VirtualClock(now=0.0)
    came: list[tuple[str, float]] = []
    for name, delay in (("third", 3.0), ("first", 1.0), ("second", 1.0), ("never", 9.0)):
        clock.call_later(delay, lambda name=name: came.append((name, clock())))  # type: ignore[misc]  # a bound name

    await clock.advance(5)

    assert came == [("first", 1.0), ("second", 1.0), ("third", 3.0)]


async def test_a_timer_that_a_timer_sets_comes_within_the_same_advance() -> None:
    clock = VirtualClock(now=0.0)
    came: list[float] = []

    def again() -> None:
        came.append(clock())
        clock.call_later(1.0, again)

    clock.call_later(1.0, again)
    await clock.advance(3)

    assert came == [1.0, 2.0, 3.0]


async def test_a_cancelled_timer_does_not_come() -> None:
    clock = VirtualClock()
    came: list[str] = []

    for timer in (clock.call_later(1.0, lambda: came.append("later")), clock.call_later(0, lambda: came.append("now"))):
        timer.cancel()
    await clock.advance(2)

    assert came == []


async def test_a_cancelled_timer_costs_no_turns_of_the_loop() -> None:
    async def turns(cancelled: int) -> int:
        clock, count = VirtualClock(now=0.0), 0
        for _ in range(cancelled):
            clock.call_later(1.0, lambda: None).cancel()
        advancing = asyncio.create_task(clock.advance(1))
        while not advancing.done():
            count += 1
            await asyncio.sleep(0)
        return count

    assert await turns(cancelled=100) == await turns(cancelled=0)


async def test_a_server_ticks_four_times_in_a_second() -> None:
    clock, server = VirtualClock(now=0.0), Ticks()
    clock.drive(server)
    clock.drive(server)

    await clock.advance(1)

    assert server.at == [0.25, 0.5, 0.75, 1.0]


async def test_who_sleeps_wakes_when_the_time_has_come() -> None:
    clock = VirtualClock(now=0.0)
    woke: list[float] = []

    async def doze() -> None:
        await clock.sleep(2)
        woke.append(clock())
        await clock.sleep(1.5)
        woke.append(clock())

    sleeper = asyncio.create_task(doze())
    await clock.advance(10)
    await sleeper

    assert woke == [2.0, 3.5]


async def test_a_step_back_is_refused() -> None:
    with pytest.raises(ValueError, match="by 0 or more, not -1"):
        await VirtualClock().advance(-1)


async def test_two_tasks_do_not_advance_one_clock() -> None:
    clock = VirtualClock()
    other = asyncio.create_task(clock.advance(10))
    await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="let one of them do it"):
        await clock.advance(1)

    await other
