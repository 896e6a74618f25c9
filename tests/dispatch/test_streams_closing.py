"""Sockets, sessions and cuts: what ends a stream besides its reader, and what only pauses it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from antiphon import (
    CallAbandoned,
    CallError,
    CallFailed,
    ConnectionClosed,
    Server,
    Socket,
    Stream,
)
from antiphon.protocol.packets import Call, Leave
from antiphon.protocol.streams import WINDOW
from antiphon.testing import TestClient, VirtualClock
from antiphon.testing.fixtures import ClientFactory
from tests.dispatch.streaming import Endless, count, settled_for_long
from tests.server.peer import entered, settle


@pytest.mark.parametrize("how", ["the caller leaves", "the server puts it out", "before it began"])
async def test_a_socket_that_leaves_takes_its_streams_with_it_and_its_reader_is_told(
    antiphon_server: Server, ann: TestClient, how: str
) -> None:
    endless, root = Endless(), antiphon_server.namespace("/")
    root.on("endless")(endless.__call__)
    [socket] = root.sockets
    stream = ann.namespace.stream("endless")
    if how != "before it began":
        await anext(stream)

    if how == "the server puts it out":
        await socket.disconnect()
    else:
        await ann.namespace.leave()
    await settled_for_long()

    assert endless.closed == (how != "before it began")
    with pytest.raises(CallFailed, match="cancelled"):
        async for _ in stream:
            pass


async def test_a_call_with_streams_and_a_leave_in_one_message_leave_nothing_running(
    antiphon_server: Server, endless: Endless
) -> None:
    peer = await entered(antiphon_server)

    peer.say(Call(1, "/", "endless", [], credit=4), Leave("/"))
    await settle()

    assert (endless.yielded, endless.closed) == (0, 0)


async def test_that_is_so_with_middleware_too(antiphon_server: Server) -> None:
    endless, root = Endless(), antiphon_server.namespace("/")
    root.on("endless")(endless.__call__)

    @root.around_event
    async def through(incoming: Any, proceed: Any) -> Any:
        return await proceed(incoming)

    peer = await entered(antiphon_server)

    peer.say(Call(1, "/", "endless", [], credit=4), Leave("/"))
    await settle()

    assert (endless.yielded, endless.closed) == (0, 0)


async def test_streams_pass_through_middleware_and_are_closed_through_it(
    antiphon_server: Server, ann: TestClient
) -> None:
    endless, root = Endless(), antiphon_server.namespace("/")
    root.on("endless")(endless.__call__)

    @root.on("sum")
    async def total(socket: Socket, rows: AsyncIterator[int]) -> int:
        return sum([row async for row in rows])

    @root.around_event
    async def through(incoming: Any, proceed: Any) -> Any:
        return await proceed(incoming)

    assert await ann.call("sum", count(10)) == 45
    with pytest.raises(CallFailed) as failed:
        await ann.call("sum", _words())
    assert failed.value.code == "payload"
    async with ann.namespace.stream("endless") as stream:
        assert await anext(stream) == 1
    await settle()

    assert endless.closed == 1


async def _words() -> AsyncIterator[str]:
    yield "one"


async def test_who_reads_on_after_the_answer_is_told_that_this_is_not_all(
    antiphon_server: Server, ann: TestClient
) -> None:
    tasks: list[asyncio.Task[int]] = []

    @antiphon_server.namespace("/").on("later")
    async def later(socket: Socket, rows: AsyncIterator[int]) -> None:
        async def read() -> int:
            return sum([row async for row in rows])

        tasks.append(asyncio.create_task(read()))

    await ann.call("later", Endless()())
    await settle()

    with pytest.raises(CallError, match="answered before"):
        await tasks[0]


@pytest.mark.parametrize("how", ["the client leaves", "the server puts it out"])
async def test_a_client_that_leaves_stops_what_it_streams(antiphon_server: Server, ann: TestClient, how: str) -> None:
    endless = Endless()
    ann.on("endless")(endless.__call__)
    [socket] = antiphon_server.namespace("/").sockets
    stream = socket.stream("endless")
    await anext(stream)

    if how == "the server puts it out":
        await socket.disconnect()
    else:
        await ann.namespace.leave()
    await settled_for_long()

    assert endless.closed == 1
    with pytest.raises(CallFailed, match="cancelled"):
        async for _ in stream:
            pass


async def test_a_handler_may_put_its_own_reader_out(antiphon_server: Server, ann: TestClient) -> None:
    closed = list[str]()

    @antiphon_server.namespace("/").on("last")
    async def last(socket: Socket) -> AsyncIterator[int]:
        try:
            yield 1
            await socket.disconnect("enough")
            yield 2
        finally:
            closed.append("closed")

    with pytest.raises(CallFailed, match="cancelled"):
        assert [item async for item in ann.namespace.stream("last")] == [1]
    assert closed == ["closed"]


@pytest.mark.parametrize("who", ["server", "client"])
async def test_who_closes_ends_all_streams_and_closes_all_generators(who: str) -> None:
    server = Server()
    root, generators = server.namespace("/"), [Endless() for _ in range(4)]
    root.on("endless")(generators[0].__call__)
    outcomes: list[str] = []

    @root.on("sum")
    async def total(socket: Socket, rows: AsyncIterator[int]) -> None:
        try:
            async for _ in rows:
                pass
        except ConnectionClosed as error:
            outcomes.append(error.code)

    client = TestClient(server)
    await client.open()
    client.on("endless")(generators[1].__call__)

    @client.on("sum")
    async def counted(rows: AsyncIterator[int]) -> None:
        try:
            async for _ in rows:
                pass
        except ConnectionClosed as error:
            outcomes.append(error.code)

    [socket] = root.sockets

    async def read(stream: Stream[int]) -> None:
        try:
            async for _ in stream:
                pass
        except (ConnectionClosed, CallFailed, CallAbandoned) as error:
            outcomes.append(type(error).__name__)

    tasks = [
        asyncio.create_task(read(client.namespace.stream("endless"))),
        asyncio.create_task(read(socket.stream("endless"))),
        asyncio.create_task(_outcome(client.namespace.call("sum", generators[2]()), outcomes)),
        asyncio.create_task(_outcome(socket.call("sum", generators[3]()), outcomes)),
    ]
    await settled_for_long()
    assert all(generator.yielded for generator in generators)

    async with asyncio.timeout(1):
        await (server if who == "server" else client).close()
    await settled_for_long()

    # A client is not told that a server stops: it comes back to the next one, and learns there what was lost.
    assert [generator.closed for generator in generators] == ([1] * 4 if who == "client" else [1, 0, 0, 1])
    await client.close()
    await server.close()
    await settle()
    assert [generator.closed for generator in generators] == [1] * 4
    for task in tasks:
        await task
    # Four callers, but for the one whose handler made an answer of it, and the two handlers that read.
    assert len(outcomes) >= 5 and outcomes.count("closed" if who == "client" else "shutdown") >= 1


async def _outcome(call: Any, outcomes: list[str]) -> None:
    try:
        await call
    except (ConnectionClosed, CallFailed, CallAbandoned) as error:
        outcomes.append(type(error).__name__)


async def test_the_end_of_a_session_ends_its_streams_on_the_server(
    antiphon_server: Server, antiphon_client: ClientFactory, antiphon_clock: VirtualClock
) -> None:
    endless, root = Endless(), antiphon_server.namespace("/")
    root.on("endless")(endless.__call__)
    ben = await antiphon_client()
    stream = ben.namespace.stream("endless")
    await anext(stream)

    ben.cut()
    await antiphon_clock.advance(60)
    assert endless.closed == 0
    await antiphon_clock.advance(61)
    assert endless.closed == 1

    await ben.resume()
    with pytest.raises(CallAbandoned):
        async for _ in stream:
            pass


async def test_a_cut_pauses_a_stream_and_nothing_is_lost_doubled_or_reordered(
    antiphon_server: Server, ann: TestClient
) -> None:
    @antiphon_server.namespace("/").on("count")
    async def counted(socket: Socket) -> AsyncIterator[int]:
        for number in range(300):
            await asyncio.sleep(0)
            yield number

    found = []
    async for item in ann.namespace.stream("count"):
        found.append(item)
        if item % 50 == 25:
            ann.cut()
            await settle()
            await ann.resume()

    assert found == list(range(300))


async def test_a_stream_to_a_detached_client_pauses_and_goes_on(ann: TestClient, endless: Endless) -> None:
    stream = ann.namespace.stream("endless")
    assert await anext(stream) == 1

    ann.cut()
    await settled_for_long()
    assert endless.yielded <= WINDOW

    await ann.resume()
    assert [await anext(stream) for _ in range(100)] == list(range(2, 102))
    stream.close()


async def test_a_handler_that_does_not_read_on_stops_the_source_of_its_caller(
    antiphon_server: Server, ann: TestClient
) -> None:
    endless, sums = Endless(), list[int]()

    @antiphon_server.namespace("/").on("some")
    async def some(socket: Socket, rows: AsyncIterator[int], more: int) -> int:
        async for row in rows:
            sums.append(row)
            if row == 3:
                break
        del rows
        await settle()
        assert endless.closed == 1
        return sum(sums)

    assert await ann.call("some", endless(), 0) == 6
    await settle()
    assert endless.closed == 1
    assert len(ann.client.session.streams) == 0


async def test_an_answer_that_comes_before_its_arguments_end_stops_them(
    antiphon_server: Server, ann: TestClient
) -> None:
    endless = Endless()

    @antiphon_server.namespace("/").on("first")
    async def first(socket: Socket, rows: AsyncIterator[int]) -> int:
        return await anext(rows)

    assert await ann.call("first", endless()) == 1
    await settle()

    assert endless.closed == 1


async def test_a_call_that_fails_before_its_handler_runs_closes_the_sources_it_began(
    antiphon_server: Server, ann: TestClient
) -> None:
    endless = Endless()

    with pytest.raises(CallFailed, match="unknown_event"):
        await ann.call("nobody", endless())
    await settle()

    assert endless.yielded == 0
    assert len(ann.client.session.streams) == 0
