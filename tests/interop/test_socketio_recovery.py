"""socket.io-client goes on where it was: `recovered` is true, it is the same socket, and it misses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from antiphon import Server, Socket
from antiphon.config import Socketio
from antiphon.testing.proxy import FaultProxy
from tests.hosts.rig import Site, until
from tests.interop.clients import Clients, IoClient, Unanswered
from tests.interop.recovering import BACK, away, back, cut, proxied, without_offset
from tests.interop.site import Io, only, serve

RECOVERY = Socketio(recovery=True, ping_interval=1.0, ping_timeout=1.0)


@pytest.fixture
async def site(server: Server) -> AsyncIterator[Site]:
    """A server with recovery."""
    async with serve(server, RECOVERY) as site:
        yield site


@pytest.fixture
async def proxy(site: Site, clients: Clients) -> AsyncIterator[FaultProxy]:
    """What stands before it, and cuts."""
    async with proxied(site, clients) as proxy:
        yield proxy


async def connect(io: Io, proxy: FaultProxy, namespace: str = "/chat", **options: Any) -> IoClient:
    """A client that comes back by itself, and upgrades no more."""
    client = await io.connect(proxy.url, namespace, **BACK, **options)
    await io.settle(client)
    assert not client.recovered
    return client


async def test_what_was_said_while_the_client_was_away_comes_in_order(
    io: Io, site: Site, proxy: FaultProxy, heard: list[Any]
) -> None:
    client = await connect(io, proxy)
    socket, before = only(site.server, "/chat"), client.sid
    await socket.emit("told", "before")
    assert without_offset(await client.event()) == ("told", "before")
    await away(proxy, client)

    for number in range(100):
        await socket.emit("told", number)
    proxy.online()

    assert await back(client, 100) == [("told", number) for number in range(100)]
    assert (client.recovered, client.sid) == (True, before)
    assert only(site.server, "/chat") is socket
    assert heard == []


async def test_a_client_that_was_never_told_anything_is_recovered(io: Io, site: Site, proxy: FaultProxy) -> None:
    client = await connect(io, proxy)
    before = client.sid

    await cut(proxy, client)
    await back(client)

    assert (client.recovered, client.sid) == (True, before)


async def test_a_client_that_was_never_told_anything_gets_what_it_missed(io: Io, site: Site, proxy: FaultProxy) -> None:
    client = await connect(io, proxy)
    await away(proxy, client)

    await only(site.server, "/chat").emit("told", 1)
    proxy.online()

    assert await back(client, 1) == [("told", 1)]
    assert client.recovered


async def test_a_client_is_recovered_behind_a_volatile_event(io: Io, site: Site, proxy: FaultProxy) -> None:
    client = await connect(io, proxy)
    socket = only(site.server, "/chat")
    await socket.emit("told", 1)
    await client.event()
    await socket.emit("tick", "a text", volatile=True)
    await client.event()
    await away(proxy, client)

    await socket.emit("tick", "lost", volatile=True)
    await socket.emit("told", 2)
    proxy.online()

    assert await back(client, 1) == [("told", 2)]
    assert client.recovered


async def test_a_client_is_recovered_while_the_server_still_believes_in_its_old_connection(
    io: Io, site: Site, proxy: FaultProxy, heard: list[Any]
) -> None:
    client = await connect(io, proxy)
    socket, before = only(site.server, "/chat"), client.sid
    await socket.emit("told", "before")
    await client.event()
    proxy.black_hole()

    client.close()
    assert await client.disconnected() == "forced close"
    for number in range(20):
        await socket.emit("told", number)
    assert socket.attached
    proxy.release()

    assert await back(client, 20) == [("told", number) for number in range(20)]
    assert (client.recovered, client.sid) == (True, before)
    assert heard == []
    assert await client.ask("where") == ["/chat"]


async def test_a_connection_that_the_client_closed_is_recovered(io: Io, site: Site, proxy: FaultProxy) -> None:
    client = await connect(io, proxy)
    before = client.sid

    client.close()
    assert await client.disconnected() == "forced close"
    await back(client)

    assert (client.recovered, client.sid) == (True, before)


async def test_bytes_that_were_missed_arrive(io: Io, site: Site, proxy: FaultProxy) -> None:
    client = await connect(io, proxy)
    await away(proxy, client)

    await only(site.server, "/chat").emit("told", b"\x00\xff", {"nested": [b"", "text"]})
    await only(site.server, "/chat").emit("told", b"x" * 100_000)
    proxy.online()

    assert await back(client, 2) == [("told", b"\x00\xff", {"nested": [b"", "text"]}), ("told", b"x" * 100_000)]
    assert client.recovered


async def test_all_namespaces_are_recovered(io: Io, site: Site, proxy: FaultProxy, heard: list[Any]) -> None:
    chat = await connect(io, proxy)
    members = io.clients.beside(chat, "/members", auth={"token": "open"})
    await members.connected()
    before = {chat.sid, members.sid}
    await away(proxy, chat, members)

    for number in range(10):
        await site.server.namespace("/chat").emit("told", "chat", number)
        await site.server.namespace("/members").emit("told", "members", number)
    proxy.online()

    assert await back(chat, 10) == [("told", "chat", number) for number in range(10)]
    assert await back(members, 10) == [("told", "members", number) for number in range(10)]
    assert chat.recovered and members.recovered
    assert {chat.sid, members.sid} == before
    assert heard == []


async def test_a_client_is_recovered_again_and_again(io: Io, site: Site, proxy: FaultProxy) -> None:
    client = await connect(io, proxy)
    before = client.sid

    for round in range(4):
        await away(proxy, client)
        for number in range(5):
            await site.server.namespace("/chat").emit("told", round, number)
        proxy.online()

        assert await back(client, 5) == [("told", round, number) for number in range(5)]
        assert (client.recovered, client.sid) == (True, before)


async def test_a_client_stays_in_its_rooms(io: Io, site: Site, proxy: FaultProxy) -> None:
    client = await connect(io, proxy)
    assert await client.ask("join", "red", "blue") == []
    socket = only(site.server, "/chat")
    socket.data["name"] = "ann"
    await away(proxy, client)

    await site.server.namespace("/chat").to("red").emit("told", "red")
    await site.server.namespace("/chat").to("green").emit("told", "green")
    proxy.online()

    assert await back(client, 1) == [("told", "red")]
    assert only(site.server, "/chat") is socket
    assert sorted(socket.rooms) == ["blue", "red"] and socket.data == {"name": "ann"}


async def test_the_server_is_told_of_the_cut_and_of_the_return(io: Io, site: Site, proxy: FaultProxy) -> None:
    told: list[str] = []
    site.server.namespace("/chat").on_suspend(lambda socket: told.append("suspend"))
    site.server.namespace("/chat").on_resume(lambda socket: told.append("resume"))
    client = await connect(io, proxy)

    await cut(proxy, client)
    await back(client)

    await until(lambda: told == ["suspend", "resume"])


async def test_what_a_client_said_while_it_was_away_comes_once_and_in_order(
    io: Io, site: Site, proxy: FaultProxy, heard: list[Any]
) -> None:
    client = await connect(io, proxy)
    await away(proxy, client)

    client.count("note", 100)
    answer = client.asking("where")
    proxy.online()
    await back(client)

    assert client.recovered
    assert await answer == ["/chat"]
    assert heard == [("note", number) for number in range(100)]


async def test_nothing_is_lost_or_doubled_where_the_cut_falls_among_events(
    io: Io, site: Site, proxy: FaultProxy
) -> None:
    client = await connect(io, proxy)
    socket = only(site.server, "/chat")
    heard: list[tuple[Any, ...]] = []

    for begin in range(0, 400, 50):
        for number in range(begin, begin + 50):
            await socket.emit("told", number, "x" * 500)
            if number % 10 == 5:
                await asyncio.sleep(0)
        proxy.offline()
        heard += [without_offset(event) for event in await until_cut(client)]
        proxy.online()
        heard += await back(client, begin + 50 - len(heard))

    assert heard == [("told", number, "x" * 500) for number in range(400)]
    assert client.recovered and await client.quiet()


async def until_cut(client: IoClient) -> list[tuple[Any, ...]]:
    """The events that come before it is cut off."""
    events = []
    while (told := await client.told())[0] == "event":
        events.append(tuple(told[1:]))
    assert told[0] == "disconnect"
    return events


async def test_who_asks_when_the_cut_comes_is_told_that_nobody_answers(
    io: Io, site: Site, proxy: FaultProxy, server: Server
) -> None:
    go_on = asyncio.Event()

    @server.namespace("/chat").on("slow")
    async def slow(socket: Socket) -> str:
        await go_on.wait()
        return "late"

    client = await connect(io, proxy)
    answer = client.asking("slow", timeout=60_000)
    await client.looks()

    await cut(proxy, client)
    await back(client)
    go_on.set()

    with pytest.raises(Unanswered, match="socket has been disconnected"):
        await answer
    assert client.recovered
    assert await client.ask("where") == ["/chat"]


async def test_a_call_that_began_while_the_client_was_away_is_answered(io: Io, site: Site, proxy: FaultProxy) -> None:
    client = await connect(io, proxy)
    await away(proxy, client)

    asking = asyncio.create_task(only(site.server, "/chat").call("sure?", b"\x01", timeout=10))
    proxy.online()

    assert await asking == b"\x01"
    word, _, recovered = await client.told()
    while word == "connect_error":
        word, _, recovered = await client.told()
    assert (word, recovered) == ("connect", True)
    assert await client.event() == ("sure?", b"\x01")
