"""docs/deploy.md: its application, started and stopped as its service says."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
from configparser import ConfigParser
from pathlib import Path
from typing import Any

from antiphon import Client, Server
from antiphon.protocol.client_session import Loss
from tests.deploy.front import free_port, listening
from tests.deploy.page import BLOCKS, block

ROOT = Path(__file__).parents[2]
HERE = "/srv/app"


def service() -> ConfigParser:
    """The unit; systemd's options have capitals."""
    unit = ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # so it is documented
    unit.read_string(block("ini"))
    return unit


def test_every_block_of_the_page_is_run_by_a_test() -> None:
    assert [language for language, _ in BLOCKS] == ["python", "caddyfile", "nginx", "python", "ini"]


async def test_the_service_starts_the_application_and_sigterm_drains_it(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "app.py").write_text(block("python", port=f"port={port}"))
    unit = service()["Service"]
    program, *arguments = shlex.split(unit["ExecStart"])
    assert program == f"{unit['WorkingDirectory']}/.venv/bin/python" and unit["WorkingDirectory"] == HERE
    path = os.pathsep.join([str(ROOT / "framework"), *sys.path])
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *arguments),
        stdout=asyncio.subprocess.DEVNULL,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
    )
    losses: list[Loss] = []
    try:
        await listening(port, process)
        client = Client(f"http://127.0.0.1:{port}/antiphon")
        client.on_loss = losses.append
        chat = client.namespace("/chat")
        await client.connect()
        known = await chat.call("whoami")

        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(float(unit["TimeoutStopSec"])):
            status = await process.wait()

        await client.close()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert known == {"address": "127.0.0.1", "transport": "websocket"}
    assert status == 0
    assert [loss.reason for loss in losses] == ["draining"]


def test_the_service_waits_longer_than_the_application_drains() -> None:
    unit = service()["Service"]

    assert "patience=5" in block("python")
    assert float(unit["TimeoutStopSec"]) > 5 + 3
    assert int(unit["LimitNOFILE"]) > 1024


def test_the_proxies_of_the_page_are_those_that_are_believed() -> None:
    page: dict[str, Any] = {"Server": Server}
    exec(compile(block("python", 1), "deploy.md", "exec", dont_inherit=True), page)

    headers = {"X-Forwarded-For": ["198.51.100.7"]}
    for peer, address in {"10.0.0.5": "198.51.100.7", "::1": "198.51.100.7", "10.0.0.6": "10.0.0.6"}.items():
        visit = page["server"].proxies.visit(peer, "http", "x", lambda name: headers.get(name, ()))
        assert visit.address == address
