"""How long somebody still waits for what is being done: it travels with a call, and from handler to handler."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["NEVER", "nobody_waits", "remaining", "until", "within"]

NEVER = float("inf")


class _Until:
    """Until when somebody waits. A task that a handler leaves behind keeps it, so it says as well when that is over."""

    __slots__ = ("clock", "deadline", "over")

    def __init__(self, deadline: float, clock: Callable[[], float]) -> None:
        self.deadline = deadline
        self.clock = clock
        self.over = False


_until: ContextVar[_Until | None] = ContextVar("antiphon_deadline", default=None)


def remaining() -> float | None:
    """In how many seconds nobody waits any more for the answer of the handler that runs: it is then cancelled.

    None outside of a handler, in one that answers no call or one without an end, and once it has answered. What is
    below 0 is late.
    """
    known = _until.get()
    return None if known is None or known.over or known.deadline == NEVER else known.deadline - known.clock()


def within(timeout: float | None, default: float) -> float:
    """How long to wait for a call: as asked for, else `default`, or less if nobody waits so long for the caller."""
    if timeout is not None:
        return timeout
    left = remaining()
    return default if left is None else max(min(default, left), 0.0)


@contextmanager
def until(deadline: float, clock: Callable[[], float]) -> Iterator[None]:
    """What runs inside answers a call whose caller waits until `deadline`."""
    known = _Until(deadline, clock)
    token = _until.set(known)
    try:
        yield
    finally:
        known.over = True
        _until.reset(token)


def nobody_waits() -> None:
    """What this task runs from now on answers nobody: it may have been made within a handler that does."""
    _until.set(None)
