"""What the scenarios share in which a socket.io-client is cut off: how that is done, and how it comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from antiphon.testing.proxy import FaultProxy
from tests.hosts.rig import Site
from tests.interop.clients import Clients, IoClient

__all__ = ["BACK", "CUT", "away", "back", "cut", "proxied", "without_offset"]

# It comes back at once.
BACK: dict[str, Any] = {"reconnection": True, "reconnectionDelay": 10, "reconnectionDelayMax": 20}
# Both are said of a connection that is no more; which of them depends on what the client was just doing.
CUT = ("transport close", "transport error")


@asynccontextmanager
async def proxied(site: Site, clients: Clients) -> AsyncIterator[FaultProxy]:
    """What stands before a site, and cuts."""
    async with FaultProxy(site.origin) as proxy:
        yield proxy
        # First the clients: a connection that asyncio is just accepting when a server closes is closed by nobody.
        proxy.calm()
        await clients.reset()
        for _ in range(5):
            await asyncio.sleep(0)


async def away(proxy: FaultProxy, *clients: IoClient) -> None:
    """Cut them off, and let nobody come back: `proxy.online()` does."""
    proxy.offline()
    for client in clients:
        assert await client.disconnected() in CUT


async def cut(proxy: FaultProxy, *clients: IoClient) -> None:
    """Cut them off, and let them come back. Between two polls there is nothing that could be cut without waiting."""
    await away(proxy, *clients)
    proxy.online()


async def back(client: IoClient, events: int = 0) -> list[tuple[Any, ...]]:
    """Wait until it is in again and was told so many events, before or behind that, and return these."""
    heard: list[tuple[Any, ...]] = []
    connected = False
    while not connected or len(heard) < events:
        match await client.told():
            case ["connect", sid, recovered]:
                assert not connected, "it was let in twice"
                client.sid, client.recovered, connected = sid, recovered, True
            case ["event", *event]:
                heard.append(without_offset(event))
            case [word, *what]:
                assert word == "connect_error" and not connected, f"told of {word} {what} while it came back"
    return heard


def without_offset(event: list[Any] | tuple[Any, ...]) -> tuple[Any, ...]:
    """What an event carries besides its offset, which is its last argument where recovery is on."""
    *said, offset = event
    assert isinstance(offset, str) and "." in offset, f"{event} has no offset"
    return tuple(said)
