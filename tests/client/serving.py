"""Real servers on the loopback for clients under test, and how tests wait for what they expect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiohttp import web
from aiohttp.test_utils import TestServer

from antiphon import Backoff, Client, Server
from antiphon.hosts.aiohttp import mount

__all__ = ["PATIENCE", "SOON", "Running", "connected", "serving", "until"]

PATIENCE = 5.0
# Tests have no time for backoffs.
SOON = Backoff(first=0.001, base=0.001, ceiling=0.01, stable=60)


class Running(NamedTuple):
    """Where a server is."""

    port: int

    @property
    def url(self) -> str:
        """What a client is given."""
        return f"http://127.0.0.1:{self.port}/antiphon"


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[Running]:
    """`server` on a port of the loopback."""
    app = web.Application()
    mount(app, server)
    async with TestServer(app) as running:
        assert running.port is not None
        yield Running(running.port)


@asynccontextmanager
async def connected(
    url: str, *namespaces: str, transports: tuple[str, ...] = ("websocket",), form: str = "msgpack"
) -> AsyncIterator[Client]:
    """A client that was let into these namespaces."""
    client = Client(url, transports=transports, backoff=SOON, form=form)
    wanted = [client.namespace(name) for name in namespaces]
    try:
        await client.connect()
        for namespace in wanted:
            await namespace.ready()
        yield client
    finally:
        await client.close()


async def until(condition: Callable[[], object]) -> None:
    """Wait until something is so; what happens in sockets tells no test."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.002)
