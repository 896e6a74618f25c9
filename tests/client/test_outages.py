"""A client through outages: cuts that nobody notices, and restarts that everybody is told of."""

from __future__ import annotations

import asyncio

import pytest

from antiphon import (
    CallAbandoned,
    Client,
    Server,
    Socket,
)
from antiphon.protocol.client_session import Loss
from antiphon.testing.proxy import FaultProxy
from tests.client.serving import PATIENCE, SOON, connected, serving, until

TRANSPORTS = ["websocket", "sse", "longpoll"]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_cut_loses_nothing_and_nobody_notices(transport: str) -> None:
    server, heard, ends = Server(), [], []
    chat = server.namespace("/chat")
    chat.on("say")(lambda socket, number: heard.append(number))
    chat.on_disconnect(lambda socket, reason: ends.append(reason))
    async with (
        serving(server) as running,
        FaultProxy("127.0.0.1", running.port) as proxy,
        connected(f"{proxy.url}/antiphon", "/chat", transports=(transport,)) as client,
    ):
        namespace = client.namespace("/chat")
        namespace.on_disconnect(lambda reason: ends.append(reason))

        for number in range(20):
            await namespace.emit("say", number)
            if number % 5 == 4:
                await until(lambda: client.state == "connected")
                proxy.cut()
                await until(lambda: client.state != "connected")

        await until(lambda: len(heard) == 20 and client.state == "connected")
        assert heard == list(range(20))
        assert ends == []
        assert server.statistics().sessions_made == 1


async def test_a_call_survives_the_cut_that_it_waits_through() -> None:
    server, asked, go_on = Server(), asyncio.Event(), asyncio.Event()

    @server.namespace("/chat").on("ask")
    async def ask(socket: Socket) -> str:
        asked.set()
        await go_on.wait()
        return "answer"

    async with (
        serving(server) as running,
        FaultProxy("127.0.0.1", running.port) as proxy,
        connected(f"{proxy.url}/antiphon", "/chat") as client,
    ):
        calling = asyncio.create_task(client.namespace("/chat").call("ask"))
        await asked.wait()
        proxy.cut()
        await until(lambda: client.state != "connected")
        go_on.set()

        assert await asyncio.wait_for(calling, PATIENCE) == "answer"


async def test_a_restarted_server_is_reported_and_the_client_comes_back() -> None:
    order: list[str] = []

    def fresh() -> Server:
        server = Server()
        chat = server.namespace("/chat")
        chat.on_connect(lambda socket: order.append("entered"))
        chat.on("say")(lambda socket, text: order.append(text))
        return server

    losses: list[Loss] = []
    async with FaultProxy("127.0.0.1", 1) as proxy:
        async with serving(fresh()) as first:
            proxy.target(first.port)
            client = Client(f"{proxy.url}/antiphon", transports=("websocket",), backoff=SOON)
            client.on_loss = losses.append
            chat = client.namespace("/chat")

            @chat.on_connect
            async def greet() -> None:
                await chat.emit("say", "hello")

            chat.on_disconnect(lambda reason: order.append(f"out: {reason}"))
            await client.connect()
            await until(lambda: order == ["entered", "hello"])
            # What the server gets and cannot acknowledge any more.
            proxy.stall()
            await chat.emit("say", "perhaps")
            await until(lambda: not client.session.outbox.dirty)
            proxy.offline()
            await until(lambda: client.state != "connected")
            await chat.emit("say", "later")
        async with serving(fresh()) as second:
            proxy.calm()
            proxy.target(second.port)

            await until(lambda: "later" in order)
            await client.close()

    assert [loss.reason for loss in losses] == ["server_restart"]
    # An ack may take 5 s, so "hello" is as uncertain as what never arrived, and nobody says otherwise.
    assert [(packet.args, arrived) for packet, arrived in losses[0].unconfirmed] == [  # type: ignore[attr-defined]
        (["hello"], None),
        (["perhaps"], None),
    ]
    # What had been queued goes before what the connect handler said, and nothing goes before the handler returned.
    assert order[:2] == ["entered", "hello"]
    assert sorted(order[2:4]) == ["entered", "out: server_restart"]
    assert order[4:] == ["later", "hello", "out: closed"]


async def test_a_call_whose_session_is_lost_has_an_unknown_outcome() -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()
    first, second = Server(), Server()
    second.namespace("/chat")

    @first.namespace("/chat").on("ask")
    async def ask(socket: Socket) -> None:
        asked.set()
        await go_on.wait()

    async with FaultProxy("127.0.0.1", 1) as proxy, serving(second) as after, serving(first) as before:
        proxy.target(before.port)
        async with connected(f"{proxy.url}/antiphon", "/chat") as client:
            calling = asyncio.create_task(client.namespace("/chat").call("ask"))
            await asked.wait()
            proxy.target(after.port)
            proxy.cut()

            with pytest.raises(CallAbandoned):
                await asyncio.wait_for(calling, PATIENCE)
        go_on.set()


async def test_a_server_that_is_not_there_is_waited_for() -> None:
    server = Server()
    async with FaultProxy("127.0.0.1", 1) as proxy:
        client = Client(f"{proxy.url}/antiphon", backoff=SOON)
        connecting = asyncio.create_task(client.connect())
        await until(lambda: proxy.statistics().connections >= 3)
        assert not connecting.done()

        async with serving(server) as running:
            proxy.target(running.port)
            await asyncio.wait_for(connecting, PATIENCE)

            assert client.state == "connected"
            await client.close()
