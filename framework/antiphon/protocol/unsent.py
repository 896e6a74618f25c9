"""What has no number yet: it may be taken back, grow too late, or be replaced by what is newer."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable

from antiphon.protocol.packets import FLOW, Packet

__all__ = ["Entry", "Unsent"]

# Withdrawn entries are swept out when they outnumber the living ones: the queue stays short at O(1) each.
SWEEP = 64


class Entry:
    """A packet in the outbox that somebody may still ask about; everything else stands there as bare bytes."""

    __slots__ = ("deadline", "encoded", "flow", "held", "key", "number", "packet", "repeatable", "withdrawn")

    def __init__(
        self,
        packet: Packet,
        encoded: bytes,
        *,
        deadline: float | None = None,
        key: Hashable = None,
        repeatable: bool = False,
    ) -> None:
        self.packet = packet
        self.encoded = encoded
        self.flow = type(packet) in FLOW
        self.deadline = deadline
        self.key = key
        self.repeatable = repeatable
        self.number: int | None = None
        self.withdrawn = False
        self.held = False  # waits at the gate of a namespace rather than in the outbox


class Unsent:
    """The half of an outbox that has not left: a queue, and what may overtake some of it."""

    __slots__ = (
        "_deadlines",
        "_latest",
        "_special",
        "_taken",
        "_urgent",
        "_waiting",
        "_waiting_size",
        "_withdrawn",
        "size",
    )

    def __init__(self) -> None:
        self.size = 0  # of all that is kept, in bytes
        self._waiting: deque[bytes | Entry] = deque()
        self._waiting_size = 0
        self._withdrawn = 0
        self._taken = 0
        self._urgent: deque[tuple[int, Entry]] = deque()  # and how many had been queued before each
        self._latest: dict[Hashable, Entry] = {}
        self._deadlines = 0
        self._special = 0  # how many here are more than plain events: none lets `run` take everything at once

    def unsent(self, key: Hashable) -> Entry | None:
        """The latest value of this key, if it has not left: the next one replaces it."""
        return self._latest.get(key)

    def withdraw(self, entry: Entry) -> bool:
        """Take an unnumbered packet out again; False when it already has a number (it is then sent for sure)."""
        if entry.number is not None or entry.withdrawn:
            return False
        entry.withdrawn = True
        self._forget(entry)
        self.size -= len(entry.encoded)
        self._waiting_size -= len(entry.encoded)
        self._withdrawn += 1
        if self._withdrawn > SWEEP and self._withdrawn * 2 > len(self._waiting):
            self._sweep()
        return True

    def expire(self, now: float) -> tuple[list[Entry], float]:
        """Withdraw what has passed its deadline; return it, and when to ask again."""
        if not self._deadlines:
            return [], float("inf")
        dated = [e for e in self._waiting if isinstance(e, Entry) and not e.withdrawn and e.deadline is not None]
        expired = [e for e in dated if e.deadline is not None and e.deadline <= now]
        for entry in expired:
            self.withdraw(entry)
        return expired, min(
            (e.deadline for e in dated if e.deadline is not None and not e.withdrawn), default=float("inf")
        )

    def _forget(self, entry: Entry) -> None:
        """The entry is no longer the unsent one: it cannot be replaced or expire."""
        if entry.deadline is not None:
            self._deadlines -= 1
        if entry.key is not None and self._latest.get(entry.key) is entry:
            del self._latest[entry.key]

    def _sweep(self) -> None:
        """Rebuild the queue without withdrawn entries; urgent ones keep their place between the others."""
        living: deque[bytes | Entry] = deque()
        urgent: deque[tuple[int, Entry]] = deque()
        for place, entry in enumerate(self._waiting, self._taken):
            while self._urgent and self._urgent[0][0] <= place:
                urgent.append((self._taken + len(living), self._urgent.popleft()[1]))
            if not (isinstance(entry, Entry) and entry.withdrawn):
                living.append(entry)
        while self._urgent:
            urgent.append((self._taken + len(living), self._urgent.popleft()[1]))
        self._special -= self._withdrawn
        self._waiting, self._urgent, self._withdrawn = living, urgent, 0
