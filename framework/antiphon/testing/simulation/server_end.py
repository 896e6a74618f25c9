"""The server's end: the product's Server, with a loop on virtual time.

Only what asyncio and aiohttp do in a real process is done here; the ports are as thin as the ones in hosts/.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from antiphon.client.requests import HttpRequest
from antiphon.dialects.base import Answer, Attach, LeaveBeacon, Poll, Push, Request
from antiphon.dialects.base import Stream as AskForStream
from antiphon.dialects.native.http import CONTENT_TYPES
from antiphon.protocol.codec import Codec
from antiphon.protocol.identity import Identity
from antiphon.protocol.packets import Hello
from antiphon.server.gateway import Gateway
from antiphon.server.line import Line
from antiphon.server.registry import Admission, Registry
from antiphon.server.server import TICK, Server
from antiphon.testing.simulation import invariants
from antiphon.testing.simulation.exchanges import Exchange
from antiphon.testing.simulation.history import History, Sent, SessionLog
from antiphon.testing.simulation.people import People, SimulatedAuthentication
from antiphon.testing.simulation.process import Process
from antiphon.testing.simulation.profile import Profile
from antiphon.testing.simulation.server_connection import RecordedServerSession, SimulatedConnection
from antiphon.testing.simulation.server_ports import EventsAnswer, EventsTransport, HttpAnswer, StreamTransport
from antiphon.testing.simulation.streams import Stream, StreamEnd
from antiphon.testing.simulation.virtual_time import VirtualTime
from antiphon.transports.base import Transport
from antiphon.transports.longpoll import LongPollTransport

__all__ = ["ServerEnd"]

NEVER = float("inf")


class CheckedRegistry(Registry):
    """The product's registry, with every answer to a Hello judged."""

    history: History

    def attach(
        self,
        hello: Hello,
        codec: Codec,
        now: float,
        *,
        pings: bool = True,
        identity: Identity | None = None,
        address: str = "",
    ) -> Admission:
        """See Registry.attach."""
        with invariants.judged_admission(self.history, self, hello, identity or Identity()) as judge:
            admission = super().attach(hello, codec, now, pings=pings, identity=identity, address=address)
            judge(admission)
        return admission


class ServerEnd(Server):
    """One process of the server."""

    def __init__(
        self,
        time: VirtualTime,
        history: History,
        profile: Profile,
        new_id: Callable[[str], str],
        spread: Callable[[], float],
        people: People,
    ) -> None:
        super().__init__(
            heartbeat=profile.heartbeat,
            resume=profile.resume,
            limits=replace(profile.limits, inbox=profile.server_inbox),
            outbox=profile.server_outbox,
            clock=time.clock,
        )
        self.time = time
        self.history = history
        self.process = Process(time)
        self.resume = profile.resume
        self._profile = profile
        self._spread = spread
        # What the product draws from `secrets` has to be the same whenever the schedule is played again.
        self._settings = replace(self._settings, epoch=new_id("epoch"))
        self.epoch = self._settings.epoch
        registry = CheckedRegistry(
            self._settings, new_sid=lambda: new_id("sid"), open_line=self._open_line, counters=self.counters
        )
        registry.history = history
        self.registry = registry
        self.authentication = SimulatedAuthentication(time, self.process, people, self.new_incident)
        self.gateway = Gateway(
            registry,
            self.dialect,
            self.clock,
            hello_limit=self.limits.hello,
            authentication=self.authentication,
            admitted=self._admitted,
        )
        self.transports: list[LongPollTransport | StreamTransport | EventsTransport] = []
        self.connections: list[SimulatedConnection] = []  # all there ever were
        self._planned = NEVER
        self._ticked = time.now
        with self.process.running():
            self.start(ticking=False)

    # -- time, as Server._tick_for_ever

    def plan(self) -> None:
        """Tick at the next multiple of TICK at which something is due: the ticks between would do nothing."""
        due = NEVER
        if self.process.frozen or self.process.gone:
            return
        # After every turn of a schedule, so without a call that can be spared.
        for line in self.registry:
            if line.session.due < due:
                due = line.session.due
            transport = line.transport
            if transport is not None and transport.name == "longpoll" and (polled := transport.due) < due:  # type: ignore[attr-defined]  # by its name
                due = polled
        if due == NEVER:
            return
        at = max(self._ticked + TICK, -(-due // TICK) * TICK)
        if at < self._planned:
            self._planned = at
            self.time.at(at, lambda: self._tick_at(at))

    def _tick_at(self, at: float) -> None:
        if at == self._planned:
            self._planned = NEVER
            if not self.process.frozen and not self.process.gone:
                self._ticked = self.time.now
                self.process.do(partial(self.tick, self.time.now))

    def catch_up(self, late: float) -> None:
        """The process was stalled for so long: what came meanwhile is read first, then it ticks."""
        self.process.thaw()
        self.time.soon(partial(self.process.do, partial(self._late_tick, late)))

    def _late_tick(self, late: float) -> None:
        self._ticked = self.time.now
        self.tick(self.time.now, late)

    # -- sessions

    def _open_line(self, sid: str, proof: bytes, codec: Codec, now: float) -> Line:
        log = self.history.sessions[sid] = SessionLog(sid, now)
        session = RecordedServerSession(
            sid, proof, codec, self._settings, now, wake=lambda: None, spread=self._spread()
        )
        session.log = log
        session.outbox.window = self._profile.client_inbox
        connection = SimulatedConnection(session, self, log)
        self.connections.append(connection)
        session.wake_by(self.flusher.mark_of(connection))
        return connection

    def line(self, sid: str | None) -> SimulatedConnection | None:
        """The living connection of a session."""
        for line in self.registry:
            if line.session.sid == sid:
                assert isinstance(line, SimulatedConnection)
                return line
        return None

    # -- what the application emits

    def emitted(self, line: SimulatedConnection, sent: Sent) -> None:
        """Something was put into the outbox of a client."""
        self.history.down[sent.serial] = sent
        if sent.kind != "stream":
            line.log.expected.append(sent)
        line.log.note_bounds(line.session.outbox)

    def note_bounds(self) -> None:
        """Something was put into the outboxes of many."""
        for line in self.registry:
            assert isinstance(line, SimulatedConnection)
            line.log.note_bounds(line.session.outbox)

    # -- ServerSide: what the network brings

    def opened(self, transport: Transport) -> None:
        """A transport carries a session from here on."""
        assert isinstance(transport, LongPollTransport | StreamTransport | EventsTransport)
        self.transports = [old for old in self.transports if not old.closed]
        self.transports.append(transport)

    def accept(self, stream: Stream) -> StreamEnd:
        """A WebSocket opens; the host gives up on one that says nothing."""
        transport = StreamTransport(self, stream, self._profile.high_water)
        self.time.after(self.limits.hello_timeout, transport.expect_hello)
        return transport

    def serve(self, exchange: Exchange) -> None:
        """A request came."""
        self.process.do(partial(self._serve, exchange))

    def accept_events(self, stream: Stream, request: HttpRequest, form: str) -> StreamEnd:
        """A request came whose answer is a stream of events."""
        transport = EventsTransport(self, stream)
        self.process.do(partial(self._serve_events, transport, request, form))
        return transport

    def _serve_events(self, transport: EventsTransport, request: HttpRequest, form: str) -> None:
        intent = self.dialect.interpret(_read(request, form))
        assert isinstance(intent, AskForStream), intent
        self.gateway.stream(intent, EventsAnswer(transport))

    def _serve(self, exchange: Exchange) -> None:
        port = HttpAnswer(self, exchange)
        match self.dialect.interpret(_read(exchange.request, exchange.form)):
            case Attach() as intent:
                self.gateway.attach(intent, port)
            case Poll() as intent:
                self.gateway.poll(intent, port)
            case Push() as intent:
                self.gateway.push(intent, port)
            case LeaveBeacon() as intent:
                line = self.registry.find(intent.sid, intent.key)
                if isinstance(line, SimulatedConnection) and intent.attempt >= line.session.attempt:
                    line.log.leaving_at = line.log.leaving_at or self.time.now
                self.gateway.leave(intent, port)
            case Answer() as answer:
                port.status(answer)
            case other:
                raise AssertionError(f"no request of ours wants {other!r}")


def _read(request: HttpRequest, form: str) -> Request:
    headers = {name.lower(): value for name, value in request.headers}
    headers["content-type"] = CONTENT_TYPES[form]
    body = request.body if isinstance(request.body, bytes) else request.body.encode()
    return Request("POST", request.verb, headers, body)
