"""The clients of one language: several of them in one process of its own, told what to do over its pipes."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.chaos.history import Side

__all__ = ["Clients"]

ROOT = Path(__file__).parents[2]
PROGRAMS = {
    "python": (sys.executable, "-m", "tests.chaos.python_clients"),
    # Node 20 has a WebSocket, but only shows it when asked.
    "node": ("node", "--experimental-websocket", str(Path(__file__).with_name("node_clients.mjs"))),
}
# A whole history is one line.
LONGEST_LINE = 256 << 20


class Clients:
    """Clients by name, with the transports each may use. A command is a line, and so is its answer."""

    def __init__(self, language: str, url: str, clients: dict[str, tuple[str, ...]], rate: float) -> None:
        self.done = False
        self.attaches = 0
        self.cpu = 0.0
        self.complaints: list[str] = []
        self.language = language
        self._options = json.dumps({"url": url, "rate": rate, "clients": clients})
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *(*PROGRAMS[self.language], self._options),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The clients say goodbye, and their process ends."""
        assert self._process is not None and self._process.stdin is not None
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
        record = await self._do("record")
        self.done, self.attaches, self.complaints = record["done"], record["attaches"], record["complaints"]
        self.cpu = record["cpu"]
        return {name: Side.from_json(side) for name, side in record["sides"].items()}

    async def _do(self, command: str) -> Any:
        assert self._process is not None
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{command}\n".encode())
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError(
                f"the {self.language} clients ended before they answered {command!r}; see their output above"
            )
        return json.loads(line)
