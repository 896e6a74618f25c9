"""What is told of streams that go wrong, and of calls that cannot be made with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from antiphon import (
    CallFailed,
    Limits,
    LocalProtocolError,
    PayloadError,
    Refused,
    Server,
    Socket,
)
from antiphon.testing import TestClient
from tests.dispatch.streaming import Endless, count
from tests.server.peer import settle

# -- what goes wrong


async def test_a_generator_that_fails_on_purpose_tells_its_reader_behind_what_it_gave(
    antiphon_server: Server, ann: TestClient
) -> None:
    @antiphon_server.namespace("/").on("count")
    async def counted(socket: Socket) -> AsyncIterator[int]:
        yield 1
        raise CallFailed("gone", "nobody is here", {"since": 3})

    stream = ann.namespace.stream("count")

    assert await anext(stream) == 1
    with pytest.raises(CallFailed) as failed:
        await anext(stream)
    assert (failed.value.code, failed.value.message, failed.value.data) == ("gone", "nobody is here", {"since": 3})
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_a_generator_that_refuses_says_so(antiphon_server: Server, ann: TestClient) -> None:
    @antiphon_server.namespace("/").on("count")
    async def counted(socket: Socket) -> AsyncIterator[int]:
        raise Refused("not you")
        yield 1

    with pytest.raises(CallFailed, match="refused: not you"):
        await anext(ann.namespace.stream("count"))


async def test_any_other_error_of_a_generator_stays_here_and_leaves_an_incident(
    antiphon_server: Server, ann: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    @antiphon_server.namespace("/").on("count")
    async def counted(socket: Socket) -> AsyncIterator[int]:
        yield 1
        raise KeyError("secret")

    stream = ann.namespace.stream("count")
    await anext(stream)

    with pytest.raises(CallFailed) as failed:
        await anext(stream)
    assert failed.value.code == "error" and "secret" not in str(failed.value)
    assert failed.value.data["id"] in caplog.text and "secret" in caplog.text


@pytest.mark.parametrize("direction", ["answer", "argument"])
async def test_an_item_that_cannot_travel_breaks_its_stream_off_and_is_in_the_log(
    antiphon_server: Server, ann: TestClient, caplog: pytest.LogCaptureFixture, direction: str
) -> None:
    root = antiphon_server.namespace("/")

    async def sets() -> AsyncIterator[Any]:
        yield {1, 2}

    @root.on("answer")
    async def answer(socket: Socket) -> AsyncIterator[Any]:
        yield {1, 2}

    @root.on("argument")
    async def argument(socket: Socket, rows: AsyncIterator[Any]) -> None:
        async for _ in rows:
            pass

    with pytest.raises(CallFailed, match="error"):
        if direction == "answer":
            await anext(ann.namespace.stream("answer"))
        else:
            await ann.call("argument", sets())
    assert "set" in caplog.text


@pytest.mark.parametrize("direction", ["answer", "argument"])
async def test_an_item_that_is_too_large_says_so(antiphon_server: Server, ann: TestClient, direction: str) -> None:
    root, told = antiphon_server.namespace("/"), list[str]()

    async def large(*_: Any) -> AsyncIterator[bytes]:
        yield bytes(2 << 20)

    @root.on("argument")
    async def argument(socket: Socket, rows: AsyncIterator[Any]) -> None:
        try:
            await anext(rows)
        except CallFailed as error:
            told.append(error.code)

    root.on("answer")(large)
    if direction == "argument":
        await ann.call("argument", large())
    else:
        with pytest.raises(CallFailed) as failed:
            await anext(ann.namespace.stream("answer"))
        told.append(failed.value.code)

    assert told == ["too_large"]


async def test_an_item_that_does_not_fit_is_the_callers_fault_and_named(
    antiphon_server: Server, ann: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    @antiphon_server.namespace("/").on("sum")
    async def total(socket: Socket, rows: AsyncIterator[int]) -> int:
        return sum([row async for row in rows])

    async def words() -> AsyncIterator[Any]:
        yield 1
        yield "two"

    with pytest.raises(CallFailed) as failed:
        await ann.call("sum", words())

    assert failed.value.code == "payload"
    assert failed.value.data == {"parameter": "rows", "expected": "int"}
    assert [record for record in caplog.records if record.exc_info] == []


async def test_a_handler_may_pass_over_an_item_that_does_not_fit(antiphon_server: Server, ann: TestClient) -> None:
    @antiphon_server.namespace("/").on("sum")
    async def total(socket: Socket, rows: AsyncIterator[int]) -> int:
        found = 0
        while True:
            try:
                found += await anext(rows)
            except PayloadError:
                continue
            except StopAsyncIteration:
                return found

    async def words() -> AsyncIterator[Any]:
        for item in (1, "two", 3):
            yield item

    assert await ann.call("sum", words()) == 4


async def test_a_source_that_fails_on_purpose_tells_the_handler(antiphon_server: Server, ann: TestClient) -> None:
    @antiphon_server.namespace("/").on("sum")
    async def total(socket: Socket, rows: AsyncIterator[int]) -> str:
        try:
            return str([row async for row in rows])
        except CallFailed as error:
            return f"{error.code} {error.data}"

    async def failing() -> AsyncIterator[int]:
        yield 1
        raise CallFailed("torn", "", {"at": 1})

    assert await ann.call("sum", failing()) == "torn {'at': 1}"


@pytest.mark.parametrize("error", [KeyError("secret"), asyncio.CancelledError(), CallFailed("torn", "", {1, 2})])
async def test_any_other_error_of_a_source_stays_here_and_ends_the_stream(
    antiphon_server: Server, ann: TestClient, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    @antiphon_server.namespace("/").on("sum")
    async def total(socket: Socket, rows: AsyncIterator[int]) -> str:
        try:
            return str([row async for row in rows])
        except CallFailed as told:
            return f"{told.code}: {told.message}"

    async def failing() -> AsyncIterator[int]:
        yield 1
        raise error

    caplog.set_level("INFO")
    assert await ann.call("sum", failing()) == "error: the stream broke off"
    assert "stream 1 of call 'sum' broke off" in caplog.text


async def test_an_error_that_is_too_large_to_be_told_still_ends_the_stream(
    antiphon_server: Server, ann: TestClient
) -> None:
    @antiphon_server.namespace("/").on("sum")
    async def total(socket: Socket, rows: AsyncIterator[int]) -> str:
        try:
            return str([row async for row in rows])
        except CallFailed as told:
            return f"{told.code}: {told.message}"

    async def failing() -> AsyncIterator[int]:
        raise CallFailed("torn", "x" * (2 << 20))
        yield 1

    assert await ann.call("sum", failing()) == "error: the stream broke off"


async def test_a_call_of_a_handler_that_streams_is_told_to_read_it_as_a_stream(
    antiphon_server: Server, ann: TestClient
) -> None:
    antiphon_server.namespace("/").on("endless")(Endless().__call__)

    with pytest.raises(CallFailed, match=r"stream: .*read it with stream\(\)"):
        await ann.call("endless")


@pytest.mark.parametrize(
    "args", [(1, 2), (count(1), count(1)), (1, count(1))], ids=["no stream", "one too many", "in the wrong place"]
)
async def test_streams_have_to_stand_where_the_handler_takes_them(
    antiphon_server: Server, ann: TestClient, args: tuple[Any, ...]
) -> None:
    @antiphon_server.namespace("/").on("sum")
    async def total(socket: Socket, rows: AsyncIterator[int], more: Any) -> None: ...

    with pytest.raises(CallFailed, match=r"not_a_stream: .* takes streams for these arguments: 1"):
        await ann.call("sum", *args)


async def test_a_stream_argument_that_is_left_out_keeps_its_default(antiphon_server: Server, ann: TestClient) -> None:
    @antiphon_server.namespace("/").on("count")
    async def counted(socket: Socket, first: int, rows: AsyncIterator[int] | None = None) -> int | None:
        return None if rows is None else first + len([row async for row in rows])

    assert await ann.call("count", 1) is None
    assert await ann.call("count", 1, count(3)) == 4
    with pytest.raises(CallFailed, match="not_a_stream"):
        await ann.call("count", 1, None)


async def test_an_event_for_a_handler_with_streams_is_dropped(
    ann: TestClient, caplog: pytest.LogCaptureFixture, endless: Endless
) -> None:
    caplog.set_level("INFO")

    await ann.emit("endless")

    assert endless.yielded == 0
    assert "takes streams, so call it" in caplog.text


async def test_a_repeatable_call_has_no_stream_to_give(ann: TestClient) -> None:
    with pytest.raises(LocalProtocolError, match="cannot be repeated"):
        await ann.namespace.call("sum", count(1), repeatable=True)


async def test_a_call_that_cannot_be_made_leaves_no_stream_open(ann: TestClient) -> None:
    other = ann.client.namespace("/other")
    await settle()

    with pytest.raises(LocalProtocolError):
        other.stream("count", count(1))

    assert len(ann.client.session.streams) == 0


async def test_more_calls_with_streams_than_may_be_are_refused_and_nothing_else_suffers(
    antiphon_server: Server, ann: TestClient
) -> None:
    endless, root = Endless(), antiphon_server.namespace("/")
    root.on("endless")(endless.__call__)
    root.on("add")(lambda socket, one, two: one + two)
    streams = [ann.namespace.stream("endless") for _ in range(Limits().streaming)]
    for stream in streams:
        await anext(stream)

    with pytest.raises(CallFailed, match="too_many"):
        await anext(ann.namespace.stream("endless"))

    assert await ann.call("add", 1, 2) == 3
    assert await anext(streams[0])
    streams[0].close()
    await settle()
    more = ann.namespace.stream("endless")
    assert await anext(more)
