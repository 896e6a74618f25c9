"""A server for every test, with a clock that stands still."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from antiphon import Server
from antiphon.testing.clock import ManualClock
from tests.server.peer import Poller, serving, settle
from tests.server.people import WALL, Served


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def server(clock: ManualClock) -> AsyncIterator[Server]:
    server = Server(clock=clock)
    server.start(ticking=False)
    yield server
    await server.close()


@pytest.fixture
async def ann(server: Server) -> Poller:
    server.namespace("/")
    poller = Poller(server)
    poller.enter("/")
    await settle()
    poller.told(poller.poll())
    return poller


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serving(wall=lambda: WALL) as (server, clock):
        yield Served(server, clock)
