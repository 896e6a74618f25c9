"""Events that may be dropped: kept for a moment only, and never sent twice (contract rule 9)."""

from __future__ import annotations

from collections import deque

from antiphon.errors import OutboxFull

__all__ = ["Volatiles", "check_volatile"]

# How long one may wait, and how many bytes of them may (contract rule 9, wire.md).
STALE = 0.25
VOLATILE_SIZE = 64 << 10


def check_volatile(encoded: bytes) -> None:
    """Raise OutboxFull for what alone is too large: it would be dropped always, and nobody would know."""
    if len(encoded) > VOLATILE_SIZE:
        raise OutboxFull(
            f"a volatile event of {len(encoded)} bytes is larger than all that may wait ({VOLATILE_SIZE} bytes); "
            f"send it in parts, or not as a volatile one"
        )


class Volatiles:
    """What leaves soon or never. An outbox has one once something volatile was emitted to it."""

    __slots__ = ("_size", "dropped", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[tuple[float, bytes]] = deque()
        self.dropped = 0
        self._size = 0

    def add(self, encoded: bytes, now: float) -> bool:
        """Let a packet wait for a moment; False when it was dropped at once."""
        # Not a method: this is on the path of every broadcast that is volatile.
        while self.waiting and now > self.waiting[0][0]:
            self._size -= len(self.waiting.popleft()[1])
            self.dropped += 1
        if self._size + len(encoded) > VOLATILE_SIZE:
            self.dropped += 1
            return False
        self.waiting.append((now + STALE, encoded))
        self._size += len(encoded)
        return True

    def take(self, now: float, room: int) -> list[bytes]:
        """Take what is not stale and fits into `room` bytes, in order."""
        taken: list[bytes] = []
        while self.waiting:
            stale, encoded = self.waiting[0]
            if now > stale:
                self.dropped += 1
            elif len(encoded) > room:
                break
            else:
                taken.append(encoded)
                room -= len(encoded)
            self.waiting.popleft()
            self._size -= len(encoded)
        return taken

    def clear(self) -> None:
        """Drop them all: nobody carries them."""
        self.dropped += len(self.waiting)
        self.waiting.clear()
        self._size = 0
