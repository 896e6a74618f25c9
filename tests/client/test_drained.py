"""A client of a server that drains: it is told, loses nothing that was acked, and goes on with the next process."""

from __future__ import annotations

import asyncio

import pytest

from antiphon import CallFailed, Client, Disconnected, Server, Socket
from antiphon.protocol.client_session import Loss
from antiphon.testing.proxy import FaultProxy
from tests.client.serving import PATIENCE, SOON, serving, until

TRANSPORTS = ["websocket", "sse", "longpoll"]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_client_comes_back_to_the_next_process_with_what_it_had_not_sent(transport: str) -> None:
    first, second = Server(), Server()
    heard: list[tuple[Server, str]] = []
    losses: list[Loss] = []
    reasons: list[Disconnected] = []
    for server in (first, second):
        server.namespace("/chat").on("say")(lambda socket, text, server=server: heard.append((server, text)))
    async with FaultProxy("127.0.0.1", 1) as proxy, serving(second) as after, serving(first) as before:
        proxy.target(before.port)
        client = Client(f"{proxy.url}/antiphon", transports=(transport,), backoff=SOON)
        client.on_loss = losses.append
        chat = client.namespace("/chat")
        chat.on_disconnect(reasons.append)
        await client.connect()
        await chat.ready()
        await chat.emit("say", "before")
        await until(lambda: heard)

        await first.drain(window=0.2)
        await until(lambda: losses)
        await chat.emit("say", "meanwhile")
        proxy.target(after.port)
        proxy.cut()  # as with the end of the process; HTTP connections are kept otherwise
        await until(lambda: len(heard) == 2)

        assert client.session.epoch == second.epoch
        await client.close()

    assert heard == [(first, "before"), (second, "meanwhile")]
    assert [(loss.reason, loss.detail, loss.unconfirmed, loss.unsent) for loss in losses] == [
        ("draining", "the server stops", [], [])
    ]
    assert losses[0].retry_after is not None and 0 <= losses[0].retry_after <= 0.2
    assert str(reasons[0]) == "draining: the server stops"


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_call_that_runs_is_answered_and_one_that_came_too_late_is_not_begun(transport: str) -> None:
    server, door, ran = Server(), asyncio.Event(), list[str]()

    @server.namespace("/chat").on("work")
    async def work(socket: Socket) -> str:
        await door.wait()
        ran.append("work")
        return "done"

    async with serving(server) as running:
        client = Client(running.url, transports=(transport,), backoff=SOON)
        chat = client.namespace("/chat")
        await client.connect()
        await chat.ready()
        calling = asyncio.create_task(chat.call("work"))
        await until(lambda: server.statistics().handlers)

        draining = asyncio.create_task(server.drain(window=30.0))
        await until(lambda: server.gateway.refusing)
        door.set()

        assert await asyncio.wait_for(calling, PATIENCE) == "done"
        await asyncio.wait_for(draining, PATIENCE)
        await client.close()
    assert ran == ["work"]


async def test_a_stream_is_told_to_end_and_its_reader_is_told() -> None:
    server, closed = Server(), list[str]()

    @server.namespace("/chat").on("ticks")
    async def ticks(socket: Socket):  # type: ignore[no-untyped-def]  # what it yields is of no interest
        try:
            while True:
                yield 1
        finally:
            closed.append("generator")

    async with serving(server) as running:
        client = Client(running.url, transports=("websocket",), backoff=SOON)
        chat = client.namespace("/chat")
        await client.connect()
        stream = chat.stream("ticks")
        assert await anext(stream) == 1

        draining = asyncio.create_task(server.drain(window=30.0))
        with pytest.raises(CallFailed, match="cancelled"):
            async with asyncio.timeout(PATIENCE):
                async for _ in stream:
                    pass

        await asyncio.wait_for(draining, PATIENCE)
        await client.close()
    assert closed == ["generator"]
