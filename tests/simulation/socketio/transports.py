"""What carries a connection of engine.io-client 6.6: polls with POSTs beside them, or a WebSocket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from antiphon.testing.simulation.virtual_time import VirtualTime
from antiphon.types import Data
from tests.simulation.socketio.network import Link, Way
from tests.simulation.socketio.spelling import SEPARATOR, spelled, unspelled

__all__ = ["Owner", "Polling", "WebSocket"]

OPEN, CLOSE = "01"


class Owner(Protocol):
    """Who listens to a transport."""

    def on_ready(self, transport: Polling | WebSocket) -> None: ...

    def on_packet(self, transport: Polling | WebSocket, packet: Data) -> None: ...

    def on_drain(self, transport: Polling | WebSocket) -> None: ...

    def on_end(self, transport: Polling | WebSocket, error: bool) -> None: ...


class Polling:
    """See its polling.js. States: opening, open, pausing, paused, closed."""

    name = "polling"

    def __init__(self, owner: Owner, way: Way) -> None:
        self.owner: Owner | None = owner
        self.state = "opening"
        self.writable = False
        self.sid: str | None = None
        self._way = way
        self._polling = False
        self._pauses: Callable[[], None] | None = None

    def open(self) -> None:
        self._poll()

    def _poll(self) -> None:
        self._polling = True
        self._way.request(self.sid, None, self._polled)

    def _polled(self, payload: str | None) -> None:
        if payload is None:
            if self.owner is not None:
                self.owner.on_end(self, error=True)
            return
        for packet in unspelled(payload):
            if self.state == "opening" and str(packet).startswith(OPEN):
                self.state, self.writable = "open", True
            if packet == CLOSE:
                self.state = "closed"
                if self.owner is not None:
                    self.owner.on_end(self, error=False)
            elif self.owner is not None:
                self.owner.on_packet(self, packet)
        if self.state != "closed":
            self._polling = False
            self._look_for_pause()
            if self.state == "open":
                self._poll()

    def write(self, packets: list[Data]) -> None:
        if self.state != "open":
            return
        self.writable = False
        self._way.request(self.sid, SEPARATOR.join(map(spelled, packets)), self._written)

    def _written(self, answer: str | None) -> None:
        if answer is None:
            if self.owner is not None:
                self.owner.on_end(self, error=True)
            return
        self.writable = True
        if self.owner is not None:
            self.owner.on_drain(self)
        self._look_for_pause()

    def pause(self, paused: Callable[[], None]) -> None:
        """Once neither a poll nor a POST is under way."""
        self.state, self._pauses = "pausing", paused
        self._look_for_pause()

    def _look_for_pause(self) -> None:
        if self._pauses is not None and self.writable and not self._polling:
            paused, self._pauses, self.state = self._pauses, None, "paused"
            paused()

    def close(self) -> None:
        if self.state == "open":
            self.write([CLOSE])  # be there another POST or not
        if self.state in ("opening", "open"):
            self.state = "closed"
            if self.owner is not None:
                self.owner.on_end(self, error=False)


class WebSocket:
    """See its websocket.js."""

    name = "websocket"

    def __init__(self, owner: Owner, way: Way, time: VirtualTime, sid: str | None) -> None:
        self.owner: Owner | None = owner
        self.state = "opening"
        self.writable = False
        self.sid = sid
        self.link: Link | None = None
        self._way = way
        self._time = time

    def open(self) -> None:
        self.link = self._way.websocket(self.sid, self)

    def on_open(self) -> None:
        self.state, self.writable = "open", True
        if self.owner is not None:
            self.owner.on_ready(self)

    def on_message(self, message: Data) -> None:
        if self.owner is not None:
            self.owner.on_packet(self, message)

    def on_close(self) -> None:
        self._ended(error=False)

    def on_error(self) -> None:
        self._ended(error=True)

    def _ended(self, error: bool) -> None:
        self.state = "closed"
        if self.owner is not None:
            self.owner.on_end(self, error)

    def write(self, packets: list[Data]) -> None:
        if self.state != "open":
            return
        assert self.link is not None
        self.writable = False
        for packet in packets:
            self.link.send(packet)
        self._time.soon(self._drained)

    def _drained(self) -> None:
        self.writable = True
        if self.owner is not None:
            self.owner.on_drain(self)

    def pause(self, paused: Callable[[], None]) -> None:
        raise AssertionError("nobody leaves a WebSocket")

    def close(self) -> None:
        if self.state in ("opening", "open"):
            assert self.link is not None
            self.link.send(None)
            self._ended(error=False)
