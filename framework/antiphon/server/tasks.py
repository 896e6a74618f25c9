"""The tasks of one connection: they have a parent, that waits for them and in the end cancels them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Coroutine
from typing import Any

from antiphon.server.counters import Counters

__all__ = ["Tasks"]

log = logging.getLogger("antiphon.server")


class Tasks:
    """The worker of one connection and the handlers that run beside it."""

    def __init__(self, most_beside: int, counters: Counters) -> None:
        self._most_beside = most_beside
        self._counters = counters
        self._all: set[asyncio.Task[None]] = set()
        self._beside: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._all)

    def but(self, asking: Collection[asyncio.Task[Any] | None]) -> set[asyncio.Task[None]]:
        """All of them but those that are `asking`."""
        return self._all.difference(asking)

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run it in a task of its own."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._keep(task)
        return task

    async def room_beside(self) -> None:
        """Wait until one more may run beside the worker."""
        if len(self._beside) >= self._most_beside:
            self._counters.hit("concurrent")
        while len(self._beside) >= self._most_beside:
            await asyncio.wait(self._beside, return_when=asyncio.FIRST_COMPLETED)

    def spawn_beside(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run it beside the worker, once there is room."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._keep(task)
        self._stand_beside(task)

    def step_beside(self, task: asyncio.Task[None]) -> bool:
        """What was the worker runs beside it from now on; False when there is no room for that."""
        if len(self._beside) >= self._most_beside:
            self._counters.hit("concurrent")
            return False
        self._stand_beside(task)
        return True

    def _stand_beside(self, task: asyncio.Task[None]) -> None:
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._all.add(task)
        task.add_done_callback(self._all.discard)

    def cancel(self, running: Collection[asyncio.Task[None]]) -> None:
        """Cancel what has been waited for long enough."""
        log.warning("%d handlers of one session did not end in time; cancelled", len(running))
        for task in running:
            task.cancel()

    async def done(self, patience: float, asking: asyncio.Task[Any] | None) -> int:
        """Wait for all of them but the one that is `asking`.

        Returns how many took longer than `patience` seconds and were cancelled.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        while tasks := self._all - {asking}:
            _, running = await asyncio.wait(tasks, timeout=max(deadline - loop.time(), 0.0))
            if running and loop.time() >= deadline:
                self.cancel(running)
                await asyncio.wait(running, timeout=patience)
                return len(running)
        return 0
