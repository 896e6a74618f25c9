"""Other threads: a server is not theirs, and says so; its loop is how they reach it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from antiphon import LocalProtocolError, Namespace, Server, Socket
from tests.server.peer import entered, settle


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda root, socket: root.emit_nowait("hello"), id="emit_nowait to all"),
        pytest.param(lambda root, socket: root.to("lobby").emit_nowait("hello", volatile=True), id="volatile"),
        pytest.param(lambda root, socket: root.emit_nowait("hello", latest="x"), id="latest"),
        pytest.param(lambda root, socket: socket.emit_nowait("hello"), id="emit_nowait to one"),
        pytest.param(lambda root, socket: asyncio.run(root.emit("hello")), id="emit in a loop of its own"),
        pytest.param(lambda root, socket: asyncio.run(root.call("hello")), id="call to all"),
        pytest.param(lambda root, socket: asyncio.run(socket.call("hello")), id="call to one"),
    ],
)
async def test_another_thread_is_refused_with_a_sentence_and_changes_nothing(
    server: Server, act: Callable[[Namespace, Socket], Any]
) -> None:
    root = server.namespace("/")
    ann = await entered(server)
    [socket] = root.sockets

    with pytest.raises(LocalProtocolError, match="run_coroutine_threadsafe"):
        await asyncio.to_thread(act, root, socket)

    await settle()
    assert ann.read() == []


async def test_another_thread_emits_by_the_loop_of_the_server(server: Server) -> None:
    root = server.namespace("/")
    ann = await entered(server)

    def work() -> None:
        asyncio.run_coroutine_threadsafe(root.emit("hello", "from a thread"), server.loop).result(timeout=5)

    await asyncio.to_thread(work)
    await settle()

    assert ann.events() == [("hello", "from a thread")]


def test_a_server_that_is_not_started_has_no_loop() -> None:
    with pytest.raises(LocalProtocolError, match="not started"):
        _ = Server().loop
