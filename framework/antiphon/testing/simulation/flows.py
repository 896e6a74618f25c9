"""One stream of one call, as the applications at its two ends see it."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from antiphon.testing.simulation.process import Process

__all__ = ["End", "Flow"]


class End(NamedTuple):
    """One end: at which program, and how it came to its end; "" while it is open."""

    at: Process
    how: str = ""


class Flow:
    """What was produced, what was taken, and how both ended: done, failed, stopped, left or lost."""

    __slots__ = ("ahead", "number", "reader", "sent", "serial", "sizes", "source", "taken", "up")

    def __init__(self, serial: int, number: int, *, up: bool) -> None:
        self.serial = serial
        self.number = number
        self.up = up
        self.sent = 0
        self.taken = 0
        self.sizes: deque[int] = deque()  # of what was not taken
        self.ahead = 0  # the sum of that
        self.source: End | None = None  # None: it did not begin
        self.reader: End | None = None

    def __repr__(self) -> str:
        ends = [end and (end.how or "open") for end in (self.source, self.reader)]
        return f"<stream {self.number} of {self.serial} {'up' if self.up else 'down'} {self.sent}/{self.taken} {ends}>"

    @property
    def names(self) -> tuple[str, ...]:
        """The invariant of its items."""
        return ("I2",) if self.up else ("I1",)

    @property
    def open(self) -> bool:
        """Whether somebody still works on it."""
        return any(end is not None and not end.how and not end.at.gone for end in (self.source, self.reader))

    def begin_source(self, process: Process) -> None:
        """Somebody begins to produce."""
        self.source = End(process)

    def begin_reader(self, process: Process) -> None:
        """Somebody begins to read."""
        self.reader = End(process)
