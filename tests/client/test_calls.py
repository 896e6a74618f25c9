"""Calls of a client: both ways, one outcome each, and none that hangs."""

from __future__ import annotations

import asyncio

import pytest

from antiphon import (
    CallFailed,
    CallNotSent,
    CallTimeout,
    Client,
    Server,
    Socket,
)
from antiphon.testing.proxy import FaultProxy
from tests.client.serving import SOON, connected, serving


async def test_a_call_returns_what_the_handler_of_the_server_returned() -> None:
    server = Server()
    server.namespace("/chat").on("add")(lambda socket, one, two: one + two)
    async with serving(server) as running, connected(running.url, "/chat") as client:
        assert await client.namespace("/chat").call("add", 2, 3) == 5


async def test_the_server_calls_a_client_and_gets_its_answer() -> None:
    server = Server()
    async with serving(server) as running:
        server.namespace("/chat")
        async with connected(running.url, "/chat") as client:
            client.namespace("/chat").on("add")(lambda one, two: one + two)
            (socket,) = server.namespace("/chat").sockets

            assert await socket.call("add", 2, 3) == 5


async def test_a_handler_of_the_server_may_await_a_call_to_the_client_that_calls_it() -> None:
    server = Server()

    @server.namespace("/chat").on("ask")
    async def ask(socket: Socket) -> str:
        return f"{await socket.call('name')} asked"

    async with serving(server) as running, connected(running.url, "/chat") as client:
        client.namespace("/chat").on("name")(lambda: "Ann")

        assert await client.namespace("/chat").call("ask") == "Ann asked"


async def test_a_handler_of_a_client_may_await_a_call_to_the_server_that_calls_it() -> None:
    server = Server()
    chat = server.namespace("/chat")
    chat.on("greeting")(lambda socket: "hello")
    async with serving(server) as running, connected(running.url, "/chat") as client:

        @client.namespace("/chat").on("ask")
        async def ask() -> str:
            return f"{await client.namespace('/chat').call('greeting')} back"

        (socket,) = chat.sockets

        assert await socket.call("ask") == "hello back"


async def test_what_a_handler_raises_on_purpose_reaches_the_caller() -> None:
    server = Server()

    @server.namespace("/chat").on("ask")
    def ask(socket: Socket) -> None:
        raise CallFailed("gone", "nobody is here", {"since": 3})

    async with serving(server) as running, connected(running.url, "/chat") as client:
        with pytest.raises(CallFailed) as failed:
            await client.namespace("/chat").call("ask")

    assert (failed.value.code, failed.value.message, failed.value.data) == ("gone", "nobody is here", {"since": 3})


async def test_a_call_without_a_handler_is_told_so_in_both_directions() -> None:
    server = Server()
    chat = server.namespace("/chat")
    async with serving(server) as running, connected(running.url, "/chat") as client:
        (socket,) = chat.sockets

        with pytest.raises(CallFailed, match="unknown_event"):
            await client.namespace("/chat").call("ask")
        with pytest.raises(CallFailed, match="unknown_event"):
            await socket.call("ask")


async def test_a_call_that_nobody_answers_times_out_and_the_session_lives() -> None:
    server, go_on = Server(), asyncio.Event()
    chat = server.namespace("/chat")

    @chat.on("ask", concurrent=True)
    async def ask(socket: Socket) -> None:
        await go_on.wait()

    chat.on("add")(lambda socket, one, two: one + two)
    async with serving(server) as running, connected(running.url, "/chat") as client:
        with pytest.raises(CallTimeout):
            await client.namespace("/chat").call("ask", timeout=0.05)

        assert await client.namespace("/chat").call("add", 2, 3) == 5
        go_on.set()


async def test_a_call_that_could_not_even_leave_was_not_sent() -> None:
    async with FaultProxy("127.0.0.1", 1) as proxy:
        proxy.offline()
        client = Client(f"{proxy.url}/antiphon", backoff=SOON)
        connecting = asyncio.create_task(client.connect())

        with pytest.raises(CallNotSent):
            await client.namespace("/chat").call("ask", timeout=0.05)

        connecting.cancel()
        await client.close()


async def test_a_cancelled_call_is_forgotten() -> None:
    server, asked, go_on = Server(), asyncio.Event(), asyncio.Event()

    @server.namespace("/chat").on("ask")
    async def ask(socket: Socket) -> None:
        asked.set()
        await go_on.wait()

    async with serving(server) as running, connected(running.url, "/chat") as client:
        calling = asyncio.create_task(client.namespace("/chat").call("ask"))
        await asked.wait()

        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling

        assert len(client.session.calls) == 0
        go_on.set()


async def test_what_does_not_fit_the_handler_of_the_server_fails_the_call() -> None:
    server = Server()

    @server.namespace("/chat").on("add")
    def add(socket: Socket, one: int, two: int) -> int:
        return one + two

    async with serving(server) as running, connected(running.url, "/chat") as client:
        with pytest.raises(CallFailed) as failed:
            await client.namespace("/chat").call("add", 1, "two")

        assert failed.value.code == "payload"
        assert failed.value.data == {"parameter": "two", "expected": "int"}
        assert await client.namespace("/chat").call("add", 1, 2) == 3
