"""Events read in a loop, on the server and in the client: `async for who, text in socket.events("said")`."""

from __future__ import annotations

import asyncio
from typing import Any

from antiphon import ClientNamespace, Server, Socket
from antiphon.server.around import Incoming
from antiphon.testing import TestClient


async def listened(to: Socket | ClientNamespace) -> None:
    """Somebody reads in a loop."""
    while not to.listening:  # noqa: ASYNC110 - a few turns of the loop
        await asyncio.sleep(0)


async def test_a_handler_that_reads_in_a_loop_lets_the_other_handlers_of_its_session_go_on() -> None:
    server, done = Server(), list[Any]()
    game = server.namespace("/")

    @game.on("play")
    async def play(socket: Socket) -> str:
        async for (move,) in socket.events("move"):
            done.append(move)
            if move == "mate":
                break
        return "over"

    @game.on("say")
    async def say(socket: Socket, text: str) -> str:
        return text.upper()

    async with TestClient(server) as ann:
        (socket,) = game.sockets
        game_over = asyncio.create_task(ann.call("play"))
        await listened(socket)
        await ann.emit("move", "e4")
        assert await ann.call("say", "hello") == "HELLO"
        await ann.emit("move", "mate")

        assert await game_over == "over"
        assert await ann.call("say", "bye") == "BYE"
        assert not socket.listening
    assert done == ["e4", "mate"]
    await server.close()


async def test_a_task_reads_the_events_of_a_socket_until_it_is_gone() -> None:
    server, heard = Server(), list[Any]()
    root = server.namespace("/")

    async with TestClient(server) as ann:
        (socket,) = root.sockets

        async def read() -> None:
            async for event in socket.events("say"):
                heard.append(event)

        reading = asyncio.create_task(read())
        await asyncio.sleep(0)
        await ann.emit("say", "Ann", "hello")
        await ann.emit("say", "Ann", "bye")
    await reading

    assert heard == [("Ann", "hello"), ("Ann", "bye")]
    assert [event async for event in socket.events("say")] == []
    await server.close()


async def test_handlers_of_an_event_that_is_read_in_a_loop_run_as_well_and_answer() -> None:
    server = Server()
    root = server.namespace("/")

    @root.on("add")
    async def add(socket: Socket, a: int, b: int) -> int:
        return a + b

    async with TestClient(server) as ann:
        (socket,) = root.sockets
        events = socket.events("add")

        assert await ann.call("add", 1, 2) == 3
        assert await anext(events) == (1, 2)
    await server.close()


async def test_what_is_read_in_a_loop_has_passed_the_middleware() -> None:
    server = Server()
    root = server.namespace("/")

    @root.around_event
    async def tidy(incoming: Incoming, proceed: Any) -> Any:
        if incoming.args == ("spam",):
            return None
        return await proceed(incoming)

    async with TestClient(server) as ann:
        (socket,) = root.sockets
        events = socket.events("say")
        await ann.emit("say", "spam")
        await ann.emit("say", "hello")

        assert await anext(events) == ("hello",)
    assert server.statistics().unhandled == 0
    await server.close()


async def test_the_client_reads_events_in_a_loop_across_a_cut() -> None:
    server = Server()
    root = server.namespace("/")

    async with TestClient(server) as ann:
        events = ann.namespace.events("said")
        await root.emit("said", 1)
        assert await anext(events) == (1,)
        ann.cut()
        await root.emit("said", 2)
        await ann.resume()

        assert await anext(events) == (2,)
        await ann.namespace.leave()
        assert [event async for event in events] == []
    await server.close()


async def test_a_handler_of_the_client_that_reads_in_a_loop_lets_its_others_go_on() -> None:
    server = Server()
    root = server.namespace("/")

    async with TestClient(server) as ann:
        (socket,) = root.sockets

        @ann.on("sum")
        async def total() -> int:
            numbers = 0
            async for (number,) in ann.namespace.events("number"):
                if number is None:
                    break
                numbers += number
            return numbers

        asking = asyncio.create_task(socket.call("sum"))
        await listened(ann.namespace)
        for number in (1, 2, 3, None):
            await socket.emit("number", number)

        assert await asking == 6
    await server.close()
