"""Coroutines on virtual time: the product's workers run as they are, without a loop of asyncio."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any

from antiphon.testing.simulation.virtual_time import Process, VirtualTime

__all__ = ["Signal", "Task", "pause"]


class Signal:
    """One value to come; awaiting it waits for `set`."""

    __slots__ = ("_done", "_value", "_wake")

    def __init__(self) -> None:
        self._done = False
        self._value: Any = None
        self._wake: Callable[[], object] | None = None

    def set(self, value: Any = None) -> None:
        """Let the waiting go on. A second value is dropped."""
        if not self._done:
            self._done, self._value = True, value
            if self._wake is not None:
                self._wake()

    def on_set(self, wake: Callable[[], object]) -> None:
        """Whom to call when the value is there."""
        self._wake = wake
        if self._done:
            wake()

    def __await__(self) -> Generator[Signal, None, Any]:
        if not self._done:
            yield self
        return self._value


class Task:
    """One coroutine on its way; it begins at the end of this turn."""

    __slots__ = ("_coroutine", "_process", "_time", "done")

    def __init__(self, time: VirtualTime, process: Process, coroutine: Coroutine[Any, Any, None]) -> None:
        self._time = time
        self._process = process
        self._coroutine = coroutine
        self.done = False
        time.soon(self._step)

    def _step(self) -> None:
        self._process.do(self._advance)

    def _advance(self) -> None:
        try:
            signal = self._coroutine.send(None)
        except StopIteration:
            self.done = True
            return
        signal.on_set(lambda: self._time.soon(self._step))


async def pause(time: VirtualTime, seconds: float) -> None:
    """Wait so many seconds of virtual time."""
    signal = Signal()
    time.after(seconds, signal.set)
    await signal
