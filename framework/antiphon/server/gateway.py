"""Where transports come in: it carries out what a dialect found a request to want.

Synchronous, like everything between a message and a session: an attach is one step (contract rule 13), and a poll that
has to wait is held by its transport.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from typing import Protocol

from antiphon.dialects.base import Answer, Attach, Dialect, LeaveBeacon, Poll, Push, Stream
from antiphon.errors import RemoteProtocolError
from antiphon.protocol.closing import Closing, TransportCode
from antiphon.protocol.codec import Codec
from antiphon.protocol.identity import Identity
from antiphon.protocol.packets import Hello, Packet, Ping, Pong, Refuse, Welcome
from antiphon.server.authentication import Authentication, Verdict
from antiphon.server.counters import Limit
from antiphon.server.entrances import ByRequest, Entrance, OnTransport
from antiphon.server.line import Line
from antiphon.server.lobby import Lobby
from antiphon.server.registry import Admission, Registry
from antiphon.server.throttle import Throttle
from antiphon.transports.base import Transport
from antiphon.transports.longpoll import LongPollTransport
from antiphon.transports.pushes import PushedTransport
from antiphon.transports.sse import EventStreamTransport
from antiphon.types import NOTHING, Data

__all__ = ["Gateway", "HttpPort", "StreamPort"]

log = logging.getLogger("antiphon.session")


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


class StreamPort(Protocol):
    """What a host lends for one HTTP request that asks for a stream: it is opened or answered, once."""

    def open(self) -> EventStreamTransport:
        """200: the response is a stream, and what is written to it are its events."""
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
        authentication: Authentication,
        admitted: Callable[[Line, Hello], None],
    ) -> None:
        """`admitted(line, hello)` is told of a session that a Hello made, or made again after a lost answer."""
        self._registry = registry
        self._counters = registry.counters
        self._dialect = dialect
        self._clock = clock
        self._hello_limit = hello_limit
        self._admitted = admitted
        self._authentication = authentication
        self._lobby = Lobby(authentication, registry, clock, decide=self._answer)
        self._throttle = Throttle()
        # Set when the process stops: how whoever still comes in is sent to the next one.
        self.refusing: Callable[[], Refuse] | None = None

    # -- WebSocket: the receiver until Hello

    def on_message(self, transport: Transport, message: Data) -> None:
        """The first messages of a WebSocket: Pings, then a Hello."""
        codec = self._dialect.codec_of(message)
        try:
            packet = self._opening(codec, message)
        except RemoteProtocolError as error:
            self.turned_away("bad_hello", transport.address)
            transport.close(Closing(TransportCode.BAD_HELLO, error.message))
            return
        if isinstance(packet, Ping):
            transport.write(_alone(codec, self._pong(packet)))
            return
        self.enter(packet, codec, OnTransport(transport))

    def on_drained(self, transport: Transport) -> None:
        """Nothing waits for a transport without a session."""

    def on_lost(self, transport: Transport) -> None:
        """Nothing was promised to a transport without a session."""

    # -- HTTP

    # Each is told the network address that the request came from: wrong keys are throttled by it.

    def attach(self, intent: Attach, port: HttpPort, address: str = "", headers: Mapping[str, str] = NOTHING) -> None:
        """POST attach: the way in to long-polling."""
        codec, packet = intent.codec, self._asked(intent, port, address)
        if packet is None:
            return
        if isinstance(packet, Ping):
            port.answer(_alone(codec, self._pong(packet)))
            return
        self.enter(packet, codec, ByRequest(port, address, self._clock, headers))

    def stream(self, intent: Stream, port: StreamPort, address: str = "", headers: Mapping[str, str] = NOTHING) -> None:
        """POST stream: the response is the transport, for as long as it lasts."""
        codec, packet = intent.codec, self._asked(intent, port, address)
        if packet is None:
            return
        stream = port.open()
        stream.address, stream.headers = address, headers
        if isinstance(packet, Ping):
            stream.write(_alone(codec, self._pong(packet)))
            stream.probed()
            return
        self.enter(packet, codec, OnTransport(stream))

    def poll(self, intent: Poll, port: HttpPort, address: str = "") -> None:
        """POST poll: what the client has not received, at once or as soon as there is something."""
        line, transport = self._living(intent, port, address)
        if line is None or not isinstance(transport, LongPollTransport):
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

    def _asked(self, intent: Attach | Stream, port: HttpPort | StreamPort, address: str) -> Hello | Ping | None:
        """What a first request says; None when it was answered with why it is none."""
        try:
            return self._opening(intent.codec, intent.message)
        except RemoteProtocolError as error:
            self.turned_away("bad_hello", address)
            port.status(Answer(400, error.message))
            return None

    def _opening(self, codec: Codec, message: Data) -> Hello | Ping:
        if len(message) > self._hello_limit:
            self._counters.hit("hello")
            raise RemoteProtocolError("protocol", f"a Hello has at most {self._hello_limit} bytes, not {len(message)}")
        packets = codec.decode(message).packets
        packet = packets[0] if len(packets) == 1 else None
        if not isinstance(packet, Hello | Ping):
            raise RemoteProtocolError("protocol", "the first message holds one Hello, or one Ping, and nothing else")
        if isinstance(packet, Hello) and not 43 <= len(packet.key) <= 128:
            raise RemoteProtocolError("protocol", "Hello's key must be 256 random bits in base64url, 43 characters")
        return packet

    def enter(self, hello: Hello, codec: Codec, entrance: Entrance) -> None:
        """What every Hello goes through, whichever way it came: it is admitted and attached, or turned away."""
        refusal = self._refusal(hello, entrance.address)
        if refusal is None and self._authentication.asks:
            self._lobby.enter(hello, codec, entrance)
        else:
            self._answer(hello, codec, entrance, refusal or Identity())

    def _answer(self, hello: Hello, codec: Codec, entrance: Entrance, verdict: Verdict) -> None:
        """In one step, whoever it is by `verdict`: everything is looked at as it is now (contract rule 13)."""
        if self.refusing is not None:
            verdict = self.refusing()  # it may have begun while the hook looked
        if isinstance(verdict, Refuse):
            answer, line, fresh = Admission(verdict)
        else:
            hello = entrance.settled(hello, verdict)
            answer, line, fresh = self._registry.attach(
                hello, codec, self._clock(), pings=entrance.pings, identity=verdict, address=entrance.address
            )
        message = _alone(codec, answer)
        if line is None:
            assert isinstance(answer, Refuse)
            self.turned_away(answer.code, entrance.address, again=not (answer.attempt is answer.retry_after is None))
            entrance.turn_away(answer, message)
            return
        assert isinstance(answer, Welcome)
        line.arrival = arrival = entrance.arrival()
        how = "resumed" if answer.resumed else "attached"
        log.debug("session %s %s by %s from %s", answer.sid, how, arrival.transport, arrival.address)
        line.attach(entrance.let_in(line), message)
        if fresh:
            self._admitted(line, hello)

    def _refusal(self, hello: Hello, address: str) -> Refuse | None:
        """Why nobody is to be looked into, whoever it is."""
        if self.refusing is not None:
            return self.refusing()
        if hello.sid is not None and self._registry.find(hello.sid, hello.key) is None:
            wait = self._wrong_key(hello.sid, address)
            if wait is not None:
                return Refuse("try_later", "too many wrong keys from this address", round(wait * 1000))
        return self._registry.hindrance(hello, address, self._clock())

    def _wrong_key(self, sid: str, address: str) -> float | None:
        """Somebody cannot prove that `sid` is theirs; seconds to wait if that happens too often from `address`.

        A session that does not live is no guess: after a restart everybody comes with one of those.
        """
        wait = self._throttle.wrong(address, self._clock()) if sid in self._registry else None
        if wait is not None:
            self._counters.hit("wrong_keys")
            log.info("a request with a wrong key from %s was refused: there were too many", address)
        return wait

    def find(self, sid: str, key: str) -> Line | None:
        """The living session that `key` proves."""
        return self._registry.find(sid, key)

    def crowd(self, address: str) -> Refuse | None:
        """Why nobody new from there would be let in; asked before somebody has said a Hello."""
        return self._registry.crowd(address, self._clock())

    def count(self, limit: Limit) -> None:
        """A limit was reached before there was a session."""
        self._counters.hit(limit)

    def turned_away(self, code: str, address: str, *, again: bool = False) -> None:
        """Nobody is attached. Who may come `again` by themselves is no news for an operator."""
        self._counters.refused[code] += 1
        log.log(logging.DEBUG if again else logging.INFO, "a client from %s was refused: %s", address, code)

    def _living(self, intent: Poll | Push, port: HttpPort, address: str) -> tuple[Line | None, PushedTransport | None]:
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
        takes = LongPollTransport if isinstance(intent, Poll) else PushedTransport
        if credentials.attempt != line.session.attempt or not isinstance(transport, takes):
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
