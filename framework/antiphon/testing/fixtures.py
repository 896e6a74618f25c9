"""Fixtures for handlers: a server without a port, a clock that a test moves, and clients of both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, TypeAlias

import pytest
import pytest_asyncio

from antiphon.server.server import Server
from antiphon.testing.client import TestClient
from antiphon.testing.virtual_clock import VirtualClock

__all__ = ["ClientFactory", "antiphon_client", "antiphon_clock", "antiphon_server", "antiphon_settings"]

ClientFactory: TypeAlias = Callable[..., Awaitable[TestClient]]


@pytest.fixture
def antiphon_clock() -> VirtualClock:
    """The time of the test: `await antiphon_clock.advance(120)`."""
    return VirtualClock()


@pytest.fixture
def antiphon_settings() -> dict[str, Any]:
    """What `antiphon_server` is made with besides its clock; override it in a test module to change that."""
    return {}


@pytest_asyncio.fixture
async def antiphon_server(antiphon_clock: VirtualClock, antiphon_settings: dict[str, Any]) -> AsyncIterator[Server]:
    """A server that lives for one test, in the time of `antiphon_clock`, without a port."""
    server = Server(**{"clock": antiphon_clock, "wall": antiphon_clock.wall, **antiphon_settings})
    antiphon_clock.drive(server)
    server.start(ticking=False)
    yield server
    # Handlers that wait for what will not come any more are cancelled; a real server is more patient.
    await server.close(patience=0.1)


@pytest_asyncio.fixture
async def antiphon_client(antiphon_server: Server) -> AsyncIterator[ClientFactory]:
    """Makes clients: `ann = await antiphon_client("/chat", auth=...)`. They leave at the end of the test.

    `server` is another one than `antiphon_server`; what else is given is for TestClient.
    """
    async with AsyncExitStack() as stack:

        async def connect(namespace: str = "/", *, server: Server | None = None, **settings: Any) -> TestClient:
            client = TestClient(server or antiphon_server, namespace=namespace, **settings)
            return await stack.enter_async_context(client)

        yield connect
