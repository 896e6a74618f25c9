"""socket.io-client and the server part: each side learns who ended what."""

from __future__ import annotations

from typing import Any

from antiphon import Server, Socket
from tests.hosts.rig import Site, until
from tests.interop.clients import Node
from tests.interop.recovering import CUT
from tests.interop.site import Io, only, serve


async def test_the_client_leaves(io: Io, site: Site, heard: list[Any]) -> None:
    client = await io.connect(site, "/chat")

    client.disconnect()

    assert await client.disconnected() == "io client disconnect"
    await until(lambda: heard == [("disconnect", "/chat", "left")])
    await until(lambda: site.server.statistics().sessions == 0)


async def test_the_client_leaves_behind_what_it_said(io: Io, site: Site, heard: list[Any]) -> None:
    client = await io.connect(site, "/chat")

    client.count("note", 50)
    client.disconnect()

    await until(lambda: heard[-1:] == [("disconnect", "/chat", "left")])
    assert heard[:-1] == [("note", number) for number in range(50)]


async def test_the_client_leaves_one_namespace_and_goes_on_in_the_other(io: Io, site: Site, heard: list[Any]) -> None:
    members = await io.connect(site, "/members", auth={"token": "open"})
    chat = io.clients.beside(members, "/chat")
    await chat.connected()

    chat.disconnect()

    assert await chat.disconnected() == "io client disconnect"
    await until(lambda: heard == [("disconnect", "/chat", "left")])
    assert await members.ask("where") == ["/members"]
    assert await members.quiet()


async def test_the_server_puts_the_client_out_behind_what_it_said(io: Io, site: Site, heard: list[Any]) -> None:
    client = await io.connect(site, "/chat")
    socket = only(site.server, "/chat")

    await socket.emit("last", b"\x00")
    await socket.disconnect()

    assert await client.event() == ("last", b"\x00")
    assert await client.disconnected() == "io server disconnect"
    await until(lambda: heard == [("disconnect", "/chat", "put_out")])


async def test_who_is_put_out_does_not_come_back_by_itself(io: Io, site: Site) -> None:
    client = await io.connect(site, reconnection=True, reconnectionDelay=5)

    await only(site.server).disconnect()

    assert await client.disconnected() == "io server disconnect"
    await until(lambda: site.server.statistics().sessions == 0)
    assert await client.quiet()


async def test_who_was_put_out_may_ask_to_come_in_again(io: Io, site: Site) -> None:
    client = await io.connect(site, "/chat")
    await only(site.server, "/chat").disconnect()
    assert await client.disconnected() == "io server disconnect"

    client.do("connect")
    await client.connected()

    assert await client.ask("where") == ["/chat"]


async def test_who_is_put_out_of_one_namespace_goes_on_in_the_other(io: Io, site: Site) -> None:
    root = await io.connect(site)
    chat = io.clients.beside(root, "/chat")
    await chat.connected()

    await only(site.server, "/chat").disconnect()

    assert await chat.disconnected() == "io server disconnect"
    assert await root.ask("where") == ["/"]


async def test_what_is_said_where_the_client_was_just_put_out_disturbs_nobody(
    io: Io, site: Site, heard: list[Any]
) -> None:
    root = await io.connect(site)
    chat = io.clients.beside(root, "/chat")
    await chat.connected()

    for number in range(20):
        chat.emit("note", number)
    await only(site.server, "/chat").disconnect()

    assert await chat.disconnected() == "io server disconnect"
    assert await root.ask("where") == ["/"]


async def test_the_server_ends_the_session_in_all_namespaces(io: Io, site: Site, heard: list[Any]) -> None:
    root = await io.connect(site)
    chat = io.clients.beside(root, "/chat")
    await chat.connected()
    socket = only(site.server)

    await socket.emit("last")
    await socket.end("go home")

    assert await root.event() == ("last",)
    assert await root.disconnected() == "io server disconnect"
    assert await chat.disconnected() == "io server disconnect"
    await until(lambda: site.server.statistics().sessions == 0)


async def test_a_handler_puts_its_own_client_out(io: Io, site: Site, server: Server) -> None:
    @server.namespace("/").on("leave me alone")
    async def out(socket: Socket) -> str:
        await socket.disconnect()
        return "nobody hears this"

    client = await io.connect(site)

    client.asking("leave me alone", timeout=60_000).add_done_callback(lambda answer: answer.exception())

    assert await client.disconnected() == "io server disconnect"


async def test_the_connection_of_the_client_closes(io: Io, site: Site, heard: list[Any]) -> None:
    client = await io.connect(site, "/chat")
    await io.settle(client)

    client.close()

    assert await client.disconnected() == "forced close"
    await until(lambda: site.server.statistics().sessions == 0)
    assert [word for word, *_ in heard] == ["disconnect"]


async def test_a_process_that_vanishes_takes_its_clients_with_it(site: Site, heard: list[Any]) -> None:
    node = Node()
    try:
        async with node.clients() as clients:
            others = [clients.open(site.origin, wire, "/chat") for wire in ("polling", "websocket", "upgrade")]
            for client in others:
                await client.connected()
            await others[2].upgraded()

            node.kill()

            # Polls are looked after a few times a second.
            await until(lambda: site.server.statistics().sessions == 0)
            await until(lambda: len(heard) == 3)
    finally:
        node.kill()

    assert {event[:2] for event in heard} == {("disconnect", "/chat")}


async def test_the_server_stops(io: Io, site: Site, heard: list[Any]) -> None:
    client = await io.connect(site, "/chat")
    await io.settle(client)

    await site.server.close()

    assert await client.disconnected() in CUT
    assert heard == [("disconnect", "/chat", "shutdown")]


async def test_the_application_stops(io: Io, server: Server, heard: list[Any]) -> None:
    async with serve(server) as site:
        client = await io.connect(site, "/chat")
        await io.settle(client)

    assert await client.disconnected() in CUT
    assert heard == [("disconnect", "/chat", "shutdown")]


async def test_the_server_drains_behind_what_it_said(io: Io, site: Site) -> None:
    client = await io.connect(site)
    await io.settle(client)

    await site.server.namespace("/").emit("last")
    await site.server.drain(window=1.0)

    assert await client.event() == ("last",)
    assert await client.disconnected() in CUT


async def test_nonsense_ends_a_connection_and_disturbs_nobody_else(io: Io, site: Site, heard: list[Any]) -> None:
    bad, good = await io.connect(site, "/chat"), await io.connect(site, "/members", auth={"token": "open"})
    await io.settle(bad)

    bad.do("say", message="2/chat,not json")

    assert await bad.disconnected() in CUT
    await until(lambda: [event[:2] for event in heard] == [("disconnect", "/chat")])
    assert await good.ask("where") == ["/members"]
