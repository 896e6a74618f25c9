"""The browser client under chaos: several of them in one Node process, told what to do over its pipes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.chaos.history import Side

__all__ = ["NodeClients"]

PROGRAM = Path(__file__).with_name("node_client.mjs")


class NodeClients:
    """Clients by name, with the transports each may use; none at all needs no Node. A command is a line each way."""

    def __init__(self, url: str, clients: dict[str, tuple[str, ...]], rate: float) -> None:
        self.done = not clients
        self.attaches = 0
        self.complaints: list[str] = []
        self._options = {"url": url, "rate": rate, "clients": clients}
        self._clients = clients
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        if self._clients:
            self._process = await asyncio.create_subprocess_exec(
                # Node 20 has a WebSocket, but only shows it when asked.
                *("node", "--experimental-websocket", str(PROGRAM), json.dumps(self._options)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=64 << 20,
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            await self._process.wait()

    async def connect(self) -> None:
        """Returns when the server has let all of them in."""
        await self._do("connect")

    async def begin(self) -> None:
        """Send until `stop`."""
        await self._do("begin")

    async def stop(self) -> None:
        """Send no more; calls under way may still be answered."""
        await self._do("stop")

    async def record(self) -> dict[str, Side]:
        """What each of them did and was told."""
        if self._process is None:
            return {}
        record = await self._do("record")
        self.done, self.attaches, self.complaints = record["done"], record["attaches"], record["complaints"]
        return {name: Side.from_json(side) for name, side in record["sides"].items()}

    async def _do(self, command: str) -> Any:
        if self._process is None:
            return None
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{command}\n".encode())
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the Node clients ended before they answered {command!r}; see their output above")
        return json.loads(line)
