"""Volatile events and latest values of a client: what is dropped, what is replaced, what arrives after an outage."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon import Client, LocalProtocolError, OutboxFull, PayloadError, Server
from antiphon.testing.proxy import FaultProxy
from tests.client.serving import connected, serving, until


@pytest.mark.parametrize("transport", ["websocket", "longpoll"])
@pytest.mark.parametrize("form", ["msgpack", "json"])
async def test_volatile_events_and_latest_values_go_both_ways(transport: str, form: str) -> None:
    server, up, down = Server(), list[Any](), list[Any]()
    chat = server.namespace("/chat")
    chat.on("cursor")(lambda socket, x: up.append(x))
    chat.on("pose")(lambda socket, x: up.append(x))
    async with (
        serving(server) as running,
        connected(running.url, "/chat", transports=(transport,), form=form) as client,
    ):
        mine = client.namespace("/chat")
        mine.on("cursor")(down.append)
        mine.on("pose")(down.append)

        await mine.emit("cursor", "volatile", volatile=True)
        await mine.emit("pose", "older", latest="ann")
        await mine.emit("pose", "newest", latest="ann")
        await until(lambda: len(up) == 2)
        await chat.emit("cursor", "volatile", volatile=True)
        await chat.emit("pose", "older", latest="ann")
        await chat.emit("pose", "newest", latest="ann")
        await until(lambda: len(down) == 2)

    assert sorted(up) == sorted(down) == ["newest", "volatile"]


async def test_after_an_outage_the_newest_value_arrives_once_and_nothing_volatile() -> None:
    server, heard = Server(), list[tuple[Any, ...]]()
    server.namespace("/chat").on("*")(lambda socket, *event: heard.append(event))
    async with (
        serving(server) as running,
        FaultProxy("127.0.0.1", running.port) as proxy,
        connected(f"{proxy.url}/antiphon", "/chat") as client,
    ):
        chat = client.namespace("/chat")
        proxy.offline()
        await until(lambda: client.state != "connected")

        for number in range(5000):
            chat.emit_nowait("pose", "ann", number, latest="ann")
            chat.emit_nowait("cursor", number, volatile=True)
        await chat.emit("said", "back")
        proxy.online()

        await until(lambda: ("said", "back") in heard)
    assert heard == [("pose", "ann", 4999), ("said", "back")]


async def test_an_event_is_declared_once_for_all_ways_to_emit_it() -> None:
    client = Client("http://127.0.0.1:9/antiphon")
    chat = client.namespace("/chat")

    @chat.event("pose", latest="id")
    def pose(id: str, x: int) -> None: ...

    await chat.emit("pose", "ann", 1)
    chat.emit_nowait("pose", "ann", 2)
    chat.emit_nowait("pose", "bob", 3)

    assert chat.clear() == 2
    with pytest.raises(PayloadError, match="event 'pose' of namespace '/chat' expects int for parameter 'x'"):
        await chat.emit("pose", "ann", "far")
    with pytest.raises(PayloadError, match="event 'pose' of namespace '/chat' expects int for parameter 'x'"):
        await chat.call("pose", "ann", "far")


async def test_a_latest_value_may_have_a_deadline() -> None:
    client = Client("http://127.0.0.1:9/antiphon")
    chat = client.namespace("/chat")

    await chat.emit("pose", 1, latest="ann", deadline=5)
    await chat.emit("pose", 2, latest="ann", deadline=5)

    assert chat.clear() == 1


@pytest.mark.parametrize("options", [{"deadline": 5}, {"repeatable": True}])
async def test_a_volatile_event_is_never_kept_so_it_has_no_deadline_and_is_not_repeated(
    options: dict[str, Any],
) -> None:
    chat = Client("http://127.0.0.1:9/antiphon").namespace("/chat")

    with pytest.raises(LocalProtocolError, match="leave deadline and repeatable out"):
        await chat.emit("cursor", 1, volatile=True, **options)


async def test_volatile_and_latest_exclude_each_other() -> None:
    chat = Client("http://127.0.0.1:9/antiphon").namespace("/chat")

    with pytest.raises(LocalProtocolError, match="choose one"):
        await chat.emit("cursor", 1, volatile=True, latest="ann")


async def test_a_volatile_event_that_would_always_be_dropped_is_refused() -> None:
    chat = Client("http://127.0.0.1:9/antiphon").namespace("/chat")

    with pytest.raises(OutboxFull, match="a volatile event of"):
        await chat.emit("cursor", bytes(70_000), volatile=True)
