"""A clock that stands still until a test moves it."""

from __future__ import annotations

__all__ = ["ManualClock"]


class ManualClock:
    """Seconds, as `time.monotonic` gives them: `Server(clock=ManualClock())`, then `clock.advance(30)`."""

    def __init__(self, now: float = 1000.0) -> None:
        self._now = now

    def __call__(self) -> float:
        """The time now."""
        return self._now

    def advance(self, seconds: float) -> float:
        """Let `seconds` pass, and return the time then. Raises ValueError for a step back: this clock is monotonic."""
        if not seconds >= 0:
            raise ValueError(f"a monotonic clock moves forward; advance() by 0 or more, not {seconds!r}")
        self._now += seconds
        return self._now
