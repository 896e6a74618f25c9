"""One run of chaos: a server, clients of every kind, the fault proxy between them, and the verdict."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from antiphon.testing.proxy import FaultProxy
from tests.chaos.complaints import Complaints
from tests.chaos.history import Side
from tests.chaos.node_clients import NodeClients
from tests.chaos.python_client import PythonClient
from tests.chaos.report import Report, report

__all__ = ["Plan", "run"]

ROOT = Path(__file__).parents[2]
KINDS: dict[str, tuple[str, ...]] = {
    "websocket": ("websocket",),
    "sse": ("sse",),
    "longpoll": ("longpoll",),
    "all": ("websocket", "sse", "longpoll"),
}
# Before the faults all must be let in within so many seconds, and after them everything must come to rest.
REST = 15.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How hard: `clients` of each language and kind of transport, `rate` packets a second of each, each way."""

    duration: float = 20.0
    seed: int = 1
    clients: int = 2
    rate: float = 75.0
    cuts_per_second: float = 22.0
    inside: float = 0.6
    languages: tuple[str, ...] = ("python", "node")

    def names(self, language: str) -> dict[str, tuple[str, ...]]:
        """The clients of one language, and the transports each may use."""
        if language not in self.languages:
            return {}
        return {f"{language}-{kind}-{number}": KINDS[kind] for kind in KINDS for number in range(self.clients)}


async def run(plan: Plan) -> Report:
    """Let chaos loose for `plan.duration` seconds, wait until all is at rest, and judge."""
    python, node = plan.names("python"), plan.names("node")
    clock = asyncio.get_running_loop()
    with Complaints() as complaints:
        async with (
            _server([*python, *node], plan.rate) as port,
            FaultProxy("127.0.0.1", port, seed=plan.seed) as proxy,
            aiohttp.ClientSession(f"http://127.0.0.1:{port}") as server,
        ):
            url = f"{proxy.url}/antiphon"
            clients = [PythonClient(name, kinds, url, plan.rate) for name, kinds in python.items()]
            async with NodeClients(url, node, plan.rate) as nodes:
                async with asyncio.timeout(REST):
                    await asyncio.gather(*(client.connect() for client in clients), nodes.connect())
                begun = clock.time()
                await _begin(server, clients, nodes)
                async with proxy.chaos(plan.seed, cuts_per_second=plan.cuts_per_second, inside=plan.inside):
                    await asyncio.sleep(plan.duration)
                faults = proxy.statistics()
                seconds = clock.time() - begun
                # Upgrades that were met with silence would go on waiting for an answer, up to 10 s.
                proxy.cut()
                await _stop(server, clients, nodes)
                sides, notes = await _rest(server, clients, nodes)
                await asyncio.gather(*(client.close() for client in clients))
            record = await _record(server)
    return report(
        sides,
        record,
        faults,
        attaches=sum(client.attaches for client in clients) + nodes.attaches,
        seconds=seconds,
        complaints=[*complaints.heard, *nodes.complaints],
        notes=notes,
    )


async def _begin(server: aiohttp.ClientSession, clients: list[PythonClient], nodes: NodeClients) -> None:
    async with server.post("/begin") as response:
        response.raise_for_status()
    for client in clients:
        client.begin()
    await nodes.begin()


async def _stop(server: aiohttp.ClientSession, clients: list[PythonClient], nodes: NodeClients) -> None:
    for client in clients:
        client.stop()
    await nodes.stop()
    async with server.post("/stop") as response:
        response.raise_for_status()


async def _record(server: aiohttp.ClientSession) -> dict[str, Any]:
    async with server.get("/record") as response:
        record: dict[str, Any] = await response.json()
        return record


async def _rest(
    server: aiohttp.ClientSession, clients: list[PythonClient], nodes: NodeClients
) -> tuple[dict[str, Side], list[str]]:
    """What the clients say once everything sent has arrived and been answered, or once patience is over."""
    clock = asyncio.get_running_loop()
    begun = clock.time()
    while True:
        record = await _record(server)
        sides = {client.name: client.side for client in clients} | await nodes.record()
        done = record["done"] and all(client.done for client in clients) and nodes.done
        if done and all(_arrived(side, Side.from_json(record["sides"][name])) for name, side in sides.items()):
            return sides, []
        if clock.time() - begun > REST:
            return sides, [f"not at rest {REST:.0f} s after the faults stopped"]
        await asyncio.sleep(0.1)


def _arrived(one: Side, other: Side) -> bool:
    return len(one.sent) <= len(other.delivered) and len(other.sent) <= len(one.delivered)


@asynccontextmanager
async def _server(names: list[str], rate: float) -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.chaos.server", *names, "--rate", str(rate)),
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
