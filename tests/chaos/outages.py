"""When one end had no transport, and how that ended: resumed, or told that the session is lost."""

from __future__ import annotations

import time

from tests.chaos.history import Loss, Side

__all__ = ["Outages"]


class Outages:
    """Writes into the history of one end what becomes of each outage."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._since: float | None = None
        self._sent = 0

    def begin(self) -> None:
        """The transport is gone."""
        if self._since is None:
            self._since = time.monotonic()
            self._sent = self._count()

    def resume(self) -> None:
        """A transport has come, and nobody said that the session is lost."""
        if self._since is not None:
            self._side.resumed += 1
            self._side.outage = max(self._side.outage, time.monotonic() - self._since)
        self._since = None

    def lose(self, reason: str, reported: list[tuple[str, int]] | None = None) -> None:
        """The session is lost."""
        seconds, sent = 0.0, 0
        if self._since is not None:
            seconds, sent = time.monotonic() - self._since, self._count() - self._sent
        self._side.losses.append(Loss(reason, reported, seconds, sent))
        self._since = None

    def _count(self) -> int:
        return sum(map(len, self._side.sent.values()))
