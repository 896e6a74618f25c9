"""Streams of a server's handlers over real transports: both ways, through cuts, and beside everything else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from antiphon import CallFailed, Server, Socket
from antiphon.testing.proxy import FaultProxy
from tests.client.serving import PATIENCE, connected, serving, until

TRANSPORTS = ["websocket", "sse", "longpoll"]


@dataclass
class Row:
    name: str
    size: int


def shop(log: list[Any] | None = None) -> Server:
    """A server with a handler for every way a stream can go."""
    server, log = Server(), [] if log is None else log
    chat = server.namespace("/chat")

    @chat.on("count")
    async def count(socket: Socket, to: int) -> AsyncIterator[int]:
        try:
            for number in range(to):
                yield number
        finally:
            log.append("closed")

    @chat.on("sizes")
    async def sizes(socket: Socket, rows: AsyncIterator[Row], factor: int) -> int:
        return factor * sum([row.size async for row in rows])

    @chat.on("merge")
    async def merge(socket: Socket, ones: AsyncIterator[int], others: AsyncIterator[int]) -> AsyncIterator[int]:
        async for one in ones:
            yield one
            yield await anext(others)

    @chat.on("break")
    async def break_off(socket: Socket, told: bool) -> AsyncIterator[int]:
        yield 1
        raise CallFailed("gone", "nobody is here", {"since": 3}) if told else KeyError("secret")

    @chat.on("echo")
    async def echo(socket: Socket, text: str) -> str:
        return text

    return server


async def count(to: int, *, step: int = 1) -> AsyncIterator[int]:
    for number in range(to):
        yield number * step


async def rows(to: int) -> AsyncIterator[Row]:
    for number in range(to):
        yield Row("row", number)


@pytest.mark.parametrize("form", ["msgpack", "json"])
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_streams_go_both_ways_over_every_transport(transport: str, form: str) -> None:
    log = list[Any]()
    async with (
        serving(shop(log)) as running,
        connected(running.url, "/chat", transports=(transport,), form=form) as client,
    ):
        chat = client.namespace("/chat")

        assert [item async for item in chat.stream("count", 200)] == list(range(200))
        assert log == ["closed"]
        assert await chat.call("sizes", rows(100), 2) == 9900
        merged = [item async for item in chat.stream("merge", count(40), count(40, step=-1))]
        assert merged == [item for number in range(40) for item in (number, -number)]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_what_breaks_off_is_told_and_what_does_not_fit_is_named(
    transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(shop()) as running, connected(running.url, "/chat", transports=(transport,)) as client:
        chat = client.namespace("/chat")

        told = chat.stream("break", True)
        assert await anext(told) == 1
        with pytest.raises(CallFailed) as failed:
            await anext(told)
        assert (failed.value.code, failed.value.message, failed.value.data) == ("gone", "nobody is here", {"since": 3})

        untold = chat.stream("break", False)
        assert await anext(untold) == 1
        with pytest.raises(CallFailed) as failed:
            await anext(untold)
        assert failed.value.code == "error" and failed.value.data["id"] in caplog.text

        with pytest.raises(CallFailed) as failed:
            await chat.call("sizes", count(3), 1)
        assert failed.value.code == "payload"
        assert failed.value.data == {"parameter": "rows", "expected": "Row"}


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_streams_survive_cuts_and_nothing_is_lost_doubled_or_reordered(transport: str) -> None:
    server, total = shop(), 400
    async with (
        serving(server) as running,
        FaultProxy("127.0.0.1", running.port) as proxy,
        connected(f"{proxy.url}/antiphon", "/chat", transports=(transport,)) as client,
    ):
        chat = client.namespace("/chat")
        found = list[int]()

        async with asyncio.timeout(4 * PATIENCE):
            async for item in chat.stream("merge", count(total // 2), count(total // 2, step=-1)):
                found.append(item)
                if len(found) % 100 == 50:
                    await until(lambda: client.state == "connected")
                    proxy.cut()
                    await until(lambda: client.state != "connected")

        assert found == [item for number in range(total // 2) for item in (number, -number)]
        assert server.statistics().sessions_made == 1


async def test_events_and_calls_flow_on_while_streams_run() -> None:
    server, heard = shop(), list[int]()
    server.namespace("/chat").on("say")(lambda socket, number: heard.append(number))
    async with serving(server) as running, connected(running.url, "/chat") as client:
        chat = client.namespace("/chat")
        told = list[int]()
        chat.on("told")(told.append)
        endless = [chat.stream("count", 10**9) for _ in range(5)]

        async def read(stream: Any) -> None:
            async for _ in stream:
                await asyncio.sleep(0)

        reading = [asyncio.create_task(read(stream)) for stream in endless]
        async with asyncio.timeout(PATIENCE):
            for number in range(50):
                await chat.emit("say", number)
                await server.namespace("/chat").emit("told", number)
                assert await chat.call("echo", "hello") == "hello"
            await until(lambda: len(told) == 50)

        assert heard == told == list(range(50))
        for task in reading:
            task.cancel()
        await asyncio.wait(reading)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_slow_reader_stops_its_producer_and_nobody_else(transport: str) -> None:
    server, made = shop(), list[int]()

    @server.namespace("/chat").on("made")
    async def make(socket: Socket) -> AsyncIterator[int]:
        for number in range(10**9):
            made.append(number)
            yield number

    async with serving(server) as running, connected(running.url, "/chat", transports=(transport,)) as client:
        chat = client.namespace("/chat")
        async with chat.stream("made") as slow:
            assert await anext(slow) == 0
            await until(lambda: len(made) >= 32)

            assert [item async for item in chat.stream("count", 200)] == list(range(200))
            assert len(made) <= 33


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_reader_that_leaves_closes_the_generator(transport: str) -> None:
    log = list[Any]()
    async with serving(shop(log)) as running, connected(running.url, "/chat", transports=(transport,)) as client:
        async for item in client.namespace("/chat").stream("count", 10**9):
            if item == 100:
                break

        await until(lambda: log == ["closed"])


async def test_a_client_that_never_comes_back_closes_its_generators() -> None:
    log = list[Any]()
    server = shop(log)
    async with (
        serving(server) as running,
        FaultProxy("127.0.0.1", running.port) as proxy,
        connected(f"{proxy.url}/antiphon", "/chat") as client,
    ):
        stream = client.namespace("/chat").stream("count", 10**9)
        assert await anext(stream) == 0
        proxy.offline()
        await until(lambda: client.state != "connected")
        [socket] = server.namespace("/chat").sockets
        assert log == []

        socket.connection.session.tick(socket.connection.session.expires_at)
        server.tick(0.0)

        await until(lambda: log == ["closed"])


async def test_a_server_that_stops_closes_its_generators_without_delay() -> None:
    log = list[Any]()
    server = shop(log)
    async with serving(server) as running, connected(running.url, "/chat") as client:
        stream = client.namespace("/chat").stream("count", 10**9)
        assert await anext(stream) == 0

        async with asyncio.timeout(1):
            await server.close()

        assert log == ["closed"]


async def test_a_cut_cancels_no_handler_and_a_cancel_during_it_does() -> None:
    server, log = Server(), list[str]()

    @server.namespace("/chat").on("wait")
    async def wait(socket: Socket) -> None:
        log.append("begun")
        try:
            await asyncio.Event().wait()
        finally:
            log.append("cancelled")

    async with (
        serving(server) as running,
        FaultProxy("127.0.0.1", running.port) as proxy,
        connected(f"{proxy.url}/antiphon", "/chat") as client,
    ):
        calling = asyncio.create_task(client.namespace("/chat").call("wait"))
        await until(lambda: log)
        proxy.offline()
        await until(lambda: client.state != "connected")
        calling.cancel()
        assert log == ["begun"]
        proxy.calm()

        await until(lambda: log == ["begun", "cancelled"])
