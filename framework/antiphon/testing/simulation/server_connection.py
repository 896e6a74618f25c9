"""A connection of the product whose worker virtual time moves on, and which writes down what befalls it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from antiphon.errors import CallError
from antiphon.protocol.closing import Closing
from antiphon.protocol.outbox import Entry
from antiphon.protocol.packets import Call, Event, Volatile
from antiphon.protocol.server_session import ServerSession
from antiphon.server.connection import Connection
from antiphon.server.tasks import Tasks
from antiphon.server.worker import Worker
from antiphon.testing.simulation import invariants
from antiphon.testing.simulation.history import Sent, SessionLog
from antiphon.testing.simulation.tasks import Signal, Task
from antiphon.transports.base import Transport
from antiphon.types import Data

if TYPE_CHECKING:
    from antiphon.testing.simulation.server_end import ServerEnd

__all__ = ["RecordedServerSession", "SimulatedConnection"]


class RecordedServerSession(ServerSession):
    """The product's session; it is written down whether it had cause to overflow."""

    log: SessionLog

    def _queue(self, entry: Entry) -> Entry:
        queued = super()._queue(entry)
        self.log.note_bounds(self.outbox)
        return queued


class TasksOnVirtualTime(Tasks):
    """The tasks of a connection, without asyncio."""

    def __init__(self, server: ServerEnd) -> None:
        super().__init__()
        self._server = server

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """See Tasks.spawn."""
        Task(self._server.time, self._server.process, coroutine)


class RecordedWorker(Worker):
    """The product's worker; it is written down which events nobody handled."""

    def __init__(self, connection: SimulatedConnection, server: ServerEnd) -> None:
        super().__init__(connection, server)
        self._session_log = connection.log
        self._history = server.history

    def _nobody(self, packet: Event | Call | Volatile, code: str, message: str) -> None:
        super()._nobody(packet, code, message)
        if not isinstance(packet, Volatile) and isinstance(packet.args[0], int):
            sent = self._history.up[packet.args[0]]
            sent.delivered.append(self._session_log.sid)
            self._history.open_up.pop(sent.serial, None)


class SimulatedConnection(Connection):
    """A connection of the product: its worker is a coroutine that virtual time moves on."""

    def __init__(self, session: ServerSession, server: ServerEnd, log: SessionLog) -> None:
        super().__init__(session, server)
        self.log = log
        self.tasks = TasksOnVirtualTime(server)
        self.worker = RecordedWorker(self, server)
        self._end = server

    def attach(self, transport: Transport, welcome: Data) -> None:
        """A transport takes over."""
        invariants.i7_older_never_displaces_newer(self._end.history, self.log, self.session.attempt)
        self.log.detached_at = self.log.leaving_at = None
        self.log.http_only = self.log.http_only and transport.name == "longpoll"
        self._end.opened(transport)
        super().attach(transport, welcome)

    def detach(self, closing: Closing | None) -> None:
        """The transport is gone."""
        self.log.detaches += 1
        self.log.detached_at = self._end.time.now
        super().detach(closing)

    def _clean_up(self) -> None:
        log, ending = self.log, self.session.ending
        log.ending, log.ended_at = ending, self._end.time.now
        super()._clean_up()
        invariants.i17_ended_sessions_are_freed(self._end.history, self, self._end.registry)
        invariants.i8_sessions_end_for_a_reason(self._end.history, self, self._end.resume)

    async def call(self, packet: Callable[[int], Call], timeout: float) -> Any:
        """As in Connection, with a Signal where that one has a future."""
        asked = packet(self._server.next_call())
        serial = asked.args[0]
        sent = Sent(serial, "call", asked.namespace, self._clock(), sid=self.log.sid)
        signal = Signal()

        def settle(outcome: Any) -> None:
            sent.outcomes.append(outcome)
            signal.set(outcome)

        pending = self.session.call(asked, settle, self._clock() + timeout)
        sent.entry = pending.entry
        self._end.emitted(self, sent)
        self._end.history.calls.append(sent)
        self._server.flusher.soon()
        self._end.time.after(timeout, lambda: self._end.process.do(self._tick_now))
        outcome = await signal
        if isinstance(outcome, CallError):
            raise outcome
        return outcome
