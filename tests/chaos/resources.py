"""What this process holds on to, to be compared: at the start, and when everything is closed (I18)."""

from __future__ import annotations

import asyncio
import gc
import os

from antiphon import Server
from antiphon.server.connection import Connection

__all__ = ["resources"]

# One of them is there on every system with processes like ours; Linux has both.
DESCRIPTORS = next((path for path in ("/proc/self/fd", "/dev/fd") if os.path.isdir(path)), None)


def resources(server: Server) -> dict[str, int]:
    """Sessions, rooms, connection objects, tasks, timers and descriptors, as many as there are now."""
    gc.collect()
    statistics = server.statistics()
    # Private, and there is no public way to ask a loop for its timers; a cancelled one is only not collected yet.
    timers: list[asyncio.TimerHandle] = getattr(asyncio.get_running_loop(), "_scheduled", [])
    return {
        "sessions": statistics.sessions,
        "rooms": statistics.rooms,
        "handlers": statistics.handlers + statistics.lingering,
        "connections": sum(isinstance(thing, Connection) for thing in gc.get_objects()),
        "tasks": len(asyncio.all_tasks()),
        "timers": sum(not timer.cancelled() for timer in timers),
        "descriptors": len(os.listdir(DESCRIPTORS)) if DESCRIPTORS is not None else 0,
    }
