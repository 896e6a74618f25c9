"""Who a socket.io-client is: the authentication hook, everybody of one person on every wire, and middleware."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from antiphon import Arrival, Arriving, Incoming, Outgoing, Principal, Refused, Server, Socket
from tests.hosts.rig import Site, until
from tests.interop.clients import Clients, Unanswered
from tests.interop.recovering import BACK
from tests.interop.site import Io, native, only


@pytest.fixture
def known(server: Server) -> Server:
    """A server that asks everybody for their name."""

    @server.authenticate
    async def who(auth: Any, arrival: Arrival) -> Principal:
        match auth:
            case {"name": str(name)}:
                return Principal(name, data=arrival.transport)
        raise Refused("say your name")

    return server


async def test_the_hook_says_who_a_client_is(io: Io, site: Site, known: Server) -> None:
    await io.connect(site, auth={"name": "ann"})

    principal = only(known).principal

    assert principal is not None and principal.id == "ann"
    assert principal.data == ("websocket" if io.wire == "websocket" else "polling")


async def test_who_the_hook_refuses_is_told_why_and_comes_in_by_another_name(io: Io, site: Site, known: Server) -> None:
    client = io.open(site)
    word, message, _ = await client.told()
    assert (word, message) == ("connect_error", "say your name")

    client.do("auth", auth={"name": "ann"})
    client.do("connect")
    await client.connected()

    assert [socket.principal.id for socket in known.namespace("/").sockets if socket.principal] == ["ann"]


async def test_whoever_cannot_be_looked_into_now_comes_back(
    io: Io, site: Site, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    attempts: list[Any] = []

    @server.authenticate
    async def who(auth: Any) -> str:
        attempts.append(auth)
        if len(attempts) == 1:
            raise RuntimeError("the database is away")
        return "ann"

    client = io.open(site, **BACK)
    while (told := await client.told())[0] != "connect":
        assert told[0] in ("connect_error", "disconnect")

    assert len(attempts) == 2
    assert await client.ask("where") == ["/"]


async def test_all_sockets_of_a_person_are_told(clients: Clients, site: Site, known: Server) -> None:
    async with native(site, auth={"name": "ann"}) as ours:
        told: list[Any] = []
        ours.on("for you")(told.append)
        anns = [clients.open(site.origin, wire, auth={"name": "ann"}) for wire in ("polling", "websocket", "upgrade")]
        bob = clients.open(site.origin, "websocket", auth={"name": "bob"})
        for client in (*anns, bob):
            await client.connected()
        chat = clients.beside(anns[0], "/chat")
        await chat.connected()

        await known.user("ann").emit("for you", b"\x00")

        for client in (*anns, chat):
            assert await client.event() == ("for you", b"\x00")
        await until(lambda: told == [b"\x00"])
        assert await bob.quiet()


async def test_a_person_is_asked_on_every_wire(clients: Clients, site: Site, known: Server) -> None:
    async with native(site, auth={"name": "ann"}) as ours:
        ours.on("sure?")(lambda: "native")
        for wire in ("polling", "websocket"):
            client = clients.open(site.origin, wire, auth={"name": "ann"})
            await client.connected()
            await client.answer("sure?", wire)

        replies = await known.user("ann").call("sure?", timeout=5)

        assert sorted(replies.values.values()) == ["native", "polling", "websocket"]


async def test_who_is_revoked_is_sent_away_for_good(io: Io, site: Site, known: Server) -> None:
    ann = await io.connect(site, auth={"name": "ann"}, **BACK)
    bob = await io.connect(site, auth={"name": "bob"})
    await io.settle(ann)

    await known.revoke("ann", "the account is closed")

    assert await ann.disconnected() == "io server disconnect"
    await until(lambda: known.statistics().sessions == 1)
    assert await ann.quiet()
    assert await bob.ask("where") == ["/"]


async def test_who_is_put_out_everywhere_goes_on_nowhere(io: Io, site: Site, known: Server) -> None:
    root = await io.connect(site, auth={"name": "ann"})
    chat = io.clients.beside(root, "/chat")
    await chat.connected()

    await known.user("ann").disconnect()

    assert await root.disconnected() == "io server disconnect"
    assert await chat.disconnected() == "io server disconnect"


# -- middleware


async def test_middleware_keeps_a_client_out(io: Io, site: Site, server: Server) -> None:
    @server.around_connect
    async def gate(arriving: Arriving, proceed: Callable[[Arriving], Awaitable[None]]) -> None:
        if arriving.auth != {"ticket": 1}:
            raise Refused("no ticket", {"price": 5})
        await proceed(arriving)

    out = io.open(site)
    inside = await io.connect(site, auth={"ticket": 1})

    assert await out.told() == ["connect_error", "no ticket", {"price": 5}]
    assert await inside.ask("where") == ["/"]


async def test_middleware_changes_what_comes(io: Io, site: Site, server: Server, heard: list[Any]) -> None:
    @server.namespace("/chat").around_event
    async def double(incoming: Incoming, proceed: Callable[[Incoming], Awaitable[Any]]) -> Any:
        return await proceed(replace(incoming, args=incoming.args * 2))

    client = await io.connect(site, "/chat")

    client.emit("note", b"\x00", 1)

    await until(lambda: heard == [("note", b"\x00", 1, b"\x00", 1)])


async def test_middleware_answers_in_place_of_a_handler(io: Io, site: Site, server: Server) -> None:
    @server.around_event
    async def cache(incoming: Incoming, proceed: Callable[[Incoming], Awaitable[Any]]) -> Any:
        return "from the cache" if incoming.name == "where" else await proceed(incoming)

    client = await io.connect(site)

    assert await client.ask("where") == ["from the cache"]


async def test_middleware_that_refuses_an_event_withholds_its_acknowledgement(
    io: Io, site: Site, server: Server, heard: list[Any]
) -> None:
    @server.namespace("/chat").around_event
    async def mute(incoming: Incoming, proceed: Callable[[Incoming], Awaitable[Any]]) -> Any:
        if incoming.name == "note":
            raise Refused("muted")
        return await proceed(incoming)

    client = await io.connect(site, "/chat")
    client.emit("note", "nobody hears this")

    with pytest.raises(Unanswered, match="timed out"):
        await client.ask("note", timeout=150)

    assert await client.ask("where") == ["/chat"]
    assert heard == []


async def test_middleware_changes_what_goes(io: Io, site: Site, server: Server) -> None:
    @server.namespace("/").around_emit
    async def stamp(outgoing: Outgoing, proceed: Callable[[Outgoing], Awaitable[Any]]) -> Any:
        return await proceed(replace(outgoing, args=(*outgoing.args, "stamped")))

    client = await io.connect(site)

    await server.namespace("/").emit("told", 1)

    assert await client.event() == ("told", 1, "stamped")


async def test_a_handler_that_raises_is_logged_and_disturbs_nobody(
    io: Io, site: Site, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    @server.namespace("/").on("boom")
    async def boom(socket: Socket) -> None:
        raise RuntimeError("it broke")

    client, other = await io.connect(site), await io.connect(site)

    client.emit("boom")

    assert await client.ask("where") == ["/"]
    assert await other.ask("where") == ["/"]
    assert "it broke" in caplog.text
    assert await client.quiet() and await other.quiet()
