"""The client's transports against a real server: fallback, moving over, sizes, and what breaks on the way."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler

from antiphon import Client, Server, Socket
from antiphon.hosts.aiohttp import mount
from antiphon.protocol.client_session import Loss
from antiphon.testing.proxy import Direction, Ending, FaultProxy, Refusal
from tests.client.serving import SOON, connected, serving, until

BOTH = ("websocket", "longpoll")
ALL = ("websocket", "sse", "longpoll")


def echoing() -> tuple[Server, list[object]]:
    """A server that keeps what is said, and says it back."""
    server, heard = Server(), list[object]()

    @server.namespace("/chat").on("say")
    async def say(socket: Socket, value: object) -> None:
        heard.append(value)
        await socket.emit("said", value)

    return server, heard


@pytest.mark.parametrize("refusal", [Refusal.FORBIDDEN, Refusal.BAD_GATEWAY])
async def test_a_refused_websocket_falls_back_and_moves_over_when_it_is_allowed(refusal: Refusal) -> None:
    server, heard = echoing()
    said = list[object]()
    async with serving(server) as running, FaultProxy("127.0.0.1", running.port) as proxy:
        proxy.refuse_upgrades(refusal)
        async with connected(f"{proxy.url}/antiphon", "/chat", transports=BOTH) as client:
            chat = client.namespace("/chat")
            chat.on("said")(said.append)
            assert client.transport == "longpoll"

            proxy.allow_upgrades()
            number = 0
            while client.transport == "longpoll":
                await chat.emit("say", number)
                number += 1
                await asyncio.sleep(0.01)
            await chat.emit("say", number)

            await until(lambda: len(said) == number + 1)
            assert client.transport == "websocket"
            assert server.statistics().transports == {"websocket": 1}
            assert server.statistics().sessions_made == 1
    assert heard == said == list(range(number + 1))


async def test_a_session_that_falls_back_under_traffic_loses_nothing() -> None:
    server, heard = echoing()
    said = list[object]()
    async with (
        serving(server) as running,
        FaultProxy("127.0.0.1", running.port) as proxy,
        connected(f"{proxy.url}/antiphon", "/chat", transports=BOTH) as client,
    ):
        chat = client.namespace("/chat")
        chat.on("said")(said.append)
        assert client.transport == "websocket"

        for number in range(30):
            await chat.emit("say", number)
            if number == 10:
                proxy.refuse_upgrades(cut_established=True)
                await until(lambda: client.transport == "longpoll")
            if number == 20:
                proxy.cut()

        await until(lambda: len(said) == 30)
        assert client.transport == "longpoll"
        assert server.statistics().sessions_made == 1
    assert heard == said == list(range(30))


@pytest.mark.parametrize("transport", ALL)
@pytest.mark.parametrize("form", ["msgpack", "json"])
async def test_large_and_many_messages_pass(transport: str, form: str) -> None:
    server, heard = echoing()
    said = list[object]()
    values: list[object] = [bytes([number % 256]) * 5_000 for number in range(300)]
    async with (
        serving(server) as running,
        connected(running.url, "/chat", transports=(transport,), form=form) as client,
    ):
        chat = client.namespace("/chat")
        chat.on("said")(said.append)

        for value in values:
            await chat.emit("say", value)

        await until(lambda: len(said) == len(values))
    assert heard == said == values


@pytest.mark.parametrize("direction", [Direction.UP, Direction.DOWN])
@pytest.mark.parametrize("transport", ALL)
async def test_a_cut_inside_a_message_neither_loses_nor_doubles_it(transport: str, direction: Direction) -> None:
    server, heard = echoing()
    said = list[object]()
    async with (
        serving(server) as running,
        FaultProxy("127.0.0.1", running.port) as proxy,
        connected(f"{proxy.url}/antiphon", "/chat", transports=(transport,)) as client,
    ):
        chat = client.namespace("/chat")
        chat.on("said")(said.append)

        for number in range(5):
            proxy.cut_after(3_000, direction, Ending.RESET)
            await chat.emit("say", [number, bytes(10_000)])
            await until(lambda number=number: len(said) == number + 1)  # type: ignore[misc]  # mypy infers no default

        assert proxy.statistics().cuts_inside_message >= 4
        assert server.statistics().sessions_made == 1
    assert heard == said == [[number, bytes(10_000)] for number in range(5)]


async def test_where_websockets_are_refused_a_stream_is_better_than_polls() -> None:
    server, heard = echoing()
    async with serving(server) as running, FaultProxy("127.0.0.1", running.port) as proxy:
        proxy.refuse_upgrades()
        async with connected(f"{proxy.url}/antiphon", "/chat", transports=ALL) as client:
            assert client.transport == "sse"
            await client.namespace("/chat").emit("say", 1)

            proxy.allow_upgrades()
            await until(lambda: client.transport == "websocket")

            await client.namespace("/chat").emit("say", 2)
            await until(lambda: len(heard) == 2)
            assert server.statistics().transports == {"websocket": 1}
            assert server.statistics().sessions_made == 1
    assert heard == [1, 2]


async def test_polls_move_over_to_a_stream_where_websockets_are_refused() -> None:
    server, heard = echoing()
    said = list[object]()
    async with serving(server) as running, FaultProxy("127.0.0.1", running.port) as proxy:
        proxy.refuse_upgrades()
        # As behind a proxy that waits for the end of an answer: the server has let the client in, and it knows nothing.
        proxy.lose_responses(path="stream")
        client = Client(f"{proxy.url}/antiphon", transports=ALL, backoff=SOON)
        chat = client.namespace("/chat")
        chat.on("said")(said.append)
        connecting = asyncio.create_task(client.connect())
        await until(lambda: server.statistics().transports == {"sse": 1})
        proxy.cut()
        await connecting
        assert client.transport == "longpoll"

        number = 0
        while client.transport != "sse":
            await chat.emit("say", number)
            number += 1
            await asyncio.sleep(0.01)
        await chat.emit("say", number)

        await until(lambda: len(said) == number + 1)
        assert server.statistics().transports == {"sse": 1}
        assert server.statistics().sessions_made == 1
        await client.close()
    assert heard == said == list(range(number + 1))


async def test_lost_and_repeated_requests_lose_and_double_nothing() -> None:
    server, heard = echoing()
    said = list[object]()
    async with (
        serving(server) as running,
        FaultProxy("127.0.0.1", running.port) as proxy,
        connected(f"{proxy.url}/antiphon", "/chat", transports=("longpoll",)) as client,
    ):
        chat = client.namespace("/chat")
        chat.on("said")(said.append)

        for number in range(20):
            match number % 4:
                case 0:
                    proxy.lose_responses(path="push")
                case 1:
                    proxy.repeat_posts(path="push")
                case 2:
                    proxy.lose_responses(path="poll")
                case _:
                    proxy.repeat_posts(path="poll")
            await chat.emit("say", number)
            await until(lambda number=number: len(said) == number + 1)  # type: ignore[misc]  # mypy infers no default

        counts = proxy.statistics()
        assert counts.responses_lost >= 8
        assert counts.posts_repeated >= 8
    assert heard == said == list(range(20))


async def test_lost_and_repeated_pushes_beside_a_stream_lose_and_double_nothing() -> None:
    server, heard = echoing()
    said = list[object]()
    async with (
        serving(server) as running,
        FaultProxy("127.0.0.1", running.port) as proxy,
        connected(f"{proxy.url}/antiphon", "/chat", transports=("sse",)) as client,
    ):
        chat = client.namespace("/chat")
        chat.on("said")(said.append)

        for number in range(20):
            if number % 2:
                proxy.lose_responses(path="push")
            else:
                proxy.repeat_posts(path="push")
            await chat.emit("say", number)
            await until(lambda number=number: len(said) == number + 1)  # type: ignore[misc]  # mypy infers no default

        counts = proxy.statistics()
        assert counts.responses_lost >= 8
        assert counts.posts_repeated >= 8
        assert server.statistics().sessions_made == 1
    assert heard == said == list(range(20))


async def test_the_headers_of_a_client_go_with_every_request() -> None:
    server = Server(origins=["https://app.example"])
    server.namespace("/chat")
    async with serving(server) as running:
        stranger = Client(running.url, backoff=SOON, headers={"Origin": "https://other.example"})
        connecting = asyncio.create_task(stranger.connect())

        async with Client(running.url, headers={"Origin": "https://app.example"}) as client:
            assert client.state == "connected"

        assert not connecting.done()
        connecting.cancel()
        await stranger.close()


async def test_a_goodbye_over_an_event_stream_arrives_although_the_stream_would_end_first() -> None:
    server, _ = echoing()
    app = web.Application(middlewares=[slow_pushes])
    mount(app, server)
    async with TestServer(app) as site:
        async with connected(str(site.make_url("/antiphon")), "/chat", transports=("sse",)) as client:
            await client.namespace("/chat").emit("say", 1)

        await until(lambda: server.statistics().endings == {"closed": 1})


@web.middleware
async def slow_pushes(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let the end of a stream overtake every push."""
    if request.path.endswith("/push"):
        await asyncio.sleep(0.05)
    return await handler(request)


@pytest.mark.parametrize("transport", ["sse", "longpoll"])
async def test_an_answer_without_an_end_costs_the_transport_and_not_the_session(transport: str) -> None:
    server, heard = echoing()
    dropped = list[str]()

    @web.middleware
    async def babbling(request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await handler(request)
        if dropped or not request.path.endswith("/push"):
            return answer
        babble = web.StreamResponse()
        await babble.prepare(request)
        try:
            with contextlib.suppress(ConnectionError):
                while True:
                    await babble.write(bytes(1 << 16))
        finally:  # it may be cancelled as well
            dropped.append(request.path)
        return babble

    app = web.Application(middlewares=[babbling])
    mount(app, server)
    async with TestServer(app) as site:
        async with connected(str(site.make_url("/antiphon")), "/chat", transports=(transport,)) as client:
            losses = list[Loss]()
            client.on_loss = losses.append
            await client.namespace("/chat").emit("say", 1)
            await until(lambda: dropped and client.state == "connected")
            await client.namespace("/chat").emit("say", 2)
            await until(lambda: len(heard) == 2)

            assert losses == []
        assert heard == [1, 2]
