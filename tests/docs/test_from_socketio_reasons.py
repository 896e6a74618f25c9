"""docs/from-socketio.md: why somebody is gone, as the table has it, is what both ends are told."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from antiphon import Disconnected, Server, Socket
from tests.docs.test_from_socketio import MODULES, TEXT
from tests.hosts.rig import Site
from tests.interop.clients import IoClient, Node, Wire
from tests.interop.site import only, serve

PATIENCE = 5.0
Act = Callable[[Socket, IoClient], Awaitable[None]]


async def leave(socket: Socket, client: IoClient) -> None:
    client.disconnect()


async def put_out(socket: Socket, client: IoClient) -> None:
    await socket.disconnect("why")


async def end(socket: Socket, client: IoClient) -> None:
    await socket.end("why")


async def revoke(socket: Socket, client: IoClient) -> None:
    await socket.namespace.server.revoke("ann")


async def drain(socket: Socket, client: IoClient) -> None:
    await socket.namespace.server.drain(window=1)


async def close(socket: Socket, client: IoClient) -> None:
    await socket.namespace.server.close()


async def flood(socket: Socket, client: IoClient) -> None:
    for _ in range(100):
        socket.emit_nowait("news", "x" * 100_000)


ACTS: dict[str, Act] = {
    "left": leave,
    "put_out": put_out,
    "closed": end,
    "revoked": revoke,
    "draining": drain,
    "shutdown": close,
    "overflow": flood,
}
# On polling who leaves by himself says so in a request of its own, which comes when the test is over.
BY_POLLING: tuple[str, ...] = ("closed", "revoked", "draining", "shutdown", "overflow")
CASES = [*((code, "websocket") for code in ACTS), *((code, "polling") for code in BY_POLLING)]


def told_of(code: str) -> set[str]:
    """What the table says that a client is told of a word of ours."""
    rows = TEXT.partition("\n### Why somebody is gone\n")[2].partition("\n### ")[0].splitlines()
    [row] = [row for row in rows if f"`{code}`" in row]
    return set(re.findall(r"`([^`]+)`", row.split("|")[4]))


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    assert (MODULES / "socket.io-client").is_dir(), "run npm ci in tests/interop"
    node = Node()
    yield node
    node.kill()


@pytest.fixture
async def gone() -> asyncio.Queue[Disconnected]:
    """What the disconnect hook is told."""
    return asyncio.Queue()


@pytest.fixture
async def site(gone: asyncio.Queue[Disconnected]) -> AsyncIterator[Site]:
    server = Server()
    chat = server.namespace("/")
    server.authenticate(lambda auth: "ann")
    chat.on_disconnect(lambda socket, reason: gone.put_nowait(reason))
    async with serve(server) as site:
        yield site


@pytest.mark.parametrize("code, wire", CASES)
async def test_both_are_told_what_the_table_says(
    node: Node, site: Site, gone: asyncio.Queue[Disconnected], code: str, wire: Wire
) -> None:
    async with node.clients() as clients, asyncio.timeout(PATIENCE):
        client = clients.open(site.origin, wire, reconnection=False)
        await client.connected()

        await ACTS[code](only(site.server), client)

        while (told := await client.told())[0] != "disconnect":
            pass
        assert told[1] in told_of(code)
        assert (await gone.get()).code == code


async def test_a_connection_that_is_gone_is_called_expired(
    node: Node, site: Site, gone: asyncio.Queue[Disconnected]
) -> None:
    async with node.clients() as clients, asyncio.timeout(PATIENCE):
        client = clients.open(site.origin, "websocket", reconnection=False)
        await client.connected()

        client.close()

        assert (await gone.get()).code == "expired"
    assert told_of("expired") == {"transport close", "transport error", "ping timeout"}
