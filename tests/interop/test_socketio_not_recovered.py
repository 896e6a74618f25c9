"""socket.io-client cannot go on where it was: it begins anew, `recovered` is false, and nobody else is disturbed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from antiphon import Outbox, Refused, Resume, Server
from antiphon.config import Socketio
from antiphon.testing.proxy import FaultProxy
from tests.hosts.rig import until
from tests.interop.recovering import BACK, CUT, away, back, cut, proxied, without_offset
from tests.interop.site import Io, only, serve, with_handlers

RECOVERY = Socketio(recovery=True, ping_interval=1.0, ping_timeout=1.0)
KEY = "k" * 43


@asynccontextmanager
async def cuttable(io: Io, server: Server, settings: Socketio = RECOVERY) -> AsyncIterator[FaultProxy]:
    """What stands before a server with recovery, and cuts."""
    async with serve(server, settings) as site, proxied(site, io.clients) as proxy:
        yield proxy


async def test_who_comes_back_too_late_begins_anew(io: Io, heard: list[Any]) -> None:
    server = with_handlers(Server(resume=Resume(window=0.2, leaving=0.2)), heard)
    async with cuttable(io, server) as proxy:
        client = await io.connect(proxy.url, "/chat", **BACK)
        await io.settle(client)
        before = client.sid
        await away(proxy, client)

        await until(lambda: heard == [("disconnect", "/chat", "expired")])
        proxy.online()
        await back(client)

        assert not client.recovered
        assert client.sid == only(server, "/chat").id != before
        assert await client.ask("where") == ["/chat"]


async def test_who_missed_more_than_is_kept_begins_anew(io: Io, heard: list[Any]) -> None:
    server = with_handlers(Server(outbox=Outbox(packets=20)), heard)
    async with cuttable(io, server) as proxy:
        client = await io.connect(proxy.url, "/chat", **BACK)
        await io.settle(client)
        before = client.sid
        await away(proxy, client)

        for number in range(50):
            await server.namespace("/chat").emit("told", number)
        proxy.online()
        await back(client)

        assert not client.recovered
        assert client.sid == only(server, "/chat").id != before
        assert await client.quiet()


async def test_who_came_back_without_its_place_is_told_what_comes_then(io: Io, heard: list[Any]) -> None:
    server = with_handlers(Server(outbox=Outbox(packets=20)), heard)
    async with cuttable(io, server) as proxy:
        client = await io.connect(proxy.url, "/chat", **BACK)
        await io.settle(client)
        await away(proxy, client)
        for number in range(50):
            await server.namespace("/chat").emit("told", number)
        proxy.online()
        await back(client)

        await server.namespace("/chat").emit("told", "anew")
        assert without_offset(await client.event()) == ("told", "anew")
        await away(proxy, client)
        await server.namespace("/chat").emit("told", "missed")
        proxy.online()

        assert await back(client, 1) == [("told", "missed")]
        assert client.recovered


async def test_without_recovery_the_client_is_given_no_place(io: Io, server: Server, heard: list[Any]) -> None:
    async with cuttable(io, server, Socketio(ping_interval=1.0, ping_timeout=1.0)) as proxy:
        client = await io.connect(proxy.url, "/chat", **BACK)
        await io.settle(client)
        await server.namespace("/chat").emit("told", "text")
        assert await client.event() == ("told", "text")
        assert (await client.looks())["pid"] is None

        await cut(proxy, client)
        await back(client)

        assert not client.recovered


@pytest.mark.parametrize(
    "pid", ["garbage", "", f"nobody.{KEY}", "a" * 10_000, "\u65e5\u672c." + KEY, "..", f".{KEY}", 5, None, {"a": 1}]
)
async def test_a_place_that_nobody_gave_begins_anew(io: Io, server: Server, pid: Any) -> None:
    async with serve(server, RECOVERY) as site:
        client = io.open(site, "/chat", autoConnect=False)
        client.do("pid", pid=pid, offset="garbage")

        client.do("connect")
        await client.connected()

        assert not client.recovered
        assert await client.ask("where") == ["/chat"]


async def test_the_place_of_somebody_else_needs_their_proof(io: Io, server: Server) -> None:
    async with serve(server, RECOVERY) as site:
        ann = await io.connect(site, "/chat")
        sid, _, key = (await ann.looks())["pid"].partition(".")
        thief = io.open(site, "/chat", autoConnect=False)
        thief.do("pid", pid=f"{sid}.{key[::-1]}", offset=None)

        thief.do("connect")
        await thief.connected()

        assert not thief.recovered
        assert thief.sid != ann.sid
        assert await ann.ask("where") == ["/chat"]


async def test_another_person_with_the_proof_of_a_place_does_not_get_it(io: Io, server: Server) -> None:
    @server.authenticate
    async def who(auth: Any) -> str:
        match auth:
            case {"name": str(name)}:
                return name
        raise Refused("say your name")

    async with serve(server, RECOVERY) as site:
        ann = await io.connect(site, "/chat", auth={"name": "ann"})
        await io.settle(ann)
        place = await ann.looks()
        thief = io.open(site, "/chat", auth={"name": "thief"}, autoConnect=False)
        thief.do("pid", pid=place["pid"], offset=place["offset"])

        thief.do("connect")
        told = await thief.told()

        assert told[0] == "connect_error" or (told[0] == "connect" and told[2] is False)
        names = [socket.principal.id for socket in server.namespace("/chat").sockets if socket.principal]
        assert "ann" in names
        assert await ann.ask("where") == ["/chat"]


async def test_an_offset_of_the_future_begins_anew(io: Io, server: Server) -> None:
    async with cuttable(io, server) as proxy:
        client = await io.connect(proxy.url, "/chat", **BACK)
        await io.settle(client)
        await server.namespace("/chat").emit("told", 1)
        await client.event()
        place = await client.looks()
        epoch, _, _ = place["offset"].partition(".")
        client.do("pid", pid=place["pid"], offset=f"{epoch}.999999")

        await cut(proxy, client)
        await back(client)

        assert not client.recovered
        assert await client.ask("where") == ["/chat"]


async def test_a_place_in_a_server_that_was_started_again_is_none(io: Io, heard: list[Any]) -> None:
    async with serve(with_handlers(Server(), heard), RECOVERY) as site:
        port = site.port
        client = await io.connect(site, "/chat", **BACK)
        await io.settle(client)
        await site.server.namespace("/chat").emit("told", 1)
        assert without_offset(await client.event()) == ("told", 1)
    assert await client.disconnected() in CUT

    async with serve(with_handlers(Server(), heard), RECOVERY, port=port) as site:
        await back(client)
        assert not client.recovered
        await site.server.namespace("/chat").emit("told", 2)

        assert without_offset(await client.event()) == ("told", 2)


async def test_who_left_begins_anew(io: Io, server: Server, heard: list[Any]) -> None:
    async with serve(server, RECOVERY) as site:
        client = await io.connect(site, "/chat")
        before = client.sid
        client.disconnect()
        assert await client.disconnected() == "io client disconnect"
        await until(lambda: heard == [("disconnect", "/chat", "left")])

        client.do("connect")
        await client.connected()

        assert not client.recovered
        assert client.sid != before


async def test_who_was_put_out_begins_anew(io: Io, server: Server) -> None:
    async with serve(server, RECOVERY) as site:
        client = await io.connect(site, "/chat")
        before = only(server, "/chat")
        await before.disconnect()
        assert await client.disconnected() == "io server disconnect"

        client.do("connect")
        await client.connected()

        assert not client.recovered
        assert only(server, "/chat") is not before


async def test_who_was_put_out_while_it_was_away_is_not_recovered(io: Io, server: Server) -> None:
    async with cuttable(io, server) as proxy:
        client = await io.connect(proxy.url, "/chat", **BACK)
        await io.settle(client)
        await away(proxy, client)
        before = only(server, "/chat")

        await before.disconnect()
        proxy.online()
        await back(client)

        assert not client.recovered
        assert only(server, "/chat") is not before
