"""Namespaces of a client: let in, refused, left, put out, and what waits at their gates."""

from __future__ import annotations

import asyncio

import pytest

from antiphon import (
    CallNotSent,
    Client,
    ConnectionClosed,
    ConnectionRefused,
    DisconnectCode,
    Disconnected,
    LocalProtocolError,
    Refused,
    Server,
    Socket,
)
from tests.client.serving import PATIENCE, connected, serving, until


async def test_several_namespaces_share_a_session_and_each_has_its_own_admission() -> None:
    server, heard = Server(), []
    for name in ("/one", "/two"):
        server.namespace(name).on("say")(lambda socket, text: heard.append((socket.namespace.name, text)))

    @server.namespace("/closed").on_connect
    def enter(socket: Socket) -> None:
        raise Refused("nobody comes in here")

    async with serving(server) as running, connected(running.url, "/one", "/two") as client:
        with pytest.raises(ConnectionRefused):
            await client.namespace("/closed").ready()
        await client.namespace("/one").emit("say", "1")
        await client.namespace("/two").emit("say", "2")

        await until(lambda: len(heard) == 2)
        assert heard == [("/one", "1"), ("/two", "2")]
        assert server.statistics().sessions == 1


async def test_leaving_a_namespace_leaves_the_others() -> None:
    server, ends = Server(), []
    for name in ("/one", "/two"):
        server.namespace(name).on_disconnect(lambda socket, reason: ends.append((socket.namespace.name, reason.code)))
    async with serving(server) as running, connected(running.url, "/one", "/two") as client:
        one, two = client.namespace("/one"), client.namespace("/two")

        await one.leave()

        await until(lambda: ends)
        assert ends == [("/one", "left")]
        assert not one.connected
        assert two.connected
        with pytest.raises(LocalProtocolError, match="'/one' is not joined"):
            await one.emit("say")


async def test_leaving_runs_the_disconnect_handler_once() -> None:
    server, ends = Server(), list[Disconnected]()
    server.namespace("/chat")
    async with serving(server) as running, connected(running.url, "/chat") as client:
        chat = client.namespace("/chat")
        chat.on_disconnect(ends.append)

        await chat.leave()
        await chat.leave()

        await until(lambda: ends)
    assert ends == [Disconnected(DisconnectCode.LEFT)]


async def test_who_waits_to_be_let_in_is_told_that_the_namespace_was_left() -> None:
    server, go_on = Server(), asyncio.Event()

    @server.namespace("/chat").on_connect
    async def enter(socket: Socket) -> None:
        await go_on.wait()

    async with serving(server) as running, connected(running.url) as client:
        chat = client.namespace("/chat")
        waiting = asyncio.create_task(chat.ready())
        await asyncio.sleep(0)

        await chat.leave()

        with pytest.raises(ConnectionClosed, match="left"):
            await asyncio.wait_for(waiting, PATIENCE)
        with pytest.raises(ConnectionClosed, match="left"):
            await asyncio.wait_for(chat.ready(), PATIENCE)
        go_on.set()


async def test_who_asks_after_the_refusal_is_told_it_too() -> None:
    server, doors = Server(), ["closed"]

    @server.namespace("/chat").on_connect
    def enter(socket: Socket) -> None:
        if doors.pop(0) == "closed":
            raise Refused("full")

    async with serving(server) as running, connected(running.url) as client:
        chat = client.namespace("/chat")
        with pytest.raises(ConnectionRefused):
            await chat.ready()

        with pytest.raises(ConnectionRefused, match="full"):
            await asyncio.wait_for(chat.ready(), PATIENCE)

        doors.append("open")
        await asyncio.wait_for(client.namespace("/chat").ready(), PATIENCE)
        assert chat.connected


async def test_a_namespace_that_was_left_may_be_joined_again() -> None:
    server = Server()
    server.namespace("/chat").on("ask")(lambda socket: socket.id)
    async with serving(server) as running, connected(running.url, "/chat") as client:
        await client.namespace("/chat").leave()

        await client.namespace("/chat").ready()

        assert await client.namespace("/chat").call("ask") == client.namespace("/chat").id


async def test_the_server_puts_a_client_out_of_one_namespace_only() -> None:
    server, ends = Server(), list[Disconnected]()
    server.namespace("/one")
    server.namespace("/two").on("ask")(lambda socket: "still here")
    async with serving(server) as running, connected(running.url, "/one", "/two") as client:
        one = client.namespace("/one")
        one.on_disconnect(ends.append)
        (socket,) = server.namespace("/one").sockets

        await socket.disconnect("enough")

        await until(lambda: ends)
        assert ends == [Disconnected(DisconnectCode.PUT_OUT, "enough")]
        with pytest.raises(ConnectionClosed, match="put_out: enough"):
            await one.ready()
        assert await client.namespace("/two").call("ask") == "still here"
        assert server.namespace("/one").count() == 0


async def test_what_waits_for_admission_is_sent_after_the_connect_handler_unless_it_is_cleared() -> None:
    server, heard = Server(), []
    for name in ("/kept", "/cleared"):
        server.namespace(name).on("say")(lambda socket, text: heard.append((socket.namespace.name, text)))
    async with serving(server) as running:
        client = Client(running.url)
        kept, cleared = client.namespace("/kept"), client.namespace("/cleared")
        kept.on_connect(lambda: kept.emit_nowait("say", "from the handler"))

        @cleared.on_connect
        def start_over() -> None:
            assert cleared.clear() == 1
            cleared.emit_nowait("say", "from the handler")

        await kept.emit("say", "early")
        await cleared.emit("say", "early")

        await client.connect()

        await until(lambda: len(heard) == 3)
        await client.close()
    assert heard == [("/kept", "early"), ("/kept", "from the handler"), ("/cleared", "from the handler")]


async def test_what_waited_for_an_admission_that_was_refused_is_not_sent() -> None:
    server = Server()

    @server.namespace("/chat").on_connect
    def enter(socket: Socket) -> None:
        raise Refused("full")

    async with serving(server) as running:
        client = Client(running.url)
        chat = client.namespace("/chat")
        calling = asyncio.create_task(chat.call("ask"))
        await client.connect()

        with pytest.raises(CallNotSent):
            await asyncio.wait_for(calling, PATIENCE)
        with pytest.raises(LocalProtocolError, match="'/chat' is not joined"):
            await chat.emit("say")

        await client.close()
