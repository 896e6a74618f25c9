"""docs/from-socketio.md: its three servers run with its one client, which prints what stands there."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp.test_utils import unused_port

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "from-socketio.md").read_text()
MODULES = ROOT / "tests" / "interop" / "node_modules"
BROWSER_BUILD = ROOT / "framework" / "antiphon" / "browser" / "antiphon.js"
PATIENCE = 20.0

# The package as a program in Node imports it: the build that pages load gives them its names as `antiphon`.
PACKAGE = """import {{ readFileSync }} from "node:fs";
import {{ runInThisContext }} from "node:vm";
runInThisContext(readFileSync({path!r}, "utf8"));
export const {{ Client, connect }} = globalThis.antiphon;
"""


def blocks(heading: str, language: str) -> list[str]:
    """The blocks of code below a heading."""
    _, _, section = TEXT.partition(f"\n{heading}\n")
    return re.findall(rf"```{language}\n(.*?)```", re.split(r"\n##+ ", section)[0], flags=re.DOTALL)


def changed(listing: str, diff: str) -> str:
    """A listing after the changes of a diff that has the changed lines only."""
    for old, new in re.findall(r"((?:^-.*\n)+)((?:^\+.*\n)+)", diff, flags=re.MULTILINE):
        before, after = re.sub(r"^-", "", old, flags=re.MULTILINE), re.sub(r"^\+", "", new, flags=re.MULTILINE)
        assert listing.count(before) == 1, f"the listing has not exactly once:\n{before}"
        listing = listing.replace(before, after)
    return listing


[CLIENT] = blocks("### The client", "js")
[NODE] = blocks("### Node", "js")
[PYTHON_SOCKETIO] = blocks("### python-socketio", "python")
[ANTIPHON] = blocks("### antiphon", "python")
[PRINTED, OTHERWISE] = blocks("### What the client prints", "text")
[MOVED] = blocks("## Moving over, client by client", "diff")
[ARGUMENT, *_] = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)

SERVERS = {
    "Node": ("server.mjs", NODE),
    "python-socketio": ("python_socketio.py", PYTHON_SOCKETIO),
    "antiphon": ("application.py", ANTIPHON),
}
CLIENTS = {"client.mjs": CLIENT, "native_client.mjs": changed(CLIENT, MOVED)}
RUNS = [*((server, "client.mjs") for server in SERVERS), ("antiphon", "native_client.mjs")]


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """What each client printed with each server."""
    assert (MODULES / "socket.io").is_dir(), "run npm ci in tests/interop"
    folder = tmp_path_factory.mktemp("from_socketio")
    for name, listing in (*SERVERS.values(), *CLIENTS.items()):
        (folder / name).write_text(listing)
    modules = folder / "node_modules"
    (modules / "antiphon").mkdir(parents=True)
    (modules / "antiphon" / "package.json").write_text('{"name": "antiphon", "type": "module", "main": "index.js"}')
    (modules / "antiphon" / "index.js").write_text(PACKAGE.format(path=str(BROWSER_BUILD)))
    for name in ("socket.io", "socket.io-client"):
        (modules / name).symlink_to(MODULES / name)
    return asyncio.run(run_all(folder))


async def run_all(folder: Path) -> dict[tuple[str, str], str]:
    """All at the same time: they wait more than they work."""
    outputs = await asyncio.gather(*(run(folder, SERVERS[server][0], client) for server, client in RUNS))
    return dict(zip(RUNS, outputs, strict=True))


async def run(folder: Path, server: str, client: str) -> str:
    """What a client prints with a server of its own."""
    async with listening(folder, server) as port, asyncio.timeout(PATIENCE):
        process = await asyncio.create_subprocess_exec(
            "node", client, f"http://localhost:{port}", cwd=folder, stdout=asyncio.subprocess.PIPE
        )
        try:
            output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    return output.decode()


@asynccontextmanager
async def listening(folder: Path, server: str) -> AsyncIterator[int]:
    """A server in a process of its own, and its port."""
    port = unused_port()
    path = os.pathsep.join([str(ROOT / "framework"), *sys.path])
    process = await asyncio.create_subprocess_exec(
        *("node" if server.endswith(".mjs") else sys.executable, server, str(port)),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            line = (await process.stdout.readline()).decode()  # each of them says something once it listens
        assert str(port) in line, f"{server} said {line!r}"
        yield port
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def test_with_antiphon_the_client_prints_what_is_shown(printed: dict[tuple[str, str], str]) -> None:
    assert printed["antiphon", "client.mjs"] == PRINTED


@pytest.mark.parametrize("server", ["Node", "python-socketio"])
def test_with_the_others_it_prints_the_same_but_for_the_order(printed: dict[tuple[str, str], str], server: str) -> None:
    [different] = [line for line in PRINTED.splitlines(keepends=True) if line.startswith("Ben:")]

    assert printed[server, "client.mjs"] == PRINTED.replace(different, OTHERWISE)


def test_the_client_that_moved_over_prints_the_same_but_for_the_last_word(printed: dict[tuple[str, str], str]) -> None:
    assert printed["antiphon", "native_client.mjs"] == PRINTED.replace("io server disconnect", "put_out")


def test_the_one_argument_is_that_of_the_listing() -> None:
    assert ARGUMENT in ANTIPHON
