"""The tasks of one connection: they have a parent, that waits for them and in the end cancels them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

__all__ = ["Tasks"]

log = logging.getLogger("antiphon.server")

# So many concurrent handlers of one session run at a time; the next one waits, and what is behind it stays unacked.
BESIDE = 64


class Tasks:
    """The worker of one connection and the handlers that run beside it."""

    def __init__(self) -> None:
        self._all: set[asyncio.Task[None]] = set()
        self._beside: set[asyncio.Task[None]] = set()

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run it in a task of its own."""
        self._keep(asyncio.get_running_loop().create_task(coroutine), self._all)

    async def room_beside(self) -> None:
        """Wait until one more may run beside the worker."""
        while len(self._beside) >= BESIDE:
            await asyncio.wait(self._beside, return_when=asyncio.FIRST_COMPLETED)

    def spawn_beside(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run it beside the worker, once there is room."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._keep(task, self._all)
        self._keep(task, self._beside)

    def _keep(self, task: asyncio.Task[None], where: set[asyncio.Task[None]]) -> None:
        where.add(task)
        task.add_done_callback(where.discard)

    async def done(self, patience: float, asking: asyncio.Task[Any] | None) -> bool:
        """Wait for all of them but the one that is `asking`.

        False: some took longer than `patience` seconds and were cancelled.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        while tasks := self._all - {asking}:
            _, running = await asyncio.wait(tasks, timeout=max(deadline - loop.time(), 0.0))
            if running and loop.time() >= deadline:
                log.warning("%d handlers of one session did not end within %g s; cancelled", len(running), patience)
                for task in running:
                    task.cancel()
                await asyncio.wait(running, timeout=patience)
                return False
        return True
