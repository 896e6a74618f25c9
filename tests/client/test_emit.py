"""What a client emits: in both forms, not what cannot travel, and not what came too late."""

from __future__ import annotations

import asyncio
import logging

import pytest

from antiphon import (
    CallNotSent,
    Client,
    Limits,
    OutboxFull,
    PayloadError,
    Server,
    Socket,
)
from antiphon.testing.clock import ManualClock
from antiphon.testing.proxy import FaultProxy
from tests.client.serving import SOON, connected, serving, until


@pytest.mark.parametrize("form", ["msgpack", "json"])
async def test_events_go_both_ways_in_both_forms(form: str) -> None:
    server, up, down = Server(), [], []

    @server.namespace("/chat").on("say")
    async def say(socket: Socket, *args: object) -> None:
        up.append(args)
        await socket.emit("said", *args)

    async with serving(server) as running, connected(running.url, "/chat", form=form) as client:
        client.namespace("/chat").on("said")(lambda *args: down.append(args))

        await client.namespace("/chat").emit("say", "grüße", 1, 2.5, None, [True, {"key": b"\x00\xff"}])

        await until(lambda: down)
    assert up == down == [("grüße", 1, 2.5, None, [True, {"key": b"\x00\xff"}])]


@pytest.mark.parametrize("value", [{1, 2}, object(), {1: "one"}, 2**60, float("nan")])
async def test_what_cannot_travel_is_refused_where_it_is_emitted(value: object) -> None:
    server = Server()
    server.namespace("/chat")
    async with serving(server) as running, connected(running.url, "/chat") as client:
        with pytest.raises(PayloadError):
            await client.namespace("/chat").emit("say", value)
        with pytest.raises(PayloadError):
            await client.namespace("/chat").call("say", value)

        assert client.session.outbox.numbered == client.session.outbox.packets == 0


async def test_what_is_too_large_is_refused_where_it_is_emitted() -> None:
    server = Server()
    server.namespace("/chat")
    async with serving(server) as running, connected(running.url, "/chat") as client:
        with pytest.raises(OutboxFull, match="larger than one packet may be"):
            await client.namespace("/chat").emit("say", bytes(2 << 20))

        assert client.state == "connected"


async def test_a_full_outbox_refuses_while_the_client_is_offline() -> None:
    server, heard = Server(), []
    server.namespace("/chat").on("say")(lambda socket, number: heard.append(number))
    async with (
        serving(server) as running,
        FaultProxy("127.0.0.1", running.port) as proxy,
        connected(f"{proxy.url}/antiphon", "/chat") as client,
    ):
        proxy.offline()
        await until(lambda: client.state != "connected")
        chat = client.namespace("/chat")

        with pytest.raises(OutboxFull, match="give emits a deadline"):
            for number in range(2000):
                await chat.emit("say", number)

        proxy.online()
        await until(lambda: len(heard) == 1024)
        assert heard == list(range(1024))


async def test_an_emit_whose_deadline_has_passed_is_never_sent() -> None:
    clock, heard = ManualClock(), []
    server = Server()
    server.namespace("/chat").on("say")(lambda socket, text: heard.append(text))
    async with serving(server) as running:
        client = Client(running.url, clock=clock)
        chat = client.namespace("/chat")
        await chat.emit("say", "for a moment", deadline=5)
        await chat.emit("say", "for a while", deadline=50)
        await chat.emit("say", "for ever")

        clock.advance(6)
        await client.connect()

        await until(lambda: len(heard) == 2)
        await client.close()
    assert heard == ["for a while", "for ever"]


async def test_an_emit_whose_deadline_passes_in_an_outage_is_never_sent() -> None:
    clock, heard = ManualClock(), []
    server = Server()
    server.namespace("/chat").on("say")(lambda socket, text: heard.append(text))
    async with serving(server) as running, FaultProxy("127.0.0.1", running.port) as proxy:
        client = Client(f"{proxy.url}/antiphon", clock=clock, backoff=SOON)
        chat = client.namespace("/chat")
        await client.connect()
        await chat.ready()
        proxy.offline()
        await until(lambda: client.state != "connected")
        await chat.emit("say", "for a moment", deadline=5)
        await chat.emit("say", "for ever")

        clock.advance(6)
        proxy.online()
        # Something has to happen for a client whose clock stands still to look at it.
        client.after()

        await until(lambda: heard)
        await client.close()
    assert heard == ["for ever"]


async def test_an_event_that_nobody_handles_is_no_trouble(caplog: pytest.LogCaptureFixture) -> None:
    server = Server()
    chat = server.namespace("/chat")
    async with serving(server) as running, connected(running.url, "/chat") as client:
        client.namespace("/chat").on("add")(lambda one, two: one + two)
        (socket,) = chat.sockets

        with caplog.at_level(logging.WARNING):
            await socket.emit("nobody hears this")

            assert await socket.call("add", 2, 3) == 5
    assert caplog.messages == []


@pytest.mark.parametrize("name", ["", "x" * 129, 5, "\ud800"])
async def test_an_event_name_that_cannot_travel_is_refused_where_it_is_emitted(name: str) -> None:
    client = Client("http://127.0.0.1:9/antiphon")
    chat = client.namespace("/chat")

    with pytest.raises(PayloadError, match="the name of an event is a str of 1 to 128 characters"):
        chat.emit_nowait(name)
    with pytest.raises(PayloadError, match="the name of an event is a str of 1 to 128 characters"):
        await chat.call(name)


@pytest.mark.parametrize("transport", ["websocket", "sse", "longpoll"])
async def test_what_waited_for_a_server_that_takes_less_is_not_sent(
    transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Sent, it would be refused at every attach, and the client would never come through."""
    server, heard = Server(limits=Limits(message=65_536)), []
    server.namespace("/chat").on("say")(lambda socket, text: heard.append(len(text)))
    async with serving(server) as running:
        client = Client(running.url, transports=(transport,), backoff=SOON)
        chat = client.namespace("/chat")
        chat.emit_nowait("say", "x" * 200_000)
        chat.emit_nowait("say", "x" * 20_000)
        asking = asyncio.create_task(chat.call("say", "x" * 100_000))
        async with client:
            with pytest.raises(CallNotSent, match="larger than this server takes"):
                await asking
            await until(lambda: heard)

    assert heard == [20_000]
    assert "an event of 200018 bytes was dropped" in caplog.text
