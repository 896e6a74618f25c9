"""Cut one dialogue at byte after byte, each time anew."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from aiohttp import web

from tests.sweep.dialogue import Stage
from tests.sweep.pipes import Direction, Scissors
from tests.sweep.sockets import Relay
from tests.sweep.virtual_loop import VirtualLoop

__all__ = ["in_memory", "over_sockets"]

Play = Callable[[Scissors], Awaitable[list[str]]]


def in_memory(kind: str, step: int, first: int = 1) -> tuple[int, list[str]]:
    """Over streams in memory and without waiting: at the bytes `first`, `first + step`, ... of both directions.

    Returns how many cuts there were, and what they broke.
    """

    async def run() -> tuple[int, list[str]]:
        async with Stage.set() as stage:
            return await _sweep(lambda scissors: stage.play_in_memory(kind, scissors), step, first)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(run())


async def over_sockets(kind: str, step: int, first: int = 1) -> tuple[int, list[str]]:
    """The same over sockets of this machine, in real time."""
    async with Stage.set() as stage:
        site = web.TCPSite(stage.runner, "127.0.0.1", 0)
        await site.start()
        async with Relay.to(stage.runner.addresses[0][1]) as relay:

            async def play(scissors: Scissors) -> list[str]:
                relay.scissors = scissors
                return await stage.play(kind, f"http://127.0.0.1:{relay.port}/antiphon")

            return await _sweep(play, step, first)


async def _sweep(play: Play, step: int, first: int) -> tuple[int, list[str]]:
    whole = Scissors()
    broken = await play(whole)
    cuts = 0
    for direction, at in _places(whole, step, first):
        scissors = Scissors(direction, at)
        for wrong in await play(scissors):
            broken.append(f"cut at byte {at} {direction}: {wrong}")
        cuts += scissors.cut
    return cuts, broken


def _places(whole: Scissors, step: int, first: int) -> Iterator[tuple[Direction, int]]:
    for direction, size in whole.passed.items():
        for at in range(first, size + 1, step):
            yield direction, at
