"""Where Socket.IO clients come in: a connection of Engine.IO until its first CONNECT, and what stands before a session.

Their wire has no window and nothing to come back by, so whoever brings more than may wait is not read any further, and
a session ends with its transport.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Protocol

from antiphon.config import Heartbeat as HeartbeatSettings
from antiphon.dialects.socketio.dialect import PING, SocketioDialect, is_pong
from antiphon.errors import RemoteProtocolError
from antiphon.protocol.closing import Closing, TransportCode
from antiphon.protocol.heartbeat import Heartbeat
from antiphon.protocol.packets import Close, Hello, Refuse
from antiphon.server.authentication import Arrival, arrival
from antiphon.server.gateway import Gateway
from antiphon.server.line import Line
from antiphon.transports.base import Receiver, Transport
from antiphon.types import Data

__all__ = ["EngineGateway", "EngineTransport"]


class EngineTransport(Transport, Protocol):
    """A transport that can be told to wait before it brings more."""

    def hold(self, until: Callable[[], bool]) -> None:
        """Bring nothing more until `until` is true, which is asked many times a second."""
        ...


class EngineGateway:
    """The way in of Socket.IO clients to one server."""

    def __init__(
        self, gateway: Gateway, dialect: SocketioDialect, heartbeat: HeartbeatSettings, clock: Callable[[], float]
    ) -> None:
        self.gateway = gateway
        self.dialect = dialect
        self.clock = clock
        self._heartbeat = heartbeat
        self._opening: set[Opening] = set()

    def __len__(self) -> int:
        """How many connections have not asked for a namespace yet."""
        return len(self._opening)

    def expect(self) -> Opening:
        """The receiver of a transport that is about to be there; `begin` it then."""
        return Opening(self, Heartbeat(self._heartbeat, pings=True))

    def begun(self, opening: Opening) -> None:
        """It has a transport."""
        self._opening.add(opening)

    def over(self, opening: Opening) -> None:
        """It has not, or the first CONNECT came."""
        self._opening.discard(opening)

    def tick(self, now: float) -> None:
        """Let time pass for those who have not asked for a namespace yet."""
        for opening in tuple(self._opening):
            opening.tick(now)


class Opening:
    """One connection until its first CONNECT: the receiver of its transport, and afterwards the way in (Entrance)."""

    pings = True

    def __init__(self, gateway: EngineGateway, heartbeat: Heartbeat) -> None:
        self.address = ""
        self._gateway = gateway
        self._heartbeat = heartbeat
        self._transport: EngineTransport | None = None
        self._looked_into = False

    def begin(self, transport: EngineTransport) -> None:
        """Greet the client. Whoever made the transport gives it a time in which it has to ask for a namespace."""
        gateway = self._gateway
        self.address, self._transport = transport.address, transport
        self._heartbeat.start(gateway.clock(), watch=True)
        gateway.begun(self)
        transport.write(gateway.dialect.greeting(secrets.token_urlsafe(15)))

    def tick(self, now: float) -> None:
        """Let time pass."""
        if self._heartbeat.silent(now):
            self._close(Closing(TransportCode.SILENT, "nothing was heard for too long"))
        elif self._heartbeat.ping(now) and self._transport is not None:
            self._transport.write(PING)

    def _close(self, closing: Closing) -> None:
        self._gateway.over(self)
        if self._transport is not None:
            self._transport.close(closing)

    # -- Receiver, until the first CONNECT

    def on_message(self, transport: Transport, message: Data) -> None:
        """Pongs, then a CONNECT."""
        self._heartbeat.heard = self._gateway.clock()
        if is_pong(message):
            return
        codec = self._gateway.dialect.codec_of(message)
        try:
            packets = codec.decode(message).packets
        except RemoteProtocolError as error:
            self._gateway.gateway.turned_away("bad_hello", self.address)
            self._close(Closing(TransportCode.BAD_HELLO, error.message))
            return
        for packet in packets:
            if isinstance(packet, Hello):
                self._gateway.over(self)
                self._gateway.gateway.enter(packet, codec, self)
            elif isinstance(packet, Close):
                self._close(Closing(TransportCode.ENDED, packet.code))

    def on_drained(self, transport: Transport) -> None:
        """Nothing waits for a transport without a session."""

    def on_lost(self, transport: Transport) -> None:
        """Nothing was promised to it."""
        self._gateway.over(self)

    # -- Entrance

    def arrival(self) -> Arrival:
        """See Entrance.arrival."""
        transport = self._known
        return arrival(self.address, transport.headers, transport.name)

    def wait(self, receiver: Receiver) -> None:
        """See Entrance.wait: what comes behind the CONNECT is not read before it is known who sends it."""
        self._looked_into = True
        self._known.receiver = receiver
        self._known.hold(lambda: not self._looked_into)

    def let_in(self, line: Line) -> Transport:
        """See Entrance.let_in."""
        self._looked_into = False
        line.session.resumable = False
        # The client counts from the last ping on, whoever has sent it.
        line.session.heartbeat.next_ping = self._heartbeat.next_ping
        self._known.receiver = _Windowless(line, self._known, self._gateway.clock)
        return self._known

    def turn_away(self, refusal: Refuse, message: Data) -> None:
        """See Entrance.turn_away. Who reads a CONNECT_ERROR does not come back; who is cut off does."""
        self._looked_into = False
        if refusal.retry_after is None:
            self._known.write(message)
        self._known.close(Closing(TransportCode.REFUSED, refusal.code))

    @property
    def _known(self) -> EngineTransport:
        assert self._transport is not None, "nothing came from a transport that is not there"
        return self._transport


class _Windowless:
    """Stands between a transport and a line: what the inbox has no room for is left in the network."""

    __slots__ = ("_clock", "_line", "_transport")

    def __init__(self, line: Line, transport: EngineTransport, clock: Callable[[], float]) -> None:
        self._line = line
        self._transport = transport
        self._clock = clock

    def on_message(self, transport: Transport, message: Data) -> None:
        """See Receiver.on_message."""
        self._line.on_message(transport, message)
        if self._line.session.inbox.full:
            self._transport.hold(self._has_room)

    def on_drained(self, transport: Transport) -> None:
        """See Receiver.on_drained."""
        self._line.on_drained(transport)

    def on_lost(self, transport: Transport) -> None:
        """See Receiver.on_lost."""
        self._line.on_lost(transport)

    def _has_room(self) -> bool:
        session = self._line.session
        if not session.inbox.full:
            return True
        # Its Pongs are not read either: it is not to be called silent for that.
        session.heartbeat.heard = self._clock()
        return False
