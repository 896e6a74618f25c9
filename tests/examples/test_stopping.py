"""Ctrl-C in the chat example: its real process tells a real client, and is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from antiphon import Client, Disconnected
from antiphon.protocol.client_session import Loss
from tests.client.serving import SOON

ROOT = Path(__file__).parents[2]
# What mount() is given as its patience, which is far more than an idle chat takes.
PATIENCE = 10.0


@asynccontextmanager
async def chat() -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """`python -m examples.chat`, and where it listens."""
    path = os.pathsep.join([str(ROOT / "framework"), str(ROOT), *sys.path])
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "examples.chat", "--port", "0"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert process.stdout is not None
    try:
        line = (await process.stdout.readline()).decode()
        assert line.startswith("Chat on http://"), line
        yield process, line.split()[2]
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def visitor(url: str, transport: str) -> AsyncIterator[Client]:
    """Somebody who is in the lobby."""
    client = Client(f"{url}/antiphon", transports=(transport,), backoff=SOON)
    namespace = client.namespace("/chat", auth={"name": "Ada", "token": "of a visitor"})
    await client.connect()
    await namespace.ready()
    await namespace.call("enter", "lobby")
    yield client
    await client.close()


async def last_words(process: asyncio.subprocess.Process) -> str:
    """What it still says until it is gone."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        said = await process.stdout.read()
        await process.wait()
    return said.decode()


@pytest.mark.parametrize("transport", ["websocket", "sse", "longpoll"])
async def test_ctrl_c_tells_the_visitors_and_ends_the_process(transport: str) -> None:
    losses: list[Loss] = []
    reasons: list[Disconnected] = []
    async with chat() as (process, url), visitor(url, transport) as ada:
        ada.on_loss = losses.append
        ada.namespace("/chat").on_disconnect(reasons.append)

        process.send_signal(signal.SIGINT)
        said = await last_words(process)

        assert process.returncode == 0
        assert said.count("\n") == 1 and said.startswith("Stopping: ")
        assert [(loss.reason, loss.unconfirmed) for loss in losses] == [("draining", [])]
        assert [str(reason) for reason in reasons] == ["draining: the server stops"]


async def test_a_second_ctrl_c_does_not_wait_for_what_runs() -> None:
    async with chat() as (process, url), visitor(url, "websocket") as ada:
        # It counts for longer than a drain would wait.
        await ada.namespace("/chat").emit("count", {"room": "lobby", "to": 1000, "rate": 1})
        heard = asyncio.Event()
        ada.namespace("/chat").on("said")(lambda *args: heard.set())
        await asyncio.wait_for(heard.wait(), PATIENCE)
        assert process.stdout is not None
        started = asyncio.get_running_loop().time()

        process.send_signal(signal.SIGINT)
        assert (await process.stdout.readline()).startswith(b"Stopping: ")
        process.send_signal(signal.SIGINT)
        said = await last_words(process)

        assert asyncio.get_running_loop().time() - started < PATIENCE / 2
        assert process.returncode == 0
        assert "Traceback" not in said


async def test_it_stops_although_nobody_reads_what_it_says_any_more() -> None:
    async with chat() as (process, url):
        async with visitor(url, "websocket"):
            pass  # it is up
        process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]  # asyncio has no other way

        process.send_signal(signal.SIGTERM)

        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == 0
