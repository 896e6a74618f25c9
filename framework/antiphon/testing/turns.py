"""Waiting without time: the loop turns until what is ready has run, and no longer than a bound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

__all__ = ["finished", "settle"]

# An event from one client by way of a handler to another client, and back with an answer, takes about a dozen.
SETTLED = 25
# Whatever is ready has run after so many, be it a long conversation of handlers.
ENOUGH = 1000


async def settle(turns: int = SETTLED) -> None:
    """Let what is ready run, and what follows from it."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def finished(
    future: asyncio.Future[Any], clock: Callable[[], float] | None = None, *, patience: float = 0.0
) -> bool:
    """Whether `future` is done after as many turns of the loop as anything may take that waits for nothing else.

    Turns in which `clock` moves do not count: somebody lets time pass. `patience`: real seconds to wait after that.
    """
    turns, now = 0, clock() if clock is not None else 0.0
    while not future.done() and turns < ENOUGH:
        await asyncio.sleep(0)
        turns += 1
        if clock is not None and clock() != now:
            turns, now = 0, clock()
    if patience and not future.done():
        await asyncio.wait((future,), timeout=patience)
    return future.done()
