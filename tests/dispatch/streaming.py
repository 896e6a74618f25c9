"""What tests of streams have in common: rows, generators that end or do not, and patience."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from tests.server.peer import settle

__all__ = ["Endless", "Row", "count", "settled_for_long"]


@dataclass
class Row:
    name: str
    size: int


class Endless:
    """A generator that goes on until it is closed, and notes that."""

    def __init__(self) -> None:
        self.yielded = 0
        self.closed = 0

    async def __call__(self, *_: Any) -> AsyncIterator[int]:
        try:
            while True:
                await asyncio.sleep(0)
                self.yielded += 1
                yield self.yielded
        finally:
            self.closed += 1


async def count(to: int) -> AsyncIterator[int]:
    for number in range(to):
        yield number


async def settled_for_long() -> None:
    for _ in range(20):
        await settle()
