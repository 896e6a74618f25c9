"""socket.io-client comes back by itself, without recovery: as another socket, and with what it had still to say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from antiphon import Server
from antiphon.config import Socketio
from tests.hosts.rig import Site, until
from tests.interop.recovering import BACK, CUT, away, back, cut, proxied
from tests.interop.site import Io, only, serve, with_handlers


@pytest.fixture
async def site(server: Server) -> AsyncIterator[Site]:
    """It learns soon that a client is gone, also where that was cut off between two polls."""
    async with serve(server, Socketio(ping_interval=0.5, ping_timeout=0.5)) as site:
        yield site


async def test_a_client_comes_back_to_the_next_process(io: Io, heard: list[Any]) -> None:
    async with serve(with_handlers(Server(), heard)) as site:
        client = await io.connect(site, "/chat", **BACK)
        before, port = client.sid, site.port
    assert await client.disconnected() in CUT

    async with serve(with_handlers(Server(), heard), port=port) as site:
        await back(client)

        assert client.sid == only(site.server, "/chat").id != before
        assert not client.recovered
        assert await client.ask("where") == ["/chat"]


async def test_a_client_waits_for_a_server_that_is_not_there_yet(io: Io, heard: list[Any]) -> None:
    async with serve(Server()) as site:
        port = site.port
    client = io.open(f"http://127.0.0.1:{port}", "/chat", **BACK)
    assert (await client.told())[0] == "connect_error"

    async with serve(with_handlers(Server(), heard), port=port):
        await back(client)

        assert await client.ask("where") == ["/chat"]


async def test_a_client_gives_up_after_so_many_attempts(io: Io) -> None:
    async with serve(Server()) as site:
        origin = site.origin

    client = io.open(origin, **BACK, reconnectionAttempts=2)

    assert await client.of_connection() == ["reconnect_failed"]
    assert [(await client.told())[0] for _ in range(3)] == ["connect_error"] * 3


async def test_a_client_comes_back_after_a_cut_as_another_socket(io: Io, site: Site, heard: list[Any]) -> None:
    async with proxied(site, io.clients) as proxy:
        client = await io.connect(proxy.url, "/chat", **BACK)
        await io.settle(client)
        before = client.sid

        await cut(proxy, client)
        await back(client)

        assert (client.recovered, client.sid == before) == (False, False)
        await until(lambda: [event[:2] for event in heard] == [("disconnect", "/chat")])
        assert only(site.server, "/chat").id == client.sid


async def test_a_client_comes_back_into_all_its_namespaces(io: Io, site: Site) -> None:
    async with proxied(site, io.clients) as proxy:
        chat = await io.connect(proxy.url, "/chat", **BACK)
        members = io.clients.beside(chat, "/members", auth={"token": "open"})
        await members.connected()
        await io.settle(chat)

        await cut(proxy, chat, members)
        await back(chat)
        await back(members)

        assert await chat.ask("where") == ["/chat"]
        assert await members.ask("where") == ["/members"]


async def test_a_function_gives_other_credentials_each_time(io: Io, site: Site, heard: list[Any]) -> None:
    async with proxied(site, io.clients) as proxy:
        client = await io.connect(proxy.url, auths=[{"token": "first"}, {"token": "second"}], **BACK)
        await io.settle(client)

        await cut(proxy, client)
        await back(client)

    assert [auth for word, auth, *_ in heard if word == "connect"] == [{"token": "first"}, {"token": "second"}]


async def test_what_is_said_while_the_client_is_away_arrives_in_order_when_it_is_back(
    io: Io, site: Site, heard: list[Any]
) -> None:
    async with proxied(site, io.clients) as proxy:
        client = await io.connect(proxy.url, "/chat", **BACK)
        await io.settle(client)
        await away(proxy, client)

        client.count("note", 100)
        answer = client.asking("where")
        proxy.online()
        await back(client)

        assert await answer == ["/chat"]
        assert [event for event in heard if event[0] == "note"] == [("note", number) for number in range(100)]


async def test_who_left_is_not_brought_back(io: Io, site: Site) -> None:
    client = await io.connect(site, **BACK)

    client.disconnect()

    assert await client.disconnected() == "io client disconnect"
    await until(lambda: site.server.statistics().sessions == 0)
    assert await client.quiet()


async def test_a_connection_that_the_client_closed_comes_back(io: Io, site: Site) -> None:
    client = await io.connect(site, "/chat", **BACK)
    await io.settle(client)

    client.close()

    assert await client.disconnected() == "forced close"
    await back(client)
    assert await client.ask("where") == ["/chat"]


async def test_many_cuts_leave_one_session(io: Io, site: Site) -> None:
    async with proxied(site, io.clients) as proxy:
        client = await io.connect(proxy.url, "/chat", **BACK)

        for _ in range(10):
            await cut(proxy, client)
            await back(client)

        assert await client.ask("where") == ["/chat"]
        await until(lambda: site.server.statistics().sessions == 1)
