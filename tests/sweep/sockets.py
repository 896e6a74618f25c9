"""The same over real sockets: a relay between a client and a server that has scissors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.sweep.pipes import Direction, Scissors

__all__ = ["Relay"]


class Relay:
    """Carries every connection on to the server; `scissors` is who cuts just now."""

    def __init__(self, server_port: int) -> None:
        self.port = 0
        self.scissors = Scissors()
        self._server_port = server_port
        self._open: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def to(cls, server_port: int) -> AsyncIterator[Relay]:
        """Listen, and stop."""
        relay = cls(server_port)
        listening = await asyncio.start_server(relay._carry, "127.0.0.1", 0)
        relay.port = listening.sockets[0].getsockname()[1]
        try:
            yield relay
        finally:
            listening.close()
            for task in relay._open:
                task.cancel()
            await asyncio.gather(*relay._open, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        scissors = self.scissors
        there, back = await asyncio.open_connection("127.0.0.1", self._server_port)
        try:
            await asyncio.gather(
                _pour(reader, back, writer, "up", scissors), _pour(there, writer, back, "down", scissors)
            )
        except (OSError, asyncio.CancelledError):
            pass  # one end is gone, or the relay closes; the other is told below
        finally:
            self._open.discard(task)
            for end in (writer, back):
                end.transport.abort()


async def _pour(
    source: asyncio.StreamReader,
    into: asyncio.StreamWriter,
    other: asyncio.StreamWriter,
    direction: Direction,
    scissors: Scissors,
) -> None:
    while data := await source.read(1 << 16):
        left = scissors.left_of(direction, data)
        into.write(data if left is None else left)
        if left is not None:
            # What was written has to leave before the end does: only the bytes behind the cut are lost.
            await into.drain()
            into.close()
            other.transport.abort()
            return
        await into.drain()
    if into.can_write_eof():
        into.write_eof()
