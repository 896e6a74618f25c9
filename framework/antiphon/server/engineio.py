"""Where Socket.IO clients come in: sessions of Engine.IO, found by the sid in the URLs of their polls.

That sid is no proof on a wire where it travels in URLs, so it opens nothing but the polls of a session that lives;
whoever comes back to a session proves it by the pid of its CONNECT.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial

from antiphon.config import Heartbeat as HeartbeatSettings
from antiphon.config import Limits
from antiphon.dialects.socketio.dialect import SocketioDialect
from antiphon.dialects.socketio.engine import EngineError, EngineRefusal
from antiphon.errors import RemoteProtocolError
from antiphon.protocol.closing import Closing, Loss, TransportCode
from antiphon.protocol.heartbeat import Heartbeat
from antiphon.protocol.pace import Pace, burst
from antiphon.server.census import source
from antiphon.server.engine_polling import EnginePolling
from antiphon.server.engine_port import CLOSED, EnginePort
from antiphon.server.engine_session import EngineSession
from antiphon.server.engine_upgrade import TooLate, Upgrade
from antiphon.server.gateway import Gateway
from antiphon.transports.websocket_group import BURST
from antiphon.types import NOTHING, Data

__all__ = ["EngineGateway"]

UNKNOWN = EngineRefusal(
    EngineError.SESSION_UNKNOWN,
    "this process has none of that name; behind several processes, send each client always to the same one",
)
MOVED = EngineRefusal(EngineError.BAD_REQUEST, "this session is on a WebSocket")
# So many reasons are remembered for requests that come late; of the oldest it is said that they are unknown.
MOST_FAREWELLS = 1000
# For so many seconds: who is still on its way by another transport is late by less.
REMEMBERED = 60.0


class EngineGateway:
    """The way in of Socket.IO clients to one server.

    `kind`: what a connection becomes; subclasses of EngineSession may take messages that are not Socket.IO's.
    """

    def __init__(
        self,
        gateway: Gateway,
        dialect: SocketioDialect,
        limits: Limits,
        clock: Callable[[], float],
        soon: Callable[[Callable[[], None]], object],
        kind: type[EngineSession] = EngineSession,
    ) -> None:
        """`soon(callback)` has it called in the next turn of the loop."""
        self.gateway = gateway
        self.dialect = dialect
        self.clock = clock
        settings = dialect.settings
        self._heartbeat = HeartbeatSettings(interval=settings.ping_interval, timeout=settings.ping_timeout)
        self._limits = limits
        self._soon = soon
        self._slowed = partial(gateway.count, "messages")
        self._kind = kind
        self._opening: dict[EngineSession, str] = {}  # those that are no session yet, and where they are
        self._sources: Counter[str] = Counter()
        self._polled: dict[str, EngineSession] = {}
        self._upgrades: dict[EngineSession, Upgrade] = {}
        self._farewells: dict[str, EngineRefusal] = {}  # why sessions are over, where there is more to say than that
        self._moved: dict[str, float] = {}  # sids that are on a WebSocket now, and until when they are remembered

    @property
    def opening(self) -> int:
        """How many connections are no session: yet, or not any more but for their last words."""
        return len(self._opening)

    @property
    def polled(self) -> int:
        """How many connections are on polling; last words may still wait there."""
        return len(self._polled)

    @property
    def upgrading(self) -> int:
        """How many of them are about to go on by a WebSocket."""
        return len(self._upgrades)

    # -- requests

    def open(
        self, address: str, headers: Mapping[str, str], port: EnginePort, query: Mapping[str, str] = NOTHING
    ) -> str:
        """A session begins with polling: `port` is answered with its greeting. Returns its sid, "" if it is refused."""
        refusal = self._crowded(address)
        if refusal is not None:
            port.refuse(refusal)
            return ""
        session = self._new(address, query)
        most = self._limits.messages
        pace = Pace(most, burst(most, BURST), self.clock())
        polling = EnginePolling(
            session, address, headers, clock=self.clock, soon=self._soon, pace=pace, slowed=self._slowed
        )
        self._polled[session.sid] = session
        polling.poll(port)
        session.begin(polling)
        return session.sid

    def poll(self, sid: str, port: EnginePort) -> None:
        """GET: what is there for the client, at once or as soon as there is something."""
        polling = self._polling(sid, port)
        if polling is None:
            return
        session = self._polled[sid]
        polling.poll(port)
        if polling.probed and not polling.closed:
            if session.line is not None:
                session.line.flush(self.clock())
            polling.pause()
        self._forget_if_over(session)

    def expect_push(self, sid: str, port: EnginePort) -> EnginePolling | None:
        """POST: its body is to be read, and then taken by `push`; None when `port` is answered already."""
        polling = self._polling(sid, port)
        if polling is None:
            return None
        session = self._polled[sid]
        expected = polling.expect_push(port)
        self._forget_if_over(session)
        return polling if expected else None

    def push(self, polling: EnginePolling, body: bytes, content_type: str) -> None:
        """The body of the POST that is expected there came: a payload."""
        try:
            messages = self.dialect.payload(body, content_type)
        except RemoteProtocolError as error:
            polling.broken(Loss(error.message, violation=True))
        else:
            polling.push(messages)

    def size_of(self, sid: str) -> int:
        """How many bytes the body of a POST may have."""
        session, most = self._polled.get(sid), self.dialect.largest_payload
        return most if session is not None and session.line is not None else min(most, self._limits.hello)

    def expect_websocket(
        self, sid: str | None, address: str, query: Mapping[str, str] = NOTHING
    ) -> EngineSession | Upgrade | TooLate | EngineRefusal:
        """A WebSocket is to be opened: who receives what it brings, once it was told to `begin`; or why not."""
        if sid is None:
            return self._crowded(address) or self._new(address, query)
        if sid in self._moved:
            return TooLate()
        session = self._polled.get(sid)
        if session is None:
            return UNKNOWN
        polling = session.transport
        if not isinstance(polling, EnginePolling) or polling.closed:
            return UNKNOWN
        if session in self._upgrades:
            return TooLate()
        upgrade = self._upgrades[session] = Upgrade(session, polling, self.clock(), ended=self._upgraded)
        return upgrade

    # -- what sessions tell

    def check_first(self, message: Data) -> None:
        """Raise RemoteProtocolError for a message that is larger than one may be before its sender is known."""
        if len(message) > self._limits.hello:
            self.gateway.count("hello")
            raise RemoteProtocolError("protocol", f"a first CONNECT has at most {self._limits.hello} bytes")

    def entered(self, session: EngineSession) -> None:
        """It has become a session, and whoever counts those counts it."""
        self._uncount(session)

    def gone(self, session: EngineSession) -> None:
        """It is over, without having become a session, but for last words that wait for a poll."""
        transport = session.transport
        if not (isinstance(transport, EnginePolling) and not transport.over):
            self._uncount(session)
        self._forget_if_over(session)

    # -- time

    def tick(self, now: float) -> None:
        """Let time pass for those whom nobody else looks after."""
        for session in tuple(self._opening):
            session.tick(now)
        for session in tuple(self._polled.values()):
            if isinstance(session.transport, EnginePolling):
                session.transport.tick(now)
                self._forget_if_over(session)
        for upgrade in tuple(self._upgrades.values()):
            upgrade.tick(now)
        while self._moved and next(iter(self._moved.values())) <= now:
            del self._moved[next(iter(self._moved))]

    def postpone(self, seconds: float) -> None:
        """Our own process stalled for so long: nobody else is to pay for it."""
        for session in self._opening:
            session.postpone(seconds)
        for upgrade in self._upgrades.values():
            upgrade.postpone(seconds)

    def close(self) -> None:
        """The server stops; its sessions were ended already."""
        for session in tuple(self._opening):
            session.close(Closing(TransportCode.GOING_AWAY, "the server stops"))
        for upgrade in tuple(self._upgrades.values()):
            upgrade.fail("the server stops")

    # -- within

    def _new(self, address: str, query: Mapping[str, str]) -> EngineSession:
        session = self._kind(self, secrets.token_urlsafe(15), address, query, Heartbeat(self._heartbeat, pings=True))
        self._opening[session] = here = source(address)
        self._sources[here] += 1
        return session

    def _crowded(self, address: str) -> EngineRefusal | None:
        """Why there may not be one connection more that has asked for nothing yet: each is kept for a while.

        Whoever is refused here comes back later and later; a client that was let in to the polls, and is turned away
        then, at once. With recovery it may be somebody who has a session already.
        """
        limits, here = self._limits, source(address)
        if self.gateway.refusing is not None:
            return EngineRefusal(EngineError.FORBIDDEN, "the server stops; try again in a moment")
        if len(self._opening) >= limits.connections:
            self.gateway.count("connections")
            return EngineRefusal(EngineError.FORBIDDEN, "too many clients connect at the moment; try again later")
        if here and self._sources[here] >= limits.connections_per_address:
            self.gateway.count("connections_per_address")
            return EngineRefusal(EngineError.FORBIDDEN, "too many clients connect from this address; try again later")
        crowd = None if self.dialect.settings.recovery else self.gateway.crowd(address)
        return None if crowd is None else EngineRefusal(EngineError.FORBIDDEN, f"{crowd.reason}; try again later")

    def _polling(self, sid: str, port: EnginePort) -> EnginePolling | None:
        """The polls of a session; without them the request is answered here."""
        session = self._polled.get(sid)
        if session is None:
            port.refuse(MOVED if sid in self._moved else self._farewells.get(sid, UNKNOWN))
            return None
        session.look(self.clock())
        polling = session.transport
        if isinstance(polling, EnginePolling) and not polling.over:
            return polling
        self._forget_if_over(session)
        port.refuse(polling.farewell if isinstance(polling, EnginePolling) else CLOSED)
        return None

    def _upgraded(self, upgrade: Upgrade) -> None:
        session = upgrade.session
        self._upgrades.pop(session, None)
        if not isinstance(session.transport, EnginePolling) and len(self._moved) < self._limits.connections:
            self._moved[session.sid] = self.clock() + REMEMBERED
        self._forget_if_over(session)

    def _uncount(self, session: EngineSession) -> None:
        here = self._opening.pop(session, None)
        if here is not None:
            self._sources[here] -= 1
            if not self._sources[here]:
                del self._sources[here]

    def _forget_if_over(self, session: EngineSession) -> None:
        """Its polls may be over, or it may be on a WebSocket."""
        transport = session.transport
        if isinstance(transport, EnginePolling) and not transport.over:
            return
        known = self._polled.pop(session.sid, None)
        if known is not None and isinstance(transport, EnginePolling) and transport.farewell is not CLOSED:
            self._farewells[session.sid] = transport.farewell
            if len(self._farewells) > MOST_FAREWELLS:
                del self._farewells[next(iter(self._farewells))]
        if session.line is None and isinstance(transport, EnginePolling):
            self._uncount(session)
