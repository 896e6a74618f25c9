"""The network of one client: requests and WebSockets that are late, break, and break without anybody noticing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Protocol

from antiphon.dialects.socketio.engine import EngineRefusal
from antiphon.dialects.socketio.frames import messages_of
from antiphon.protocol.closing import Loss
from antiphon.server.engine_polling import EnginePolling
from antiphon.server.engine_session import EngineSession
from antiphon.server.engine_upgrade import TooLate, Upgrade
from antiphon.server.engineio import EngineGateway
from antiphon.testing.simulation.process import Process
from antiphon.testing.simulation.virtual_time import VirtualTime
from antiphon.transports.websocket import WebSocketTransport
from antiphon.types import Data

__all__ = ["End", "Link", "Request", "Way"]

# A host asks so often whether it may go on reading.
PAUSE = 0.05
# Above so many bytes that the network has not taken a WebSocket is congested.
HIGH_WATER = 400


class End(Protocol):
    """The client's end of a WebSocket."""

    def on_open(self) -> None: ...

    def on_message(self, message: Data) -> None: ...

    def on_close(self) -> None: ...

    def on_error(self) -> None: ...


class Way:
    """Between one client and the server. `pace`: most seconds that anything is late by."""

    def __init__(
        self, time: VirtualTime, random: Random, process: Process, engine: EngineGateway, address: str
    ) -> None:
        self.time = time
        self.random = random
        self.process = process
        self.engine = engine
        self.address = address
        self.pace = 0.0
        self.blocked = False  # WebSockets are refused by somebody between
        self.requests: list[Request] = []  # those under way
        self.links: list[Link] = []
        self.answered_twice = False

    def late(self, callback: Callable[[], object]) -> None:
        """Have it happen as soon as the network allows."""
        self.time.after(self.pace * self.random.random(), callback)

    def request(self, sid: str | None, body: str | None, done: Callable[[str | None], None]) -> Request:
        """A GET, or a POST with `body`. `done(text)`, or `done(None)` if it fails; perhaps never."""
        return Request(self, sid, body, done)

    def websocket(self, sid: str | None, end: End) -> Link:
        """Open one."""
        return Link(self, sid, end)


class Request:
    """One HTTP request. See EnginePort: the server's end of it."""

    def __init__(self, way: Way, sid: str | None, body: str | None, done: Callable[[str | None], None]) -> None:
        self.body = body
        self.gone = False
        self.answered = False
        self._way = way
        self._sid = sid
        self._done = done
        self._cut = False
        self._pushed: EnginePolling | None = None  # who waits for the body
        way.requests.append(self)
        way.late(self._arrive)

    def _arrive(self) -> None:
        if not self._cut:
            self._way.process.do(self._serve)

    def _serve(self) -> None:
        engine, body = self._way.engine, self.body
        if self._sid is None:
            engine.open(self._way.address, {}, self)
        elif body is None:
            engine.poll(self._sid, self)
        else:
            self._pushed = engine.expect_push(self._sid, self)
            if self._pushed is not None:
                self._way.late(self._read)

    def _read(self) -> None:
        """The body came behind the head."""
        if not self._cut:
            self._way.process.do(self._push)

    def _push(self) -> None:
        assert self.body is not None and self._sid is not None and self._pushed is not None
        engine, body = self._way.engine, self.body.encode()
        if len(body) > engine.size_of(self._sid):
            self._pushed.broken(Loss("the body is too large", violation=True))  # as a host does
        else:
            engine.push(self._pushed, body, "text/plain")

    def answer(self, text: str) -> None:
        """See EnginePort."""
        self._end(text)

    def refuse(self, refusal: EngineRefusal) -> None:
        """See EnginePort."""
        self._end(None)

    def _end(self, text: str | None) -> None:
        self._way.answered_twice |= self.answered
        self.answered = True
        self._way.late(partial(self._tell, text))

    def _tell(self, text: str | None) -> None:
        if self in self._way.requests and not self._cut:
            self._way.requests.remove(self)
            self._done(text)

    def cut(self, client_hears: float | None, server_hears: float | None) -> None:
        """Its connection breaks, with what is on its way; who hears of it does so after so many seconds."""
        if self._cut:
            return
        self._cut = True
        self._way.requests.remove(self)
        if client_hears is not None:
            self._way.time.after(client_hears, lambda: self._done(None))
        if server_hears is not None:
            self._way.time.after(server_hears, self._go)

    def _go(self) -> None:
        self.gone = True
        if self._pushed is not None and not self.answered:
            self._way.process.do(partial(self._pushed.broken, Loss("the client is gone")))  # as a host does


class _ServerEnd(WebSocketTransport):
    """What a host makes of a WebSocket."""

    def __init__(self, receiver: EngineSession | Upgrade | TooLate, link: Link) -> None:
        super().__init__(receiver)
        self.address = link.way.address
        self._link = link

    def write(self, message: Data) -> None:
        """See Transport."""
        assert isinstance(message, bytes)
        if not self._closed:
            for one in messages_of(message):
                self._link.down(one)
            self.congested = self._link.stuck > HIGH_WATER

    def hold(self, until: Callable[[], bool]) -> None:
        """See EngineTransport."""
        self._link.held = until

    def _shut(self, code: int, reason: str) -> None:
        self._link.down(None)


class Link:
    """A WebSocket: one pipe each way, which keep the order, and may each go black by itself."""

    def __init__(self, way: Way, sid: str | None, end: End) -> None:
        self.way = way
        self.held: Callable[[], bool] | None = None
        self.stuck = 0  # bytes that the network does not take
        self.server: _ServerEnd | None = None
        self.up_black = self.down_black = False
        self.blocked = False
        self.broken = False  # it was cut, noticed or not
        self._sid = sid
        self._end: End | None = end
        self._jam: list[Data | None] | None = None
        self._came: deque[Data | None] = deque()
        self._last_up = self._last_down = 0.0
        self._asking = False
        way.links.append(self)
        way.late(self._arrive)

    def _arrive(self) -> None:
        if self.up_black:
            return
        self.blocked = self.way.blocked
        if self.blocked:
            self._refused()
        else:
            self.way.process.do(self._open)

    def _open(self) -> None:
        receiver = self.way.engine.expect_websocket(self._sid, self.way.address)
        if isinstance(receiver, EngineRefusal):
            self._refused()
            return
        self.server = _ServerEnd(receiver, self)
        self._to_client(self._opened)
        receiver.begin(self.server)

    def _refused(self) -> None:
        self.up_black = True
        self._to_client(self._failed)

    # -- down

    def down(self, message: Data | None) -> None:
        """The server writes; None: it closes."""
        if self._jam is not None:
            self._jam.append(message)
            self.stuck += len(message or b"")
        else:
            self._to_client(partial(self._heard, message))

    def jam(self) -> None:
        """The network takes nothing more from the server."""
        if self._jam is None:
            self._jam = []

    def flow(self) -> None:
        """It does again."""
        waiting, self._jam, self.stuck = self._jam or (), None, 0
        for message in waiting:
            self.down(message)
        if self.server is not None:
            self.way.process.do(self.server.drained)

    def _to_client(self, callback: Callable[[], None]) -> None:
        way = self.way
        self._last_down = at = max(self._last_down, way.time.now + way.pace * way.random.random())
        way.time.at(at, partial(self._on_client, callback))

    def _on_client(self, callback: Callable[[], None]) -> None:
        if not self.down_black:
            callback()

    def _opened(self) -> None:
        if self._end is not None:
            self._end.on_open()

    def _failed(self) -> None:
        end, self._end = self._end, None
        self._forget()
        if end is not None:
            end.on_error()

    def _heard(self, message: Data | None) -> None:
        if self._end is not None and message is not None:
            self._end.on_message(message)
        elif self._end is not None:
            end, self._end = self._end, None
            self._forget()
            end.on_close()

    # -- up

    def send(self, message: Data | None) -> None:
        """The client writes; None: it closes, and hears nothing more."""
        if message is None:
            self._end = None
            self._forget()
        way = self.way
        self._last_up = at = max(self._last_up, way.time.now + way.pace * way.random.random())
        way.time.at(at, partial(self._on_server, message))

    def _on_server(self, message: Data | None) -> None:
        if not self.up_black:
            self._came.append(message)
            self.way.process.do(self._read)

    def _read(self) -> None:
        server = self.server
        while self._came and server is not None:
            if self.held is not None and not self.held():
                if not self._asking:
                    self._asking = True
                    self.way.time.after(PAUSE, partial(self.way.process.do, self._ask))
                return
            self.held = None
            message = self._came.popleft()
            if message is None:
                server.lost()
            else:
                server.received(message)

    def _ask(self) -> None:
        self._asking = False
        self._read()

    # -- faults

    def cut(self, up: bool, down: bool, client_hears: float | None, server_hears: float | None) -> None:
        """What goes `up`, or `down`, is lost from here on; who hears that it is closed does so after some seconds."""
        self.broken = True
        self.up_black |= up
        self.down_black |= down
        if client_hears is not None:
            self.way.time.after(client_hears, self._broke)
        if server_hears is not None:
            self.way.time.after(server_hears, partial(self.way.process.do, self._lost))

    def _broke(self) -> None:
        end, self._end = self._end, None
        self._forget()
        if end is not None:
            end.on_close() if self.server is not None else end.on_error()

    def _lost(self) -> None:
        self.up_black = True
        self._came.clear()
        if self.server is not None:
            self.server.lost()

    def _forget(self) -> None:
        if self in self.way.links:
            self.way.links.remove(self)
