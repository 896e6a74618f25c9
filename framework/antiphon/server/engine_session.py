"""One connection of Engine.IO: what a Socket.IO client has before its first CONNECT, and how it becomes a session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from antiphon.dialects.socketio import engine
from antiphon.dialects.socketio.codec import SocketioCodec
from antiphon.dialects.socketio.frames import text_frame
from antiphon.errors import RemoteProtocolError
from antiphon.protocol.closing import Closing, Ending, TransportCode
from antiphon.protocol.heartbeat import Heartbeat
from antiphon.protocol.identity import Identity
from antiphon.protocol.packets import Close, Hello, Refuse
from antiphon.server.authentication import Arrival, arrival
from antiphon.server.line import Line
from antiphon.server.windowless import EngineTransport, Windowless
from antiphon.transports.base import Receiver, Transport
from antiphon.types import Data

if TYPE_CHECKING:
    from antiphon.server.engineio import EngineGateway

__all__ = ["EngineSession"]

# What a client is sent from time to time before it has asked for a namespace; afterwards its codec says it.
PING = text_frame(engine.PING.encode())
FOR_GOOD = Ending("expired", "the connection is gone, and nobody can come back to it")


class EngineSession:
    """The receiver of its transport until the first CONNECT, and the way in (Entrance) of that.

    `line`: what it has become. `sid` names it in the URLs of its polls, and until it is on a WebSocket.
    """

    pings = True

    def __init__(
        self, gateway: EngineGateway, sid: str, address: str, query: Mapping[str, str], heartbeat: Heartbeat
    ) -> None:
        """`query`: what the application of the client said in the URL of its handshake."""
        self.sid = sid
        self.address = address
        self.transport: EngineTransport | None = None
        self.line: Line | None = None
        self._gateway = gateway
        self._query = query
        self._heartbeat = heartbeat
        self._ask_by = gateway.clock() + gateway.dialect.settings.connect_timeout
        self._codec: SocketioCodec | None = None  # of the first CONNECT
        self._guest: Receiver | None = None  # who listens while it is looked into who comes

    def begin(self, transport: EngineTransport) -> None:
        """It has its first transport: greet the client."""
        self.transport = transport
        self._heartbeat.start(self._gateway.clock(), watch=True)
        transport.write(self._gateway.dialect.greeting(self.sid, polled=transport.name == "polling"))

    def give_up(self) -> None:
        """There was to be a transport, and its client is gone."""
        self._gateway.gone(self)

    def move(self, transport: EngineTransport) -> None:
        """Another transport has taken over; nothing of either direction is on its way on the old one."""
        self.transport = transport
        if self.line is not None:
            transport.receiver = Windowless(self.line, transport, self._gateway.clock)
            self.line.move(transport)
        elif self._guest is not None:
            transport.receiver = self._guest
            transport.hold(self._known_by_now)
        else:
            transport.receiver = self

    def tick(self, now: float) -> None:
        """Let time pass for one that has not asked for a namespace yet; behind that others look after it."""
        if self._codec is not None:
            return
        if self._heartbeat.silent(now):
            self.close(Closing(TransportCode.SILENT, "nothing was heard for too long"))
        elif now >= self._ask_by:
            self._gateway.gateway.count("hello_timeout")
            self.close(Closing(TransportCode.HELLO_TIMEOUT, "no namespace was asked for in time"))
        elif self._heartbeat.ping(now) and self.transport is not None:
            self.transport.write(PING)

    def postpone(self, seconds: float) -> None:
        """Our own process stalled for so long."""
        self._ask_by += seconds
        self._heartbeat.postpone(seconds)

    def look(self, now: float) -> None:
        """End it if nothing was heard for too long: clients know that to the millisecond, the ticker does not."""
        if self.line is None:
            self.tick(now)
        elif self.line.session.heartbeat.silent(now):
            self.line.tick(now)

    def close(self, closing: Closing) -> None:
        """End it, if it has not become a session."""
        if self.line is None:
            if self.transport is not None:
                self.transport.close(closing)
            self._gateway.gone(self)

    # -- Receiver, until the first CONNECT

    def on_message(self, transport: Transport, message: Data) -> None:
        """Pongs, then a CONNECT."""
        self._heartbeat.heard = self._gateway.clock()
        if message != engine.PONG:
            try:
                self.said(message)
            except RemoteProtocolError as error:
                self._gateway.gateway.turned_away("bad_hello", self.address)
                self.close(Closing(TransportCode.BAD_HELLO, error.message))

    def said(self, message: Data) -> None:
        """The client said more than that it is there. Raises RemoteProtocolError."""
        gateway = self._gateway
        gateway.check_first(message)
        codec = gateway.dialect.codec_of(message)
        for packet in codec.decode(message).packets:
            if isinstance(packet, Hello):
                self._codec = codec
                gateway.gateway.enter(packet, codec, self)
            elif isinstance(packet, Close):
                self.close(Closing(TransportCode.ENDED, packet.code))

    def on_drained(self, transport: Transport) -> None:
        """Nothing waits for a transport without a session."""

    def on_lost(self, transport: Transport) -> None:
        """Nothing was promised to it."""
        self._gateway.gone(self)

    # -- Entrance

    def arrival(self) -> Arrival:
        """See Entrance.arrival."""
        transport = self._known
        return arrival(self.address, transport.headers, transport.name, self._query)

    def wait(self, receiver: Receiver) -> None:
        """See Entrance.wait: what comes behind the CONNECT is not read before it is known who sends it."""
        self._guest = self._known.receiver = _Waiting(receiver, self)
        self._known.hold(self._known_by_now)

    def settled(self, hello: Hello, identity: Identity) -> Hello:
        """See Entrance.settled: who cannot go on where it was begins anew, and what it was is over.

        Not for somebody else: the client repeats its pid whoever it is by now.
        """
        codec = self._codec
        assert codec is not None, "a Hello came from no codec"
        claim = codec.claim
        if claim is None:
            return hello
        line = self._gateway.gateway.find(claim.sid, claim.key)
        if line is not None and line.session.identity.same_as(identity):
            theirs = line.session.codec
            if (
                isinstance(theirs, SocketioCodec)
                and theirs.form == codec.form
                and theirs.missed(claim.place) is not None
            ):
                return hello
            line.abandon("unknown", "its client began another session")
        return codec.afresh(hello)

    def let_in(self, line: Line) -> Transport:
        """See Entrance.let_in."""
        self._guest = None
        self.line, transport, codec, session = line, self._known, self._codec, line.session
        assert codec is not None
        settings = self._gateway.dialect.settings
        session.parting = None if settings.recovery else FOR_GOOD
        session.inbox.widen(settings.max_http_buffer_size)
        # The client counts from the last ping on, whoever has sent it.
        session.heartbeat = self._heartbeat
        if session.codec is not codec:
            assert isinstance(session.codec, SocketioCodec) and codec.claim is not None, "resumed without a claim"
            frames = session.codec.resume(codec.claim.place)
            assert frames is not None, "it was looked, in the same step, whether it can go on"
            transport.write(frames)
        transport.receiver = Windowless(line, transport, self._gateway.clock)
        self._gateway.entered(self)
        return transport

    def turn_away(self, refusal: Refuse, message: Data) -> None:
        """See Entrance.turn_away. Who reads a CONNECT_ERROR does not come back; who is cut off does."""
        self._guest = None
        if refusal.retry_after is None:
            self._known.write(message)
        self._known.close(Closing(TransportCode.REFUSED, refusal.code, refusal.reason))
        self._gateway.gone(self)

    def _known_by_now(self) -> bool:
        return self._guest is None

    @property
    def _known(self) -> EngineTransport:
        assert self.transport is not None, "nothing came from a transport that is not there"
        return self.transport


class _Waiting:
    """The receiver of a transport while it is looked into who comes: the lobby's, and its end is everybody's."""

    def __init__(self, guest: Receiver, session: EngineSession) -> None:
        self._guest = guest
        self._session = session

    def on_message(self, transport: Transport, message: Data) -> None:
        """See Receiver.on_message."""
        self._guest.on_message(transport, message)

    def on_drained(self, transport: Transport) -> None:
        """See Receiver.on_drained."""
        self._guest.on_drained(transport)

    def on_lost(self, transport: Transport) -> None:
        """See Receiver.on_lost."""
        self._guest.on_lost(transport)
        self._session.on_lost(transport)
