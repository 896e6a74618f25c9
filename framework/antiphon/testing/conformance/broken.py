"""How a check says which clause of a contract is broken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

__all__ = ["Broken", "clause"]

F = TypeVar("F", bound=Callable[..., object])

# A conversation in one process or over the loopback takes a thousandth of this.
PATIENCE = 5.0


class Broken(AssertionError):
    """A clause of a contract does not hold: `clause` says which, in the words of the contract."""

    def __init__(self, clause: str, what: str) -> None:
        super().__init__(f"broken: {clause}\n{what}")
        self.clause = clause


@asynccontextmanager
async def clause(words: str) -> AsyncIterator[None]:
    """Whatever is wrong or takes too long in here breaks the clause of these words."""
    try:
        async with asyncio.timeout(PATIENCE):
            yield
    except TimeoutError:
        raise Broken(words, f"nothing more happened within {PATIENCE:g} s") from None
    except AssertionError as error:
        raise Broken(words, str(error)) from None
