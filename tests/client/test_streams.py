"""Streams of a client's handlers, and of its own calls, over real transports and through lost sessions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from antiphon import CallAbandoned, CallFailed, Client, ConnectionClosed, Server, Socket
from antiphon.testing.proxy import FaultProxy
from tests.client.serving import PATIENCE, SOON, connected, serving, until

TRANSPORTS = ["websocket", "sse", "longpoll"]


async def count(to: int) -> AsyncIterator[int]:
    for number in range(to):
        yield number


async def endless(log: list[str]) -> AsyncIterator[int]:
    number = 0
    try:
        while True:
            await asyncio.sleep(0)
            yield (number := number + 1)
    finally:
        log.append("closed")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_server_reads_and_feeds_streams_of_a_client(transport: str) -> None:
    server = Server()
    chat = server.namespace("/chat")
    async with serving(server) as running, connected(running.url, "/chat", transports=(transport,)) as client:
        namespace = client.namespace("/chat")
        namespace.on("count")(count)

        @namespace.on("double")
        async def double(numbers: AsyncIterator[int]) -> AsyncIterator[int]:
            async for number in numbers:
                yield 2 * number

        @namespace.on("sum")
        async def total(numbers: AsyncIterator[int]) -> int:
            return sum([number async for number in numbers])

        [socket] = chat.sockets

        assert [item async for item in socket.stream("count", 200)] == list(range(200))
        assert [item async for item in socket.stream("double", count(100))] == [2 * item for item in range(100)]
        assert await socket.call("sum", count(100)) == 4950
        with pytest.raises(CallFailed) as failed:
            await socket.call("sum", _words())
        assert failed.value.code == "payload"


async def _words() -> AsyncIterator[str]:
    yield "one"


async def test_an_upload_survives_cuts_and_nothing_is_lost_doubled_or_reordered() -> None:
    server, found = Server(), list[int]()
    cuts = asyncio.Queue[int]()

    @server.namespace("/chat").on("take")
    async def take(socket: Socket, numbers: AsyncIterator[int]) -> int:
        async for number in numbers:
            found.append(number)
            if number % 100 == 50:
                cuts.put_nowait(number)
        return len(found)

    async with (
        serving(server) as running,
        FaultProxy("127.0.0.1", running.port) as proxy,
        connected(f"{proxy.url}/antiphon", "/chat") as client,
    ):
        calling = asyncio.create_task(client.namespace("/chat").call("take", count(400)))
        for _ in range(4):
            await asyncio.wait_for(cuts.get(), PATIENCE)
            await until(lambda: client.state == "connected")
            proxy.cut()

        assert await asyncio.wait_for(calling, PATIENCE) == 400
        assert found == list(range(400))


async def test_a_lost_session_ends_its_streams_on_both_ends_each_with_its_error() -> None:
    closed, ended = list[str](), list[str]()

    def fresh() -> Server:
        server = Server()
        server.namespace("/chat").on("endless")(lambda socket: None)
        server.namespace("/chat").off("endless")

        @server.namespace("/chat").on("endless")
        async def stream(socket: Socket) -> AsyncIterator[int]:
            async for item in endless(closed):
                yield item

        return server

    async with FaultProxy("127.0.0.1", 1) as proxy, serving(fresh()) as second:
        async with serving(fresh()) as first:
            proxy.target(first.port)
            client = Client(f"{proxy.url}/antiphon", transports=("websocket",), backoff=SOON)
            chat = client.namespace("/chat")

            @chat.on("read")
            async def read(numbers: AsyncIterator[int]) -> None:
                try:
                    async for _ in numbers:
                        pass
                except ConnectionClosed as error:
                    ended.append(error.code)

            await client.connect()
            await chat.ready()
            stream = chat.stream("endless")
            await anext(stream)
            proxy.target(second.port)
            proxy.cut()

            with pytest.raises(CallAbandoned):
                async for _ in stream:
                    pass
        await until(lambda: client.state == "connected" and chat.connected)
        async with chat.stream("endless") as again:
            assert await anext(again) == 1
        await client.close()


async def test_a_handler_of_a_lost_session_does_not_get_in_the_way_of_a_call_with_the_same_id() -> None:
    """A server that was restarted counts its calls from 1 again."""
    first, second, log = Server(), Server(), list[str]()
    go_on = asyncio.Event()
    for server in (first, second):
        server.namespace("/chat")
    async with FaultProxy("127.0.0.1", 1) as proxy, serving(second) as after, serving(first) as before:
        proxy.target(before.port)
        async with connected(f"{proxy.url}/antiphon", "/chat") as client:
            chat = client.namespace("/chat")

            @chat.on("ask", concurrent=True)
            async def ask(name: str) -> None:
                log.append(f"{name} begins")
                try:
                    await (go_on if name == "first" else asyncio.Event()).wait()
                finally:
                    log.append(f"{name} ends")

            lost = asyncio.create_task(_only(first).call("ask", "first"))
            await until(lambda: log == ["first begins"])
            proxy.target(after.port)
            proxy.cut()
            await until(lambda: second.namespace("/chat").sockets and client.state == "connected")
            calling = asyncio.create_task(_only(second).call("ask", "second"))
            await until(lambda: log[1:] == ["second begins"])

            go_on.set()
            await until(lambda: log[2:] == ["first ends"])
            calling.cancel()

            await until(lambda: log[3:] == ["second ends"])
            lost.cancel()


def _only(server: Server) -> Socket:
    [socket] = server.namespace("/chat").sockets
    return socket


async def test_a_streaming_call_of_a_lost_session_is_not_begun_in_the_next_one() -> None:
    first, second, log = Server(), Server(), list[str]()
    go_on = asyncio.Event()
    for server in (first, second):
        server.namespace("/chat")
    async with FaultProxy("127.0.0.1", 1) as proxy, serving(second) as after, serving(first) as before:
        proxy.target(before.port)
        async with connected(f"{proxy.url}/antiphon", "/chat") as client:
            chat = client.namespace("/chat")

            @chat.on("wait")
            async def wait() -> None:
                log.append("waits")
                await go_on.wait()

            @chat.on("read")
            async def read(numbers: AsyncIterator[int]) -> None:
                log.append("reads")

            chat.on("say")(log.append)
            socket = _only(first)
            await socket.emit("wait")
            reading = asyncio.create_task(socket.call("read", count(5)))
            await socket.emit("say", "said")
            await until(lambda: log == ["waits"] and len(client.session.inbox) == 2)
            proxy.target(after.port)
            proxy.cut()
            await until(lambda: second.namespace("/chat").sockets and client.state == "connected")
            go_on.set()

            await until(lambda: "said" in log)
            assert log == ["waits", "said"]
            assert client.session.streams.late == 0
            reading.cancel()


async def test_a_call_with_streams_that_has_not_left_goes_on_in_the_next_session() -> None:
    first, second = Server(), Server()
    for server in (first, second):

        @server.namespace("/chat").on("sum")
        async def total(socket: Socket, numbers: AsyncIterator[int]) -> int:
            return sum([number async for number in numbers])

        @server.namespace("/chat").on("double")
        async def double(socket: Socket, numbers: AsyncIterator[int]) -> AsyncIterator[int]:
            async for number in numbers:
                yield 2 * number

    async with FaultProxy("127.0.0.1", 1) as proxy, serving(second) as after, serving(first) as before:
        proxy.target(before.port)
        async with connected(f"{proxy.url}/antiphon", "/chat") as client:
            chat = client.namespace("/chat")
            proxy.offline()
            await until(lambda: client.state != "connected")
            calling = asyncio.create_task(chat.call("sum", count(100)))
            stream = chat.stream("double", count(3))
            await asyncio.sleep(0)
            proxy.target(after.port)
            proxy.calm()

            assert await asyncio.wait_for(calling, PATIENCE) == 4950
            assert [item async for item in stream] == [0, 2, 4]
    assert first.statistics().sessions_made == second.statistics().sessions_made == 1


async def test_a_client_that_closes_waits_for_no_stream() -> None:
    server, log = Server(), list[str]()

    @server.namespace("/chat").on("take")
    async def take(socket: Socket, numbers: AsyncIterator[int]) -> None:
        async for _ in numbers:
            pass

    @server.namespace("/chat").on("endless")
    async def give(socket: Socket) -> AsyncIterator[int]:
        async for item in endless(log):
            yield item

    async with serving(server) as running, connected(running.url, "/chat") as client:
        chat = client.namespace("/chat")
        outcomes: list[Any] = []

        async def read() -> None:
            async for _ in chat.stream("endless"):
                pass

        tasks = [asyncio.create_task(chat.call("take", endless(log))), asyncio.create_task(read())]
        await until(lambda: len(client.session.streams) == 2 and client.session.inbox.received > 50)
        started = time.monotonic()

        await client.close()

        assert time.monotonic() - started < 1.0
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [CallAbandoned, ConnectionClosed]
        await until(lambda: log == ["closed", "closed"])
