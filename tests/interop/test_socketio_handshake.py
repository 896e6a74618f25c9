"""How socket.io-client comes to its connection: the path, what its requests carry, and requests that are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from antiphon import Server, Socket
from antiphon.config import Socketio
from tests.hosts.rig import Site
from tests.interop.clients import Clients
from tests.interop.site import Io, only, serve, with_handlers


async def test_the_server_sees_the_query_of_the_client(io: Io, site: Site) -> None:
    query = {"user": "ann", "token": "a&b=c/d \u65e5", "empty": "", "EIOS": "3"}

    client = await io.connect(site, query=query)
    await io.settle(client)

    assert await client.ask("where") == ["/"]
    assert only(site.server).arrival.query == query
    assert "ann" not in repr(only(site.server).arrival)


async def test_the_server_sees_the_headers_of_the_client(io: Io, site: Site) -> None:
    await io.connect(site, extraHeaders={"X-Token": "from a header", "User-Agent": "a test"})

    arrival = only(site.server).arrival

    assert arrival.headers["x-token"] == "from a header"
    assert arrival.headers["user-agent"] == "a test"
    assert arrival.address == "127.0.0.1"
    assert arrival.transport == ("websocket" if io.wire == "websocket" else "polling")


async def test_a_client_that_keeps_cookies_is_served(io: Io, server: Server) -> None:
    async with serve(server, Socketio(cookie="io")) as site:
        client = await io.connect(site, withCredentials=True)
        await io.settle(client)

        assert await client.ask("where") == ["/"]


async def test_the_handshake_sets_the_cookie(server: Server) -> None:
    url = "/socket.io/?EIO=4&transport=polling"
    async with serve(server, Socketio(cookie="io")) as site, site.http.get(site.origin + url) as response:
        told = json.loads((await response.text())[1:])

        assert response.cookies["io"].value == told["sid"]
        assert response.cookies["io"]["httponly"]
        assert response.cookies["io"]["samesite"].lower() == "lax"


async def test_no_cookie_is_set_unless_it_was_asked_for(site: Site) -> None:
    async with site.http.get(f"{site.origin}/socket.io/?EIO=4&transport=polling") as response:
        assert response.status == 200
        assert not response.cookies


async def test_the_server_is_at_another_path(io: Io, server: Server) -> None:
    async with serve(server, Socketio(path="/live/socket/")) as site:
        client = await io.connect(site, path="/live/socket/")
        await io.settle(client)

        assert await client.ask("where") == ["/"]


async def test_at_a_path_that_is_not_there_the_client_is_told_so(io: Io, site: Site) -> None:
    client = io.open(site, path="/nowhere/")

    assert (await client.told())[0] == "connect_error"


async def test_two_servers_live_side_by_side(io: Io, server: Server, heard: list[Any]) -> None:
    other = with_handlers(Server(), heard)
    other.namespace("/other").on("echo")(lambda socket, value: f"other {value}")
    async with serve(server) as first, serve(other, Socketio(path="/other/")) as second:
        here, there = await io.connect(first), await io.connect(second, "/other", path="/other/")

        assert await here.ask("where") == ["/"]
        assert await there.ask("echo", 1) == ["other 1"]


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_a_client_of_the_old_protocol_is_refused_in_words(site: Site, transport: str) -> None:
    async with site.http.get(f"{site.origin}/socket.io/?EIO=3&transport={transport}") as response:
        assert response.status == 400
        assert response.content_type == "application/json"
        refusal = await response.json()

    assert refusal["code"] == 5
    assert refusal["message"].startswith("Unsupported protocol version")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("EIO=4&transport=carrier-pigeon", 0),
        ("EIO=4&transport=polling&sid=nobody", 1),
        ("transport=polling", 5),
    ],
)
async def test_a_request_is_refused_with_the_number_that_clients_know(site: Site, query: str, code: int) -> None:
    async with site.http.get(f"{site.origin}/socket.io/?{query}") as response:
        assert response.status == 400
        assert (await response.json())["code"] == code


async def test_a_page_of_another_origin_is_kept_out(io: Io, site: Site) -> None:
    client = io.open(site, extraHeaders={"Origin": "https://evil.example"})

    assert (await client.told())[0] == "connect_error"
    assert site.server.statistics().sessions == 0


async def test_a_page_of_a_listed_origin_comes_in(io: Io, heard: list[Any]) -> None:
    async with serve(with_handlers(Server(origins=["https://app.example"]), heard)) as site:
        client = await io.connect(site, extraHeaders={"Origin": "https://app.example"})
        await io.settle(client)

        assert only(site.server).arrival.origin == "https://app.example"
        assert await client.ask("where") == ["/"]


async def test_where_only_websockets_are_served_polls_are_refused(clients: Clients, server: Server) -> None:
    async with serve(server, Socketio(transports=("websocket",))) as site:
        polling, websocket = clients.open(site.origin, "polling"), clients.open(site.origin, "websocket")

        assert (await polling.told())[0] == "connect_error"
        await websocket.connected()


async def test_a_client_that_tries_all_transports_finds_the_one_that_is_served(
    clients: Clients, server: Server
) -> None:
    async with serve(server, Socketio(transports=("websocket",))) as site:
        client = clients.open(site.origin, "upgrade", tryAllTransports=True)
        await client.connected()

        assert (await client.looks())["transport"] == "websocket"


async def test_a_browser_of_another_origin_may_read_what_it_polls(server: Server, heard: list[Any]) -> None:
    async with serve(with_handlers(Server(origins=["https://app.example"]), heard)) as site:
        url, headers = f"{site.origin}/socket.io/?EIO=4&transport=polling", {"Origin": "https://app.example"}
        async with site.http.get(url, headers=headers) as response:
            assert response.headers["Access-Control-Allow-Origin"] == "https://app.example"
        ask = {**headers, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
        async with site.http.options(url, headers=ask) as response:
            assert response.status in (200, 204)
            assert "POST" in response.headers["Access-Control-Allow-Methods"]


async def test_handlers_hear_over_which_transport_a_client_speaks(io: Io, site: Site, server: Server) -> None:
    @server.namespace("/").on("how?")
    async def how(socket: Socket) -> str | None:
        return socket.transport

    client = await io.connect(site)
    await io.settle(client)

    assert await client.ask("how?") == ["polling" if io.wire == "polling" else "websocket"]
