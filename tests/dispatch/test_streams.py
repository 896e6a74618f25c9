"""Streams as handlers and callers hold them: what flows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from antiphon import (
    Server,
    Socket,
)
from antiphon.protocol.streams import WINDOW
from antiphon.testing import TestClient
from tests.dispatch.streaming import Endless, Row, count, settled_for_long

# -- what flows


async def test_a_handler_that_is_an_async_generator_streams_to_its_caller(
    antiphon_server: Server, ann: TestClient
) -> None:
    @antiphon_server.namespace("/").on("count")
    async def counted(socket: Socket, to: int) -> AsyncIterator[int]:
        for number in range(to):
            yield number

    assert [item async for item in ann.namespace.stream("count", 100)] == list(range(100))
    assert [item async for item in ann.namespace.stream("count", 0)] == []


async def test_a_parameter_that_is_an_async_iterator_reads_a_stream_of_the_caller(
    antiphon_server: Server, ann: TestClient
) -> None:
    @antiphon_server.namespace("/").on("sum")
    async def total(socket: Socket, rows: AsyncIterator[int], factor: int) -> int:
        return factor * sum([row async for row in rows])

    assert await ann.call("sum", count(100), 2) == 9900
    assert await ann.call("sum", count(0), 2) == 0


async def test_streams_flow_both_ways_at_once_and_several_of_them(antiphon_server: Server, ann: TestClient) -> None:
    @antiphon_server.namespace("/").on("zip")
    async def zipped(socket: Socket, ones: AsyncIterator[int], between: str, others: AsyncIterator[int]) -> Any:
        async for one in ones:
            yield [one, between, await anext(others)]

    found = [item async for item in ann.namespace.stream("zip", count(50), "-", count(60))]

    assert found == [[number, "-", number] for number in range(50)]


async def test_a_client_streams_its_answer_to_the_server_and_reads_its_arguments(
    antiphon_server: Server, ann: TestClient
) -> None:
    @ann.on("double")
    async def double(rows: AsyncIterator[int]) -> AsyncIterator[int]:
        async for row in rows:
            yield 2 * row

    [socket] = antiphon_server.namespace("/").sockets

    assert [item async for item in socket.stream("double", count(40))] == [2 * number for number in range(40)]


async def test_items_are_bound_to_the_annotation_of_the_parameter(antiphon_server: Server, ann: TestClient) -> None:
    @antiphon_server.namespace("/").on("sizes")
    async def sizes(socket: Socket, rows: AsyncIterator[Row]) -> int:
        return sum([row.size async for row in rows])

    async def rows() -> AsyncIterator[Row]:
        yield Row("a", 1)
        yield Row("b", 2)

    assert await ann.call("sizes", rows()) == 3


async def test_a_stream_that_is_read_here_may_be_an_argument_there(antiphon_server: Server, ann: TestClient) -> None:
    root = antiphon_server.namespace("/")

    @root.on("relay")
    async def relay(socket: Socket, rows: AsyncIterator[int]) -> Any:
        return await socket.call("sum", rows)

    @ann.on("sum")
    async def total(rows: AsyncIterator[int]) -> int:
        return sum([row async for row in rows])

    assert await ann.call("relay", count(100)) == 4950


async def test_a_producer_is_at_most_a_window_ahead_of_its_reader(ann: TestClient, endless: Endless) -> None:
    async with ann.namespace.stream("endless") as stream:
        assert await anext(stream) == 1
        await settled_for_long()

        assert endless.yielded == WINDOW


async def test_large_items_flow_one_by_one_and_never_stop(antiphon_server: Server, ann: TestClient) -> None:
    """Two of them stop the producer, long before its credit is used up; the reader has to ask for more by then."""

    @antiphon_server.namespace("/").on("large")
    async def large(socket: Socket) -> AsyncIterator[bytes]:
        for number in range(40):
            yield bytes([number]) * 40_000

    found = [item[0] async for item in ann.namespace.stream("large")]

    assert found == list(range(40))


async def test_an_answer_stream_flows_while_an_ordered_handler_waits(antiphon_server: Server, ann: TestClient) -> None:
    root, go_on = antiphon_server.namespace("/"), asyncio.Event()

    @root.on("wait")
    async def wait(socket: Socket) -> None:
        await go_on.wait()

    @root.on("count")
    async def counted(socket: Socket) -> AsyncIterator[int]:
        for number in range(100):
            yield number

    stream = ann.namespace.stream("count")
    await ann.emit("wait")

    assert len([item async for item in stream]) == 100
    go_on.set()


async def test_an_ordered_handler_reads_a_stream_although_events_fill_the_window_behind_it(
    antiphon_server: Server, ann: TestClient
) -> None:
    root, heard = antiphon_server.namespace("/"), list[int]()
    root.on("say")(lambda socket, number: heard.append(number))

    @root.on("fetch")
    async def fetch(socket: Socket) -> int:
        return len([row async for row in socket.stream("rows")])

    ann.on("rows")(lambda: None)
    ann.namespace.off("rows")

    @ann.on("rows")
    async def rows() -> AsyncIterator[int]:
        for number in range(100):
            yield number

    calling = asyncio.create_task(ann.namespace.call("fetch"))
    await asyncio.sleep(0)
    for number in range(300):
        ann.emit_nowait("say", number)
    await settled_for_long()

    assert await calling == 100
    assert heard == list(range(300))


async def test_an_ordered_handler_reads_a_long_stream_although_an_event_waits_behind_it(
    antiphon_server: Server, ann: TestClient
) -> None:
    """The items that came behind that event must not be kept by their sender until it is handled."""
    root = antiphon_server.namespace("/")
    root.on("say")(lambda socket: None)

    @root.on("fetch")
    async def fetch(socket: Socket) -> int:
        return len([row async for row in socket.stream("rows")])

    @ann.on("rows")
    async def rows() -> AsyncIterator[int]:
        for number in range(3000):
            yield number

    calling = asyncio.create_task(ann.namespace.call("fetch"))
    await asyncio.sleep(0)
    ann.emit_nowait("say")
    async with asyncio.timeout(10):
        assert await calling == 3000
