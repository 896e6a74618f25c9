"""Foreign clients over TLS: polls, WebSockets and the upgrade between them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from antiphon import Server
from antiphon.config import Socketio
from tests.certificates import Certificate
from tests.hosts.rig import Site, until
from tests.interop.clients import WIRES, Clients, Wire
from tests.interop.python_client import python_client
from tests.interop.site import Io, only, serve


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
async def site(server: Server, certificate: Certificate, clients: Clients) -> AsyncIterator[Site]:
    async with serve(server, Socketio(cookie="io"), tls=certificate.serving()) as site:
        yield site
        # While it closes, nobody may be shaking hands: asyncio forgets such a connection and closes it never.
        await clients.reset()
        await until(lambda: site.server.statistics().sessions == 0)


async def test_socketio_client_is_at_home(io: Io, site: Site, certificate: Certificate) -> None:
    client = await io.connect(site, ca=certificate.file.read_text())
    await io.settle(client)

    large = {"text": "x" * 100_000, "bytes": b"\x00\xff" * 50_000}
    assert await client.ask("echo", "a", large) == ["a", large]
    await only(site.server).emit("news", large)
    assert await client.event() == ("news", large)


async def test_who_does_not_trust_it_is_not_let_in(io: Io, site: Site) -> None:
    client = io.open(site, reconnection=False)

    assert (await client.told())[0] == "connect_error"
    assert not site.server.namespace("/").sockets


@pytest.mark.parametrize("wire", WIRES)
async def test_python_socketio_is_at_home(site: Site, certificate: Certificate, wire: Wire) -> None:
    connector = aiohttp.TCPConnector(ssl=certificate.trusting())
    async with (
        aiohttp.ClientSession(connector=connector) as http,
        python_client(site.origin, wire, http=http) as client,
    ):
        assert await client.call("echo", "a", b"\x00\xff") == ("a", b"\x00\xff")


async def test_a_cookie_is_for_https_only(site: Site, certificate: Certificate) -> None:
    url = f"{site.origin}/socket.io/?EIO=4&transport="
    async with site.http.get(f"{url}polling", ssl=certificate.trusting()) as polling:
        assert polling.cookies["io"]["secure"] is True
    async with site.http.ws_connect(f"{url}websocket", ssl=certificate.trusting()) as websocket:
        assert "; Secure" in websocket._response.headers["Set-Cookie"]
