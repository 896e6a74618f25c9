"""The time of one test: a server's ticks, its clients' timers and whoever sleeps on it pass by `await advance(120)`."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Protocol

from antiphon.testing.turns import settle

__all__ = ["VirtualClock"]

# A real server looks after its deadlines so often.
TICK = 0.25
# Most ticks of an hour find nothing to do. After so many turns it would have shown: see `stir`.
QUIET = 6


class Ticking(Protocol):
    """What wants to be told that time passes: a Server."""

    def tick(self, now: float) -> None: ...


class VirtualTimer:
    """A call that is to come."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """It is not to come any more."""
        self._callback = None

    def fire(self) -> bool:
        """Its time has come; False when it was cancelled."""
        callback, self._callback = self._callback, None
        if callback is None:
            return False
        callback()
        return True


class VirtualClock:
    """Seconds that stand still until a test lets them pass: `Server(clock=clock)`, then `await clock.advance(120)`.

    A TestClient of such a server has its timers here too. What a handler does by `asyncio.sleep` takes real time;
    give it `clock.sleep` in its place.
    """

    def __init__(self, now: float = 1000.0) -> None:
        self._now = now
        self._born = time.time() - now
        self._order = itertools.count()
        self._timers: list[tuple[float, int, VirtualTimer]] = []
        self._ticking: list[Ticking] = []
        self._next_tick = now + TICK
        self._advancing = False
        self._stirred = False

    def __call__(self) -> float:
        """The time now."""
        return self._now

    def wall(self) -> float:
        """Unix time on this clock, by which credentials expire: `Server(clock=clock, wall=clock.wall)`."""
        return self._born + self._now

    def drive(self, server: Ticking) -> None:
        """Have `server` tick with this clock; doing so twice is doing it once."""
        if server not in self._ticking:
            self._ticking.append(server)

    def call_later(self, delay: float, callback: Callable[[], None]) -> VirtualTimer:
        """As `loop.call_later`, on this clock; without a delay it comes with the next turn of the loop."""
        timer = VirtualTimer(callback)
        self.stir()
        if delay <= 0:
            asyncio.get_running_loop().call_soon(timer.fire)
        else:
            heappush(self._timers, (self._now + delay, next(self._order), timer))
        return timer

    def stir(self) -> None:
        """Something happens that others may answer: no time passes before they did."""
        self._stirred = True

    async def sleep(self, seconds: float) -> None:
        """As `asyncio.sleep`, on this clock."""
        awake = asyncio.Event()
        timer = self.call_later(seconds, awake.set)
        try:
            await awake.wait()
        finally:
            timer.cancel()

    async def advance(self, seconds: float) -> float:
        """Let `seconds` pass, with all that happens in them and in its order, and return the time then.

        Raises ValueError for a step back, and RuntimeError when somebody else is moving this clock already.
        """
        if not seconds >= 0:
            raise ValueError(f"a clock moves forward; advance() by 0 or more, not {seconds!r}")
        if self._advancing:
            raise RuntimeError("two tasks advance one clock; let one of them do it, and the other sleep on it")
        self._advancing = True
        try:
            await self._advance_to(self._now + seconds)
        finally:
            self._advancing = False
        return self._now

    async def _advance_to(self, until: float) -> None:
        await settle()
        while (due := min(self._next_tick, self._timers[0][0] if self._timers else self._next_tick)) <= until:
            self._now = max(self._now, due)
            self._stirred = False
            while self._timers and self._timers[0][0] <= due:
                if heappop(self._timers)[2].fire():
                    self.stir()
            if self._next_tick <= due:
                self._next_tick = due + TICK
                for server in self._ticking:
                    server.tick(due)
            await settle(QUIET)
            if self._stirred:
                await settle()
        self._now = until
        await settle()
