"""Clients of Socket.IO that nobody here wrote: a script that runs in Node, and what it says of what happens there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

__all__ = ["NodeClient", "node_client"]

HERE = Path(__file__).parent
PATIENCE = 10.0


class NodeClient:
    """One socket.io-client in a process of its own. Bytes are spelled `{"bytes": "<hex>"}` on the way to it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def do(self, verb: str, **what: Any) -> None:
        """Have it do something; see socketio_client.mjs."""
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode({"do": verb, **what}) + b"\n")

    async def told(self) -> list[Any]:
        """The next thing that happened there: its word, and what belongs to it."""
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            line = await self._process.stdout.readline()
        assert line, "the client's process has ended"
        told: list[Any] = _with_bytes(msgspec.json.decode(line))
        return told


@asynccontextmanager
async def node_client(origin: str, **options: Any) -> AsyncIterator[NodeClient]:
    """A client that connects to `origin`; `options` are those of socket.io-client, and `namespace`."""
    spelled = msgspec.json.encode({"origin": origin, **options}).decode()
    process = await asyncio.create_subprocess_exec(
        "node",
        str(HERE / "socketio_client.mjs"),
        spelled,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield NodeClient(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _with_bytes(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_bytes(item) for item in value]
    if isinstance(value, dict):
        if value.keys() == {"bytes"}:
            return bytes.fromhex(value["bytes"])
        return {key: _with_bytes(item) for key, item in value.items()}
    return value
