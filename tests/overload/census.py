"""What there is in this process, so that a test can say that all of it is gone again."""

from __future__ import annotations

import asyncio
import gc
import os
from collections import Counter
from typing import NamedTuple

from antiphon import Server

__all__ = ["Census", "left"]


class Census(NamedTuple):
    """Objects of our own classes that may come and go, by class; tasks, timers and file descriptors."""

    objects: Counter[str]
    tasks: int
    timers: int
    descriptors: int

    @classmethod
    def take(cls) -> Census:
        """Count, behind the garbage."""
        loop = asyncio.get_running_loop()
        gc.collect()
        objects = Counter(
            f"{type(thing).__module__}.{type(thing).__qualname__}"
            for thing in gc.get_objects()
            if str(type(thing).__module__).startswith(("antiphon.", "tests.")) and type(thing) is not cls
        )
        timers = sum(not timer.cancelled() for timer in loop._scheduled)  # type: ignore[attr-defined]  # nobody else knows
        return cls(objects, len(asyncio.all_tasks()), timers, len(os.listdir("/proc/self/fd")))

    def more_than(self, before: Census) -> dict[str, int]:
        """What there is more of."""
        found = dict(self.objects - before.objects)
        for name in ("tasks", "timers", "descriptors"):
            if (more := getattr(self, name) - getattr(before, name)) > 0:
                found[name] = more
        return found


def left(server: Server) -> dict[str, int]:
    """What a server holds that is to be gone when everybody is."""
    statistics = server.statistics()
    held = {
        "sessions": statistics.sessions,
        "rooms": statistics.rooms,
        "handlers": statistics.handlers,
        "lingering": statistics.lingering,
        "sockets": sum(statistics.sockets.values()),
    }
    return {name: count for name, count in held.items() if count}
