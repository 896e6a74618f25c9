"""Time that passes only when it is told to: a clock, a queue of what is to happen, and the turn that ends first."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush

__all__ = ["LiveLock", "Process", "VirtualTime"]

# So many callbacks in one instant are a loop that feeds itself.
MOST_PER_INSTANT = 20_000


class LiveLock(AssertionError):
    """Something goes on for ever without time passing."""


class VirtualTime:
    """Seconds, and callbacks that wait for theirs. Those of one instant run in the order of asking."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.after_turn: Callable[[], object] = lambda: None
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._order = 0
        self._soon: deque[Callable[[], object]] = deque()
        self._instant = 0
        self.turns = 0  # how many callbacks have run

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

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        until = self.now + seconds
        self.settle()
        heap = self._heap
        while heap and heap[0][0] <= until:
            when, _, callback = heappop(heap)
            if when > self.now:
                self.now = when
                self._instant = 0
            self._count(callback)
            callback()
            self.settle()
        self.now = until

    def settle(self) -> None:
        """Finish this turn."""
        soon = self._soon
        while soon:
            self._count(soon[0])
            soon.popleft()()
        self.after_turn()

    def _count(self, callback: Callable[[], object]) -> None:
        self._instant += 1
        self.turns += 1
        if self._instant > MOST_PER_INSTANT:
            raise LiveLock(f"{MOST_PER_INSTANT} callbacks without time passing, now {callback!r}")


class Process:
    """One program: while it is frozen (a laptop asleep, a stalled loop) what comes to it waits."""

    def __init__(self, time: VirtualTime) -> None:
        self.frozen = False
        self.gone = False
        self._time = time
        self._backlog: list[Callable[[], object]] = []

    def do(self, callback: Callable[[], object]) -> None:
        """Run it in this program: now, or when it is awake again, or never once it is gone."""
        if self.gone:
            return
        if self.frozen:
            self._backlog.append(callback)
        else:
            callback()

    def freeze(self) -> None:
        """Nothing runs until `thaw`."""
        self.frozen = True

    def thaw(self) -> None:
        """Catch up with what came meanwhile, in its order."""
        self.frozen = False
        backlog, self._backlog = self._backlog, []
        for callback in backlog:
            self._time.soon(callback)
