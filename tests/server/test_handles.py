"""Handles of sockets: found, listed, chosen by a predicate, and moved about in bulk, from wherever the code runs."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from antiphon import Client, Server, Socket
from antiphon.hosts.aiohttp import mount
from antiphon.protocol.packets import Leave
from tests.client.serving import SOON, until
from tests.server.peer import Peer, entered, settle

People = dict[str, tuple[Peer, Socket]]


@pytest.fixture
async def people(server: Server) -> People:
    """Ann in red and blue, Bob in blue, Cat in none; each with its name in `data`."""
    root, people = server.namespace("/"), {}
    for name, rooms in {"ann": ["red", "blue"], "bob": ["blue"], "cat": []}.items():
        before = root.sockets
        peer = await entered(server, name)
        [socket] = root.sockets - before
        socket.data["name"] = name
        await socket.join(*rooms)
        people[name] = (peer, socket)
    return people


def names(sockets: frozenset[Socket]) -> set[str]:
    return {socket.data["name"] for socket in sockets}


def rooms(people: People) -> dict[str, set[str]]:
    return {name: set(socket.rooms) for name, (_, socket) in people.items()}


# -- found and listed


async def test_a_socket_is_found_by_its_id(server: Server, people: People) -> None:
    root, other = server.namespace("/"), server.namespace("/other")
    ann = people["ann"][1]

    assert root.socket(ann.id) is ann
    assert other.socket(ann.id) is None
    assert root.socket(ann.id.removesuffix("/")) is None
    assert root.socket("nobody/") is None


async def test_a_socket_is_found_in_the_namespace_that_its_id_is_of(server: Server) -> None:
    await entered(server, "ann", "/", "/chat")
    root, chat = server.namespace("/"), server.namespace("/chat")
    [in_root], [in_chat] = root.sockets, chat.sockets

    assert (root.socket(in_root.id), chat.socket(in_chat.id)) == (in_root, in_chat)
    assert (root.socket(in_chat.id), chat.socket(in_root.id)) == (None, None)


async def test_who_is_not_let_in_yet_or_gone_is_not_found(server: Server) -> None:
    root, door, knocking = server.namespace("/"), asyncio.Event(), []

    @root.on_connect
    async def connect(socket: Socket) -> None:
        knocking.append(socket)
        await door.wait()

    peer = await entered(server)
    [socket] = knocking
    assert root.socket(socket.id) is None
    assert root.sockets == frozenset()

    door.set()
    await settle()
    assert root.socket(socket.id) is socket
    assert root.sockets == {socket}

    peer.say(Leave("/"))
    await settle()
    assert root.socket(socket.id) is None
    assert root.sockets == frozenset()


async def test_rooms_are_listed_with_how_many_are_in_each(server: Server, people: People) -> None:
    root = server.namespace("/")

    assert root.rooms.counts() == {"red": 1, "blue": 2}

    await people["ann"][1].leave("red")
    assert root.rooms.counts() == {"blue": 2}


# -- by a predicate


async def test_a_predicate_chooses_among_the_sockets_of_an_audience(server: Server, people: People) -> None:
    root = server.namespace("/")

    def not_ann(socket: Socket) -> bool:
        return bool(socket.data["name"] != "ann")

    assert names(root.where(not_ann).sockets) == {"bob", "cat"}
    assert names(root.to("blue").where(not_ann).sockets) == {"bob"}
    assert names(root.where(not_ann).where(lambda socket: "blue" not in socket.rooms).sockets) == {"cat"}
    assert names(root.where(not_ann).except_(people["cat"][1]).sockets) == {"bob"}


async def test_a_predicate_is_asked_whenever_something_is_said_and_leaves_its_audience_as_it_was(
    server: Server, people: People
) -> None:
    blue = server.namespace("/").to("blue")
    chosen: set[str] = set()
    some = blue.where(lambda socket: socket.data["name"] in chosen)

    await some.emit("hi", 1)
    chosen.add("bob")
    await some.emit("hi", 2)
    await blue.emit("hi", 3)
    await settle()

    assert people["bob"][0].events() == [("hi", 2), ("hi", 3)]
    assert people["ann"][0].events() == [("hi", 3)]


async def test_a_predicate_that_raises_is_told_where_it_is_emitted_and_nobody_hears_anything(
    server: Server, people: People
) -> None:
    with pytest.raises(KeyError, match="age"):
        await server.namespace("/").where(lambda socket: socket.data["age"] > 17).emit("hi")

    await settle()
    assert [peer.events() for peer, _ in people.values()] == [[], [], []]


async def test_a_predicate_may_change_who_is_where(server: Server, people: People) -> None:
    blue = server.namespace("/").to("blue")

    def leaving(socket: Socket) -> bool:
        server.namespace("/").rooms.leave(socket, "blue")
        return True

    assert names(blue.where(leaving).sockets) == {"ann", "bob"}
    assert blue.sockets == frozenset()


async def test_a_predicate_that_is_none_is_refused_where_it_is_given(server: Server) -> None:
    with pytest.raises(TypeError, match=r"where\(\) takes a function of a socket, not 'red'"):
        server.namespace("/").where("red")  # type: ignore[arg-type]  # a room instead of a predicate


# -- in bulk


async def test_an_audience_joins_and_leaves_rooms(server: Server, people: People) -> None:
    root = server.namespace("/")

    await root.to("blue").join("green", "gold")
    assert rooms(people) == {"ann": {"red", "blue", "green", "gold"}, "bob": {"blue", "green", "gold"}, "cat": set()}

    await root.to("gold").leave("gold", "blue")
    assert rooms(people) == {"ann": {"red", "green"}, "bob": {"green"}, "cat": set()}

    await root.join("all")
    await root.leave("red", "green")
    assert rooms(people) == {"ann": {"all"}, "bob": {"all"}, "cat": {"all"}}


async def test_who_is_in_one_room_moves_to_another(server: Server, people: People) -> None:
    root = server.namespace("/")

    await root.except_(people["bob"][1]).move("blue", "green")
    assert rooms(people) == {"ann": {"red", "green"}, "bob": {"blue"}, "cat": set()}

    await root.move("blue", "green")
    assert rooms(people) == {"ann": {"red", "green"}, "bob": {"green"}, "cat": set()}


async def test_an_audience_is_put_out_and_its_clients_are_told(server: Server, people: People) -> None:
    root, left = server.namespace("/"), []

    @root.on_disconnect
    async def leave(socket: Socket) -> None:
        left.append(socket.data["name"])

    await root.to("blue").disconnect("closing time")
    await settle()

    assert sorted(left) == ["ann", "bob"]
    assert names(root.sockets) == {"cat"}
    assert people["bob"][0].read() == [Leave("/", "closing time")]

    await root.disconnect()
    await settle()
    assert root.sockets == frozenset()
    assert people["cat"][0].read() == [Leave("/", "disconnected by the server")]


# -- from outside of any handler


async def test_a_web_request_and_a_task_of_the_same_application_speak_to_sockets() -> None:
    server, heard = Server(), list[str]()
    chat = server.namespace("/chat")

    @chat.on_connect
    async def connect(socket: Socket) -> None:
        await socket.join("lobby")

    async def publish(request: web.Request) -> web.Response:
        text = await request.text()
        await chat.to("lobby").emit("published", text)
        replies = await chat.to("lobby").call("seen", text, timeout=5)
        return web.json_response(list(replies.values.values()))

    async def tick() -> None:
        await asyncio.sleep(0)
        chat.emit_nowait("tick")

    app = web.Application()
    app.router.add_post("/publish", publish)
    mount(app, server)
    async with TestServer(app) as running, aiohttp.ClientSession() as http:
        client = Client(str(running.make_url("/antiphon")), backoff=SOON)
        mine = client.namespace("/chat")
        mine.on("published")(heard.append)
        mine.on("tick")(lambda: heard.append("tick"))
        mine.on("seen")(lambda text: f"seen: {text}")
        async with client:
            await mine.ready()

            async with http.post(running.make_url("/publish"), data="news") as response:
                assert await response.json() == ["seen: news"]
            await asyncio.create_task(tick())

            await until(lambda: len(heard) == 2)
    assert heard == ["news", "tick"]
