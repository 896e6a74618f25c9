"""What befell one session, counted as it happens: all of it is rare, so nothing that is on a hot path pays for it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["Tally"]

# Shared by all sessions whose peers have broken no limit, which are nearly all.
_NONE: Mapping[str, int] = MappingProxyType({})


class Tally:
    """The counters of one session, and since when it is what it is. An object of its own: 80 bytes with its slots."""

    __slots__ = ("attaches", "began", "broken", "changed", "gaps", "limits", "resumes")

    def __init__(self) -> None:
        self.attaches = 0
        self.resumes = 0  # attaches after which everything went on as if there had been no cut
        self.gaps = 0
        self.broken = 0  # packets that could be read, and broke a limit
        self.limits = _NONE  # by name, how often each was met
        self.began: float | None = None  # when it was attached first
        self.changed = 0.0  # when it was attached or detached last

    def attached(self, now: float) -> None:
        """A transport begins."""
        self.attaches += 1
        self.changed = now
        if self.began is None:
            self.began = now

    def hit(self, limit: str) -> None:
        """The peer met a limit, or the application did."""
        self.limits = {**self.limits, limit: self.limits.get(limit, 0) + 1}
