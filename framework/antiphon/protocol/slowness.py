"""How long an outbox has been nearly full: a peer that does not keep up loses its transport (contract rule 10)."""

from __future__ import annotations

from antiphon.protocol.outbox import Outbox

__all__ = ["Slowness"]

# Above three quarters for so long closes the transport.
SHARE = 0.75
AFTER = 5.0

NEVER = float("inf")


class Slowness:
    """A watch over one outbox. `due`: when the transport is to be closed, unless the outbox gets emptier before."""

    __slots__ = ("due",)

    def __init__(self) -> None:
        self.due = NEVER

    def look(self, outbox: Outbox, now: float) -> None:
        """The outbox was filled or emptied."""
        if not outbox.above(SHARE):
            self.due = NEVER
        elif self.due == NEVER:
            self.due = now + AFTER

    def forget(self) -> None:
        """Another transport has another chance."""
        self.due = NEVER
