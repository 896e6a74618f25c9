"""A site with small limits, and a client that was let in at each of its endpoints."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest

from antiphon import Server, Socketio
from tests.hosts.rig import Site, served
from tests.wire.endpoints import ENDPOINTS, LIMITS, Endpoint
from tests.wire.peer import Peer, opened


@pytest.fixture(params=ENDPOINTS, ids=repr)
def endpoint(request: pytest.FixtureRequest) -> Endpoint:
    """Every WebSocket of the server, one after another; a test may have its own list."""
    found: Endpoint = request.param
    return found


@pytest.fixture
async def site(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Site]:
    """A site in whose log nothing goes wrong, and which forgets its WebSockets when they are gone."""
    caplog.set_level(logging.INFO)
    async with served(Server(limits=LIMITS), socketio=Socketio(max_http_buffer_size=LIMITS.message)) as site:
        yield site
    faults = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING or r.exc_info]
    assert faults == []


@pytest.fixture
async def peer(site: Site, endpoint: Endpoint) -> AsyncIterator[Peer]:
    """A client whose messages are answered."""
    async with opened(site, endpoint) as peer:
        await peer.enter()
        yield peer
