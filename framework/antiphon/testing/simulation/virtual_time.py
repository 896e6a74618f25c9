"""Time that passes only when it is told to: a clock, a queue of what is to happen, and the turn that ends first."""

from __future__ import annotations

import asyncio
from asyncio import _set_running_loop
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush

__all__ = ["LiveLock", "VirtualTime"]

# So many callbacks in one instant are a loop that feeds itself.
MOST_PER_INSTANT = 20_000


class LiveLock(AssertionError):
    """Something goes on for ever without time passing."""


class VirtualTime:
    """Seconds, and callbacks that wait for theirs. Those of one instant run in the order of asking."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.after_turn: Callable[[], object] = lambda: None  # who may have become due
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._order = 0
        self._soon: deque[Callable[[], object]] = deque()
        self._instant = 0  # how many callbacks had run when this instant began
        self.turns = 0  # how many have run
        self.loop: asyncio.AbstractEventLoop | None = None  # the running one, as asyncio knows it
        self.depth = 0  # how many programs are within each other's calls
        self.passing = False  # whether `run` is at work

    def clock(self) -> float:
        """The time now."""
        return self.now

    def at(self, when: float, callback: Callable[[], object]) -> None:
        """Call it at `when`, or now if that is past."""
        self._order += 1
        heappush(self._heap, (when, self._order, callback))

    def after(self, seconds: float, callback: Callable[[], object]) -> None:
        """Call it in so many seconds."""
        self.at(self.now + seconds, callback)

    def soon(self, callback: Callable[[], object]) -> None:
        """Call it at the end of this turn, as the loop of asyncio would."""
        self._soon.append(callback)

    def enter(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """From here on `loop` is the running one. To tell asyncio so takes a call of the system: only if it changes."""
        if loop is not self.loop:
            self.loop = loop
            _set_running_loop(loop)

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        until = self.now + seconds
        heap = self._heap
        before, depth, passing = self.loop, self.depth, self.passing
        self.depth, self.passing = 0, True
        try:
            self._empty()
            self.after_turn()
            while heap and heap[0][0] <= until:
                when, _, callback = heappop(heap)
                if when > self.now:
                    self.now = when
                    self._instant = self.turns
                self._soon.append(callback)
                self._empty()
                if not heap or heap[0][0] > self.now:
                    self.after_turn()  # before time passes
        finally:
            self.depth, self.passing = depth, passing
            self.enter(before)
        self.now = until

    def settle(self) -> None:
        """Finish this turn."""
        self.run(0.0)

    def _empty(self) -> None:
        soon = self._soon
        while soon:
            callback = soon.popleft()
            self.turns += 1
            if self.turns - self._instant > MOST_PER_INSTANT:
                raise LiveLock(f"{MOST_PER_INSTANT} callbacks without time passing, now {callback!r}")
            callback()
