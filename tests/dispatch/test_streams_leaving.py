"""Who stops reading closes the generator, however that comes."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest

from antiphon import (
    CallTimeout,
    Server,
    Socket,
    Stream,
)
from antiphon.testing import TestClient, VirtualClock
from tests.dispatch.streaming import Endless
from tests.server.peer import settle

# -- the end


async def test_leaving_the_block_closes_the_generator_at_once(ann: TestClient, endless: Endless) -> None:
    async with ann.namespace.stream("endless") as stream:
        async for item in stream:
            if item == 5:
                break
    await settle()

    assert endless.closed == 1
    assert len(ann.client.session.streams) == len(ann.client.session.calls) == 0
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_leaving_the_loop_closes_the_generator(ann: TestClient, endless: Endless) -> None:
    async for item in ann.namespace.stream("endless"):
        if item == 5:
            break
    await settle()

    assert endless.closed == 1


async def test_letting_go_of_a_stream_that_was_never_read_closes_the_generator(
    ann: TestClient, endless: Endless
) -> None:
    stream: Stream[int] | None = ann.namespace.stream("endless")
    await settle()

    del stream
    await settle()

    assert endless.closed == 1


async def test_a_stream_that_a_garbage_collector_finds_in_another_thread_is_closed_by_its_loop(
    ann: TestClient, endless: Endless
) -> None:
    def lose() -> None:
        ring: list[Any] = [ann.namespace.stream("endless")]
        ring.append(ring)

    gc.disable()
    try:
        lose()
        await settle()
        await asyncio.to_thread(gc.collect)
    finally:
        gc.enable()
    await settle()

    assert endless.closed == 1


async def test_a_stream_may_be_closed_twice_and_again_as_it_is_let_go(ann: TestClient, endless: Endless) -> None:
    stream = ann.namespace.stream("endless")
    await anext(stream)

    await stream.aclose()
    stream.close()
    del stream
    await settle()

    assert endless.closed == 1


async def test_a_reader_that_waits_is_let_go_when_its_stream_is_closed_elsewhere(
    antiphon_server: Server, ann: TestClient
) -> None:
    @antiphon_server.namespace("/").on("silent")
    async def silent(socket: Socket) -> AsyncIterator[int]:
        await asyncio.Event().wait()
        yield 1

    stream = ann.namespace.stream("silent")
    reading = asyncio.create_task(anext(stream, "over"))
    await settle()

    stream.close()

    assert await reading == "over"


async def test_a_caller_that_is_cancelled_closes_the_generator(ann: TestClient, endless: Endless) -> None:
    async def read() -> None:
        async for _ in ann.namespace.stream("endless"):
            pass

    reading = asyncio.create_task(read())
    await settle()

    reading.cancel()
    await settle()

    assert endless.closed == 1
    assert reading.cancelled()


async def test_a_stream_whose_time_is_over_closes_the_generator_and_tells_its_reader(
    antiphon_server: Server, ann: TestClient, antiphon_clock: VirtualClock
) -> None:
    closed = list[str]()

    @antiphon_server.namespace("/").on("slow")
    async def slow(socket: Socket) -> AsyncIterator[int]:
        try:
            yield 1
            await antiphon_clock.sleep(100)
        finally:
            closed.append("closed")

    stream = ann.namespace.stream("slow", timeout=5)
    assert await anext(stream) == 1

    await antiphon_clock.advance(6)

    assert closed == ["closed"]
    with pytest.raises(CallTimeout):
        await anext(stream)
