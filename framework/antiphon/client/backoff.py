"""When to try again: full jitter, so that ten thousand clients do not come back in the same second."""

from __future__ import annotations

from collections.abc import Callable

from antiphon.config import Backoff as Settings

__all__ = ["Backoff"]


class Backoff:
    """The delays of one series of failures. `random` gives a number from 0 to 1."""

    def __init__(self, settings: Settings, random: Callable[[], float]) -> None:
        self._settings = settings
        self._random = random
        self._failures = 0

    def next(self) -> float:
        """Seconds to wait before the next try."""
        settings = self._settings
        # 2**60 is beyond any ceiling; without the bound the power itself grows for ever.
        most = settings.base * 2 ** min(self._failures, 60) if self._failures else settings.first
        self._failures += 1
        return self._random() * min(most, settings.ceiling)

    def attached_for(self, seconds: float) -> None:
        """A session was attached for so long: long enough, and the series is over."""
        if seconds >= self._settings.stable:
            self._failures = 0
