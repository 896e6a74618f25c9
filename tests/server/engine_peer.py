"""A Socket.IO client written by hand, over requests and WebSockets that are lists."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import copy
from typing import Any

from antiphon import Disconnected, Limits, Server, Socket, Socketio
from antiphon.dialects.socketio.engine import EngineError, EngineRefusal
from antiphon.dialects.socketio.frames import messages_of
from antiphon.server.engine_session import EngineSession
from antiphon.server.engine_upgrade import Upgrade
from antiphon.server.engineio import EngineGateway
from antiphon.testing.clock import ManualClock
from antiphon.transports.websocket import WebSocketTransport
from antiphon.types import Data
from tests.server.peer import settle

__all__ = ["Ask", "Polls", "Site", "Wire", "entered", "wire_of"]

STEP = 0.25


class Site:
    """A server whose clock stands still, with "/" and "/chat", and a way in for Socket.IO. It hears notes and ends."""

    def __init__(self, limits: Limits | None = None, **settings: Any) -> None:
        self.clock = ManualClock()
        self.server = Server(clock=self.clock, limits=limits or Limits())
        self.server.start(ticking=False)
        self.engine = self.server.serve_socketio(Socketio(**settings))
        self.heard: list[Any] = []
        self.root = self.server.namespace("/")
        self.server.namespace("/chat")

        @self.root.on("note")
        async def note(socket: Socket, *args: Any) -> None:
            self.heard.append(args[0] if len(args) == 1 else args)

        @self.root.on_disconnect
        async def disconnect(socket: Socket, reason: Disconnected) -> None:
            self.heard.append(reason.code)

    @classmethod
    def beside(cls, site: Site, **settings: Any) -> Site:
        """Another way in to the same server."""
        beside = copy(site)
        beside.engine = site.server.serve_socketio(Socketio(**settings))
        return beside

    async def passes(self, seconds: float) -> None:
        """Let time pass, in the steps of the ticker."""
        for _ in range(round(seconds / STEP)):
            self.clock.advance(STEP)
            self.server.tick(self.clock())
            await settle()


class Ask:
    """One request, and how it was answered."""

    def __init__(self) -> None:
        self.gone = False
        self.text: str | None = None
        self.refusal: EngineRefusal | None = None

    @property
    def error(self) -> EngineError | None:
        return None if self.refusal is None else self.refusal.error

    @property
    def open(self) -> bool:
        return self.text is None and self.refusal is None

    def answer(self, text: str) -> None:
        assert self.open, "a request is answered once"
        self.text = text

    def refuse(self, refusal: EngineRefusal) -> None:
        assert self.open, "a request is answered once"
        self.refusal = refusal


class Wire(WebSocketTransport):
    """A WebSocket that keeps what is written to it, and holds back what comes as it is told to."""

    def __init__(self, receiver: EngineSession | Upgrade) -> None:
        super().__init__(receiver)
        self.heard: list[Data] = []
        self.shut: int | None = None
        self._held: Callable[[], bool] | None = None
        self._waiting: list[Data] = []
        receiver.begin(self)

    def write(self, message: Data) -> None:
        assert isinstance(message, bytes)
        self.heard += messages_of(message)

    def hold(self, until: Callable[[], bool]) -> None:
        self._held = until

    def _shut(self, code: int, reason: str) -> None:
        self.shut = code

    def say(self, *messages: Data) -> None:
        self._waiting += messages
        while self._waiting and (self._held is None or self._held()):
            self._held = None
            self.received(self._waiting.pop(0))


class Polls:
    """One client on polling; `sid` is "" if it was refused."""

    def __init__(self, engine: EngineGateway, address: str = "", user_agent: str = "") -> None:
        self.engine = engine
        self.greeting = Ask()
        self.sid = engine.open(address, {"user-agent": user_agent}, self.greeting)

    def poll(self) -> Ask:
        ask = Ask()
        self.engine.poll(self.sid, ask)
        return ask

    def post(self, body: str | bytes, content_type: str = "text/plain") -> Ask:
        ask = Ask()
        polling = self.engine.expect_push(self.sid, ask)
        if polling is not None:
            self.engine.push(polling, body.encode() if isinstance(body, str) else body, content_type)
        return ask

    async def enter(self, auth: str = "") -> dict[str, Any]:
        """Come into "/", and return what is told of it."""
        assert self.post(f"40{auth}").text == "ok"
        await settle()
        poll = self.poll()
        await settle()
        told = poll.text
        assert told is not None and told.startswith("40{")
        joined: dict[str, Any] = json.loads(told[2:])
        return joined

    def upgrade(self) -> Wire:
        """Open a WebSocket that is to take over."""
        receiver = self.engine.expect_websocket(self.sid, "")
        assert isinstance(receiver, Upgrade)
        return Wire(receiver)


def wire_of(site: Site) -> Wire:
    """A WebSocket that has said nothing yet."""
    receiver = site.engine.expect_websocket(None, "")
    assert isinstance(receiver, EngineSession)
    wire = Wire(receiver)
    assert str(wire.heard.pop()).startswith('0{"sid":')
    return wire


async def entered(site: Site, auth: dict[str, Any] | None = None) -> tuple[Wire, dict[str, Any]]:
    """A WebSocket that has come into "/", and what it was told of it."""
    wire = wire_of(site)
    wire.say("40" if auth is None else "40" + json.dumps(auth))
    await settle()
    told = [message for message in wire.heard if str(message).startswith("40")]
    return wire, json.loads(str(told[0])[2:])
