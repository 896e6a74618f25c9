"""The time of a client: the later of wall and monotonic clock, so that a machine knows that it slept (rule 20)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeAlias

__all__ = ["CallLater", "Clock", "Timer"]


class Timer(Protocol):
    """A call that is to come."""

    def cancel(self) -> None:
        """It is not to come any more."""
        ...


# `loop.call_later`, or what a test lends in its place.
CallLater: TypeAlias = Callable[[float, Callable[[], None]], Timer]


class Clock:
    """Seconds since it was made. It never goes back; whichever clock went further counts."""

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._last = wall(), monotonic()
        self._now = 0.0

    def __call__(self) -> float:
        """The time now."""
        reading = self._wall(), self._monotonic()
        # Each advance by itself: a wall clock that is set back must not eat what a sleep added.
        self._now += max(0.0, reading[0] - self._last[0], reading[1] - self._last[1])
        self._last = reading
        return self._now
