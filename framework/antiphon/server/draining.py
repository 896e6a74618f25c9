"""How a server stops with grace: nobody new comes in, what runs is finished, everybody is told when to come back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from antiphon.protocol.disconnects import DisconnectCode
from antiphon.protocol.packets import Refuse
from antiphon.server.connection import Connection

if TYPE_CHECKING:
    from antiphon.server.server import Server

__all__ = ["Draining"]

REASON = "the server stops"


class Draining:
    """One drain of one server. It waits for what happens, and by the server's clock no longer than its patience."""

    def __init__(self, server: Server, *, window: float, patience: float, hears: bool) -> None:
        """`hears`: whether clients still get through. Raises ValueError for seconds that are none."""
        for name, seconds in (("window", window), ("patience", patience)):
            if not seconds >= 0:
                raise ValueError(f"drain({name}=...) is a number of seconds, 0 or more, not {seconds!r}")
        self.over = asyncio.Event()
        # Tasks that wait for the drain: handlers may ask for it, and are not waited for themselves.
        self.asking: set[asyncio.Task[Any] | None] = set()
        self._server = server
        self._window = window
        self._hears = hears
        self._deadline = server.clock() + patience
        self._late = False
        self._waiting: set[asyncio.Future[None]] = set()
        self._buried = asyncio.Event()

    def refusal(self) -> Refuse:
        """What somebody who comes now is told."""
        return Refuse(DisconnectCode.DRAINING, REASON, round(self._retry_after() * 1000))

    def _retry_after(self) -> float:
        # At random, so that the next process is not met by everybody at once.
        return self._server.random() * self._window

    async def run(self) -> None:
        """End every session: those with handlers at work when these are done, all others now."""
        server = self._server
        server.gateway.refusing = self.refusal
        server.registry.on_buried = self._buried.set
        try:
            async with asyncio.TaskGroup() as group:
                for line in server.registry:
                    assert isinstance(line, Connection)
                    line.worker.end_streams()
                    if line.session.attached and line.tasks.but(self.asking):
                        group.create_task(self._wait_and_say_goodbye(line))
                    else:
                        self._say_goodbye(line)
            while len(server.registry):
                self._buried.clear()
                await self._buried.wait()
            await asyncio.gather(*(self._finish(connection) for connection in tuple(server.lingering)))
        finally:
            server.registry.on_buried = None
            self.over.set()

    async def _wait_and_say_goodbye(self, connection: Connection) -> None:
        await self._finish(connection)
        self._say_goodbye(connection)

    def _say_goodbye(self, connection: Connection) -> None:
        session, now, retry_after = connection.session, self._server.clock(), self._retry_after()
        if not self._hears:
            connection.flush(now)  # behind what was emitted
            connection.end(DisconnectCode.DRAINING, REASON, retry_after)
            return
        session.close(now, DisconnectCode.DRAINING, REASON, retry_after)
        if session.ending is not None:
            connection.finish()  # nobody is there to be told
        self._server.flusher.soon()

    # -- waiting

    async def _finish(self, connection: Connection) -> None:
        """Wait for the handlers of one session; those that are not done in time are cancelled."""
        late: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(late)
        try:
            while running := connection.tasks.but(self.asking):
                if self._late:
                    self._server.counters.handlers_cancelled += len(running)
                    connection.tasks.cancel(running)
                    return
                await asyncio.wait({*running, late}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._waiting.discard(late)

    def tick(self, now: float) -> None:
        """Let time pass."""
        if now >= self._deadline:
            self.hurry()

    def postpone(self, seconds: float) -> None:
        """Our own process stalled for so long."""
        self._deadline += seconds

    def hurry(self) -> None:
        """Wait for no handler any more."""
        self._late = True
        for late in self._waiting:
            if not late.done():
                late.set_result(None)
