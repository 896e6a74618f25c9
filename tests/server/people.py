"""An application with users: credentials are names, some of which it knows more about."""

from __future__ import annotations

import asyncio
from typing import Any

from antiphon import Arrival, Principal, Refused, Server
from antiphon.protocol.packets import Refuse, Welcome
from antiphon.testing.clock import ManualClock
from tests.server.peer import Peer, settle

__all__ = ["WALL", "People", "Served"]

WALL = 1_000_000.0


class People:
    """The application: credentials are names, some of which it knows more about."""

    def __init__(self, server: Server) -> None:
        self.asked: list[Any] = []
        self.arrivals: list[Arrival] = []
        self.expires: dict[str, float] = {}
        self.hold: asyncio.Event | None = None
        self.cancelled = 0
        server.authenticate(self.who)

    async def who(self, auth: Any, request: Arrival) -> Principal | None:
        self.asked.append(auth)
        self.arrivals.append(request)
        if self.hold is not None:
            try:
                await self.hold.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        if auth == "stranger":
            raise Refused("nobody knows you")
        if auth == "broken":
            raise OSError("the database is down")
        return None if auth is None else Principal(auth, self.expires.get(auth))


class Served:
    """A server with two namespaces, and its application."""

    def __init__(self, server: Server, clock: ManualClock) -> None:
        self.server, self.clock = server, clock
        self.people = People(server)
        self.chat, self.news = server.namespace("/chat"), server.namespace("/news")

    async def client(self, name: str, auth: Any, *joins: str) -> Peer:
        """A client with these credentials, which has joined."""
        peer = Peer(self.server, name)
        answer = await self.attach(peer, auth, *joins)
        assert isinstance(answer, Welcome)
        await settle()
        peer.read()
        return peer

    async def attach(self, peer: Peer, auth: Any, *joins: str, **fields: Any) -> Welcome | Refuse:
        """Say Hello, and wait for the answer."""
        self.greet(peer, auth, *joins, **fields)
        await settle()
        return self.answer(peer)

    def greet(self, peer: Peer, auth: Any, *joins: str, **fields: Any) -> None:
        """Say Hello; the answer comes later."""
        peer.greet(*joins, auth=auth, **fields)

    def answer(self, peer: Peer) -> Welcome | Refuse:
        return peer.answered()

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.server.tick(self.clock())
