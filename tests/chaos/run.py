"""One run of chaos: a server, clients of every kind, the fault proxy between them, and the verdict."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import cycle, islice, product
from pathlib import Path
from typing import Any

import aiohttp

from antiphon.testing.proxy import Chaos, FaultProxy
from tests.chaos.clients import Clients
from tests.chaos.complaints import Complaints
from tests.chaos.history import DOOMED, Side
from tests.chaos.pace import measure
from tests.chaos.report import Report, report, verdicts

__all__ = ["KINDS", "Plan", "run"]

ROOT = Path(__file__).parents[2]
KINDS: dict[str, tuple[str, ...]] = {
    "websocket": ("websocket",),
    "sse": ("sse",),
    "longpoll": ("longpoll",),
    "all": ("websocket", "sse", "longpoll"),
}
# Before the faults all must be let in within so many seconds, and after them everything must come to rest.
REST = 30.0
# What the server still has to put away when its last client has gone.
CLEARING = 5.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How hard: `rate` packets a second of each client, each way, and streams and broadcasts on top.

    Beside the `clients` there is one of each language that is doomed (see DOOMED).

    Before the faults, for `delay` seconds each, the delay of healthy clients is measured: see pace.py.
    """

    duration: float = 16.0
    seed: int = 1
    clients: int = 16
    rate: float = 24.0
    cuts_per_second: float = 50.0
    inside: float = 0.6
    delay: float = 0.0
    languages: tuple[str, ...] = ("python", "node")

    def chaos(self, proxy: FaultProxy) -> Chaos:
        """The faults. A third as many connections as there are clients are let be: all come back in the end."""
        return proxy.chaos(self.seed, cuts_per_second=self.cuts_per_second, inside=self.inside, spare=self.clients // 3)

    def names(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """The clients of each language, and the transports each may use; every kind has its share."""
        names: dict[str, dict[str, tuple[str, ...]]] = {language: {} for language in self.languages}
        kinds = islice(cycle(product(KINDS, self.languages)), self.clients)
        for number, (kind, language) in enumerate(kinds):
            names[language][f"{language}-{kind}-{number}"] = KINDS[kind]
        for language in self.languages:
            names[language][f"{language}{DOOMED}"] = KINDS["all"]
        return names


async def run(plan: Plan) -> Report:
    """Let chaos loose for `plan.duration` seconds, wait until all is at rest, and judge."""
    names = plan.names()
    clock = asyncio.get_running_loop()
    with Complaints() as complaints:
        async with (
            _server([name for clients in names.values() for name in clients], plan) as port,
            FaultProxy("127.0.0.1", port, seed=plan.seed) as proxy,
            aiohttp.ClientSession(f"http://127.0.0.1:{port}") as server,
        ):
            before = await _get(server, "/resources")
            delay = await measure(port, plan.delay) if plan.delay else None
            crowd = await _left(server, before)
            async with AsyncExitStack() as stack:
                several = [
                    await stack.enter_async_context(Clients(language, f"{proxy.url}/antiphon", clients, plan.rate))
                    for language, clients in names.items()
                ]
                async with asyncio.timeout(REST):
                    await asyncio.gather(*(clients.connect() for clients in several))
                begun = clock.time()
                await _begin(server, several)
                async with plan.chaos(proxy):
                    await asyncio.sleep(plan.duration)
                faults = proxy.statistics()
                seconds = clock.time() - begun
                # Upgrades that were met with silence would go on waiting for an answer, up to 10 s.
                proxy.cut()
                await _stop(server, several)
                sides, notes = await _rest(server, several)
            record = await _get(server, "/record")
            left = await _left(server, before)
    return report(
        sides,
        record,
        faults,
        delay,
        attaches=sum(clients.attaches for clients in several),
        seconds=seconds,
        cpu={"proxy": time.process_time(), "server": record["cpu"]}
        | {clients.language: clients.cpu for clients in several},
        left=crowd | left,
        complaints=[*complaints.heard, *(line for clients in several for line in clients.complaints)],
        notes=notes,
    )


async def _begin(server: aiohttp.ClientSession, several: list[Clients]) -> None:
    await _post(server, "/begin")
    for clients in several:
        await clients.begin()


async def _stop(server: aiohttp.ClientSession, several: list[Clients]) -> None:
    for clients in several:
        await clients.stop()
    await _post(server, "/stop")


async def _post(server: aiohttp.ClientSession, path: str) -> None:
    async with server.post(path) as response:
        response.raise_for_status()


async def _get(server: aiohttp.ClientSession, path: str) -> dict[str, Any]:
    async with server.get(path) as response:
        response.raise_for_status()
        record: dict[str, Any] = await response.json()
        return record


async def _rest(server: aiohttp.ClientSession, several: list[Clients]) -> tuple[dict[str, Side], list[str]]:
    """What the clients say once everything sent has arrived and been answered, or once patience is over."""
    clock = asyncio.get_running_loop()
    begun = clock.time()
    while True:
        record = await _get(server, "/record")
        sides = {name: side for clients in several for name, side in (await clients.record()).items()}
        done = record["done"] and all(clients.done for clients in several)
        if done and all(verdict.clean for verdict in verdicts(sides, record).values()):
            return sides, []
        if clock.time() - begun > REST:
            waiting = [clients.language for clients in several if not clients.done]
            if not record["done"]:
                waiting.append("server")
            return sides, [f"not at rest {REST:.0f} s after the faults stopped; not done: {', '.join(waiting) or '-'}"]
        await asyncio.sleep(0.3)


async def _left(server: aiohttp.ClientSession, before: dict[str, int]) -> dict[str, int]:
    """What the server still has of what it did not have before anybody came (I18), after some time to clear up."""
    clock = asyncio.get_running_loop()
    begun = clock.time()
    while True:
        now = await _get(server, "/resources")
        left = {what: count - before[what] for what, count in now.items() if count > before[what]}
        if not left or clock.time() - begun > CLEARING:
            return left
        await asyncio.sleep(0.2)


@asynccontextmanager
async def _server(names: list[str], plan: Plan) -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.chaos.server", *names, "--rate", str(plan.rate)),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield json.loads(await process.stdout.readline())["port"]
    finally:
        process.stdin.close()
        await process.wait()
