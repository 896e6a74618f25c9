"""docs/from-socketio.md: why somebody is gone, as the table has it, is what both ends are told."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from antiphon import Disconnected, Server, Socket
from antiphon.config import Socketio
from tests.docs.test_from_socketio import MODULES, TEXT
from tests.hosts.rig import Site, until
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


CHAPTER = TEXT.partition("\n### Why somebody is gone\n")[2].partition("\n### ")[0]


def told_of(code: str) -> set[str]:
    """What the table says that a client is told of a word of ours."""
    [row] = [row for row in CHAPTER.splitlines() if row.startswith("| ") and f"`{code}`" in row]
    return set(re.findall(r"`([^`]+)`", row.split("|")[4]))


def in_words(gone: Disconnected) -> tuple[str, str]:
    """Why somebody is gone; the chapter has the words for humans too."""
    assert f"`{gone.reason}`" in CHAPTER
    return gone.code, gone.reason


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


def server_with(gone: asyncio.Queue[Disconnected]) -> Server:
    server = Server()
    chat = server.namespace("/")
    server.authenticate(lambda auth: "ann")
    chat.on_disconnect(lambda socket, reason: gone.put_nowait(reason))
    return server


@pytest.fixture
async def site(gone: asyncio.Queue[Disconnected]) -> AsyncIterator[Site]:
    async with serve(server_with(gone)) as site:
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


@pytest.mark.parametrize("wire", ["polling", "websocket"])
async def test_whose_connection_is_closed_has_expired(
    node: Node, site: Site, gone: asyncio.Queue[Disconnected], wire: Wire
) -> None:
    async with node.clients() as clients, asyncio.timeout(PATIENCE):
        client = clients.open(site.origin, wire, reconnection=False)
        await client.connected()

        client.close()

        assert in_words(await gone.get()) == ("expired", "the client closed the connection")


@pytest.mark.parametrize(
    "wire, words",
    [("polling", "the client went away from a poll or a POST"), ("websocket", "the connection broke off")],
)
async def test_who_is_gone_without_a_word_has_expired(
    site: Site, gone: asyncio.Queue[Disconnected], wire: Wire, words: str
) -> None:
    doomed = Node()
    try:
        async with doomed.clients() as clients, asyncio.timeout(PATIENCE):
            client = clients.open(site.origin, wire)
            await client.connected()
            [line] = site.server.registry
            await until(lambda: line.transport is not None and not line.transport.congested)  # a poll is here

            doomed.kill()

            assert in_words(await gone.get()) == ("expired", words)
    finally:
        doomed.kill()


async def test_who_says_nothing_any_more_has_expired(gone: asyncio.Queue[Disconnected]) -> None:
    hasty = Socketio(ping_interval=0.2, ping_timeout=0.2)
    async with serve(server_with(gone), hasty) as site, asyncio.timeout(PATIENCE):
        url = f"{site.origin}/socket.io/?EIO=4&transport=websocket"
        async with site.http.ws_connect(url, autoclose=False) as mute:
            await mute.send_str("40")

            assert in_words(await gone.get()) == ("expired", "nothing was heard for too long")


@pytest.mark.parametrize("said, words", [("42" + "x" * 2_000_000, "a message has at most 1000000 bytes"), ("42[", "")])
async def test_who_breaks_a_rule_is_told_apart(
    site: Site, gone: asyncio.Queue[Disconnected], said: str, words: str
) -> None:
    async with asyncio.timeout(PATIENCE):
        url = f"{site.origin}/socket.io/?EIO=4&transport=websocket"
        async with site.http.ws_connect(url) as client:
            await client.send_str("40")
            await client.receive()
            await client.receive()

            await client.send_str(said)

            told = await gone.get()
    assert told.code == "protocol" and told.reason and words in told.reason
