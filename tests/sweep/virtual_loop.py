"""A loop of asyncio whose time passes at once: where it would wait for a timer, that is due."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any

__all__ = ["VirtualLoop"]

# Nothing is to happen any more, and the test still waits.
STUCK = 3600.0


class _Impatient(selectors.BaseSelector):
    """Waits for nothing: there is no other end whose bytes could come from outside of this process."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > STUCK:
            raise RuntimeError("the dialogue is stuck: everybody waits, and no timer is set")
        self.passed += max(0.0, timeout)
        return self._real.select(0)

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its time is the sum of what it would have waited, and a little for each turn, so that turns pass time as well."""

    def __init__(self) -> None:
        self._impatient = _Impatient()
        super().__init__(self._impatient)

    def time(self) -> float:
        """The time now."""
        return 1000.0 + self._impatient.passed
