"""The WebSockets that a host has taken over: what they share, and how all of them end together."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias

from antiphon.config import Limits
from antiphon.protocol.closing import Closing
from antiphon.protocol.pace import burst

__all__ = ["BURST", "CLOSE_WAIT", "WebSocketGroup", "WebSocketLimit"]

# A peer that does not finish the closing handshake, or does not read, is cut off after so many seconds.
CLOSE_WAIT = 2.0

# What may be made up for of `Limits.messages`, in seconds.
BURST = 2.0

# The limits that a peer can meet before anything of it reaches a session, as the server counts them.
WebSocketLimit: TypeAlias = Literal["message", "messages", "fragments", "hello", "hello_timeout"]


class _Member(Protocol):
    def close(self, closing: Closing) -> None: ...

    def abort(self) -> None: ...


class WebSocketGroup:
    """All WebSockets of one server in one host. Once the host has handed them over, nobody else knows them."""

    def __init__(
        self,
        limits: Limits,
        hit: Callable[[WebSocketLimit], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`hit(limit)` is told when a peer meets one."""
        self.limits = limits
        self.hit = hit
        self.clock = clock
        self.burst = burst(limits.messages, BURST)  # kept here for all of them
        self._open: set[_Member] = set()
        self._empty: asyncio.Event | None = None

    def __len__(self) -> int:
        return len(self._open)

    def add(self, websocket: _Member) -> None:
        """One was opened."""
        self._open.add(websocket)

    def remove(self, websocket: _Member) -> None:
        """One is gone, with its TCP connection."""
        self._open.discard(websocket)
        if self._empty is not None and not self._open:
            self._empty.set()

    async def close(self, closing: Closing) -> None:
        """Close those that are open, and return when all are gone, those that were closed before as well."""
        for websocket in tuple(self._open):
            websocket.close(closing)
        if self._open:
            self._empty = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_WAIT):
                    await self._empty.wait()
        for websocket in tuple(self._open):
            websocket.abort()
