"""The asyncio half of a session: its sockets, its tasks, and what waits for its client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from antiphon.errors import CallError
from antiphon.protocol.packets import Call
from antiphon.protocol.server_session import ServerSession
from antiphon.server.joining import Joining
from antiphon.server.line import Line
from antiphon.server.socket import Socket
from antiphon.server.tasks import Tasks
from antiphon.server.worker import Worker

if TYPE_CHECKING:
    from antiphon.server.server import Server

__all__ = ["Connection"]

# An awaited emit waits so long for a slow client (contract rule 10).
ROOM_WAIT = 10.0


class Connection(Line):
    """One session with its sockets. It lives as long as the session does."""

    def __init__(self, session: ServerSession, server: Server) -> None:
        super().__init__(session, server.clock, server.flusher.soon)
        self.sockets: dict[str, Socket] = {}
        self.tasks = Tasks()
        self.worker = Worker(self, server)
        self.joining = Joining(self, server)
        self._server = server
        self._want_room: set[asyncio.Future[None]] = set()

    # -- from the line

    def _hand_over(self) -> None:
        self.worker.wake()

    def _clean_up(self) -> None:
        self._server.registry.bury(self, self._clock())
        for socket in self.sockets.values():
            socket.gone()
        self.worker.wake()  # what was accepted is handled before the sockets are seen off

    # -- for sockets

    async def call(self, packet: Callable[[int], Call], timeout: float) -> Any:
        """Send a call to the client and return its answer, or raise its CallError."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()

        def settle(outcome: Any) -> None:
            if not future.done():
                future.set_result(outcome)

        deadline = self._clock() + timeout
        pending = self.session.call(packet(self._server.next_call()), settle, deadline)
        self._server.flusher.soon()
        # The server's ticker is too coarse for a short timeout.
        timer = loop.call_later(timeout, self._tick_now)
        try:
            outcome = await future
        except asyncio.CancelledError:
            self.session.cancel(pending)
            self._server.flusher.soon()
            raise
        finally:
            timer.cancel()
        if isinstance(outcome, CallError):
            raise outcome
        return outcome

    def _tick_now(self) -> None:
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
        if not await self.tasks.done(patience, asking):
            self.tasks.spawn(self.joining.see_off())
            await self.tasks.done(patience, asking)
