"""A transport without a socket: two ends in one process that hand each other messages over, in the loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping

from antiphon.protocol.closing import Closing
from antiphon.transports.base import Receiver
from antiphon.types import NOTHING, Data

__all__ = ["MemoryTransport", "memory_pair"]


class MemoryTransport:
    """One of two ends; a server and a client hold one each. Its faults strike what this end writes.

    It behaves as a WebSocket does: what was written before `close` still arrives, and the other end is told then.
    """

    name = "memory"
    address = ""
    headers: Mapping[str, str] = NOTHING
    single = False
    pings = True
    due = float("inf")

    def __init__(self, receiver: Receiver, call_soon: Callable[[Callable[[], None]], object]) -> None:
        self.receiver = receiver
        self.congested = False
        self.other: MemoryTransport = self  # until `memory_pair` has made the other one
        self.ended: Closing | None = None  # how the other end closed, once that was told here
        self._call_soon = call_soon
        self._under_way: deque[Data | Closing] = deque()
        self._scheduled = False
        self._stalled = False
        self._swallows = False
        self._over = False

    def write(self, message: Data) -> None:
        """See Transport.write."""
        if not self._over:
            self._send(message)

    def close(self, closing: Closing) -> None:
        """See Transport.close."""
        if not self._over:
            self._over = True
            self._send(closing)

    def tick(self, now: float) -> None:
        """See Transport.tick: the session's heartbeat watches it."""

    def postpone(self, seconds: float) -> None:
        """See Transport.postpone."""

    # -- faults

    def stall(self) -> None:
        """Hold back what this end writes, which is congestion."""
        self._stalled = self.congested = True

    def black_hole(self) -> None:
        """Lose what this end writes, and tell nobody."""
        self._swallows = True
        self._under_way.clear()

    def release(self) -> None:
        """End the faults: what was held back arrives, what was lost does not."""
        self._stalled = self._swallows = False
        self._schedule()

    def cut(self) -> None:
        """Both ends are lost, with everything that was under way."""
        for end in (self, self.other):
            end._under_way.clear()
        for end in (self, self.other):
            end._lose()

    # -- within

    def _send(self, what: Data | Closing) -> None:
        if not self._swallows:
            self._under_way.append(what)
            self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._call_soon(self._hand_over)

    def _hand_over(self) -> None:
        self._scheduled = False
        other = self.other
        while self._under_way and not self._stalled:
            what = self._under_way.popleft()
            if isinstance(what, Closing):
                other.ended = what
                other._lose()
            elif not other._over:
                other.receiver.on_message(other, what)
        if self.congested and not self._stalled:
            self.congested = False
            if not self._over:
                self.receiver.on_drained(self)

    def _lose(self) -> None:
        if not self._over:
            self._over = True
            self.receiver.on_lost(self)


def memory_pair(
    one: Receiver, another: Receiver, call_soon: Callable[[Callable[[], None]], object] | None = None
) -> tuple[MemoryTransport, MemoryTransport]:
    """Two ends that are each other's peer, with who listens to each. Without `call_soon` the running loop's is used."""
    call_soon = call_soon or asyncio.get_running_loop().call_soon
    ends = MemoryTransport(one, call_soon), MemoryTransport(another, call_soon)
    ends[0].other, ends[1].other = ends[1], ends[0]
    return ends
