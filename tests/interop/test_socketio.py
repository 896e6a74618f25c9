"""The socket.io-client of npm over a WebSocket, beside a native client of the same server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from antiphon import Client, Refused, Server, Socket
from tests.hosts.rig import Site, served, until
from tests.interop.clients import HERE, NodeClient, node_client

BYTES = bytes(range(256))


@pytest.fixture(autouse=True, scope="session")
def installed() -> None:
    """The clients are there."""
    assert (HERE / "node_modules" / "socket.io-client").is_dir(), "run npm ci in tests/interop"


@pytest.fixture
def heard() -> list[Any]:
    """What the server heard."""
    return []


@pytest.fixture
async def site(heard: list[Any]) -> AsyncIterator[Site]:
    """A server that lets in who has a token, puts everybody into one room, and answers."""
    server = Server()
    root = server.namespace("/")

    @root.on_connect
    async def connect(socket: Socket, auth: Any) -> None:
        if auth != {"token": "open"}:
            raise Refused("who are you?", {"wanted": "token"})
        await socket.join("room")

    @root.on_disconnect
    async def disconnect(socket: Socket, reason: str) -> None:
        heard.append(("disconnect", reason))

    @root.on("note")
    async def note(socket: Socket, *args: Any) -> None:
        heard.append(("note", *args))

    @root.on("say")
    async def say(socket: Socket, what: Any) -> None:
        await root.to("room").emit("said", what)

    chat = server.namespace("/chat")

    @chat.on("echo")
    async def echo(socket: Socket, *args: Any) -> list[Any]:
        return ["chat", *args]

    async with served(server, socketio=True) as site:
        yield site


@pytest.fixture
async def node(site: Site) -> AsyncIterator[NodeClient]:
    """A client that was let in."""
    async with node_client(site.origin, auth={"token": "open"}) as node:
        assert (await node.told())[0] == "connect"
        yield node


async def test_a_client_knows_the_id_of_its_socket(site: Site) -> None:
    async with node_client(site.origin, auth={"token": "open"}) as node:
        word, sid = await node.told()

    assert word == "connect"
    assert sid.endswith("/")


async def test_who_is_refused_is_told_why(site: Site) -> None:
    async with node_client(site.origin, auth={"token": "wrong"}) as node:
        assert await node.told() == ["connect_error", "who are you?", {"wanted": "token"}]


async def test_events_come_in_their_order(node: NodeClient, heard: list[Any]) -> None:
    for number in range(100):
        node.do("emit", event="note", args=[number])

    await until(lambda: len(heard) == 100)

    assert heard == [("note", number) for number in range(100)]


async def test_what_a_handler_returns_is_the_acknowledgement(node: NodeClient) -> None:
    node.do("ask", event="echo", args=[1, "two", {"three": [4.5, None, True]}])

    assert await node.told() == ["answer", [1, "two", {"three": [4.5, None, True]}]]


async def test_bytes_come_and_go_in_any_place(node: NodeClient) -> None:
    node.do("ask", event="echo", args=[{"a": {"bytes": BYTES.hex()}}, {"bytes": ""}, "text"])

    assert await node.told() == ["answer", [{"a": BYTES}, b"", "text"]]


async def test_the_server_asks_and_the_client_answers(site: Site, node: NodeClient) -> None:
    [socket] = site.server.namespace("/").sockets

    answer = await socket.call("what", {"name": b"\x00\xff"})

    assert answer == {"name": b"\x00\xff"}
    assert await node.told() == ["event", "what", {"name": b"\x00\xff"}]


async def test_everybody_of_a_room_may_be_asked(site: Site, node: NodeClient) -> None:
    replies = await site.server.namespace("/").to("room").call("vote", "yes", timeout=5)

    assert list(replies.values.values()) == ["yes"]


async def test_namespaces_are_joined_beside_one_another(site: Site) -> None:
    async with node_client(site.origin, namespace="/chat") as node:
        assert (await node.told())[0] == "connect"

        node.do("ask", event="echo", args=["hello"])

        assert await node.told() == ["answer", ["chat", "hello"]]


async def test_a_namespace_that_is_not_there_is_refused(site: Site) -> None:
    async with node_client(site.origin, namespace="/nowhere") as node:
        assert await node.told() == ["connect_error", "there is no namespace '/nowhere'", None]


async def test_one_broadcast_reaches_native_clients_and_those_of_socketio(site: Site, node: NodeClient) -> None:
    client, said = Client(site.url), list[Any]()
    native = client.namespace("/", auth={"token": "open"})
    native.on("said")(said.append)
    await client.connect()
    await native.ready()

    node.do("emit", event="say", args=["from node"])
    await until(lambda: len(said) == 1)
    await native.emit("say", b"from python")
    await until(lambda: len(said) == 2)

    assert said == ["from node", b"from python"]
    assert await node.told() == ["event", "said", "from node"]
    assert await node.told() == ["event", "said", b"from python"]
    await client.close()


async def test_the_client_leaves(site: Site, node: NodeClient, heard: list[Any]) -> None:
    node.do("disconnect")

    assert await node.told() == ["disconnect", "io client disconnect"]
    await until(lambda: heard == [("disconnect", "left")])
    await until(lambda: site.server.statistics().sessions == 0)


async def test_the_server_puts_the_client_out(site: Site, node: NodeClient) -> None:
    [socket] = site.server.namespace("/").sockets

    await socket.emit("last")
    await socket.disconnect()

    assert await node.told() == ["event", "last"]
    assert await node.told() == ["disconnect", "io server disconnect"]


async def test_the_server_ends_the_session_behind_what_it_said(site: Site, node: NodeClient) -> None:
    [socket] = site.server.namespace("/").sockets

    await socket.emit("last")
    await socket.end("go home")

    assert await node.told() == ["event", "last"]
    assert await node.told() == ["disconnect", "io server disconnect"]
    await until(lambda: site.server.statistics().sessions == 0)


async def test_a_client_that_vanishes_is_gone_at_once(site: Site, heard: list[Any]) -> None:
    async with node_client(site.origin, auth={"token": "open"}) as node:
        assert (await node.told())[0] == "connect"

    await until(lambda: site.server.statistics().sessions == 0)
    await until(lambda: [word for word, _ in heard] == ["disconnect"])
