"""Events read in a loop, without a server."""

from __future__ import annotations

import asyncio
import gc

import pytest

from antiphon.dispatch.listening import MOST, Listening


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def listening() -> Listening:
    return Listening(lambda: None)


async def test_events_come_in_order_as_what_they_carry(listening: Listening) -> None:
    events = listening.events("said")

    assert await listening.put("said", ["Ann", "hello"])
    assert await listening.put("said", ["Bob", "hi"])

    assert await anext(events) == ("Ann", "hello")
    assert await anext(events) == ("Bob", "hi")


async def test_an_event_that_nobody_reads_is_nobodys(listening: Listening) -> None:
    _events = listening.events("said")

    assert not await listening.put("left", [])


async def test_two_loops_get_every_event_each(listening: Listening) -> None:
    first, second = listening.events("said"), listening.events("said")

    await listening.put("said", [1])

    assert (await anext(first), await anext(second)) == ((1,), (1,))


async def test_leaving_the_loop_unsubscribes(listening: Listening) -> None:
    await asyncio.sleep(0)

    async def first() -> object:
        async for event in listening.events("said"):
            return event
        return None

    reading = asyncio.create_task(first())
    await turns()
    await listening.put("said", [1])
    assert await reading == (1,)
    gc.collect()

    assert not listening
    assert not await listening.put("said", [2])


async def test_async_with_says_where_it_ends(listening: Listening) -> None:
    async with listening.events("said") as events:
        assert listening
        await listening.put("said", [1])

    assert not listening
    with pytest.raises(StopAsyncIteration):
        await anext(events)


async def test_a_closed_iterator_ends_a_loop_that_waits(listening: Listening) -> None:
    events = listening.events("said")
    reading = asyncio.create_task(_all(events))
    await turns()

    await events.aclose()

    assert await reading == []


async def test_a_reader_that_does_not_keep_up_holds_the_others_back(listening: Listening) -> None:
    events = listening.events("said")
    for number in range(MOST):
        await listening.put("said", [number])
    waiting = asyncio.create_task(listening.put("said", [MOST]))
    await turns()
    assert not waiting.done()

    assert await anext(events) == (0,)
    await turns()

    assert waiting.done()


async def test_a_reader_that_leaves_holds_nobody_back(listening: Listening) -> None:
    events = listening.events("said")
    for number in range(MOST):
        await listening.put("said", [number])
    waiting = asyncio.create_task(listening.put("said", [MOST]))
    await turns()

    events.close()
    await turns()

    assert waiting.done()


async def test_the_end_comes_behind_what_was_not_read_yet(listening: Listening) -> None:
    events = listening.events("said")
    await listening.put("said", [1])

    listening.end()

    assert await _all(events) == [(1,)]
    assert not listening


async def _all(events: object) -> list[object]:
    return [event async for event in events]  # type: ignore[attr-defined]  # an EventIterator
