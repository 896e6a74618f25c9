"""A connection of the product, which writes down what befalls it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from antiphon.protocol.calls import Outcome, Pending
from antiphon.protocol.closing import Closing
from antiphon.protocol.outbox import Entry
from antiphon.protocol.packets import Call, Event, Volatile
from antiphon.protocol.server_session import ServerSession
from antiphon.server.asking import ServerAsking
from antiphon.server.connection import Connection
from antiphon.server.worker import Worker
from antiphon.testing.simulation import invariants
from antiphon.testing.simulation.answering import RecordedAnswering
from antiphon.testing.simulation.history import Sent, SessionLog, kind_of
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


class RecordedServerAsking(ServerAsking):
    """The product's calls; each is written down with its outcome."""

    def __init__(self, connection: SimulatedConnection, server: ServerEnd) -> None:
        super().__init__(connection, server)
        self._end = server
        self._line = connection

    def _open(self, packet: Call, settle: Callable[[Outcome], None], deadline: float, repeatable: bool) -> Pending:
        kind = kind_of(packet)
        sent = Sent(packet.args[0], kind, packet.namespace, self._clock(), sid=self._line.log.sid)

        def settled(outcome: Outcome) -> None:
            sent.outcomes.append(outcome)
            settle(outcome)

        pending = super()._open(packet, settled, deadline, repeatable)
        sent.entry = pending.entry
        self._end.history.calls.append(sent)
        self._end.emitted(self._line, sent)
        return pending


class RecordedWorker(Worker):
    """The product's worker; it is written down which events nobody handled."""

    def __init__(self, connection: SimulatedConnection, server: ServerEnd) -> None:
        super().__init__(connection, server)
        self._session_log = connection.log
        self._history = server.history

    def _nobody(self, packet: Event | Call | Volatile, code: str, message: str, era: Any) -> None:
        super()._nobody(packet, code, message, era)
        if not isinstance(packet, Volatile) and isinstance(packet.args[0], int):
            sent = self._history.up[packet.args[0]]
            sent.delivered.append(self._session_log.sid)
            self._history.open_up.pop(sent.serial, None)


class SimulatedConnection(Connection):
    """A connection of the product; it is judged as it comes and goes."""

    def __init__(self, session: ServerSession, server: ServerEnd, log: SessionLog) -> None:
        super().__init__(session, server)
        self.log = log
        session.answering = self.answering = RecordedAnswering(server.history, server.process)
        self.asking = RecordedServerAsking(self, server)
        self.worker = RecordedWorker(self, server)
        self._end = server

    def attach(self, transport: Transport, welcome: Data) -> None:
        """A transport takes over."""
        invariants.i7_older_never_displaces_newer(self._end.history, self.log, self.session.attempt)
        self.log.detached_at = self.log.leaving_at = None
        self.log.http_only = self.log.http_only and transport.name != "websocket"
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
        owner = self.session.identity
        crowd = sum(line.transport is None and line.session.identity.same_as(owner) for line in self._end.registry)
        most = self._end.limits.detached_per_principal
        invariants.i8_sessions_end_for_a_reason(self._end.history, self, self._end.resume, crowd=crowd, most=most)
