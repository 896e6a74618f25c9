"""docs/operations.md: its blocks run one after another, and do what the text says."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

import antiphon
from antiphon import LimitsHit
from antiphon.testing import TestClient
from antiphon.testing.turns import settle

TEXT = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)


@pytest.fixture
def page() -> Iterator[ModuleType]:
    """All blocks of the page, as one module."""
    log = logging.getLogger("antiphon.session")
    level = log.level
    page = ModuleType("page")
    for number, block in enumerate(BLOCKS, 1):
        exec(compile(block, f"operations.md, block {number}", "exec", dont_inherit=True), page.__dict__)
    yield page
    log.setLevel(level)


@pytest.fixture
async def ann(page: ModuleType) -> AsyncIterator[TestClient]:
    async with TestClient(page.server, namespace="/chat") as ann:
        yield ann


async def test_the_records_are_at_hand(ann: TestClient) -> None:
    told = await ann.call("how are we")

    assert told == {
        "sessions": 1,
        "by transport": {"memory": 1},
        "in the chat": 1,
        "in the lobby": 0,
        "my round trip": None,
        "waits for me": 0,
    }


def test_the_records_that_are_listed_exist() -> None:
    for name in re.findall(r"^\| `(\w+(?:Statistics|Hit))` \|", TEXT, flags=re.MULTILINE):
        assert dataclasses.is_dataclass(getattr(antiphon, name))


async def test_metrics_are_one_number_a_line(page: ModuleType, ann: TestClient) -> None:
    async with TestServer(page.app) as served, ClientSession() as http, http.get(served.make_url("/metrics")) as answer:
        lines = (await answer.text()).splitlines()

    assert all(re.fullmatch(r'antiphon_\w+(\{of="[^"]+"\})? \d+', line) for line in lines), lines
    assert {"antiphon_sessions 1", 'antiphon_sockets{of="/chat"} 1', 'antiphon_transports{of="memory"} 1'} <= set(lines)
    assert any(line.startswith('antiphon_waiting{of="size"}') for line in lines)
    for field in dataclasses.fields(LimitsHit):
        assert f'antiphon_limits{{of="{field.name}"}} 0' in lines


async def test_the_log_tells_who_comes(page: ModuleType, caplog: pytest.LogCaptureFixture) -> None:
    async with TestClient(page.server, namespace="/chat") as ann:
        sid = str(ann.id).removesuffix("/chat")

    told = next(r.getMessage() for r in caplog.records if sid in r.getMessage())
    assert told.startswith(f"session {sid} attached by")


async def test_who_is_reported_is_sent_away(page: ModuleType, ann: TestClient) -> None:
    async with TestClient(page.server, namespace="/chat") as bob:
        await ann.emit("report", bob.id)
        await settle()

        assert bob.client.state == "closed"
    assert ann.client.state == "connected"


async def test_a_thread_hands_over_what_it_wants_to_say(page: ModuleType, ann: TestClient) -> None:
    await asyncio.to_thread(page.from_a_thread, "it rains")

    assert await ann.next("news") == ("it rains",)
