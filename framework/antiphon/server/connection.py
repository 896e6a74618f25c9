"""The asyncio half of a session: its sockets, its tasks, and what waits for its client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from antiphon.dispatch.asking import NONE
from antiphon.dispatch.streams import Stream
from antiphon.protocol.closing import Closing
from antiphon.protocol.disconnects import DisconnectCode
from antiphon.protocol.packets import Call
from antiphon.protocol.server_session import ServerSession
from antiphon.server.asking import ServerAsking
from antiphon.server.joining import Joining
from antiphon.server.line import Line
from antiphon.server.renewals import Renewals
from antiphon.server.socket import Socket
from antiphon.server.tasks import Tasks
from antiphon.server.worker import Worker
from antiphon.transports.base import Transport
from antiphon.types import Data

if TYPE_CHECKING:
    from antiphon.server.server import Server

__all__ = ["Connection"]

# An awaited emit waits so long for a slow client (contract rule 10).
ROOM_WAIT = 10.0


class Connection(Line):
    """One session with its sockets. It lives as long as the session does."""

    def __init__(self, session: ServerSession, server: Server) -> None:
        super().__init__(session, server.clock, server.flusher.soon, server.counters)
        self.sockets: dict[str, Socket] = {}
        self.tasks = Tasks(server.limits.concurrent, server.counters)
        self.asking = ServerAsking(self, server)
        self.worker = Worker(self, server)
        self.joining = Joining(self, server)
        self.renewals: Renewals | None = None
        if server.authentication.asks:
            self.renewals = Renewals(self, server.authentication, server.clock)
            session.on_renew = self.renewals.renew
        self._server = server
        self._want_room: set[asyncio.Future[None]] = set()

    # -- from the line

    def attach(self, transport: Transport, welcome: Data) -> None:
        """See Line.attach."""
        super().attach(transport, welcome)
        self._server.registry.census.attached(self, self.arrival.address)
        self.joining.resume()

    def detach(self, closing: Closing | None) -> None:
        """See Line.detach."""
        attached = self.session.attached
        super().detach(closing)
        if attached and not self.ended:
            self.joining.suspend()
            self._server.registry.census.detached(self)

    def tick(self, now: float) -> None:
        """See Line.tick."""
        super().tick(now)
        self.worker.go_on()

    def _hand_over(self) -> None:
        self.worker.wake()

    def _clean_up(self) -> None:
        self._server.registry.bury(self, self._clock())
        self._server.lingering.append(self)
        if self.renewals is not None:
            self.renewals.stop()
        for socket in self.sockets.values():
            socket.gone()
        self.worker.wake()  # what was accepted is handled before the sockets are seen off

    @property
    def handlers(self) -> int:
        """See Line.handlers."""
        return len(self.tasks)

    # -- for sockets

    def dismiss(self, reason: str) -> None:
        """Say goodbye: the sockets are gone at once, and what was sent to them before still arrives."""
        for socket in tuple(self.sockets.values()):
            self.joining.put_out(socket, reason, DisconnectCode.CLOSED)
        self.session.close(self._clock(), DisconnectCode.CLOSED, reason)
        if self.session.ending is not None:
            self.finish()
        self._server.flusher.soon()

    async def call(
        self, packet: Callable[[int], Call], timeout: float, streams: Mapping[int, AsyncIterable[Any]] = NONE
    ) -> Any:
        """Send a call to the client and return its answer, or raise its CallError."""
        return await self.asking.call(packet(self._server.next_call()), timeout, streams)

    def stream(
        self, packet: Callable[[int], Call], timeout: float | None, streams: Mapping[int, AsyncIterable[Any]]
    ) -> Stream[Any]:
        """Send a call to the client and return its answer as a stream."""
        return self.asking.stream(packet(self._server.next_call()), timeout, streams)

    def tick_now(self) -> None:
        """Something has come to its time."""
        self.tick(self._clock() + 0.001)
        self._server.flusher.soon()

    async def wait_for_room(self) -> None:
        """Wait until less than half of what may wait for the client does: while it is attached, 10 s at most."""
        if not self.session.attached:
            return
        room: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._want_room.add(room)
        self.on_room = self._room
        try:
            await asyncio.wait((room,), timeout=ROOM_WAIT)
        finally:
            self._want_room.discard(room)

    def _room(self) -> None:
        for room in self._want_room:
            if not room.done():
                room.set_result(None)

    async def settled(self, patience: float, asking: asyncio.Task[Any] | None) -> None:
        """Wait until every handler is done, but for the one that is `asking`.

        What takes longer than `patience` seconds is cancelled, and the sockets are then seen off without it.
        """
        cancelled = await self.tasks.done(patience, asking)
        self._server.counters.handlers_cancelled += cancelled
        if cancelled or (self.sockets and not self.working):
            _task = self.tasks.spawn(self.joining.see_off())
            await self.tasks.done(patience, asking)
