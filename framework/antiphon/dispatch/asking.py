"""Calls to the peer as the application makes them: one awaited answer, or a stream; streams may be arguments."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterable, Callable, Coroutine, Mapping
from typing import Any

from antiphon.dispatch.outcomes import cancelled_by_us, tellable
from antiphon.dispatch.streams import Stream, produce
from antiphon.errors import AntiphonError, CallError, CallFailed, ConnectionClosed, OutboxFull, PayloadError
from antiphon.protocol.calls import Outcome, Pending
from antiphon.protocol.loglines import one_line
from antiphon.protocol.packets import MAX_NUMBER, Call, End
from antiphon.protocol.session import NEVER, Session

__all__ = ["CALL_TIMEOUT", "NONE", "Asking", "asked"]

log = logging.getLogger("antiphon")

Sources = Mapping[int, AsyncIterable[Any]]
NONE: Sources = {}

# All that the reader is told of an exception in what is streamed to it.
BROKEN_OFF = ["error", "the stream broke off", None]

# How long a call waits for its answer, unless said.
CALL_TIMEOUT = 30.0


def asked(
    namespace: str, event: str, args: list[Any], timeout: float | None, streams: Sources, credit: int | None
) -> Callable[[int], Call]:
    """What makes the packet of a call, once its id is known."""
    # What is over already travels as 0, and what is longer than the wire can say as no end at all.
    wait = None if timeout is None or timeout * 1000 > MAX_NUMBER else round(max(timeout, 0.0) * 1000)
    return lambda id: Call(id, namespace, event, args, wait, streams=tuple(streams) or None, credit=credit)


class Asking(ABC):
    """The calls of one session. `session` is the same object for as long as this one lives."""

    def __init__(self, session: Session, flush: Callable[[], None], clock: Callable[[], float]) -> None:
        self._session = session
        self._flush = flush
        self._clock = clock

    @abstractmethod
    def _open(self, packet: Call, settle: Callable[[Outcome], None], deadline: float, repeatable: bool) -> Pending:
        """Queue the call; `settle` is told its one outcome, before or at `deadline`."""

    @abstractmethod
    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run what feeds a stream, for as long as the session is worked for."""

    async def call(self, packet: Call, timeout: float, streams: Sources = NONE, *, repeatable: bool = False) -> Any:
        """Send a call and return its answer, or raise its CallError. Cancelled, it cancels the handler."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def settle(outcome: Outcome) -> None:
            if not future.done():
                future.set_result(outcome)

        pending = self._begin(packet, settle, self._clock() + timeout, streams, repeatable)
        try:
            outcome = await future
        except asyncio.CancelledError:
            self._cancel(pending)
            raise
        if isinstance(outcome, CallError):
            raise outcome
        return outcome

    def stream(self, packet: Call, timeout: float | None, streams: Sources = NONE) -> Stream[Any]:
        """Send a call and return its answer as a stream, which is over after `timeout` seconds at the latest."""
        inflow = self._session.streams.read(packet.id, 0)
        deadline = NEVER if timeout is None else self._clock() + timeout
        try:
            pending = self._begin(packet, lambda outcome: None, deadline, streams, repeatable=False)
        except BaseException:
            self._session.streams.close(packet.id, mine=True)
            raise
        return Stream(inflow, self._session, self._flush, lambda: self._cancel(pending))

    def _begin(
        self, packet: Call, settle: Callable[[Outcome], None], deadline: float, streams: Sources, repeatable: bool
    ) -> Pending:
        open_streams = self._session.streams

        def settled(outcome: Outcome) -> None:
            error = outcome if isinstance(outcome, AntiphonError) else None
            open_streams.close(packet.id, mine=True, error=error)
            settle(outcome)

        pending = self._open(packet, settled if packet.streams or packet.credit else settle, deadline, repeatable)
        for number, source in streams.items():
            self._feed(packet, number, source)
        self._flush()
        return pending

    def _feed(self, packet: Call, number: int, source: AsyncIterable[Any]) -> None:
        # Opened now and not in the task: credit may come first.
        outflow = self._session.streams.produce(packet.id, number)

        async def feed() -> None:
            where = f"stream {number} of call {packet.name!r}"
            error: list[Any] | None = None
            try:
                await produce(outflow, source, self._session, self._flush, lambda: task.cancel(), where)
            except (CallError, ConnectionClosed) as failed:
                log.info("%s broke off: %s", where, one_line(failed))
                error = _told(failed)
            except (Exception, asyncio.CancelledError) as failed:
                if cancelled_by_us(failed):
                    raise
                log.exception("%s broke off", where)
                error = BROKEN_OFF
            if not outflow.stopped:
                try:
                    self._session.send(End(packet.id, number, error))
                except OutboxFull:
                    self._session.send(End(packet.id, number, BROKEN_OFF))
                self._flush()

        task = self._spawn(feed())

    def _cancel(self, pending: Pending) -> None:
        if self._session.ending is None:
            self._session.cancel(pending)
            self._flush()


def _told(error: CallError | ConnectionClosed) -> list[Any]:
    """What the reader is told of a stream that broke off."""
    if isinstance(error, CallFailed):
        try:
            return [*tellable(error.code, error.message, error.data)]
        except PayloadError:
            pass
    return BROKEN_OFF
