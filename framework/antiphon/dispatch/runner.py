"""One handler and what its caller is told: the answer, or why there is none. What server and client have in common."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from antiphon.dispatch.handlers import Handler
from antiphon.dispatch.outcomes import cancelled_by_us, tellable
from antiphon.dispatch.payloads import to_wire
from antiphon.errors import CallError, CallFailed, ConnectionClosed, OutboxFull, PayloadError
from antiphon.protocol.closing import Ending
from antiphon.protocol.packets import Call, Event, Failed, Packet, Reply, Volatile

__all__ = ["Answering", "Runner"]


class Answering(Protocol):
    """The session that handlers answer into."""

    sid: Any
    ending: Ending | None

    def send(self, packet: Packet) -> object:
        """See Session.send."""
        ...


class Runner(ABC):
    """Runs handlers of one session, each in the task that asks for it. Their exceptions reach the log and the caller.

    `era` is the sid of the session that an event came in, None for one that is lost: there nobody waits for answers,
    and a server that was restarted gives the same ids to other calls.
    """

    def __init__(self, session: Answering, flush: Callable[[], None], log: logging.Logger) -> None:
        """`flush` has written what was answered at the end of this turn."""
        self._session = session
        self._flush = flush
        self._log = log

    @abstractmethod
    def _new_incident(self) -> dict[str, str] | None:
        """What the peer may be told of an exception that stays here: a way to find it in the log."""

    async def _run(self, handler: Handler, packet: Event | Call | Volatile, args: Sequence[Any], era: Any) -> None:
        """Run one handler and answer with what it returns."""
        call = packet.id if type(packet) is Call else None
        try:
            result = handler.function(*args)
            if handler.is_async:
                result = await result
            if call is not None:
                self._answer(Reply(call, to_wire(result, f"the reply of handler {handler.name!r}")), era)
        except CallFailed as error:
            if call is None:
                self._log.warning("handler %r of namespace %r failed: %s", packet.name, packet.namespace, error)
            else:
                self._answer(self._told(call, error, packet), era)
        except (ConnectionClosed, CallError) as error:
            # The peer went while its handler waited for it: that is no fault of the handler.
            self._log.info("handler %r of namespace %r ended: %s", packet.name, packet.namespace, error)
            if call is not None:
                self._answer(Failed(call, "error", "the handler's own call had no answer"), era)
        except (Exception, asyncio.CancelledError) as error:
            if cancelled_by_us(error):
                raise
            incident = self._incident("handler %r of namespace %r", packet.name, packet.namespace)
            if call is not None:
                self._answer(Failed(call, "error", "the handler failed", incident), era)

    def _told(self, call: int, error: CallFailed, packet: Event | Call | Volatile) -> Failed:
        """What a handler wants its caller to know; if that cannot travel, it is the handler's failure."""
        try:
            code, message, data = tellable(error.code, error.message, error.data)
        except PayloadError:
            incident = self._incident("the CallFailed of handler %r of namespace %r", packet.name, packet.namespace)
            return Failed(call, "error", "the handler failed", incident)
        return Failed(call, code, message, data)

    def _incident(self, who: str, *names: str) -> dict[str, str] | None:
        """Log the exception that is being handled; what it was stays here, its id may be told."""
        incident = self._new_incident()
        self._log.exception(f"{who} raised [%s]", *names, incident["id"] if incident else "-")
        return incident

    def _answer(self, packet: Reply | Failed, era: Any) -> None:
        session = self._session
        if era is None or era != session.sid or session.ending is not None:
            return
        try:
            session.send(packet)
        except OutboxFull as error:
            session.send(Failed(packet.id, "too_large", str(error)))
        self._flush()
