"""Ctrl-C for an aiohttp application: it is drained first, and then stopped.

aiohttp reads nothing from its connections any more when it begins to shut down. A handler that asks its client
something would get no answer then, and no client could say what it has received.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from typing import Protocol

from aiohttp import web

__all__ = ["MOUNTED", "Stoppable", "drain_on_signals"]

ANNOUNCEMENT = "Stopping: clients are told when to come back, and handlers finish (Ctrl-C again stops at once)"


class Stoppable(Protocol):
    """A mounted server."""

    async def drain(self) -> None:
        """Stop with grace."""
        ...

    def hurry(self) -> None:
        """Stop at once when the application shuts down, even if `drain` is under way."""
        ...


# What is mounted in an application.
MOUNTED: web.AppKey[list[Stoppable]] = web.AppKey("antiphon", list)


def _say(line: str) -> None:
    print(line, flush=True)


def drain_on_signals(app: web.Application, *, announce: Callable[[str], object] = _say) -> None:
    """Have SIGINT and SIGTERM drain what is mounted in `app` before it stops; a second one stops at once.

    For `web.run_app`, which does the rest. `announce` is told in one line what happens.
    """
    app.on_startup.append(_Signals(app, announce).listen)


class _Signals:
    """What the signals do to one application."""

    def __init__(self, app: web.Application, announce: Callable[[str], object]) -> None:
        self._app = app
        self._announce = announce
        self._draining: asyncio.Task[None] | None = None

    async def listen(self, app: web.Application) -> None:
        """Take the signals over from aiohttp, which stops at the first one."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                loop.add_signal_handler(number, self._came)
            except NotImplementedError:  # on Windows loops know no signals: Ctrl-C stops the application as ever
                return

    def _came(self) -> None:
        if self._draining is None:
            self._draining = asyncio.get_running_loop().create_task(self._drain())
            # Nobody may be there to read it: `python app.py | head`.
            with contextlib.suppress(OSError):
                self._announce(ANNOUNCEMENT)
        else:
            self._draining.cancel()
            for mounted in self._app.get(MOUNTED, ()):
                mounted.hurry()
            _exit()

    async def _drain(self) -> None:
        await asyncio.gather(*(mounted.drain() for mounted in self._app.get(MOUNTED, ())))
        # Not raised here, where it would be kept for whoever awaits this task: run_app wants it from the loop.
        asyncio.get_running_loop().call_soon(_exit)


def _exit() -> None:
    raise web.GracefulExit
