"""Rooms of socket.io-clients: who is in, who is not, and one broadcast that reaches each member once."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon import Server, Socket
from tests.hosts.rig import Site, until
from tests.interop.clients import WIRES, Clients, IoClient
from tests.interop.site import Io, only


async def members(io: Io, site: Site, *rooms: list[str]) -> list[IoClient]:
    """Clients, each in its rooms."""
    clients = [await io.connect(site) for _ in rooms]
    for client, joined in zip(clients, rooms, strict=True):
        assert await client.ask("join", *joined) == []
    return clients


async def heard_by(*clients: IoClient) -> list[list[Any]]:
    """What each of them is told until it is told of the end."""
    told = []
    for client in clients:
        events: list[Any] = []
        while (event := await client.event())[0] != "end":
            events.append(event[1])
        told.append(events)
    return told


async def test_members_of_a_room_hear_what_is_said_in_it(io: Io, site: Site, server: Server) -> None:
    ann, bob, eve = await members(io, site, ["room"], ["room"], ["other"])

    await server.namespace("/").to("room").emit("said", 1)
    await server.namespace("/").emit("end")

    assert await heard_by(ann, bob, eve) == [[1], [1], []]


async def test_who_left_a_room_hears_nothing_of_it(io: Io, site: Site, server: Server) -> None:
    ann, bob = await members(io, site, ["room"], ["room"])
    assert await bob.ask("leave", "room") == []

    await server.namespace("/").to("room").emit("said", 1)
    await server.namespace("/").emit("end")

    assert await heard_by(ann, bob) == [[1], []]


async def test_who_is_in_several_rooms_hears_once(io: Io, site: Site, server: Server) -> None:
    ann, bob = await members(io, site, ["red", "blue"], ["blue"])

    await server.namespace("/").to("red", "blue", "empty").emit("said", 1)
    await server.namespace("/").emit("end")

    assert await heard_by(ann, bob) == [[1], [1]]


async def test_those_in_another_room_are_left_out(io: Io, site: Site, server: Server) -> None:
    ann, bob, eve = await members(io, site, ["room"], ["room", "muted"], ["muted"])

    await server.namespace("/").to("room").except_("muted").emit("said", 1)
    await server.namespace("/").except_("room").emit("said", 2)
    await server.namespace("/").emit("end")

    assert await heard_by(ann, bob, eve) == [[1], [], [2]]


async def test_one_socket_is_left_out(io: Io, site: Site, server: Server) -> None:
    ann, bob = await members(io, site, ["room"], ["room"])
    socket = server.namespace("/").socket(ann.sid)
    assert socket is not None

    await server.namespace("/").to("room").except_(socket).emit("said", 1)
    await server.namespace("/").emit("end")

    assert await heard_by(ann, bob) == [[], [1]]


async def test_a_handler_speaks_to_the_room_but_its_own_client(io: Io, site: Site, server: Server) -> None:
    @server.namespace("/").on("say")
    async def say(socket: Socket, what: Any) -> None:
        await socket.to("room").emit("said", what)
        await socket.broadcast.emit("said", "to all others")
        await socket.emit("said", "to you")
        await server.namespace("/").emit("end")

    ann, bob, eve = await members(io, site, ["room"], ["room"], [])

    ann.emit("say", b"\x01")

    assert await heard_by(ann, bob, eve) == [["to you"], [b"\x01", "to all others"], ["to all others"]]


async def test_everybody_is_told(io: Io, site: Site, server: Server) -> None:
    clients = await members(io, site, [], ["room"], [])

    await server.namespace("/").emit("said", {"to": "all"})
    await server.namespace("/").emit("end")

    assert await heard_by(*clients) == [[{"to": "all"}]] * 3


async def test_a_room_of_one_namespace_is_none_of_another(io: Io, site: Site, server: Server) -> None:
    [ann] = await members(io, site, ["room"])
    chat = io.clients.beside(ann, "/chat")
    await chat.connected()
    assert await chat.ask("join", "room") == []

    await server.namespace("/chat").to("room").emit("said", "chat")
    for namespace in ("/", "/chat"):
        await server.namespace(namespace).emit("end")

    assert await heard_by(ann, chat) == [[], ["chat"]]


async def test_on_connect_puts_a_client_into_a_room(io: Io, site: Site, server: Server) -> None:
    lobby = server.namespace("/lobby")

    @lobby.on_connect
    async def connect(socket: Socket) -> None:
        await socket.join("lobby")
        await lobby.to("lobby").emit("arrived", socket.id)

    ann = await io.connect(site, "/lobby")
    bob = await io.connect(site, "/lobby")

    assert await ann.events(2) == [("arrived", ann.sid), ("arrived", bob.sid)]
    assert await bob.event() == ("arrived", bob.sid)


async def test_rooms_are_left_with_the_namespace(io: Io, site: Site, server: Server) -> None:
    ann, bob = await members(io, site, ["room"], ["room"])

    ann.disconnect()

    await until(lambda: server.namespace("/").count("room") == 1)
    await server.namespace("/").to("room").emit("said", 1)
    assert await bob.event() == ("said", 1)


async def test_everybody_in_a_room_is_put_out(io: Io, site: Site, server: Server) -> None:
    ann, bob = await members(io, site, ["room"], [])

    await server.namespace("/").to("room").disconnect()

    assert await ann.disconnected() == "io server disconnect"
    assert await bob.ask("where") == ["/"]


async def test_everybody_in_a_room_moves_to_another(io: Io, site: Site, server: Server) -> None:
    [ann] = await members(io, site, ["red"])

    await server.namespace("/").to("red").move("red", "blue")
    await server.namespace("/").to("red").emit("said", "red")
    await server.namespace("/").to("blue").emit("said", "blue")

    assert await ann.event() == ("said", "blue")
    assert only(server).rooms == {"blue"}


@pytest.mark.parametrize("payload", ["text", b"\x00" * 1000], ids=["text", "bytes"])
async def test_fifty_members_hear_each_broadcast_once_in_order(clients: Clients, site: Site, payload: Any) -> None:
    many = [clients.open(site.origin, WIRES[number % 3]) for number in range(50)]
    for client in many:
        await client.connected()
    room = site.server.namespace("/")

    for number in range(20):
        await room.emit("said", number, payload)

    for client in many:
        assert await client.events(20) == [("said", number, payload) for number in range(20)]
        assert await client.quiet()
