"""What `async for` reads and whoever leaves lets go of: a stream, or events."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

__all__ = ["Loop"]

T = TypeVar("T", covariant=True)


class Loop(AsyncIterator[T], Generic[T]):
    """An iterator that is closed by leaving it: by `aclose`, by the end of `async with`, or by letting go of it.

    `let_go` is told once. It must not know the iterator, or its reader could not let go of that.
    """

    def __init__(self, let_go: Callable[[], None]) -> None:
        self._left = True  # until it is made: outside of a loop there is nothing to let go of
        self._loop = asyncio.get_running_loop()
        self._let_go = let_go
        self._left = False

    def __aiter__(self) -> Self:
        return self

    @abstractmethod
    async def __anext__(self) -> T:
        """See AsyncIterator."""

    async def aclose(self) -> None:
        """Read no more; what waits is dropped, and whoever sends it is told."""
        self.close()

    def close(self) -> None:
        """As `aclose`, which has nothing to wait for."""
        if not self._left:
            self._left = True
            self._let_go()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # `async for` does not close what it leaves early. The loop does it, since a garbage collector comes by in any
        # thread, and in the middle of anything.
        if not self._left and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._let_go)
