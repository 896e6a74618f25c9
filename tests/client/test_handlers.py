"""Several handlers of one event at the client, those that run once, and who is told of everything."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

import antiphon
from antiphon import (
    CallFailed,
    Client,
    ClientNamespace,
    LocalProtocolError,
    Namespace,
    OutboxFull,
    Refused,
    Server,
)
from tests.client.serving import connected, serving, until


class Both(NamedTuple):
    """Both ends of "/chat"."""

    server: Namespace
    client: ClientNamespace


@pytest.fixture
async def chat() -> AsyncIterator[Both]:
    server = Server()
    here = server.namespace("/chat")
    async with serving(server) as running, connected(running.url, "/chat") as client:
        yield Both(here, client.namespace("/chat"))


@pytest.fixture
def heard() -> list[Any]:
    return []


async def test_all_handlers_of_an_event_run_and_the_first_answers_a_call(chat: Both, heard: list[Any]) -> None:
    @chat.client.on("ask")
    async def first(text: str) -> str:
        heard.append("first")
        if text == "fail":
            raise CallFailed("failed")
        return text

    chat.client.on("ask")(lambda *args: heard.append("second"))
    (socket,) = chat.server.sockets

    assert await socket.call("ask", "hello") == "hello"
    with pytest.raises(CallFailed):
        await socket.call("ask", "fail")
    with pytest.raises(CallFailed, match="payload"):
        await socket.call("ask", 1)
    await until(lambda: len(heard) == 5)
    assert heard == ["first", "second", "first", "second", "second"]


async def test_handlers_run_once_and_can_be_taken_out(chat: Both, heard: list[Any]) -> None:
    def log(text: str) -> None:
        heard.append(f"log {text}")

    chat.client.once("say")(lambda text: heard.append(f"once {text}"))
    chat.client.on("say")(log)
    await chat.server.emit("say", "a")
    await chat.server.emit("say", "b")
    await until(lambda: len(heard) == 3)

    chat.client.off("say", log)
    chat.client.on("say")(lambda text: heard.append(f"new {text}"))
    await chat.server.emit("say", "c")
    await until(lambda: len(heard) == 4)

    assert heard == ["once a", "log a", "log b", "new c"]


async def test_who_is_told_of_everything_is_told_before_the_handlers(chat: Both, heard: list[Any]) -> None:
    @chat.client.on_any
    async def log(event: str, *args: Any) -> None:
        heard.append((event, *args))

    chat.client.on("say")(lambda text: heard.append("handler"))
    (socket,) = chat.server.sockets

    await socket.emit("say", "a")
    with pytest.raises(CallFailed, match="unknown_event"):
        await socket.call("unknown", 1)
    chat.client.off_any(log)
    await socket.emit("say", "b")
    await until(lambda: len(heard) == 4)

    assert heard == [("say", "a"), "handler", ("unknown", 1), "handler"]


async def test_who_is_told_of_what_goes_out_is_told_once(
    chat: Both, heard: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    chat.server.on("*")(lambda socket, event, *args: event)
    chat.client.on_any_outgoing(lambda event, *args: heard.append((event, *args)))

    @chat.client.on_any_outgoing
    def broken(event: str, *args: Any) -> None:
        raise RuntimeError

    with caplog.at_level(logging.CRITICAL, "antiphon"):
        await chat.client.emit("a", (1,))
        chat.client.emit_nowait("b", volatile=True)
        assert await chat.client.call("c", 2) == "c"
    chat.client.off_any_outgoing()
    await chat.client.emit("d")

    assert heard == [("a", [1]), ("b",), ("c", 2)]


async def test_what_was_refused_where_it_was_emitted_is_not_told(chat: Both, heard: list[Any]) -> None:
    chat.client.on_any_outgoing(lambda event, *args: heard.append(event))

    with pytest.raises(OutboxFull, match="a volatile event"):
        await chat.client.emit("a", bytes(65 << 10), volatile=True)
    with pytest.raises(LocalProtocolError, match="is volatile"):
        await chat.client.emit("b", volatile=True, repeatable=True)
    await chat.client.leave()
    with pytest.raises(LocalProtocolError, match="is not joined"):
        await chat.client.emit("c")

    assert heard == []


async def test_a_refusal_of_a_handler_is_told_to_its_caller(chat: Both) -> None:
    @chat.client.on("buy")
    async def buy() -> None:
        raise Refused("sold out", 3)

    (socket,) = chat.server.sockets

    with pytest.raises(CallFailed) as failed:
        await socket.call("buy")
    assert (failed.value.code, failed.value.message, failed.value.data) == ("refused", "sold out", 3)


class Talk:
    """The client's handlers as a class."""

    def __init__(self, heard: list[Any]) -> None:
        self.heard = heard

    @antiphon.on_connect
    async def enter(self) -> None:
        self.heard.append("in")

    @antiphon.on("say")
    async def say(self, text: str) -> str:
        return text.upper()

    @antiphon.on_disconnect
    def leave(self, reason: str) -> None:
        self.heard.append(f"out: {reason}")

    @antiphon.on_disconnect
    def log(self) -> None:
        self.heard.append("out again")


async def test_a_namespace_includes_the_handlers_of_an_object(heard: list[Any]) -> None:
    server = Server()
    here = server.namespace("/chat")
    async with serving(server) as running, connected(running.url) as client:
        chat = client.namespace("/chat")
        chat.include(Talk(heard))
        await until(lambda: heard)
        (socket,) = here.sockets

        assert await socket.call("say", "hello") == "HELLO"
        await socket.disconnect("enough")
        await until(lambda: len(heard) == 3)

    assert heard == ["in", "out: put_out: enough", "out again"]


def test_middleware_is_for_servers_only() -> None:
    assert not hasattr(Client("http://localhost/antiphon").namespace("/chat"), "around_event")
