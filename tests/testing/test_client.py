"""The client without a socket, as tests of an application use it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from antiphon import CallTimeout, ConnectionRefused, Refused, Server, Socket
from antiphon.config import Outbox
from antiphon.testing import Direction, NothingCame, TestClient, VirtualClock


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def server(clock: VirtualClock) -> AsyncIterator[Server]:
    server = Server(clock=clock)
    serve(server)
    yield server
    await server.close()


def serve(server: Server) -> None:
    """Let `server` be a small chat."""
    chat = server.namespace("/chat")

    @chat.on_connect
    async def admit(socket: Socket, name: str) -> None:
        if name == "eve":
            raise Refused("not you")
        socket.data["name"] = name

    @chat.on("say")
    async def say(socket: Socket, text: str) -> int:
        await chat.emit("said", socket.data["name"], text)
        return len(text)

    @chat.on("ask")
    async def ask(socket: Socket, question: str) -> Any:
        return await socket.call("asked", question, timeout=5)

    @chat.on("never")
    async def never(socket: Socket) -> None:
        await asyncio.Event().wait()


def visitor(server: Server, name: str, **settings: Any) -> TestClient:
    return TestClient(server, namespace="/chat", auth=name, **settings)


async def test_what_one_emits_the_other_hears(server: Server) -> None:
    async with visitor(server, "ann") as ann, visitor(server, "ben") as ben:
        await ann.emit("say", "hello")

        assert await ben.next("said") == ("ann", "hello")
        assert ben.received == [("said", ("ann", "hello"))]


async def test_a_call_returns_what_the_handler_does(server: Server) -> None:
    async with visitor(server, "ann") as ann:
        assert await ann.call("say", "hello") == 5


async def test_a_server_with_a_real_clock_will_do() -> None:
    server = Server()
    serve(server)

    async with visitor(server, "ann", form="json") as ann:
        await ann.emit("say", "hello")

        assert await ann.next("said") == ("ann", "hello")


async def test_who_is_refused_is_told_why(server: Server) -> None:
    with pytest.raises(ConnectionRefused, match="not you"):
        async with visitor(server, "eve"):
            pass


async def test_a_handler_of_the_client_answers_the_server(server: Server) -> None:
    ann = visitor(server, "ann")

    @ann.on("asked")
    async def asked(question: str) -> str:
        return question.upper()

    async with ann:
        assert await ann.call("ask", "why?") == "WHY?"


async def test_next_goes_through_the_events_of_one_name_and_leaves_the_others(server: Server) -> None:
    async with visitor(server, "ann") as ann:
        await server.namespace("/chat").emit("noise")
        for text in ("one", "two"):
            ann.emit_nowait("say", text)

        assert [await ann.next("said"), await ann.next("said")] == [("ann", "one"), ("ann", "two")]
        assert await ann.next("noise") == ()
        await ann.nothing("said")


async def test_what_came_instead_is_listed_when_nothing_comes(server: Server) -> None:
    async with visitor(server, "ann") as ann:
        await ann.emit("say", "hello")

        with pytest.raises(NothingCame, match=r"no 'shouted' came to .*; instead came said\('ann', 'hello'\)"):
            await ann.next("shouted")
        await ann.next("said")
        with pytest.raises(NothingCame, match="everything that came was taken before"):
            await ann.next("said")


async def test_nothing_says_what_came_after_all(server: Server) -> None:
    async with visitor(server, "ann") as ann:
        await ann.emit("say", "hello")

        with pytest.raises(AssertionError, match=r"no 'said' was to come .*, but 1 did: \[\('ann', 'hello'\)\]"):
            await ann.nothing("said")


async def test_a_call_without_an_answer_is_not_waited_for(server: Server) -> None:
    async with visitor(server, "ann") as ann:
        with pytest.raises(NothingCame, match="the call 'never' has not been answered"):
            await ann.call("never")


async def test_a_call_times_out_when_its_time_has_passed(server: Server, clock: VirtualClock) -> None:
    async with visitor(server, "ann") as ann:
        call = asyncio.create_task(ann.call("never", timeout=7))
        await clock.advance(6.5)
        before = call.done()
        await clock.advance(1)

        assert not before
        with pytest.raises(CallTimeout):
            await call


async def test_a_call_to_many_is_over_when_its_time_has_passed(server: Server, clock: VirtualClock) -> None:
    ann, ben = visitor(server, "ann"), visitor(server, "ben")

    @ann.on("vote")
    async def vote() -> str:
        return "yes"

    @ben.on("vote")
    async def hesitate() -> None:
        await asyncio.Event().wait()

    async with ann, ben:
        poll = asyncio.create_task(server.namespace("/chat").call("vote", timeout=2))
        await clock.advance(1.5)
        before = poll.done()
        await clock.advance(1)
        replies = await poll

        assert not before
        assert list(replies.values.values()) == ["yes"]
        assert [socket.id for socket in replies.missing] == [ben.id]


async def test_a_handler_may_take_real_time_if_the_test_says_so(server: Server) -> None:
    loop = asyncio.get_running_loop()

    @server.namespace("/chat").on("slow")
    async def slow(socket: Socket) -> str:
        return await loop.run_in_executor(None, lambda: "from a thread")

    async with visitor(server, "ann", patience=5.0) as ann:
        assert await ann.call("slow") == "from a thread"


# -- the network


async def test_a_cut_is_resumed_and_nothing_is_lost(server: Server) -> None:
    async with visitor(server, "ann") as ann, visitor(server, "ben") as ben:
        ben.cut()
        await ann.emit("say", "while you were away")
        before = list(ben.received)
        await ben.resume()

        assert before == []
        assert await ben.next("said") == ("ann", "while you were away")
        assert ben.losses == []


async def test_a_cut_longer_than_the_window_loses_the_session(server: Server, clock: VirtualClock) -> None:
    async with visitor(server, "ann") as ann:
        first = ann.id
        ann.cut()
        await clock.advance(121)
        await ann.resume()

        assert [loss.reason for loss in ann.losses] == ["expired"]
        assert ann.id not in (None, first)


async def test_a_cut_while_time_passes_is_resumed_at_once(server: Server, clock: VirtualClock) -> None:
    async with visitor(server, "ann") as ann:
        ann.cut()
        await clock.advance(40)
        await ann.resume()

        assert ann.client.state == "connected"
        assert ann.losses == []


async def test_a_black_hole_is_noticed_by_the_heartbeat(server: Server, clock: VirtualClock) -> None:
    async with visitor(server, "ann") as ann:
        ann.black_hole()
        await clock.advance(60)
        dead = server.statistics().transports
        ann.release()
        await clock.advance(60)

        assert dead == {}
        assert server.statistics().transports == {"memory": 1}
        assert ann.losses == []


async def test_a_client_that_does_not_read_ends_with_overflow(clock: VirtualClock) -> None:
    server = Server(clock=clock, outbox=Outbox(packets=64))
    serve(server)
    async with visitor(server, "ann") as ann, visitor(server, "ben") as ben:
        ben.stall(Direction.DOWN)
        for number in range(100):
            await ann.emit("say", str(number))
        ben.release()
        await clock.advance(60)

        assert [loss.reason for loss in ben.losses] == ["overflow"]
    await server.close()


async def test_leaving_in_a_black_hole_is_not_waited_for(server: Server) -> None:
    async with visitor(server, "ann") as ann:
        ann.black_hole(Direction.UP)
        await ann.emit("say", "lost")

    assert ann.client.state == "closed"


async def test_a_handler_of_the_client_that_does_not_end_is_cancelled_when_it_leaves(server: Server) -> None:
    ann = visitor(server, "ann")
    ended: list[str] = []

    @ann.on("said")
    async def said(who: str, text: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(text)

    async with ann:
        await ann.emit("say", "hello")

    assert ended == ["hello"]


async def test_coming_back_is_a_failure_when_the_server_is_gone(server: Server) -> None:
    async with visitor(server, "ann") as ann:
        ann.cut()
        await server.close()

        with pytest.raises(NothingCame, match="did not come back"):
            await ann.resume()


async def test_a_server_that_closes_is_left_in_order(server: Server) -> None:
    async with visitor(server, "ann") as ann:
        await server.close()

    assert ann.client.state == "closed"
