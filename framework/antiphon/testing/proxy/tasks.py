"""Tasks whose parent is an object: started at any time, all ended when it closes."""

import asyncio
from collections.abc import Coroutine


class Tasks:
    # Not a TaskGroup: fixtures may enter and leave their resources in different tasks.
    def __init__(self) -> None:
        self._living: set[asyncio.Task[None]] = set()
        self._failures: list[Exception] = []

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._living.add(task)
        task.add_done_callback(self._bury)

    async def close(self) -> None:
        """Cancel what still runs and wait for its end; raises what any task ever failed with."""
        while self._living:
            for task in self._living:
                task.cancel()
            await asyncio.wait(self._living)
        if self._failures:
            raise ExceptionGroup("tasks of the fault proxy failed; this is a fault of the proxy itself", self._failures)

    def _bury(self, task: asyncio.Task[None]) -> None:
        self._living.discard(task)
        if not task.cancelled() and isinstance(failure := task.exception(), Exception):
            self._failures.append(failure)
