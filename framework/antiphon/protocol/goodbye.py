"""The end of a session that was asked for: it waits for acks and asks for them, not for long (contract rule 26)."""

from __future__ import annotations

from antiphon.protocol.closing import Ending

__all__ = ["Goodbye"]

# So long for acks, and so often they are asked for, in seconds.
WAIT = 2.0
ASK = 0.25


class Goodbye:
    """How `ending` is waited for. `due`: when to look again."""

    __slots__ = ("_ask_at", "_until", "ending")

    def __init__(self, ending: Ending, now: float) -> None:
        self.ending = ending
        self._until = now + WAIT
        self._ask_at = now

    @property
    def due(self) -> float:
        """When it is over, or acks are to be asked for once more."""
        return min(self._until, self._ask_at)

    def over(self, now: float) -> bool:
        """Whether it was waited for long enough."""
        return now >= self._until

    def asks(self, now: float) -> bool:
        """Whether it is time to ask for acks; it is asked for only once at a time."""
        if now < self._ask_at:
            return False
        self._ask_at = now + ASK
        return True

    def postpone(self, seconds: float) -> None:
        """Our own process stalled for so long."""
        self._until += seconds
        self._ask_at += seconds
