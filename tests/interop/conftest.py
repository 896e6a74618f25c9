"""What scenarios with foreign clients are given: a process for them, a server, and each choice of transports."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from antiphon import Server
from tests.hosts.rig import Site
from tests.interop.clients import HERE, Clients, Node, Wire
from tests.interop.site import Io, serve, with_handlers


@pytest.fixture(scope="session")
def installed() -> None:
    """The clients are there."""
    assert (HERE / "node_modules" / "socket.io-client").is_dir(), "run npm ci in tests/interop"


@pytest.fixture(scope="session")
def node(installed: None) -> Iterator[Node]:
    """One process for all tests: it takes longer to start than most of them run."""
    node = Node()
    yield node
    node.kill()


@pytest.fixture
def heard() -> list[Any]:
    """What the server heard."""
    return []


@pytest.fixture
def server(heard: list[Any]) -> Server:
    """A server with handlers; more may be added."""
    return with_handlers(Server(), heard)


@pytest.fixture
async def site(server: Server) -> AsyncIterator[Site]:
    """It is served."""
    async with serve(server) as site:
        yield site


@pytest.fixture
async def clients(node: Node) -> AsyncIterator[Clients]:
    """Opens clients that leave when the test is over."""
    async with node.clients() as clients:
        yield clients


@pytest.fixture(params=["polling", "websocket", "upgrade"])
def io(clients: Clients, request: pytest.FixtureRequest) -> Io:
    """Opens clients over each choice of transports."""
    wire: Wire = request.param
    return Io(clients, wire)
