"""Streams as handlers and callers hold them: what flows, what is told, and that every generator is closed."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from antiphon import (
    CallAbandoned,
    CallError,
    CallFailed,
    CallTimeout,
    ConnectionClosed,
    LocalProtocolError,
    PayloadError,
    Refused,
    Server,
    Socket,
    Stream,
)
from antiphon.dispatch.runner import MOST_STREAMING
from antiphon.protocol.packets import Call, Credit, End, Item, Leave, Packet
from antiphon.protocol.streams import WINDOW
from antiphon.testing import TestClient, VirtualClock
from antiphon.testing.fixtures import ClientFactory
from tests.server.peer import Peer, entered, settle


@dataclass
class Row:
    name: str
    size: int


@pytest.fixture
async def ann(antiphon_server: Server, antiphon_client: ClientFactory) -> TestClient:
    antiphon_server.namespace("/")
    return await antiphon_client()


class Endless:
    """A generator that goes on until it is closed, and notes that."""

    def __init__(self) -> None:
        self.yielded = 0
        self.closed = 0

    async def __call__(self, *_: Any) -> AsyncIterator[int]:
        try:
            while True:
                await asyncio.sleep(0)
                self.yielded += 1
                yield self.yielded
        finally:
            self.closed += 1


async def count(to: int) -> AsyncIterator[int]:
    for number in range(to):
        yield number


async def settled_for_long() -> None:
    for _ in range(20):
        await settle()


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


async def test_a_producer_is_at_most_a_window_ahead_of_its_reader(antiphon_server: Server, ann: TestClient) -> None:
    endless = Endless()
    antiphon_server.namespace("/").on("endless")(endless.__call__)

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
    antiphon_server: Server, ann: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    endless = Endless()
    antiphon_server.namespace("/").on("endless")(endless.__call__)
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
    streams = [ann.namespace.stream("endless") for _ in range(MOST_STREAMING)]
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


# -- the end


async def test_leaving_the_block_closes_the_generator_at_once(antiphon_server: Server, ann: TestClient) -> None:
    endless = Endless()
    antiphon_server.namespace("/").on("endless")(endless.__call__)

    async with ann.namespace.stream("endless") as stream:
        async for item in stream:
            if item == 5:
                break
    await settle()

    assert endless.closed == 1
    assert len(ann.client.session.streams) == len(ann.client.session.calls) == 0
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_leaving_the_loop_closes_the_generator(antiphon_server: Server, ann: TestClient) -> None:
    endless = Endless()
    antiphon_server.namespace("/").on("endless")(endless.__call__)

    async for item in ann.namespace.stream("endless"):
        if item == 5:
            break
    await settle()

    assert endless.closed == 1


async def test_letting_go_of_a_stream_that_was_never_read_closes_the_generator(
    antiphon_server: Server, ann: TestClient
) -> None:
    endless = Endless()
    antiphon_server.namespace("/").on("endless")(endless.__call__)
    stream: Stream[int] | None = ann.namespace.stream("endless")
    await settle()

    del stream
    await settle()

    assert endless.closed == 1


async def test_a_stream_that_a_garbage_collector_finds_in_another_thread_is_closed_by_its_loop(
    antiphon_server: Server, ann: TestClient
) -> None:
    endless = Endless()
    antiphon_server.namespace("/").on("endless")(endless.__call__)

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


async def test_a_stream_may_be_closed_twice_and_again_as_it_is_let_go(antiphon_server: Server, ann: TestClient) -> None:
    endless = Endless()
    antiphon_server.namespace("/").on("endless")(endless.__call__)
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


async def test_a_caller_that_is_cancelled_closes_the_generator(antiphon_server: Server, ann: TestClient) -> None:
    endless = Endless()
    antiphon_server.namespace("/").on("endless")(endless.__call__)

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


async def test_a_call_with_streams_and_a_leave_in_one_message_leave_nothing_running(antiphon_server: Server) -> None:
    endless = Endless()
    antiphon_server.namespace("/").on("endless")(endless.__call__)
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


async def test_a_stream_to_a_detached_client_pauses_and_goes_on(antiphon_server: Server, ann: TestClient) -> None:
    endless = Endless()
    antiphon_server.namespace("/").on("endless")(endless.__call__)
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


# -- generators that make nothing of being stopped


@pytest.mark.parametrize("waits", [True, False])
async def test_a_generator_that_swallows_its_cancellation_is_closed_all_the_same(
    antiphon_server: Server, ann: TestClient, waits: bool
) -> None:
    log = list[str]()

    @antiphon_server.namespace("/").on("stubborn")
    async def stubborn(socket: Socket) -> AsyncIterator[int]:
        try:
            while True:
                try:
                    await asyncio.sleep(1000 if waits else 0)
                except asyncio.CancelledError:
                    log.append("swallowed")
                yield 1
        finally:
            log.append("closed")

    stream = ann.namespace.stream("stubborn")
    if not waits:
        await anext(stream)
    await settle()

    stream.close()
    await settle()

    assert log[-1] == "closed"
    assert len(antiphon_server.namespace("/").sockets) == 1


async def test_a_source_that_swallows_its_cancellation_sends_nothing_more(
    antiphon_server: Server, ann: TestClient
) -> None:
    log = list[str]()

    @antiphon_server.namespace("/").on("first")
    async def first(socket: Socket, rows: AsyncIterator[int]) -> int:
        return await anext(rows)

    async def stubborn() -> AsyncIterator[int]:
        try:
            yield 1
            while True:
                try:
                    await asyncio.sleep(1000)
                except asyncio.CancelledError:
                    log.append("swallowed")
                yield 2
        finally:
            log.append("closed")

    assert await ann.call("first", stubborn()) == 1
    await settle()

    assert log == ["swallowed", "closed"]
    [socket] = antiphon_server.namespace("/").sockets
    assert socket.connection.session.streams.late == 0


async def test_a_handler_that_swallows_its_cancellation_has_nothing_more_to_read(
    antiphon_server: Server, ann: TestClient
) -> None:
    log = list[Any]()

    @antiphon_server.namespace("/").on("read")
    async def read(socket: Socket, rows: AsyncIterator[int]) -> None:
        while True:
            try:
                log.append(await anext(rows))
            except asyncio.CancelledError:
                log.append("swallowed")
            except Exception as error:
                log.append(str(error))
                return

    async def silent() -> AsyncIterator[int]:
        yield 1
        await asyncio.Event().wait()

    calling = asyncio.create_task(ann.namespace.call("read", silent()))
    await settle()
    calling.cancel()
    await settle()

    assert log == [1, "swallowed", "the handler was stopped"]


# -- peers of another make


def packets(peer: Peer, *kinds: type[Packet]) -> list[Packet]:
    return [packet for packet in peer.read() if isinstance(packet, kinds)]


async def test_a_caller_that_takes_no_more_still_gets_the_outcome_of_its_call(antiphon_server: Server) -> None:
    endless = Endless()
    antiphon_server.namespace("/").on("endless")(endless.__call__)
    peer = await entered(antiphon_server)
    peer.say(Call(1, "/", "endless", [], credit=2))
    await settle()
    assert packets(peer, Item, End) == [Item(1, 0, 1), Item(1, 0, 2)]

    peer.say(Credit(1, 0, 0))
    await settle()

    assert packets(peer, Item, End) == [End(1, 0, ["cancelled", "the handler was stopped", None])]
    assert endless.closed == 1


async def test_a_caller_may_give_credit_item_by_item(antiphon_server: Server) -> None:
    @antiphon_server.namespace("/").on("count")
    async def counted(socket: Socket) -> AsyncIterator[int]:
        yield 1
        yield 2

    peer = await entered(antiphon_server)
    peer.say(Call(1, "/", "count", [], credit=1))
    await settle()
    assert packets(peer, Item, End) == [Item(1, 0, 1)]

    peer.say(Credit(1, 0, 2))
    await settle()
    assert packets(peer, Item, End) == [Item(1, 0, 2)]

    # Whether there is another item is known only once there may be one.
    peer.say(Credit(1, 0, 3))
    await settle()
    assert packets(peer, Item, End) == [End(1, 0)]


async def test_an_argument_is_asked_for_when_its_handler_begins_and_not_before(antiphon_server: Server) -> None:
    @antiphon_server.namespace("/").on("sum")
    async def total(socket: Socket, rows: AsyncIterator[int]) -> int:
        return sum([row async for row in rows])

    peer = await entered(antiphon_server)
    peer.say(Call(1, "/", "sum", [None], streams=(1,)), Item(1, 1, 5))
    await settle()
    assert packets(peer, Credit) == [Credit(1, 1, WINDOW)]

    peer.say(Item(1, 1, 6), End(1, 1))
    await settle()

    assert [packet.value for packet in peer.read()] == [6]  # type: ignore[attr-defined]  # a Reply


async def test_the_same_argument_named_twice_is_no_stream(antiphon_server: Server) -> None:
    @antiphon_server.namespace("/").on("sum")
    async def total(socket: Socket, rows: AsyncIterator[int]) -> None: ...

    peer = await entered(antiphon_server)
    peer.say(
        Call(1, "/", "sum", [None], streams=(1, 1)),
        Call(2, "/", "sum", [None], streams=(2,)),
        Call(3, "/", "sum", [None], streams=(1, 9)),
    )
    await settle()

    assert [packet.code for packet in peer.read()] == ["not_a_stream"] * 3  # type: ignore[attr-defined]  # Failed


async def test_a_second_call_of_the_same_id_does_not_take_the_streams_of_the_first(antiphon_server: Server) -> None:
    sums = list[int]()

    @antiphon_server.namespace("/").on("sum")
    async def total(socket: Socket, rows: AsyncIterator[int]) -> None:
        sums.append(sum([row async for row in rows]))

    peer = await entered(antiphon_server)
    peer.say(Call(1, "/", "sum", [None], streams=(1,)), Call(1, "/", "sum", [None], streams=(1,)))
    await settle()
    peer.say(Item(1, 1, 7), End(1, 1))
    await settle()

    assert sums == [7]
