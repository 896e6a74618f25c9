"""Where transports come in: it carries out what a dialect found a request to want.

Synchronous, like everything between a message and a session: an attach is one step (contract rule 13), and a poll that
has to wait is held by its transport.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

from antiphon.dialects.base import Answer, Attach, Dialect, LeaveBeacon, Poll, Push
from antiphon.errors import RemoteProtocolError
from antiphon.protocol.closing import Closing, TransportCode
from antiphon.protocol.codec import Codec
from antiphon.protocol.packets import Hello, Packet, Ping, Pong, Refuse, Welcome
from antiphon.server.line import Line
from antiphon.server.registry import Admission, Registry
from antiphon.server.throttle import Throttle
from antiphon.transports.base import Transport
from antiphon.transports.longpoll import LongPollTransport
from antiphon.types import Data

__all__ = ["Gateway", "HttpPort"]


class HttpPort(Protocol):
    """What a host lends for one HTTP request: it is answered exactly once, now or later."""

    def answer(self, message: Data | None) -> None:
        """200 with one message in its form, or 204 with nothing."""
        ...

    def refuse(self, closing: Closing) -> None:
        """409: the transport is closed; `<word>:<reason>` says how."""
        ...

    def status(self, answer: Answer) -> None:
        """Any other status, with its reason."""
        ...


class Gateway:
    """The way in of one server."""

    def __init__(
        self,
        registry: Registry,
        dialect: Dialect,
        clock: Callable[[], float],
        *,
        hello_limit: int,
        admitted: Callable[[Line, Hello], None],
    ) -> None:
        """`admitted(line, hello)` is told of a session that a Hello made, or made again after a lost answer."""
        self._registry = registry
        self._dialect = dialect
        self._clock = clock
        self._hello_limit = hello_limit
        self._admitted = admitted
        self._throttle = Throttle()
        self.closed = False  # the process stops: who still comes in is sent to the next one

    # -- WebSocket: the receiver until Hello

    def on_message(self, transport: Transport, message: Data) -> None:
        """The first messages of a WebSocket: Pings, then a Hello."""
        codec = self._dialect.codec_of(message)
        try:
            packet = self._opening(codec, message)
        except RemoteProtocolError as error:
            transport.close(Closing(TransportCode.BAD_HELLO, error.message))
            return
        if isinstance(packet, Ping):
            transport.write(_alone(codec, self._pong(packet)))
            return
        admission = self._admission(packet, codec, transport.address)
        if admission.line is None:
            transport.write(_alone(codec, admission.answer))
            transport.close(Closing(TransportCode.REFUSED, _code(admission.answer)))
            return
        transport.receiver = admission.line
        self._begin(admission, admission.line, packet, transport, codec)

    def on_drained(self, transport: Transport) -> None:
        """Nothing waits for a transport without a session."""

    def on_lost(self, transport: Transport) -> None:
        """Nothing was promised to a transport without a session."""

    # -- HTTP

    # Each is told the network address that the request came from: wrong keys are throttled by it.

    def attach(self, intent: Attach, port: HttpPort, address: str = "") -> None:
        """POST attach: the transport is every poll and push that follows with the same attempt."""
        codec = intent.codec
        try:
            packet = self._opening(codec, intent.message)
        except RemoteProtocolError as error:
            port.status(Answer(400, error.message))
            return
        if isinstance(packet, Ping):
            port.answer(_alone(codec, self._pong(packet)))
            return
        admission = self._admission(packet, codec, address, pings=LongPollTransport.pings)
        if admission.line is None:
            port.answer(_alone(codec, admission.answer))
            return
        transport = LongPollTransport(admission.line, self._clock())
        transport.hold(port, self._clock())
        self._begin(admission, admission.line, packet, transport, codec)

    def poll(self, intent: Poll, port: HttpPort, address: str = "") -> None:
        """POST poll: what the client has not received, at once or as soon as there is something."""
        line, transport = self._living(intent, port, address)
        if line is None or transport is None:
            return
        now = self._clock()
        transport.heard(now)
        if not transport.newest_poll(intent.credentials.request):
            port.answer(None)
            return
        closing = line.session.poll(intent.message, now)
        line.hand_over()
        transport.hold(port, now)
        if closing is not None:
            line.close_after(closing)
        elif line.transport is transport:
            line.flush(now)

    def push(self, intent: Push, port: HttpPort, address: str = "") -> None:
        """POST push: takes in what continues what was received, and says how far that is."""
        line, transport = self._living(intent, port, address)
        if line is None or transport is None:
            return
        transport.heard(self._clock())
        newest = transport.newest_push(intent.credentials.request)
        line.on_message(transport, intent.message, volatile=newest)
        closed = transport.closed
        if closed is not None and closed.code is not TransportCode.ENDED and line.session.ending is None:
            port.refuse(closed)
        else:
            # Its head is 0 and says nothing: a poll's answer with higher numbers may still be on its way.
            port.answer(_alone(line.session.codec, line.session.progress()))

    def leave(self, intent: LeaveBeacon, port: HttpPort, address: str = "") -> None:
        """POST leave: the page closes. Whoever asks learns nothing."""
        line = self._registry.find(intent.sid, intent.key)
        if line is None and (wait := self._wrong_key(intent.sid, address)) is not None:
            port.status(_too_many(wait))
            return
        # A higher attempt is one whose Hello is still on its way; only a lower one is late.
        if line is not None and intent.attempt >= line.session.attempt:
            if line.transport is not None:
                line.detach(Closing(TransportCode.GOING_AWAY, "the page closes"))
            line.session.leave(self._clock())
        port.answer(None)

    # -- within

    def _opening(self, codec: Codec, message: Data) -> Hello | Ping:
        if len(message) > self._hello_limit:
            raise RemoteProtocolError("protocol", f"a Hello has at most {self._hello_limit} bytes, not {len(message)}")
        packets = codec.decode(message).packets
        packet = packets[0] if len(packets) == 1 else None
        if not isinstance(packet, Hello | Ping):
            raise RemoteProtocolError("protocol", "the first message holds one Hello, or one Ping, and nothing else")
        if isinstance(packet, Hello) and not 43 <= len(packet.key) <= 128:
            raise RemoteProtocolError("protocol", "Hello's key must be 256 random bits in base64url, 43 characters")
        return packet

    def _begin(self, admission: Admission, line: Line, hello: Hello, transport: Transport, codec: Codec) -> None:
        line.attach(transport, _alone(codec, admission.answer))
        if admission.fresh:
            self._admitted(line, hello)

    def _admission(self, hello: Hello, codec: Codec, address: str, *, pings: bool = True) -> Admission:
        if self.closed:
            return Admission(Refuse("draining", "the server stops", 1000))
        if hello.sid is not None and self._registry.find(hello.sid, hello.key) is None:
            wait = self._wrong_key(hello.sid, address)
            if wait is not None:
                return Admission(Refuse("try_later", "too many wrong keys from this address", round(wait * 1000)))
        return self._registry.attach(hello, codec, self._clock(), pings=pings)

    def _wrong_key(self, sid: str, address: str) -> float | None:
        """Somebody cannot prove that `sid` is theirs; seconds to wait if that happens too often from `address`.

        A session that does not live is no guess: after a restart everybody comes with one of those.
        """
        return self._throttle.wrong(address, self._clock()) if sid in self._registry else None

    def _living(
        self, intent: Poll | Push, port: HttpPort, address: str
    ) -> tuple[Line | None, LongPollTransport | None]:
        """The line and transport a request speaks for; without one it is answered here."""
        credentials = intent.credentials
        line = self._registry.find(credentials.sid, credentials.key)
        if line is None:
            wait = self._wrong_key(credentials.sid, address)
            if wait is not None:
                port.status(_too_many(wait))
                return None, None
            port.status(Answer(401, "unknown session or wrong key; attach again"))
            return None, None
        transport = line.transport
        if credentials.attempt != line.session.attempt or not isinstance(transport, LongPollTransport):
            port.refuse(Closing(TransportCode.FENCED, str(line.session.attempt)))
            return None, None
        if isinstance(intent.message, bytes) != (line.session.codec.form == "msgpack"):
            port.status(Answer(415, f"this session speaks {line.session.codec.form}"))
            return None, None
        return line, transport

    def _pong(self, ping: Ping) -> Pong:
        return Pong(ping.time, round(self._clock() * 1000))


def _alone(codec: Codec, packet: Packet) -> Data:
    return codec.pack(0, 0, [codec.encode(packet)])


def _too_many(wait: float) -> Answer:
    seconds = str(math.ceil(wait))
    return Answer(429, f"too many wrong keys from this address; wait {seconds} s", (("Retry-After", seconds),))


def _code(answer: Welcome | Refuse) -> str:
    return answer.code if isinstance(answer, Refuse) else ""
