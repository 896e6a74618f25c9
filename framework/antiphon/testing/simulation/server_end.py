"""The server's end: the product's Server, with connections whose tasks run on virtual time.

Only what asyncio and aiohttp do in a real process is done here; the ports are as thin as the ones in hosts/.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from antiphon.config import Heartbeat, Inbox, Limits, Outbox, Resume
from antiphon.dialects.base import Answer, Attach, LeaveBeacon, Poll, Push, Request
from antiphon.dialects.native.http import CONTENT_TYPES
from antiphon.errors import CallError
from antiphon.protocol.closing import Closing, TransportCode
from antiphon.protocol.codec import Codec
from antiphon.protocol.outbox import Entry
from antiphon.protocol.packets import Call, Event, Hello, Volatile
from antiphon.protocol.packets import Call as CallPacket
from antiphon.protocol.server_session import ServerSession
from antiphon.server.connection import Connection
from antiphon.server.gateway import Gateway
from antiphon.server.line import Line
from antiphon.server.registry import Admission, Registry
from antiphon.server.server import TICK, Server
from antiphon.server.tasks import Tasks
from antiphon.testing.simulation import invariants
from antiphon.testing.simulation.exchanges import Exchange, Reply
from antiphon.testing.simulation.history import History, Sent, SessionLog
from antiphon.testing.simulation.streams import Close, Stream, StreamEnd
from antiphon.testing.simulation.tasks import Signal, Task
from antiphon.testing.simulation.virtual_time import Process, VirtualTime
from antiphon.transports.base import Transport
from antiphon.transports.longpoll import LongPollTransport
from antiphon.transports.websocket import WebSocketTransport
from antiphon.types import Data

__all__ = ["Profile", "ServerEnd", "SimulatedConnection"]

NEVER = float("inf")


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The sizes of one schedule: small ones, so that 200 steps reach every bound."""

    form: str = "msgpack"
    server_inbox: Inbox = Inbox(packets=12, size=32 << 10)
    client_inbox: Inbox = Inbox(packets=12, size=32 << 10)
    server_outbox: Outbox = Outbox(packets=48, size=128 << 10)
    client_outbox: Outbox = Outbox(packets=40, size=128 << 10)
    limits: Limits = Limits()
    heartbeat: Heartbeat = Heartbeat()
    resume: Resume = Resume()
    high_water: int = 4 << 10


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


class SimulatedConnection(Connection):
    """A connection of the product: its worker is a coroutine that virtual time moves on."""

    def __init__(self, session: ServerSession, server: ServerEnd, log: SessionLog) -> None:
        super().__init__(session, server)
        self.log = log
        self._end = server
        self._tasks = TasksOnVirtualTime(server)

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

    def _nobody(self, packet: Event | Call | Volatile, code: str, message: str) -> None:
        super()._nobody(packet, code, message)
        if not isinstance(packet, Volatile) and isinstance(packet.args[0], int):
            sent = self._end.history.up[packet.args[0]]
            sent.delivered.append(self.log.sid)
            self._end.history.open_up.pop(sent.serial, None)

    async def call(self, packet: Callable[[int], CallPacket], timeout: float) -> Any:
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


class CheckedRegistry(Registry):
    """The product's registry, with every answer to a Hello judged."""

    history: History

    def attach(self, hello: Hello, codec: Codec, now: float, *, pings: bool = True) -> Admission:
        """See Registry.attach."""
        with invariants.judged_admission(self.history, self, hello) as judge:
            admission = super().attach(hello, codec, now, pings=pings)
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
    ) -> None:
        super().__init__(
            heartbeat=profile.heartbeat,
            resume=profile.resume,
            limits=profile.limits,
            inbox=profile.server_inbox,
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
        self.gateway = Gateway(
            registry, self.dialect, self.clock, hello_limit=self.limits.hello, admitted=self._admitted
        )
        self.transports: list[LongPollTransport | StreamTransport] = []
        self._planned = NEVER
        self._ticked = time.now

    # -- time, as Server._tick_for_ever

    def plan(self) -> None:
        """Tick at the next multiple of TICK at which something is due: the ticks between would do nothing."""
        due = NEVER
        if self.process.frozen or self.process.gone:
            return
        for line in self.registry:
            due = min(due, line.session.due)
            if isinstance(line.transport, LongPollTransport):
                due = min(due, line.transport.due)
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
                self.tick(self.time.now)

    def catch_up(self, late: float) -> None:
        """The process was stalled for so long: what came meanwhile is read first, then it ticks."""
        self.process.thaw()
        self.time.soon(partial(self._late_tick, late))

    def _late_tick(self, late: float) -> None:
        self._ticked = self.time.now
        self.tick(self.time.now, late)

    def _call_soon(self, callback: Callable[[], None]) -> object:
        self.time.soon(callback)
        return None

    # -- sessions

    def _open_line(self, sid: str, proof: bytes, codec: Codec, now: float) -> Line:
        log = self.history.sessions[sid] = SessionLog(sid, now)
        session = RecordedServerSession(
            sid, proof, codec, self._settings, now, wake=lambda: None, spread=self._spread()
        )
        session.log = log
        session.outbox.window = self._profile.client_inbox
        connection = SimulatedConnection(session, self, log)
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
        assert isinstance(transport, LongPollTransport | StreamTransport)
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

    def _serve(self, exchange: Exchange) -> None:
        request = exchange.request
        headers = {name.lower(): value for name, value in request.headers}
        headers["content-type"] = CONTENT_TYPES[exchange.form]
        body = request.body if isinstance(request.body, bytes) else request.body.encode()
        port = HttpAnswer(self, exchange)
        match self.dialect.interpret(Request("POST", request.verb, headers, body)):
            case Attach() as intent:
                self.gateway.attach(intent, port)
            case Poll() as intent:
                self.gateway.poll(intent, port)
            case Push() as intent:
                self.gateway.push(intent, port)
            case LeaveBeacon() as intent:
                line = self.registry.find(intent.sid, intent.key)
                if isinstance(line, SimulatedConnection) and intent.attempt == line.session.attempt:
                    line.log.leaving_at = line.log.leaving_at or self.time.now
                self.gateway.leave(intent, port)
            case Answer() as answer:
                port.status(answer)
            case other:
                raise AssertionError(f"no request of ours wants {other!r}")


class StreamTransport(WebSocketTransport):
    """The server's end of a stream."""

    def __init__(self, server: ServerEnd, stream: Stream, high_water: int) -> None:
        super().__init__(server.gateway)
        self._server = server
        self._stream = stream
        self._high_water = high_water

    def write(self, message: Data) -> None:
        """See WebSocketTransport.write."""
        if not self._closed:
            self.buffered += len(message)
            if self.buffered > self._high_water:
                self.congested = True
            invariants.i16_volatile_leaves_soon(self._server.history, message, self._server.time.now)
            self._stream.down.send(message)

    def _shut(self, code: int, reason: str) -> None:
        self._stream.down.send(Close(code, reason))

    def expect_hello(self) -> None:
        """The host's timer for silence."""
        if self.receiver is self._server.gateway:
            self.close(Closing(TransportCode.HELLO_TIMEOUT, "no Hello came in time"))

    @property
    def closed(self) -> bool:
        """Whether nothing is received from it any more."""
        return self._closed

    def arrived(self, item: Data | Close) -> None:
        """See StreamEnd."""
        self._server.process.do(self.lost if isinstance(item, Close) else partial(self.received, item))

    def taken(self, size: int) -> None:
        """See StreamEnd."""
        self._server.process.do(partial(self.sent, size))

    def broken(self) -> None:
        """See StreamEnd."""
        self._server.process.do(self.lost)


class HttpAnswer:
    """One HTTP request, as the gateway answers it."""

    def __init__(self, server: ServerEnd, exchange: Exchange) -> None:
        self._server = server
        self._exchange = exchange
        self._answered = False

    def answer(self, message: Data | None) -> None:
        """See HttpPort.answer."""
        if message is None:
            self._reply(Reply(204))
        else:
            invariants.i16_volatile_leaves_soon(self._server.history, message, self._server.time.now)
            self._reply(Reply(200, message))

    def refuse(self, closing: Closing) -> None:
        """See HttpPort.refuse."""
        word = TransportCode(closing.code).name.lower()
        self._reply(Reply(409, reason=f"{word}:{closing.reason}"))

    def status(self, answer: Answer) -> None:
        """See HttpPort.status."""
        self._reply(Reply(answer.status))

    def _reply(self, reply: Reply) -> None:
        verb = self._exchange.request.verb
        invariants.i12_each_request_is_answered_once(self._server.history, verb, before=self._answered)
        if not self._answered and not self._server.process.gone:
            self._answered = True
            self._exchange.answered(reply)
