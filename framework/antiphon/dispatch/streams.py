"""Streams as the application holds them: one end reads, the other end produces, and credit goes between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from antiphon.dispatch.loops import Loop
from antiphon.dispatch.payloads import to_wire
from antiphon.errors import CallFailed, OutboxFull, PayloadError
from antiphon.protocol.outbox import Entry
from antiphon.protocol.packets import Credit, Item, Packet
from antiphon.protocol.streams import Inflow, Outflow

__all__ = ["Misfit", "Stream", "produce", "sources"]

T = TypeVar("T")


class Misfit(PayloadError):
    """An item of a stream does not fit: the fault of who sent it, and not of the handler that reads it."""


class Sender(Protocol):
    """The session that a stream is part of."""

    def send(self, packet: Packet) -> Entry:
        """See Session.send."""
        ...


class Stream(Loop[T]):
    """What the other side produces: `async for item in stream`.

    The producer is at most 32 items ahead; a slow reader stops it. Who stops reading closes the stream, at the latest
    by letting go of it, and the producer is told: `async with` says where. Raises CallFailed when the producer failed,
    and CallAbandoned or ConnectionClosed when the session ended first.
    """

    def __init__(
        self,
        inflow: Inflow,
        session: Sender,
        flush: Callable[[], None],
        leave: Callable[[], None],
        convert: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__(partial(_let_go, inflow, leave))
        self._inflow = inflow
        self._session = session
        self._flush = flush
        self._convert = convert
        # Not a method of this object: nothing may keep it alive that its reader has let go.
        self._ready = asyncio.Event()
        inflow.on_ready = self._ready.set

    def __repr__(self) -> str:
        return f"<Stream {self._inflow.stream} of call {self._inflow.call}>"

    async def __anext__(self) -> T:
        inflow = self._inflow
        while not len(inflow):
            if inflow.ended or self._left:
                error, inflow.error = inflow.error, None
                raise error or StopAsyncIteration
            self._ready.clear()
            try:
                await self._ready.wait()
            except asyncio.CancelledError:
                # A task keeps this frame with its error; kept by that, the stream of a reader who has gone stays open.
                del self
                raise
        value, limit = inflow.take()
        if limit is not None:
            self._session.send(Credit(inflow.call, inflow.stream, limit))
            self._flush()
        if self._convert is not None:
            try:
                value = self._convert(value)
            except PayloadError as error:
                raise Misfit(str(error), parameter=error.parameter, expected=error.expected) from error
        return value  # type: ignore[no-any-return]  # as annotated


def _let_go(inflow: Inflow, leave: Callable[[], None]) -> None:
    ended = inflow.ended
    inflow.clear()
    inflow.end()
    if not ended:
        leave()


def sources(args: Sequence[Any]) -> tuple[list[Any], dict[int, AsyncIterable[Any]]]:
    """Part the arguments: the plain ones, with None where a stream stands, and the streams by number."""
    found = {number: arg for number, arg in enumerate(args, 1) if hasattr(type(arg), "__aiter__")}
    return [None if number in found else arg for number, arg in enumerate(args, 1)], found


async def produce(
    outflow: Outflow,
    source: AsyncIterable[Any],
    session: Sender,
    flush: Callable[[], None],
    stop: Callable[[], object],
    where: str,
) -> None:
    """Send what `source` yields, never more than the reader takes, and close it in the end, however that comes.

    `stop` is called when nobody reads any more; it cancels the task that this runs in, for `source` may be waiting.
    """
    room = asyncio.Event()
    outflow.on_room = lambda: stop() if outflow.stopped else room.set()
    iterator = aiter(source)
    try:
        while not outflow.stopped:
            if not outflow.room:
                room.clear()
                await room.wait()
                continue
            try:
                value = await anext(iterator)
            except StopAsyncIteration:
                return
            if outflow.stopped:
                return  # `source` was cancelled, and made nothing of it
            item = Item(outflow.call, outflow.stream, to_wire(value, where))
            try:
                entry = session.send(item)
            except OutboxFull as error:
                raise CallFailed("too_large", str(error)) from error
            outflow.put(len(entry.encoded))
            flush()
    finally:
        outflow.on_room = None
        close = getattr(iterator, "aclose", None)
        if close is not None:
            await close()
