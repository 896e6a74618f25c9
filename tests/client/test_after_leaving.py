"""What a client still hears of a namespace that it has left: nothing."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon import CallError, Server
from tests.client.serving import connected, serving, until


async def test_no_handler_runs_for_what_the_server_said_before_it_knew_that_we_left() -> None:
    heard: list[Any] = []
    server = Server()
    here = server.namespace("/chat")
    async with serving(server) as running, connected(running.url, "/chat") as client:
        chat = client.namespace("/chat")
        chat.on("say")(heard.append)
        (socket,) = here.sockets

        await chat.leave()
        await socket.emit("say", "too late")
        await until(lambda: not here.sockets)
        await client.namespace("/chat").ready()

        assert heard == []


async def test_no_call_is_answered_in_a_namespace_that_we_left() -> None:
    heard: list[Any] = []
    server = Server()
    here = server.namespace("/chat")
    async with serving(server) as running, connected(running.url, "/chat") as client:
        chat = client.namespace("/chat")
        chat.on("ask")(heard.append)
        (socket,) = here.sockets

        await chat.leave()
        with pytest.raises(CallError):
            await socket.call("ask", "too late", timeout=1)

        assert heard == []
