"""Numbered events and calls at a steady pace, the same at either end; the Node client does it in its own words."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Protocol

from antiphon.errors import CallError, OutboxFull
from tests.chaos.history import VALUE, Side

__all__ = ["EVENT", "QUESTION", "Peer", "Traffic", "answer"]

EVENT = "number"
QUESTION = "question"

# Short enough for a steady stream, long enough that a burst of several leaves in one message.
BEAT = 0.025
# One of so many packets is a call, one of so many is large enough to take several segments of the network.
CALLS = 10
LARGE = 25
# Longer than any outage that the proxy makes, so that a call's one honest outcome is its value.
CALL_TIMEOUT = 60.0


def answer(number: int) -> int:
    """What the handler of a question returns: told from the question, and from the answer to any other."""
    return 3 * number + 1


class Peer(Protocol):
    """What traffic is sent to: a socket of the server, or a namespace of a client."""

    def emit(self, event: str, number: int, padding: bytes, /) -> Awaitable[None]: ...

    def call(self, event: str, number: int, padding: bytes, /, *, timeout: float) -> Awaitable[object]: ...


class Traffic:
    """Sends to whatever `peer` returns until `stop`, and writes down in `side` what left and how calls ended."""

    def __init__(self, side: Side, peer: Callable[[], Peer], *, rate: float, seed: str) -> None:
        """`rate` is how many packets a second."""
        self._side = side
        self._peer = peer
        self._rate = rate
        self._dice = random.Random(seed)
        self._numbers = count(1)
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Send no more; `run` returns once every call has its outcome."""
        self._stopped.set()

    async def run(self) -> None:
        """Send. What does not fit into the outbox is not sent, and is tried again with the next beat."""
        clock = asyncio.get_running_loop()
        begun, sent = clock.time(), 0
        async with asyncio.TaskGroup() as calls:
            while not self._stopped.is_set():
                await asyncio.sleep(BEAT)
                while sent < (clock.time() - begun) * self._rate and not self._stopped.is_set():
                    sent += 1
                    if sent % CALLS == 0:
                        calls.create_task(self._ask())
                    else:
                        await self._say()

    async def _say(self) -> None:
        number = next(self._numbers)
        self._side.sent.append(number)
        try:
            # Up to its first wait it is synchronous: the order of `sent` is the order in which packets were queued.
            await self._peer().emit(EVENT, number, self._padding())
        except OutboxFull:
            self._side.sent.remove(number)

    async def _ask(self) -> None:
        number = next(self._numbers)
        self._side.sent.append(number)
        self._side.calls.append(number)
        try:
            value = await self._peer().call(QUESTION, number, self._padding(), timeout=CALL_TIMEOUT)
        except OutboxFull:
            self._side.sent.remove(number)
            self._side.calls.remove(number)
        except CallError as error:
            self._side.outcomes.append((number, type(error).__name__))
        else:
            self._side.outcomes.append((number, VALUE if value == answer(number) else f"another value: {value!r}"))

    def _padding(self) -> bytes:
        large = self._dice.randrange(LARGE) == 0
        return bytes(self._dice.randint(2_000, 6_000) if large else self._dice.randint(0, 200))
