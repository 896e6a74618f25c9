"""socket.io-client goes from polls to a WebSocket while both sides talk: nothing is lost, doubled or out of order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from antiphon import Server
from antiphon.config import Socketio
from antiphon.testing.proxy import Refusal
from tests.hosts.rig import Site, until
from tests.interop.clients import Clients, IoClient
from tests.interop.recovering import proxied
from tests.interop.site import only, serve

MANY = 400


async def test_a_client_upgrades_and_stays_who_it_was(clients: Clients, site: Site) -> None:
    client = clients.open(site.origin, "upgrade")
    await client.connected()
    socket = only(site.server)

    await client.upgraded()

    assert (await client.looks())["transport"] == "websocket"
    assert only(site.server) is socket and socket.id == client.sid
    await until(lambda: socket.transport == "websocket")
    assert await client.ask("echo", b"\x00", "text") == [b"\x00", "text"]


@pytest.mark.parametrize("payload", ["text", b"\x00\xff", {"nested": [b"", "x" * 2000]}])
async def test_what_a_client_says_meanwhile_comes_once_and_in_order(
    clients: Clients, site: Site, heard: list[Any], payload: Any
) -> None:
    client = clients.open(site.origin, "upgrade", "/chat")
    await client.connected()

    await talk_until_upgraded(client, lambda number: client.emit("note", number, payload))

    assert await client.ask("where") == ["/chat"]
    assert heard == [("note", number, payload) for number in range(len(heard))]
    assert len(heard) >= MANY


@pytest.mark.parametrize("payload", ["text", b"\x00\xff", {"nested": [b"", "x" * 2000]}])
async def test_what_a_client_is_told_meanwhile_comes_once_and_in_order(
    clients: Clients, site: Site, payload: Any
) -> None:
    client = clients.open(site.origin, "upgrade")
    await client.connected()
    socket = only(site.server)

    count = await talk_until_upgraded(client, lambda number: socket.emit_nowait("told", number, payload))

    assert await client.events(count) == [("told", number, payload) for number in range(count)]
    assert await client.quiet()


async def test_calls_of_both_sides_are_answered_meanwhile(clients: Clients, site: Site) -> None:
    client = clients.open(site.origin, "upgrade", "/chat")
    await client.connected()
    socket = only(site.server, "/chat")
    theirs: list[asyncio.Future[list[Any]]] = []

    async with asyncio.TaskGroup() as group:
        ours: list[asyncio.Task[Any]] = []

        def ask(number: int) -> None:
            theirs.append(client.asking("echo", [number, b"x"]))
            if number < 200:
                ours.append(group.create_task(socket.call("ours", number, timeout=5)))

        count = await talk_until_upgraded(client, ask)

    assert await asyncio.gather(*theirs) == [[[number, b"x"]] for number in range(count)]
    assert [task.result() for task in ours] == list(range(200))


async def test_both_talk_at_once_meanwhile(clients: Clients, site: Site, heard: list[Any]) -> None:
    client = clients.open(site.origin, "upgrade", "/chat")
    client.count("note", MANY)
    await client.connected()
    socket = only(site.server, "/chat")

    for number in range(MANY):
        await socket.emit("told", number, bytes([number % 256]))
    await client.upgraded()
    client.count("note", MANY)

    assert await client.events(MANY) == [("told", number, bytes([number % 256])) for number in range(MANY)]
    await until(lambda: len(heard) == 2 * MANY)
    assert heard == [("note", number) for number in range(MANY)] * 2


async def test_several_namespaces_upgrade_together(clients: Clients, site: Site) -> None:
    root = clients.open(site.origin, "upgrade")
    chat = clients.beside(root, "/chat")
    await root.connected()
    await chat.connected()
    await root.upgraded()

    assert await root.ask("where") == ["/"]
    assert await chat.ask("where") == ["/chat"]
    assert site.server.statistics().sessions == 1


async def test_twenty_clients_upgrade_at_once(clients: Clients, site: Site) -> None:
    many = [clients.open(site.origin, "upgrade") for _ in range(20)]
    for client in many:
        await client.connected()

    for number in range(50):
        await site.server.namespace("/").emit("told", number)
    for client in many:
        await client.upgraded()

    for client in many:
        assert await client.events(50) == [("told", number) for number in range(50)]


@pytest.mark.parametrize("refusal", [Refusal.FORBIDDEN, Refusal.BAD_GATEWAY])
async def test_a_client_whose_websocket_is_refused_stays_with_polls(
    clients: Clients, site: Site, refusal: Refusal
) -> None:
    async with proxied(site, clients) as proxy:
        proxy.refuse_upgrades(refusal)
        client = clients.open(proxy.url, "upgrade")
        await client.connected()

        assert (await client.of_connection())[0] == "upgrade_error"
        assert (await client.looks())["transport"] == "polling"
        assert await client.ask("echo", b"\x00", "text") == [b"\x00", "text"]
        client.count("back", 100)
        assert await client.events(100) == [("back", number) for number in range(100)]


async def test_a_client_whose_websocket_is_met_with_silence_goes_on_with_polls(clients: Clients, site: Site) -> None:
    async with proxied(site, clients) as proxy:
        proxy.refuse_upgrades(Refusal.SILENCE)
        client = clients.open(proxy.url, "upgrade")
        await client.connected()

        client.count("back", 100, b"\x00")

        assert await client.events(100) == [("back", number, b"\x00") for number in range(100)]
        assert (await client.looks())["transport"] == "polling"


async def test_a_client_that_may_not_upgrade_stays_with_polls(clients: Clients, site: Site) -> None:
    client = clients.open(site.origin, "upgrade", upgrade=False)
    await client.connected()

    assert await client.ask("echo", 1) == [1]
    assert (await client.looks())["transport"] == "polling"


async def test_where_websockets_are_not_served_no_upgrade_is_offered(clients: Clients, server: Server) -> None:
    async with serve(server, Socketio(transports=("polling",))) as polled:
        client = clients.open(polled.origin, "upgrade")
        await client.connected()

        assert await client.ask("echo", 1) == [1]
        assert (await client.looks())["transport"] == "polling"


async def test_a_client_that_remembers_begins_with_a_websocket(clients: Clients, site: Site) -> None:
    first = clients.open(site.origin, "upgrade", rememberUpgrade=True)
    await first.connected()
    await first.upgraded()

    second = clients.open(site.origin, "upgrade", rememberUpgrade=True)
    await second.connected()

    assert (await second.looks())["transport"] == "websocket"


async def talk_until_upgraded(client: IoClient, say: Callable[[int], None]) -> int:
    """Say something again and again, and for a while after the client has upgraded; how often is returned."""
    upgraded = asyncio.create_task(client.upgraded())
    number = 0
    while not upgraded.done() or number < MANY:
        say(number)
        number += 1
        if number % 10 == 0:
            await asyncio.sleep(0.001)  # others have their turns
        assert number < 100 * MANY, "the client does not upgrade"
    await upgraded
    return number
