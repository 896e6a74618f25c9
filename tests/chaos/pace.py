"""The delay of healthy clients: how long their calls take alone, and beside a crowd that behaves badly.

The healthy ones are in this process, connect to the server itself, and do nothing but measure; the crowd is in a
process of its own (crowd.py).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from antiphon import Client, ClientNamespace
from tests.chaos.traffic import ECHO, PACE

__all__ = ["Delay", "measure"]

ROOT = Path(__file__).parents[2]
TRANSPORTS = ("websocket", "websocket", "websocket", "sse", "longpoll", "websocket")
# Seconds between two calls of one client.
BEAT = 0.01
# So many looks at both, in turn: what else the machine does should fall on both.
ROUNDS = 4
# Below this the scheduler of a machine decides, and not the server.
FLOOR = 0.010


@dataclass(frozen=True, kw_only=True)
class Delay:
    """Of how many calls, the delay in seconds that 99 of 100 stay below: before, and beside the crowd."""

    calls: int
    before: float
    beside: float

    @property
    def clean(self) -> bool:
        """No more than twice."""
        return self.beside <= max(2 * self.before, FLOOR)

    def __str__(self) -> str:
        return (
            f"delay: calls={self.calls} p99_before={1000 * self.before:.1f}ms p99_beside={1000 * self.beside:.1f}ms "
            f"ratio={self.beside / self.before:.2f}"
        )


async def measure(port: int, seconds: float) -> Delay:
    """Measure for so many seconds before and as many beside the crowd, of a server at this port."""
    url = f"http://127.0.0.1:{port}/antiphon"
    before: list[float] = []
    beside: list[float] = []
    async with AsyncExitStack() as stack:
        healthy = []
        for transport in TRANSPORTS:
            client = await stack.enter_async_context(Client(url, transports=(transport,)))
            healthy.append(client.namespace(PACE))
        for namespace in healthy:
            await namespace.ready()
        crowd = await stack.enter_async_context(_crowd(url))
        await _call(healthy, seconds / ROUNDS, [])  # what is done for the first time takes longer
        for _ in range(ROUNDS):
            before += await _call(healthy, seconds / ROUNDS, [])
            await _tell(crowd, "run")
            beside += await _call(healthy, seconds / ROUNDS, [])
            await _tell(crowd, "rest")
    return Delay(calls=len(before) + len(beside), before=_p99(before), beside=_p99(beside))


async def _call(healthy: list[ClientNamespace], seconds: float, delays: list[float]) -> list[float]:
    async with asyncio.TaskGroup() as tasks:
        for namespace in healthy:
            tasks.create_task(_keep_calling(namespace, seconds, delays))
    return delays


async def _keep_calling(namespace: ClientNamespace, seconds: float, delays: list[float]) -> None:
    clock = asyncio.get_running_loop()
    end = clock.time() + seconds
    while (begun := clock.time()) < end:
        await namespace.call(ECHO, "antiphon")
        delays.append(clock.time() - begun)
        await asyncio.sleep(BEAT)


def _p99(delays: list[float]) -> float:
    return sorted(delays)[int(0.99 * len(delays))]


async def _tell(crowd: asyncio.subprocess.Process, command: str) -> None:
    assert crowd.stdin is not None and crowd.stdout is not None
    crowd.stdin.write(f"{command}\n".encode())
    if not await crowd.stdout.readline():
        raise RuntimeError(f"the crowd ended before it answered {command!r}; see its output above")


@asynccontextmanager
async def _crowd(url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.chaos.crowd", url),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        await process.stdout.readline()
        yield process
    finally:
        process.stdin.close()
        await process.wait()
