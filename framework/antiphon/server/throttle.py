"""How often each address was wrong about a key: guessing gets slow, and owners are never locked out.

A key has 256 random bits, so nobody guesses one; this keeps somebody who tries from being answered for ever. Only wrong
keys come here. A right one is not asked where it comes from, for a stranger may sit behind the same proxy.
"""

from __future__ import annotations

from collections import OrderedDict

__all__ = ["Throttle"]


class Throttle:
    """Wrong keys by address: `allowed` in `period` seconds. The `addresses` that were heard of last are remembered."""

    def __init__(self, *, allowed: int = 20, period: float = 60.0, addresses: int = 10_000) -> None:
        self._allowed = allowed
        self._period = period
        self._addresses = addresses
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._wrong)

    def wrong(self, address: str, now: float) -> float | None:
        """A wrong key came from `address`. None while that may happen, else for how many seconds it may not."""
        count, until = self._wrong.pop(address, (0, 0.0))
        if now >= until:
            count, until = 0, now + self._period
        self._wrong[address] = min(count + 1, self._allowed + 1), until
        if len(self._wrong) > self._addresses:
            self._wrong.popitem(last=False)
        return until - now if count >= self._allowed else None
