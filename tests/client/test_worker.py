"""How a client's handlers run: in order, beside one another if asked, and none of them harms another."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

import pytest

from antiphon import CallFailed, Server, Socket
from tests.client.serving import connected, serving, until


@dataclass
class Move:
    """What a handler may ask for by its annotation."""

    x: int
    y: int


async def test_handlers_run_one_after_another_in_the_order_of_their_events() -> None:
    server, order, go_on = Server(), list[str](), asyncio.Event()
    chat = server.namespace("/chat")
    async with serving(server) as running, connected(running.url, "/chat") as client:

        @client.namespace("/chat").on("slow")
        async def slow() -> None:
            order.append("slow begins")
            await go_on.wait()
            order.append("slow ends")

        client.namespace("/chat").on("fast")(lambda: order.append("fast"))
        await chat.emit("slow")
        await chat.emit("fast")
        await until(lambda: order)
        go_on.set()

        await until(lambda: len(order) == 3)
    assert order == ["slow begins", "slow ends", "fast"]


async def test_a_concurrent_handler_lets_the_next_one_run_beside_it() -> None:
    server, order, go_on = Server(), list[str](), asyncio.Event()
    chat = server.namespace("/chat")
    async with serving(server) as running, connected(running.url, "/chat") as client:

        @client.namespace("/chat").on("slow", concurrent=True)
        async def slow() -> None:
            await go_on.wait()
            order.append("slow ends")

        @client.namespace("/chat").on("fast")
        def fast() -> None:
            order.append("fast")
            go_on.set()

        await chat.emit("slow")
        await chat.emit("fast")

        await until(lambda: len(order) == 2)
    assert order == ["fast", "slow ends"]


async def test_what_comes_while_the_connect_handler_runs_waits_for_it() -> None:
    server, order = Server(), list[str]()
    chat = server.namespace("/chat")
    chat.on_connect(lambda socket: socket.emit_nowait("news", "early"))
    async with serving(server) as running, connected(running.url) as client:
        namespace = client.namespace("/chat")

        @namespace.on_connect
        async def enter() -> None:
            await asyncio.sleep(0)
            order.append("connected")

        namespace.on("news")(order.append)

        await until(lambda: len(order) == 2)
    assert sorted(order) == ["connected", "early"]


async def test_the_catch_all_handler_gets_what_has_no_handler_of_its_own() -> None:
    server, heard = Server(), list[tuple[object, ...]]()
    chat = server.namespace("/chat")
    async with serving(server) as running, connected(running.url, "/chat") as client:
        client.namespace("/chat").on("known")(lambda: heard.append(("its own handler",)))
        client.namespace("/chat").on("*")(lambda event, *args: heard.append((event, *args)))

        await chat.emit("known")
        await chat.emit("unknown", 1, 2)

        await until(lambda: len(heard) == 2)
    assert heard == [("its own handler",), ("unknown", 1, 2)]


async def test_what_an_event_carries_is_bound_to_the_annotations() -> None:
    server, moves = Server(), list[Move]()
    chat = server.namespace("/game")
    async with serving(server) as running, connected(running.url, "/game") as client:

        @client.namespace("/game").on("move")
        def move(move: Move) -> Move:
            moves.append(move)
            return Move(move.y, move.x)

        (socket,) = chat.sockets

        assert await socket.call("move", Move(1, 2)) == {"x": 2, "y": 1}
        with pytest.raises(CallFailed) as failed:
            await socket.call("move", {"x": "left", "y": 2})
    assert failed.value.code == "payload"
    assert moves == [Move(1, 2)]


async def test_an_exception_in_a_handler_is_logged_and_disturbs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    server, heard = Server(), list[str]()
    chat = server.namespace("/chat")
    async with serving(server) as running, connected(running.url, "/chat") as client:

        @client.namespace("/chat").on("break")
        def broken() -> None:
            raise RuntimeError("a secret of this client")

        client.namespace("/chat").on("say")(heard.append)
        (socket,) = chat.sockets

        with caplog.at_level(logging.ERROR, "antiphon.client"), pytest.raises(CallFailed) as failed:
            await socket.call("break")
        await socket.emit("say", "hello")

        await until(lambda: heard)
    assert failed.value.code == "error"
    assert "secret" not in f"{failed.value} {failed.value.data}"
    assert "handler 'break' of namespace '/chat' raised" in caplog.text
    assert "a secret of this client" in caplog.text


async def test_an_answer_that_cannot_travel_fails_the_call(caplog: pytest.LogCaptureFixture) -> None:
    server = Server()
    chat = server.namespace("/chat")
    async with serving(server) as running, connected(running.url, "/chat") as client:
        client.namespace("/chat").on("ask")(lambda: {1, 2})
        client.namespace("/chat").on("load")(lambda: bytes(2 << 20))
        (socket,) = chat.sockets

        with pytest.raises(CallFailed, match="error"):
            await socket.call("ask")
        with pytest.raises(CallFailed, match="too_large"):
            await socket.call("load")
    assert "the reply of handler 'ask'" in caplog.text


async def test_a_disconnect_handler_that_expects_something_else_is_told_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server, heard = Server(), list[str]()
    server.namespace("/one")
    two = server.namespace("/two")
    async with serving(server) as running, connected(running.url, "/one", "/two") as client:

        @client.namespace("/one").on_disconnect
        def out(reason: int) -> None:
            raise AssertionError("a reason is no number")

        client.namespace("/two").on("say")(heard.append)

        await client.namespace("/one").leave()
        await two.emit("say", "hello")

        await until(lambda: heard)
    assert "on_disconnect of namespace '/one' expects int for parameter 'reason'" in caplog.text
    assert "never retrieved" not in caplog.text


@pytest.mark.parametrize("failure", [CallFailed("taken", "try another", object()), CallFailed(5)])  # type: ignore[arg-type]
async def test_a_call_failed_that_cannot_travel_fails_the_call_and_nothing_else(
    failure: CallFailed, caplog: pytest.LogCaptureFixture
) -> None:
    server, sockets = Server(), list[Socket]()
    server.namespace("/chat").on_connect(sockets.append)
    async with serving(server) as running, connected(running.url, "/chat") as client:

        @client.namespace("/chat").on("ask")
        def ask() -> None:
            raise failure

        client.namespace("/chat").on("fine")(lambda: "yes")

        with pytest.raises(CallFailed) as told:
            await sockets[0].call("ask", timeout=1.0)

        assert told.value.code == "error"
        assert "the CallFailed of handler" in caplog.text
        assert await sockets[0].call("fine", timeout=1.0) == "yes"


async def test_a_handler_that_waited_for_a_cancelled_task_fails_its_call() -> None:
    server, sockets = Server(), list[Socket]()
    server.namespace("/chat").on_connect(sockets.append)
    async with serving(server) as running, connected(running.url, "/chat") as client:

        @client.namespace("/chat").on("ask")
        async def ask() -> None:
            raise asyncio.CancelledError

        with pytest.raises(CallFailed, match="the handler failed"):
            await sockets[0].call("ask", timeout=1.0)
