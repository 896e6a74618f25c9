"""A site whose other clients must not notice an attack."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from antiphon import Server
from tests.hosts.rig import Site, served, undisturbed
from tests.server.peer import serving
from tests.server.people import WALL, Served


@pytest.fixture
async def site(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Site]:
    """A site with a healthy client that goes on all the time, and a log that must stay clean."""
    async with served() as site, undisturbed(site, caplog):
        yield site


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server without a network, whose clock stands still."""
    async with serving() as (server, _):
        yield server


@pytest.fixture
async def people() -> AsyncIterator[Served]:
    """A server whose application knows people."""
    async with serving(wall=lambda: WALL) as (server, clock):
        yield Served(server, clock)
