"""What socket.io-client may send and how long it may be silent; who goes beyond disturbs nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon import Limits, Server
from antiphon.config import Socketio
from antiphon.testing.proxy import Direction
from tests.hosts.rig import Site, until
from tests.interop.clients import Unanswered
from tests.interop.recovering import CUT, proxied
from tests.interop.site import Io, only, serve, with_handlers

SIZE = 100_000


@pytest.mark.parametrize("large", ["x" * SIZE, b"x" * SIZE, ["x" * (SIZE // 2), b"x" * (SIZE // 2)]])
async def test_a_message_that_is_too_large_ends_its_connection_only(
    io: Io, server: Server, heard: list[Any], large: Any
) -> None:
    async with serve(server, Socketio(max_http_buffer_size=SIZE)) as site:
        bad, good = await io.connect(site, "/chat"), await io.connect(site, "/members", auth={"token": "open"})
        await io.settle(bad)

        bad.emit("note", large)

        assert await bad.disconnected() in CUT
        await until(lambda: [event[:2] for event in heard] == [("disconnect", "/chat")])
        assert await good.ask("where") == ["/members"]


@pytest.mark.parametrize("large", ["x" * (SIZE - 100), b"x" * (SIZE // 4 * 3 - 100)], ids=["text", "bytes"])
async def test_a_message_that_is_just_not_too_large_arrives(
    io: Io, server: Server, heard: list[Any], large: Any
) -> None:
    async with serve(server, Socketio(max_http_buffer_size=SIZE)) as site:
        client = await io.connect(site, "/chat")
        await io.settle(client)

        client.emit("note", large)

        await until(lambda: heard == [("note", large)])


def nested(depth: int) -> Any:
    return [nested(depth - 1)] if depth else None


@pytest.mark.parametrize(
    ("event", "odd"),
    [("note", nested(40)), ("note", {f"key {number}": 1 for number in range(2000)}), ("n" * 200, 1)],
    ids=["too deep", "too many keys", "too long a name"],
)
async def test_what_breaks_a_limit_costs_that_event_only(
    io: Io, site: Site, heard: list[Any], event: str, odd: Any
) -> None:
    client = await io.connect(site, "/chat")

    client.emit(event, odd)
    with pytest.raises(Unanswered):
        await client.ask(event, odd, timeout=300)
    client.emit("note", "goes on")

    await until(lambda: heard == [("note", "goes on")])
    assert site.server.statistics().broken == 2


async def test_half_a_character_is_read_as_browsers_encode_it(io: Io, site: Site) -> None:
    client = await io.connect(site, "/chat")

    client.do("say", message='2/chat,7["echo","cut \\ud83d"]')

    assert await client.ask("echo", "behind") == ["behind"]


async def test_thousands_that_waited_for_their_connection_arrive(io: Io, heard: list[Any]) -> None:
    async with serve(with_handlers(Server(limits=Limits(rate=100_000)), heard)) as site:
        client = io.open(site, "/chat")
        client.count("note", 6000)

        await until(lambda: len(heard) == 6000)

    assert heard[:6000] == [("note", number) for number in range(6000)]


async def test_many_messages_that_are_too_large_together_arrive_one_after_another(
    io: Io, server: Server, heard: list[Any]
) -> None:
    async with serve(server, Socketio(max_http_buffer_size=SIZE)) as site:
        client = await io.connect(site, "/chat")

        client.count("note", 20, "x" * (SIZE // 3))

        await until(lambda: len(heard) == 20)
        assert [number for _, number, _ in heard] == list(range(20))


async def test_the_server_may_say_more_than_it_takes(io: Io, server: Server) -> None:
    async with serve(server, Socketio(max_http_buffer_size=SIZE)) as site:
        client = await io.connect(site)

        await only(server).emit("told", "x" * 3 * SIZE, b"x" * 3 * SIZE)

        assert await client.event() == ("told", "x" * 3 * SIZE, b"x" * 3 * SIZE)


async def test_a_client_that_asks_for_more_namespaces_than_allowed_is_refused_them(io: Io, heard: list[Any]) -> None:
    server = with_handlers(Server(limits=Limits(namespaces=2)), heard)
    async with serve(server) as site:
        root = await io.connect(site)
        chat = io.clients.beside(root, "/chat")
        await chat.connected()

        members = io.clients.beside(root, "/members", auth={"token": "open"})

        assert (await members.told())[0] == "connect_error"
        assert await root.ask("where") == ["/"]
        assert await chat.ask("where") == ["/chat"]


async def test_pings_keep_a_quiet_connection_alive(io: Io, server: Server) -> None:
    async with serve(server, Socketio(ping_interval=0.3, ping_timeout=0.4)) as site:
        client = await io.connect(site)
        await io.settle(client)

        for _ in range(4):
            assert await client.of_connection() == ["ping"]

        assert await client.ask("where") == ["/"]
        assert only(server).id == client.sid
        assert await client.quiet()


async def test_pings_go_on_beside_a_busy_client(io: Io, server: Server, heard: list[Any]) -> None:
    async with serve(server, Socketio(ping_interval=0.2, ping_timeout=0.6)) as site:
        client = await io.connect(site, "/chat")
        await io.settle(client)

        for _ in range(4):
            client.count("note", 100)
            assert await client.ask("where") == ["/chat"]
            assert await client.of_connection() == ["ping"]

        assert [number for _, number in heard] == [*range(100)] * 4


async def test_a_client_that_hears_nothing_more_says_so(io: Io, server: Server) -> None:
    async with serve(server, Socketio(ping_interval=0.3, ping_timeout=0.3)) as site, proxied(site, io.clients) as proxy:
        client = await io.connect(proxy.url)
        await io.settle(client)

        proxy.black_hole(Direction.DOWN)

        assert await client.disconnected() == "ping timeout"


async def test_a_client_that_is_not_heard_any_more_is_given_up(io: Io, server: Server, heard: list[Any]) -> None:
    settings = Socketio(ping_interval=0.3, ping_timeout=0.3)
    async with serve(server, settings) as site, proxied(site, io.clients) as proxy:
        silent = await io.connect(proxy.url, "/chat")
        good = await io.connect(site, "/members", auth={"token": "open"})
        await io.settle(silent)

        proxy.black_hole(Direction.UP)

        await until(lambda: [event[:2] for event in heard] == [("disconnect", "/chat")])
        assert await good.ask("where") == ["/members"]
