"""The life of a client: it comes in, says goodbye, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from antiphon import (
    Client,
    ConnectionClosed,
    ConnectionRefused,
    LocalProtocolError,
    PayloadError,
    Refused,
    Server,
    Socket,
)
from antiphon.client import client as client_module
from antiphon.testing.proxy import FaultProxy
from tests.client.serving import PATIENCE, SOON, connected, serving, until

TRANSPORTS = ["websocket", "sse", "longpoll"]


def open_files() -> int:
    """How many descriptors this process has; always 0 where the system does not tell."""
    directory = Path("/proc/self/fd")
    return len(list(directory.iterdir())) if directory.is_dir() else 0


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_client_that_connected_is_in_its_namespace(transport: str) -> None:
    server = Server()
    server.namespace("/chat")
    async with serving(server) as running:
        async with connected(running.url, "/chat", transports=(transport,)) as client:
            assert client.state == "connected"
            assert client.transport == transport
            assert client.namespace("/chat").connected
            assert server.namespace("/chat").count() == 1

        assert client.state == "closed"
        assert client.transport is None


async def test_auth_reaches_the_connect_handler() -> None:
    server, seen = Server(), []

    @server.namespace("/chat").on_connect
    def enter(socket: Socket, auth: str) -> None:
        seen.append(auth)

    async with serving(server) as running, Client(running.url) as client:
        await client.namespace("/chat", auth="Ann").ready()

    assert seen == ["Ann"]


async def test_a_refused_client_is_told_why() -> None:
    server = Server()

    @server.namespace("/chat").on_connect
    def enter(socket: Socket) -> None:
        raise Refused("full", {"seats": 3})

    async with serving(server) as running, Client(running.url) as client:
        with pytest.raises(ConnectionRefused, match="full") as refused:
            await client.namespace("/chat").ready()

        assert refused.value.data == {"seats": 3}
        assert not client.namespace("/chat").connected


async def test_a_namespace_that_the_server_has_not_is_refused() -> None:
    async with serving(Server()) as running, Client(running.url) as client:
        with pytest.raises(ConnectionRefused, match="no namespace '/nowhere'"):
            await client.namespace("/nowhere").ready()


async def test_states_are_told_as_they_change() -> None:
    states: list[str] = []
    server = Server()
    async with serving(server) as running:
        client = Client(running.url, backoff=SOON)
        client.on_state = states.append
        await client.connect()
        await client.close()

    assert states == ["connecting", "connected", "closed"]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_closing_delivers_what_was_emitted_and_says_goodbye(transport: str) -> None:
    server, heard, ends = Server(), [], []
    chat = server.namespace("/chat")
    chat.on("say")(lambda socket, number: heard.append(number))
    chat.on_disconnect(lambda socket, reason: ends.append(reason.code))
    async with serving(server) as running:
        async with connected(running.url, "/chat", transports=(transport,)) as client:
            for number in range(50):
                await client.namespace("/chat").emit("say", number)

        await until(lambda: server.statistics().sessions == 0)
        assert heard == list(range(50))
        assert ends == ["closed"]


async def test_a_client_may_connect_again_after_it_closed() -> None:
    server = Server()
    server.namespace("/chat").on("ask")(lambda socket: "answer")
    async with serving(server) as running, connected(running.url, "/chat") as client:
        await client.close()

        await client.connect()

        assert await client.namespace("/chat").call("ask") == "answer"


async def test_a_client_may_be_closed_by_its_own_handler() -> None:
    server = Server()
    server.namespace("/chat")
    async with serving(server) as running, connected(running.url, "/chat") as client:
        closed = asyncio.get_running_loop().create_future()

        @client.namespace("/chat").on("go")
        async def go() -> None:
            started = asyncio.get_running_loop().time()
            await client.close()
            closed.set_result(asyncio.get_running_loop().time() - started)

        await server.namespace("/chat").emit("go")

        assert await asyncio.wait_for(closed, PATIENCE) < 1.0
        assert client.state == "closed"


async def test_a_handler_that_never_ends_does_not_keep_a_client_from_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "CLOSE_WAIT", 0.05)
    server, entered, ended = Server(), asyncio.Event(), asyncio.Event()
    server.namespace("/chat")
    async with serving(server) as running:
        async with connected(running.url, "/chat") as client:

            @client.namespace("/chat").on("go")
            async def go() -> None:
                entered.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    ended.set()

            await server.namespace("/chat").emit("go")
            await entered.wait()

        assert ended.is_set()


async def test_closing_ends_a_connect_that_is_under_way() -> None:
    async with FaultProxy("127.0.0.1", 1) as proxy:
        client = Client(f"{proxy.url}/antiphon", backoff=SOON)
        connecting = asyncio.create_task(client.connect())
        await until(lambda: proxy.statistics().connections)

        await client.close()

        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(connecting, PATIENCE)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_nothing_is_left_when_everything_is_closed(transport: str) -> None:
    tasks, files = asyncio.all_tasks(), open_files()
    server = Server()
    chat = server.namespace("/chat")
    chat.on_connect(lambda socket: None)

    @chat.on("ask")
    async def ask(socket: Socket) -> str:
        await socket.join("room")
        return "answer"

    async with serving(server) as running, FaultProxy("127.0.0.1", running.port) as proxy:
        for _ in range(3):
            async with connected(f"{proxy.url}/antiphon", "/chat", transports=(transport,)) as client:
                assert await client.namespace("/chat").call("ask") == "answer"
                proxy.cut()
                assert await client.namespace("/chat").call("ask") == "answer"
        await until(lambda: server.statistics().sessions == 0)
        assert server.statistics().rooms == 0

    await until(lambda: asyncio.all_tasks() == tasks)
    await until(lambda: open_files() == files)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"transports": ()}, "at least one"),
        ({"transports": ("telegraph",)}, "'websocket', 'sse', 'longpoll'"),
        ({"form": "xml"}, "'msgpack' or 'json'"),
    ],
)
def test_a_client_that_cannot_work_is_refused_where_it_is_made(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Client("http://localhost/antiphon", **options)  # type: ignore[arg-type]  # wrong on purpose


async def test_listeners_that_raise_disturb_nothing(caplog: pytest.LogCaptureFixture) -> None:
    server = Server()
    server.namespace("/chat").on("ask")(lambda socket: "yes")

    def complain(what: object) -> None:
        raise ValueError(f"not now: {what}")

    async with serving(server) as running:
        client = Client(running.url, backoff=SOON)
        client.on_state = client.on_loss = complain
        chat = client.namespace("/chat")
        await client.connect()
        await chat.ready()
        [line] = server.registry
        line.session.end("overflow", "too slow", 0.0)
        await until(lambda: not chat.connected)

        assert await chat.call("ask", timeout=PATIENCE) == "yes"
        await client.close()

    assert "not now: connected" in caplog.text
    assert "not now: Loss" in caplog.text


async def test_a_client_that_is_not_wanted_any_more_while_it_connects_leaves_nothing_behind() -> None:
    async with serving(Server()) as running:
        url = running.url
    client, before = Client(url, backoff=SOON), asyncio.all_tasks()

    async def enter() -> None:
        async with client:
            raise AssertionError("there is no server")

    entering = asyncio.create_task(enter())
    await until(lambda: client.state == "waiting")
    entering.cancel()
    await asyncio.wait([entering])

    assert client.state == "closed"
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("name", ["chat", "", "/" + "x" * 128, 5, "/\ud800"])
def test_a_name_that_no_namespace_can_have_is_refused(name: str) -> None:
    client = Client("http://127.0.0.1:9/antiphon")

    with pytest.raises(LocalProtocolError, match="a namespace is named"):
        client.namespace(name)


@pytest.mark.parametrize("auth", [object(), float("nan"), {1: 2}, "\ud800"])
def test_auth_that_cannot_travel_is_refused_where_it_is_given(auth: object) -> None:
    """In a Hello it would be refused, or could not be written, at every attempt."""
    client = Client("http://127.0.0.1:9/antiphon")

    with pytest.raises(PayloadError, match="auth"):
        client.namespace("/chat", auth=auth)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_auth_that_is_too_large_for_a_hello_reaches_the_connect_handler(transport: str) -> None:
    server, seen = Server(), []

    for name in ("/small", "/large", "/last"):

        @server.namespace(name).on_connect
        def enter(socket: Socket, auth: str) -> None:
            seen.append((socket.namespace.name, len(auth)))

    async with serving(server) as running:
        client = Client(running.url, transports=(transport,), backoff=SOON)
        wanted = [client.namespace(name, auth="x" * size) for name, size in (("/small", 10), ("/large", 20_000))]
        wanted.append(client.namespace("/last", auth=""))
        async with asyncio.timeout(PATIENCE), client:
            for namespace in wanted:
                await namespace.ready()

    assert seen == [("/small", 10), ("/large", 20_000), ("/last", 0)]
