"""Calls of the peer that are being answered: what cancels their handlers once nobody waits for an answer any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Answering"]

NEVER = float("inf")


class _Running(NamedTuple):
    deadline: float
    cancel: Callable[[], object]


class Answering:
    """The handlers of one session that run for a call. `due`: when the next of them has run for too long."""

    __slots__ = ("_cancelled", "_expected", "_running", "due")

    def __init__(self) -> None:
        self._running: dict[int, _Running] = {}
        self._expected: set[int] = set()
        self._cancelled: set[int] = set()  # before their handlers began
        self.due = NEVER

    def __len__(self) -> int:
        return len(self._running)

    def expect(self, call: int) -> None:
        """A call was handed over, and something else comes before its handler."""
        self._expected.add(call)

    def begin(self, call: int, deadline: float, cancel: Callable[[], object]) -> bool:
        """A handler is to run for `call`, until `deadline` at the latest.

        False when that was cancelled before, or a handler runs for a call of this id already: none comes twice.
        """
        self._expected.discard(call)
        if call in self._cancelled or call in self._running:
            self._cancelled.discard(call)
            return False
        self._running[call] = _Running(deadline, cancel)
        self.due = min(self.due, deadline)
        return True

    def finish(self, call: int) -> None:
        """The call is answered, or its handler done."""
        self._expected.discard(call)
        self._cancelled.discard(call)
        self._running.pop(call, None)
        if not self._running:
            self.due = NEVER

    def cancel(self, call: int, *, waits: bool) -> None:
        """The caller does not want the answer; `waits`: the call was not handed over yet."""
        running = self._running.pop(call, None)
        if running is not None:
            running.cancel()
        elif waits or call in self._expected:
            self._cancelled.add(call)

    def expire(self, now: float) -> None:
        """Cancel what has run for longer than its caller waits."""
        if now < self.due:
            return
        for call in [call for call, running in self._running.items() if running.deadline <= now]:
            self.cancel(call, waits=False)
        self.due = min((running.deadline for running in self._running.values()), default=NEVER)

    def postpone(self, seconds: float) -> None:
        """Our own process stalled for so long."""
        self._running = {
            call: running._replace(deadline=running.deadline + seconds) for call, running in self._running.items()
        }
        self.due += seconds

    def forget(self) -> None:
        """The session is over: its handlers run to their end, and nobody cancels them by its ids any more."""
        self._running.clear()
        self._expected.clear()
        self._cancelled.clear()
        self.due = NEVER
