"""What the two applications ask each other: both stream and read, and are slow, leave early, fail and give up."""

import asyncio
from asyncio import Task
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import aclosing
from typing import Any, NamedTuple

from antiphon.client.namespace import ClientNamespace
from antiphon.errors import CallError, CallFailed, ConnectionClosed, LocalProtocolError, OutboxFull
from antiphon.server.socket import Socket
from antiphon.testing.simulation import stream_invariants
from antiphon.testing.simulation.flows import Flow
from antiphon.testing.simulation.history import History
from antiphon.testing.simulation.process import Process

__all__ = ["Conversation", "Shape", "shape"]

# What a source that fails says, and what its reader is to be told.
BROKE = "broke"


class Shape(NamedTuple):
    """How one call with streams goes.

    `ticks` streams its answer, `sum` reads an argument, `echo` does both. The source yields so many `items`, each of
    `pad` bytes, one in `pace` seconds, and fails before number `fails`; the reader takes `slow` seconds for each and
    leaves after `leaves` of them; the caller gives up after `gives_up` seconds.
    """

    event: str
    items: int
    pace: float
    pad: int
    fails: int
    slow: float
    leaves: int
    timeout: float | None
    gives_up: float | None


def shape(a: int, b: int, c: int) -> Shape:
    """What three numbers of a schedule say."""
    return Shape(
        event=("ticks", "sum", "echo")[a % 3],
        items=(0, 1, 5, 20, 60, 100)[a // 3 % 6],
        pace=(0.0, 0.0, 0.0, 0.05, 0.3)[b % 5],
        pad=(0, 0, 200, 4000, 9000)[b // 5 % 5],
        fails=(-1, -1, -1, -1, 0, 3, 30)[b // 25 % 7],
        slow=(0.0, 0.0, 0.02, 0.2)[c % 4],
        leaves=(0, 0, 0, 0, 1, 7)[c // 4 % 6],
        timeout=(None, None, 30.0, 1.0)[c // 24 % 4],
        gives_up=(None, None, None, None, None, 0.0, 0.05, 0.8)[c // 96 % 8],
    )


class Conversation:
    """The calls of one application, and its half of those of the other one."""

    def __init__(self, history: History, process: Process, *, up: bool) -> None:
        """`up`: what it produces goes up, so it is the client's."""
        self.history = history
        self.process = process
        self._up = up

    def begin(self, asking: Coroutine[Any, Any, None], gives_up: float | None) -> Task[None]:
        """Ask something, and give up after so many seconds."""
        task = self.process.loop.create_task(asking)
        if gives_up is not None:
            self.process.loop.call_later(gives_up, task.cancel)
        return task

    # -- calls

    async def call(self, place: Socket | ClientNamespace, delay: int, timeout: float, **options: Any) -> None:
        """A call that is answered after `delay` milliseconds."""
        try:
            await place.call("c", self.history.serial(), delay, *options.values(), timeout=timeout, **options)
        except (CallError, ConnectionClosed, LocalProtocolError, OutboxFull):
            return

    async def stream(self, place: Socket | ClientNamespace, shape: Shape) -> None:
        """A call with streams."""
        serial, timeout = self.history.serial(), shape.timeout
        self.history.askers[serial] = self.process
        try:
            if shape.event == "ticks":
                answer = place.stream("ticks", serial, *shape[1:5], timeout=timeout)
            else:
                source = self.source(self.history.flow(serial, 1, up=self._up), *shape[1:5])
                if shape.event == "sum":
                    await place.call("sum", serial, source, shape.slow, shape.leaves, timeout=timeout)
                    return
                answer = place.stream("echo", serial, source, timeout=timeout)
            await self._take(self.history.flow(serial, 0, up=not self._up), answer, shape)
        except (CallError, ConnectionClosed, LocalProtocolError, OutboxFull):
            return

    async def _take(self, flow: Flow, answer: Any, shape: Shape) -> None:
        async with aclosing(self._items(flow, answer, shape.slow, shape.leaves)) as items:
            async for _ in items:
                pass
        if shape.leaves % 2:
            await answer.aclose()  # else it is let go, which is to be the same

    # -- handlers

    async def ticks(self, *asked: Any) -> AsyncGenerator[Any, None]:
        """Stream the answer."""
        serial, count, pace, pad, fails = asked
        flow = self._answers(serial)
        async with aclosing(self.source(flow, count, pace, pad, fails)) as items:
            async for item in items:
                yield item

    async def sum(self, serial: Any, rows: AsyncIterator[Any], *how: Any) -> Any:
        """Read an argument."""
        slow, leaves = how
        stream_invariants.i14_started(self.history, serial)
        flow = self.history.flow(serial, 1, up=not self._up)
        async with aclosing(self._items(flow, rows, slow, leaves)) as items:
            async for _ in items:
                pass
        return serial

    async def echo(self, serial: Any, rows: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
        """Stream back what comes."""
        flow = self._answers(serial)
        flow.begin_source(self.process)
        how = "stopped"
        try:
            async with aclosing(self._items(self.history.flow(serial, 1, up=not self._up), rows, 0.0, 0)) as items:
                async for item in items:
                    yield stream_invariants.produced(self.history, flow, len(item[3]))
            how = "done"
        except CallFailed as error:
            how = "failed" if error.code == BROKE else "lost"
            raise
        finally:
            stream_invariants.source_ended(self.history, flow, how)

    def _answers(self, serial: int) -> Flow:
        stream_invariants.i14_started(self.history, serial)
        return self.history.flow(serial, 0, up=self._up)

    # -- the two ends of a stream

    async def source(self, flow: Flow, count: int, pace: float, pad: int, fails: int) -> AsyncGenerator[Any, None]:
        """Yield so many items."""
        flow.begin_source(self.process)
        how = "stopped"
        try:
            for number in range(count):
                if number == fails:
                    how = "failed"
                    raise CallFailed(BROKE, "as planned")
                yield stream_invariants.produced(self.history, flow, pad)
                if pace:
                    await asyncio.sleep(pace)
            how = "done"
        finally:
            stream_invariants.source_ended(self.history, flow, how)

    async def _items(self, flow: Flow, stream: Any, slow: float, leaves: int) -> AsyncGenerator[Any, None]:
        flow.begin_reader(self.process)
        how = "left"
        try:
            async for item in stream:
                stream_invariants.item_taken(self.history, flow, item)
                yield item
                if flow.taken == leaves:
                    return
                if slow:
                    await asyncio.sleep(slow)
            how = "done"
        except CallFailed as error:
            how = "failed" if error.code == BROKE else "lost"
            raise
        except (CallError, ConnectionClosed):
            how = "lost"
            raise
        finally:
            stream_invariants.reader_ended(self.history, flow, how)
