"""One handler and what its caller is told: the answer, or why there is none. What server and client have in common."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple, Protocol

from antiphon.dispatch.deadlines import NEVER, until
from antiphon.dispatch.handlers import Handler
from antiphon.dispatch.outcomes import cancelled_by_us, tellable
from antiphon.dispatch.payloads import reply_of
from antiphon.dispatch.streams import Misfit, Stream, produce
from antiphon.errors import CallError, CallFailed, ConnectionClosed, OutboxFull, PayloadError, Refused
from antiphon.protocol.answering import Answering
from antiphon.protocol.closing import Ending
from antiphon.protocol.loglines import one_line
from antiphon.protocol.outbox import Entry
from antiphon.protocol.packets import Call, Credit, End, Event, Failed, Packet, Reply, Volatile
from antiphon.protocol.streams import WINDOW, Streams

__all__ = ["Answerer", "Runner"]


class Answerer(Protocol):
    """The session that handlers answer into."""

    sid: Any
    ending: Ending | None
    answering: Answering
    streams: Streams

    def send(self, packet: Packet) -> Entry:
        """See Session.send."""
        ...

    def begin_answer(self, call: int, deadline: float, cancel: Callable[[], object]) -> bool:
        """See Session.begin_answer."""
        ...


class _Streaming(NamedTuple):
    namespace: str
    is_answer: bool
    stop: Callable[[], None]


class Runner(ABC):
    """Runs handlers of one session, each in the task that asks for it. Their exceptions reach the log and the caller.

    `era` is the sid of the session that an event came in, None for one that is lost: there nobody waits for answers,
    and a server that was restarted gives the same ids to other calls.
    """

    def __init__(
        self,
        session: Answerer,
        flush: Callable[[], None],
        clock: Callable[[], float],
        log: logging.Logger,
        streaming: int,
    ) -> None:
        """`flush` has written what was answered at the end of this turn; `streaming`: see Limits."""
        self._session = session
        self._flush = flush
        self._clock = clock
        self._log = log
        # Tasks whose handler is cancelled, and nothing else of them; True: its caller does not know, and is to be told.
        self._stopped: dict[Any, bool] = {}
        self._most_streaming = streaming
        self._streaming: dict[Any, _Streaming] = {}  # the handlers with streams, by their tasks
        self._departures: Counter[str] = Counter()  # how often the streams of a namespace were stopped
        self._streams_ended = False

    @abstractmethod
    def _new_incident(self) -> dict[str, str] | None:
        """What the peer may be told of an exception that stays here: a way to find it in the log."""

    def _current(self) -> Any:
        """The task that runs."""
        return asyncio.current_task()

    # -- one answer

    async def _run(self, handler: Handler, packet: Event | Call | Volatile, args: Sequence[Any], era: Any) -> None:
        """Run one handler and answer with what it returns."""
        if type(packet) is Call:
            await self._answer_call(handler, packet, args, era)
            return
        try:
            result = handler.function(*args)
            if handler.is_async:
                await result
        except CallFailed as error:
            self._log.warning("handler %r of namespace %r failed: %s", packet.name, packet.namespace, one_line(error))
        except Refused as error:
            self._log.info("handler %r of namespace %r refused: %s", packet.name, packet.namespace, one_line(error))
        except (ConnectionClosed, CallError) as error:
            # The peer went while its handler waited for it: that is no fault of the handler.
            self._log.info("handler %r of namespace %r ended: %s", packet.name, packet.namespace, one_line(error))
        except (Exception, asyncio.CancelledError) as error:
            if cancelled_by_us(error, self._current()):
                raise
            self._incident("handler %r of namespace %r", packet.name, packet.namespace)

    async def _answer_call(self, handler: Handler, packet: Call, args: Sequence[Any], era: Any) -> None:
        if packet.credit or packet.streams:
            refused = self._refuse_streams(handler, packet)
            if refused is not None:  # as it is always, for a handler without streams
                self._answer(refused, era)
                return
        task = self._current()
        with self._answering(packet, era, lambda: self._stop(task)) as begun:
            if not begun:
                return
            try:
                result = handler.function(*args)
                if handler.is_async:
                    result = await result
                answer: Reply | Failed = Reply(packet.id, reply_of(result, f"the reply of handler {handler.name!r}"))
            except (Exception, asyncio.CancelledError) as error:
                answer = self._failure(error, packet)
            if task not in self._stopped:
                self._answer(answer, era)

    def _awaited(self, era: Any) -> bool:
        """Whether somebody may wait for answers to what came in the session `era`."""
        return era is not None and era == self._session.sid and self._session.ending is None

    def _expect(self, packet: Event | Call | Volatile, era: Any) -> None:
        """A call was handed over, and something else comes before its handler."""
        if type(packet) is Call and self._awaited(era):
            self._session.answering.expect(packet.id)

    @contextmanager
    def _answering(self, packet: Call, era: Any, cancel: Callable[[], object]) -> Iterator[bool]:
        """While a handler runs for a call, that can be cancelled, and knows how long its caller waits.

        Only the handler is: the task goes on. False when the call was cancelled before.
        """
        task, session = self._current(), self._session
        deadline = NEVER if packet.timeout is None else self._clock() + packet.timeout / 1000
        if self._awaited(era):
            if not session.begin_answer(packet.id, deadline, cancel):
                yield False
                return
            if deadline != NEVER:
                self._flush()  # whoever lets time pass is to know of it
        try:
            with until(deadline, self._clock):
                yield True
        finally:
            if self._awaited(era):
                session.answering.finish(packet.id)
            if self._stopped.pop(task, None) is not None:
                task.uncancel()
                if task.cancelling():
                    # The task itself is cancelled as well, and the handler got no more than one CancelledError.
                    raise asyncio.CancelledError

    def _stop(self, task: Any, *, tell: bool = False) -> None:
        if task not in self._stopped:
            self._stopped[task] = tell
            task.cancel()

    # -- streams

    async def _run_streams(
        self, handler: Handler, packet: Event | Call | Volatile, args: Sequence[Any], era: Any, departures: int
    ) -> None:
        """As `_run`, for a handler that reads streams of its caller or streams its answer.

        `departures`: how often streams of its namespace had been stopped when it was its turn.
        """
        if not self._awaited(era):
            return  # its streams were lost with the session, and there is nobody to stream to
        if not isinstance(packet, Call):
            self._log.info("an event was dropped: %r of %r takes streams, so call it", packet.name, packet.namespace)
            return
        refused = self._refuse_streams(handler, packet)
        if refused is not None:
            self._answer(refused, era)
            return
        if self._departures[packet.namespace] != departures:
            self._answer(Failed(packet.id, "cancelled", "the namespace was left"), era)
            return
        if self._streams_ended and handler.plan.is_stream:
            self._answer(Failed(packet.id, "cancelled", "nobody streams here any more"), era)
            return
        task, streams = self._current(), self._session.streams

        def stop(*, tell: bool) -> None:
            self._stop(task, tell=tell)
            # A handler may make nothing of that: it has nobody to read from, and nobody to stream to any more.
            streams.close(packet.id, mine=False, error=CallError("the handler was stopped"))

        self._streaming[task] = _Streaming(packet.namespace, handler.plan.is_stream, partial(stop, tell=True))
        try:
            with self._answering(packet, era, partial(stop, tell=False)) as begun:
                if begun:
                    await self._stream(handler, packet, args, era)
        finally:
            del self._streaming[task]

    async def _stream(self, handler: Handler, packet: Call, args: Sequence[Any], era: Any) -> None:
        task, session = self._current(), self._session
        answer: Reply | Failed | End
        try:
            result = handler.function(*self._with_streams(handler, packet, args))
            if handler.plan.is_stream:
                outflow = session.streams.produce(packet.id, 0, packet.credit or 0)
                where = f"what handler {handler.name!r} streams"
                # Who takes no more of the stream still waits for the outcome of the call.
                await produce(outflow, result, session, self._flush, partial(self._stop, task, tell=True), where)
                answer = End(packet.id, 0)
            else:
                value = await result if handler.is_async else result
                answer = Reply(packet.id, reply_of(value, f"the reply of handler {handler.name!r}"))
        except (Exception, asyncio.CancelledError) as error:
            answer = self._failure(error, packet)
        finally:
            if self._awaited(era):
                # Somebody may read on: what he gets is not all there was.
                session.streams.close(packet.id, mine=False, error=CallError("the call was answered before"))
        if task in self._stopped:
            answer = Failed(packet.id, "cancelled", "the handler was stopped")
        if isinstance(answer, Failed) and handler.plan.is_stream:
            answer = End(packet.id, 0, [answer.code, answer.message, answer.data])
        if self._stopped.get(task, True):
            self._answer(answer, era)

    def _refuse_streams(self, handler: Handler, packet: Call) -> Failed | None:
        """What is told to a caller whose streams are not those of the handler; None when they fit."""
        who = f"handler {packet.name!r} of namespace {packet.namespace!r}"
        if handler.plan.is_stream and not packet.credit:
            return Failed(packet.id, "stream", f"{who} streams its answer; read it with stream() instead of call()")
        if packet.credit and not handler.plan.is_stream:
            return Failed(packet.id, "not_a_stream", f"{who} does not stream its answer; use call()")
        given = {number for number in packet.streams or () if number <= len(packet.args)}
        wanted = {number for number in handler.plan.streams if number <= len(packet.args)}
        if given != wanted or len(given) != len(packet.streams or ()):
            places = ", ".join(map(str, sorted(handler.plan.streams)))
            takes = f"streams for these arguments: {places}" if places else "no stream for any of its parameters"
            return Failed(packet.id, "not_a_stream", f"{who} takes {takes}")
        if len(self._streaming) >= (most := self._most_streaming):
            return Failed(packet.id, "too_many", f"{most} handlers with streams run already in this session")
        return None

    def _with_streams(self, handler: Handler, packet: Call, args: Sequence[Any]) -> list[Any]:
        """The arguments with a stream in each place that takes one; its producer is told to begin."""
        session, given = self._session, list(args)
        offset = len(given) - len(packet.args)
        for number in sorted(packet.streams or ()):
            inflow = session.streams.read(packet.id, number)

            def leave(number: int = number) -> None:
                if session.ending is None:
                    session.send(Credit(packet.id, number, 0))
                    self._flush()

            convert = handler.plan.streams[number].item
            given[offset + number - 1] = Stream(inflow, session, self._flush, leave, convert)
            session.send(Credit(packet.id, number, WINDOW))
        self._flush()
        return given

    def _stop_streams(self, namespace: str) -> None:
        """Nobody is in the namespace any more for whom handlers could stream."""
        self._departures[namespace] += 1
        for streaming in tuple(self._streaming.values()):
            if streaming.namespace == namespace:
                streaming.stop()

    def _end_streams(self) -> None:
        """Nobody is to stream an answer any more: it might never end. What is read from a caller may be finished."""
        self._streams_ended = True
        for streaming in tuple(self._streaming.values()):
            if streaming.is_answer:
                streaming.stop()

    # -- what the caller is told

    def _failure(self, error: BaseException, packet: Call) -> Failed:
        """What became of a handler that raised; raises again what is not for it."""
        call, name, namespace = packet.id, packet.name, packet.namespace
        if isinstance(error, Refused):
            error = CallFailed("refused", error.reason, error.data)
        if isinstance(error, CallFailed):
            return self._told(error, packet)
        if isinstance(error, Misfit):
            return Failed(call, "payload", str(error), error.told)
        if isinstance(error, ConnectionClosed | CallError):
            # The peer went while its handler waited for it: that is no fault of the handler.
            self._log.info("handler %r of namespace %r ended: %s", name, namespace, one_line(error))
            return Failed(call, "error", "the handler's own call had no answer")
        if cancelled_by_us(error, self._current()):
            if self._current() not in self._stopped:
                raise error
            return Failed(call, "cancelled", "the handler was stopped")
        incident = self._incident("handler %r of namespace %r", name, namespace)
        return Failed(call, "error", "the handler failed", incident)

    def _told(self, error: CallFailed, packet: Call) -> Failed:
        """What a handler wants its caller to know; if that cannot travel, it is the handler's failure."""
        try:
            code, message, data = tellable(error.code, error.message, error.data)
        except PayloadError:
            incident = self._incident("the CallFailed of handler %r of namespace %r", packet.name, packet.namespace)
            return Failed(packet.id, "error", "the handler failed", incident)
        return Failed(packet.id, code, message, data)

    def _incident(self, who: str, *names: str) -> dict[str, str] | None:
        """Log the exception that is being handled; what it was stays here, its id may be told."""
        incident = self._new_incident()
        self._log.exception(f"{who} raised [%s]", *names, incident["id"] if incident else "-")
        return incident

    def _answer(self, packet: Reply | Failed | End, era: Any) -> None:
        session = self._session
        if not self._awaited(era):
            return
        session.answering.finish(packet.id)
        try:
            session.send(packet)
        except OutboxFull as error:
            session.send(Failed(packet.id, "too_large", str(error)))
        except PayloadError as error:
            # It can travel, but not on the wire of this caller.
            self._log.error("a call was not answered: %s", one_line(error))
            session.send(Failed(packet.id, "error", "the answer cannot be said on this wire"))
        self._flush()
