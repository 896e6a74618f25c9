"""Streams of numbers, both ways and from either end; some readers leave early. The Node clients do it likewise."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterable, AsyncIterator
from itertools import count
from typing import Protocol

from antiphon.dispatch.streams import Stream
from antiphon.errors import CallError, OutboxFull
from tests.chaos.history import STREAM, VALUE, Side
from tests.chaos.traffic import CALL_TIMEOUT

__all__ = ["GATHER", "ITEMS", "StreamingPeer", "Streams", "gather", "items"]

# A call whose answer is a stream, and one that is given a stream.
ITEMS = "items"
GATHER = "gather"

# Seconds between two streams of one end, at most.
PAUSE = 2.0
LONGEST = 80
# So many of one end are open at a time.
OPEN = 8
# Seconds between two items of the streams that take their time.
SLOW = 0.01


class StreamingPeer(Protocol):
    """What streams are read from and given to: a socket of the server, or a namespace of a client."""

    def stream(self, event: str, channel: str, size: int, pause: float, /, *, timeout: float) -> Stream[int]: ...

    async def call(
        self, event: str, channel: str, numbers: AsyncIterable[int], most: int, /, *, timeout: float
    ) -> object: ...


async def items(side: Side, channel: str, size: int, pause: float) -> AsyncIterator[int]:
    """What the handler of ITEMS does: stream so many numbers. Also what is given to GATHER."""
    side.sent.setdefault(channel, [])
    for number in range(1, size + 1):
        side.sent[channel].append(number)
        yield number
        if pause:
            await asyncio.sleep(pause)


async def gather(side: Side, channel: str, numbers: AsyncIterable[int], most: int) -> int:
    """What the handler of GATHER does: read so many numbers, and return how many there were."""
    read = side.delivered.setdefault(channel, [])
    async for number in numbers:
        read.append(number)
        if len(read) == most:
            side.left.append(channel)
            break
    return len(read)


class Streams:
    """Begins one stream after the other until `stop`; `mark` tells this end's channels from those of the other."""

    def __init__(self, side: Side, mark: str, peer: StreamingPeer, *, seed: str) -> None:
        self._side = side
        self._mark = mark
        self._peer = peer
        self._dice = random.Random(f"{seed} {STREAM}")
        self._numbers = count(1)
        self._open = 0
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Begin no more; `run` returns once those under way have ended."""
        self._stopped.set()

    async def run(self) -> None:
        """Begin streams."""
        async with asyncio.TaskGroup() as streams:
            while True:
                try:
                    async with asyncio.timeout(self._dice.uniform(0, PAUSE)):
                        await self._stopped.wait()
                except TimeoutError:
                    if self._open < OPEN:
                        self._open += 1
                        streams.create_task(self._one())
                else:
                    return

    async def _one(self) -> None:
        side, dice, channel = self._side, self._dice, f"{STREAM} {self._mark}{next(self._numbers)}"
        size, pause = dice.randint(1, LONGEST), dice.choice((0.0, 0.0, SLOW))
        most = dice.randint(1, size) if dice.randrange(5) == 0 else size + 1
        side.calls.append((channel, 0))
        try:
            got = await (self._read if dice.randrange(2) else self._give)(channel, size, pause, most)
        except OutboxFull:
            side.refuse(channel, 0)
        except CallError as error:
            side.outcomes.append((channel, 0, type(error).__name__))
        else:
            side.outcomes.append((channel, 0, VALUE if got == min(size, most) else f"another value: {got!r}"))
        finally:
            self._open -= 1

    async def _give(self, channel: str, size: int, pause: float, most: int) -> object:
        source = items(self._side, channel, size, pause)
        return await self._peer.call(GATHER, channel, source, most, timeout=CALL_TIMEOUT)

    async def _read(self, channel: str, size: int, pause: float, most: int) -> object:
        async with self._peer.stream(ITEMS, channel, size, pause, timeout=CALL_TIMEOUT) as numbers:
            return await gather(self._side, channel, numbers, most)
