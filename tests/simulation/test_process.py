"""A program on virtual time: what asyncio promises to tasks holds there, and it can be stopped in the middle."""

from __future__ import annotations

import asyncio

import pytest

from antiphon.testing.simulation.process import Process
from antiphon.testing.simulation.virtual_time import VirtualTime


def test_a_task_sleeps_until_its_time_has_come() -> None:
    time = VirtualTime()
    process = Process(time)
    woke: list[float] = []

    async def sleep() -> None:
        await asyncio.sleep(5.0)
        woke.append(time.now)

    began = time.now
    task = process.loop.create_task(sleep())
    time.run(4.0)
    assert not task.done()

    time.run(4.0)

    assert woke == [began + 5.0]
    assert process.loop.tasks == set()


def test_events_timeouts_and_cancels_are_those_of_asyncio() -> None:
    time = VirtualTime()
    process = Process(time)
    seen: list[str] = []

    async def wait(event: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(1.0):
                await event.wait()
            seen.append("came")
        except TimeoutError:
            seen.append("too late")
        except asyncio.CancelledError:
            seen.append("cancelled")

    with process.running():
        events = [asyncio.Event() for _ in range(3)]
    tasks = [process.loop.create_task(wait(event)) for event in events]
    time.run(0.5)
    with process.running():
        events[0].set()
        tasks[1].cancel()

    time.run(1.0)

    assert seen == ["came", "cancelled", "too late"]


def test_a_frozen_program_catches_up_in_order() -> None:
    time = VirtualTime()
    process = Process(time)
    done: list[int] = []
    for number in range(3):
        process.loop.call_later(number, done.append, number)
    time.run(0.5)

    process.freeze()
    time.run(10.0)
    assert done == [0]
    process.thaw()
    time.settle()

    assert done == [0, 1, 2]
    assert process.stalled == 10.0


def test_nothing_happens_in_a_program_that_is_gone_and_its_tasks_end_when_it_is_discarded() -> None:
    time = VirtualTime()
    process = Process(time)
    ends: list[float] = []

    async def sleep() -> None:
        try:
            await asyncio.sleep(1.0)
        finally:
            ends.append(time.now)

    task = process.loop.create_task(sleep())
    time.run(0.5)
    process.gone = True
    time.run(10.0)
    assert ends == []

    process.discard()

    assert task.cancelled()
    assert process.loop.tasks == set()


def test_what_escapes_a_task_is_kept() -> None:
    time = VirtualTime()
    process = Process(time)

    async def fail() -> None:
        raise LookupError("nothing there")

    _task = process.loop.create_task(fail())
    time.run(0.0)

    assert [str(error) for error in process.loop.errors] == ["nothing there"]


def test_what_is_done_while_no_time_passes_leaves_no_loop_behind() -> None:
    time = VirtualTime()
    process = Process(time)

    process.do(asyncio.get_running_loop)
    time.settle()

    with pytest.raises(RuntimeError, match="no running event loop"):
        asyncio.get_running_loop()
