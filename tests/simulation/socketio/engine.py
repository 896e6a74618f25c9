"""One connection as engine.io-client 6.6 has it: polls, a WebSocket, or first the one and then the other."""

from __future__ import annotations

import json
from typing import Protocol

from antiphon.testing.simulation.virtual_time import VirtualTime
from antiphon.types import Data
from tests.simulation.socketio.network import Way
from tests.simulation.socketio.spelling import size_of
from tests.simulation.socketio.transports import Polling, WebSocket

__all__ = ["Engine"]

OPEN, PING, PONG, MESSAGE, UPGRADE = "02345"


class Manager(Protocol):
    """Who has an engine."""

    def on_engine_open(self, engine: Engine) -> None: ...

    def on_engine_error(self, engine: Engine) -> None: ...

    def on_engine_message(self, engine: Engine, message: Data) -> None: ...

    def on_engine_close(self, engine: Engine, reason: str) -> None: ...


class Engine:
    """See its socket.js. States: opening, open, closing, closed. Messages are without the type that text has."""

    def __init__(self, manager: Manager, way: Way, time: VirtualTime, number: int, transports: tuple[str, ...]) -> None:
        self.number = number
        self.state = "opening"
        self.sid: str | None = None
        self.upgrading = False
        self.excuse = ""  # why it may be closed; without one nobody may close it
        self.probe: Probe | None = None
        self.way = way
        self.time = time
        self._manager = manager
        self._upgrades = "websocket" in transports
        self._buffer: list[Data] = []
        self._flushed = 0
        self._most = 0
        self._patience = 0.0
        self._silent_at = 0.0
        self._once_drained = self._once_upgraded = False  # it is to be closed then
        first = Polling(self, way) if transports[0] == "polling" else WebSocket(self, way, time, None)
        self.transport: Polling | WebSocket = first
        first.open()

    # -- from the transport

    def on_ready(self, transport: Polling | WebSocket) -> None:
        """Its open packet counts."""

    def on_packet(self, transport: Polling | WebSocket, packet: Data) -> None:
        if self.state == "closed":
            return
        if isinstance(packet, bytes):
            self._manager.on_engine_message(self, packet)
        elif packet.startswith(OPEN):
            self._shake_hands(json.loads(packet[1:]))
        elif packet == PING:
            self._send(PONG)
            self._watch()
        elif packet.startswith(MESSAGE):
            self._manager.on_engine_message(self, packet[1:])

    def _shake_hands(self, told: dict[str, object]) -> None:
        self.sid = self.transport.sid = str(told["sid"])
        interval, timeout, most = told["pingInterval"], told["pingTimeout"], told["maxPayload"]
        assert isinstance(interval, int) and isinstance(timeout, int) and isinstance(most, int)
        self._most, self._patience = most, (interval + timeout) / 1000
        self.state = "open"
        self._manager.on_engine_open(self)
        self._flush()
        if self.state == "open" and self._upgrades and told["upgrades"]:
            self.probe = Probe(self)
        if self.state != "closed":
            self._watch()

    def _watch(self) -> None:
        self._silent_at = at = self.time.now + self._patience
        self.time.at(at, lambda: self._look(at))

    def _look(self, at: float) -> None:
        if at == self._silent_at:
            self.closed("ping timeout")

    def on_drain(self, transport: Polling | WebSocket) -> None:
        del self._buffer[: self._flushed]
        self._flushed = 0
        if self._buffer:
            self._flush()
        elif self._once_drained:
            self._once_drained = False
            if self.upgrading:
                self._once_upgraded = True
            else:
                self._force()

    def on_end(self, transport: Polling | WebSocket, error: bool) -> None:
        if isinstance(transport, WebSocket) and transport.link is not None and transport.link.blocked:
            self.excuse = self.excuse or "WebSockets are blocked"
        if error:
            self._manager.on_engine_error(self)
        self.closed("transport error" if error else "transport close")

    # -- out

    def write(self, message: Data) -> None:
        """Send a message of Socket.IO; the text of one has the type of Engine.IO put before it."""
        self._send(MESSAGE + message if isinstance(message, str) else message)

    def _send(self, packet: Data) -> None:
        if self.state not in ("closing", "closed"):
            self._buffer.append(packet)
            self._flush()

    def _flush(self) -> None:
        if self.state != "closed" and self.transport.writable and not self.upgrading and self._buffer:
            packets = self._writable()
            # Noted first: what is written may end the connection at once.
            self._flushed = len(packets)
            self.transport.write(packets)

    def _writable(self) -> list[Data]:
        """As much as fits into one payload."""
        buffer = self._buffer[:]
        if not self._most or self.transport.name != "polling" or len(buffer) < 2:
            return buffer
        size = 1
        for place, packet in enumerate(buffer):
            size += size_of(packet)
            if place and size > self._most:
                return buffer[:place]
            size += 2
        return buffer

    @property
    def idle(self) -> bool:
        """Nothing waits for the network."""
        return not self._buffer

    @property
    def writable(self) -> bool:
        return self.transport.writable

    # -- upgrade

    def upgraded(self, transport: WebSocket) -> None:
        """Nothing is on its way by the polls any more."""
        self.transport.owner = None
        self.transport = transport
        transport.owner = self
        if transport.link is not None and transport.link.broken:
            self.excuse = self.excuse or "it went to a WebSocket that is cut"
        transport.write([UPGRADE])
        self.probe = None
        self._upgraded()
        self.upgrading = False
        self._flush()

    def not_upgraded(self) -> None:
        """It stays with its polls, unless it was about to leave them: then it says nothing more, and neither polls."""
        self.probe = None
        if self.upgrading:
            self.excuse = self.excuse or "a client of this kind does not come back from a pause"
        self._upgraded()

    def _upgraded(self) -> None:
        if self._once_upgraded:
            self._once_upgraded = False
            self._force()

    # -- the end

    def close(self) -> None:
        """When everything is written."""
        if self.state not in ("opening", "open"):
            return
        self.excuse = self.excuse or "the client closes it"
        self.state = "closing"
        if self._buffer:
            self._once_drained = True
        elif self.upgrading:
            self._once_upgraded = True
        else:
            self._force()

    def _force(self) -> None:
        self.closed("forced close")

    def closed(self, reason: str) -> None:
        """It is over."""
        if self.state == "closed":
            return
        if reason == "ping timeout" and self.upgrading:
            # It polls no more before its POST is answered, and the server may hold that for as long as handlers take.
            self.excuse = self.excuse or "it paused behind a POST that is held"
        self.state = "closed"
        self._silent_at = 0.0
        self.transport.owner = None
        self.transport.close()
        if self.probe is not None:
            self.probe.give_up()
        self._manager.on_engine_close(self, reason)
        self._buffer = []

    def vanish(self) -> None:
        """Its program is gone: nothing is said, and nothing heard."""
        self.state, self._silent_at = "closed", 0.0
        for transport in (self.transport, self.probe.transport if self.probe is not None else self.transport):
            transport.state, transport.owner = "closed", None


class Probe:
    """The WebSocket that is to take over."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._heard = False
        self.transport = WebSocket(self, engine.way, engine.time, engine.sid)
        self.transport.open()

    def on_ready(self, transport: Polling | WebSocket) -> None:
        self.transport.write([PING + "probe"])

    def on_packet(self, transport: Polling | WebSocket, packet: Data) -> None:
        if not self._heard and packet == PONG + "probe":
            self._engine.upgrading = True
            self._engine.transport.pause(self._paused)
        self._heard = True

    def on_drain(self, transport: Polling | WebSocket) -> None:
        """Nothing waits for it."""

    def on_end(self, transport: Polling | WebSocket, error: bool) -> None:
        self.give_up()

    def give_up(self) -> None:
        """It failed, or nobody needs it."""
        if self.transport.owner is self:
            self.transport.owner = None
            self.transport.close()
            self._engine.not_upgraded()

    def _paused(self) -> None:
        if self.transport.owner is self and self._engine.state != "closed":
            self._engine.upgraded(self.transport)
