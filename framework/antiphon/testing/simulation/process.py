"""One program of a schedule: a loop on virtual time that the product's tasks, futures and timers run on as they are."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context
from functools import partial
from typing import Any, cast

from antiphon.testing.simulation.virtual_time import VirtualTime

__all__ = ["Process", "VirtualLoop"]

# A task that is cancelled may leave another one behind, a few times over.
LAST_ROUNDS = 20


class Process:
    """One program: while it is frozen (a laptop asleep, a stalled loop) what comes to it waits."""

    def __init__(self, time: VirtualTime) -> None:
        self.frozen = False
        self.gone = False
        self.time = time
        self.stalled = 0.0  # for how long it was frozen so far
        self.loop = VirtualLoop(time, self)
        self._frozen_at = 0.0
        self._backlog: list[Callable[[], object]] = []
        self._last: deque[Callable[[], object]] = deque()  # what its loop was to call when it was gone already

    def do(self, callback: Callable[[], object]) -> None:
        """Run it in this program: now, or when it is awake again, or never once it is gone."""
        if self.gone:
            return
        if self.frozen:
            self._backlog.append(callback)
            return
        time = self.time
        before = time.loop
        time.enter(self.loop.itself)
        time.depth += 1
        try:
            callback()
        finally:
            time.depth -= 1
            if time.depth or not time.passing:  # else the next callback says whose it is
                time.enter(before)

    @contextmanager
    def running(self) -> Iterator[None]:
        """What is done inside is done by this program."""
        time = self.time
        before = time.loop
        time.enter(self.loop.itself)
        time.depth += 1
        try:
            yield
        finally:
            time.depth -= 1
            time.enter(before)

    def freeze(self) -> None:
        """Nothing runs until `thaw`."""
        self.frozen = True
        self._frozen_at = self.time.now

    def thaw(self) -> None:
        """Catch up with what came meanwhile, in its order."""
        self.frozen = False
        self.stalled += self.time.now - self._frozen_at
        backlog, self._backlog = self._backlog, []
        for callback in backlog:
            self.time.soon(partial(self.do, callback))

    def leave(self, callback: Callable[[], object]) -> None:
        """It is gone, so its loop does not call that any more, unless it is discarded."""
        self._last.append(callback)

    def discard(self) -> None:
        """The schedule is over and was judged: cancel what still runs, as a program does in the end."""
        self.gone = True
        last = self._last
        with self.running():
            for _ in range(LAST_ROUNDS):
                for task in tuple(self.loop.tasks):
                    task.cancel()
                while last:
                    last.popleft()()


class _Handle:
    """A call that is to come, in its program."""

    __slots__ = ("_args", "_callback", "_context", "_process")

    def __init__(
        self, process: Process, callback: Callable[..., object], args: tuple[Any, ...], context: Context | None
    ) -> None:
        self._process = process
        self._callback: Callable[..., object] | None = callback
        self._args = args
        self._context = context if context is not None else copy_context()  # an empty one is false

    def cancel(self) -> None:
        """It is not to come any more."""
        self._callback = None

    def __call__(self) -> None:
        process = self._process
        if process.gone:
            process.leave(self._run)
            return
        if process.frozen:
            process.do(self)
            return
        # As Process.do for what nothing else has called, without its calls: this is on the path of every task.
        time = process.time
        time.enter(process.loop.itself)
        time.depth = 1
        try:
            if self._callback is not None:
                self._context.run(self._callback, *self._args)
        finally:
            time.depth = 0

    def _run(self) -> None:
        if self._callback is not None:
            self._context.run(self._callback, *self._args)


class VirtualLoop:
    """As much of a loop of asyncio as tasks, futures and timers need. What escapes a task is in `errors`."""

    def __init__(self, time: VirtualTime, process: Process) -> None:
        self.tasks: set[asyncio.Task[Any]] = set()
        self.errors: list[BaseException] = []
        # It has no sockets, files and processes, so by its type it is none.
        self.itself = cast(asyncio.AbstractEventLoop, self)
        self._time = time
        self._process = process

    def time(self) -> float:
        """See AbstractEventLoop."""
        return self._time.now

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> Any:
        """See AbstractEventLoop."""
        handle = _Handle(self._process, callback, args, context)
        if self._process.gone:
            handle()
        else:
            self._time.soon(handle)
        return handle

    call_soon_threadsafe = call_soon

    def call_at(self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None) -> Any:
        """See AbstractEventLoop."""
        handle = _Handle(self._process, callback, args, context)
        self._time.at(when, handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Any:
        """See AbstractEventLoop."""
        return self.call_at(self._time.now + delay, callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        """See AbstractEventLoop."""
        return asyncio.Future(loop=self.itself)

    def create_task(self, coro: Any, *, name: str | None = None, context: Context | None = None) -> asyncio.Task[Any]:
        """See AbstractEventLoop."""
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self.itself, name=name, context=context)
        self.tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.errors.append(error)

    def get_debug(self) -> bool:
        """See AbstractEventLoop."""
        return False

    def is_running(self) -> bool:
        """See AbstractEventLoop."""
        return not self._process.gone

    def is_closed(self) -> bool:
        """See AbstractEventLoop."""
        return self._process.gone

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """See AbstractEventLoop. What a task raised is in `errors` before; what is left are tasks that never ended."""
