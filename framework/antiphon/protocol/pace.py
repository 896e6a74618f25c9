"""How fast something may go: so many a second, after a burst."""

from __future__ import annotations

__all__ = ["Pace", "burst"]


def burst(rate: float, seconds: float) -> float:
    """How many of `rate` a second may go at once, to make up for so many seconds: 1 at least."""
    return max(rate * seconds, 1.0)


class Pace:
    """`left` may go at once; what has gone is taken from it by whoever looks, so that looking costs no call.

    `left` is what there was when `refill` was called last, and it is called only when that does not suffice.
    """

    __slots__ = ("_burst", "_rate", "at", "left")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        """`rate` a second; `burst`: so many may go at once, 1 at least."""
        self._rate = rate
        self._burst = self.left = burst
        self.at = now  # when it was refilled

    def refill(self, now: float) -> None:
        """Some time has passed."""
        if now > self.at:
            self.left = min(self._burst, self.left + (now - self.at) * self._rate)
            self.at = now

    def wait(self, now: float) -> float:
        """In how many seconds the next one may go; 0: now."""
        self.refill(now)
        return max(1.0 - self.left, 0.0) / self._rate

    def take(self, now: float) -> float:
        """As `wait`, and it goes if it may."""
        wait = self.wait(now)
        if not wait:
            self.left -= 1.0
        return wait
