"""How long somebody still waits: it travels with a call, from handler to handler, and no further."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from antiphon import CallNotSent, CallTimeout, Server, Socket, remaining
from antiphon.dispatch.asking import asked
from antiphon.dispatch.deadlines import nobody_waits, until, within
from antiphon.protocol.packets import MAX_NUMBER
from antiphon.testing import VirtualClock
from antiphon.testing.clock import ManualClock
from antiphon.testing.fixtures import ClientFactory
from tests.server.peer import settle


def test_outside_of_a_handler_nobody_waits() -> None:
    assert remaining() is None
    assert within(None, 30.0) == 30.0


def test_what_remains_grows_less_and_is_below_0_in_the_end() -> None:
    clock = ManualClock()
    with until(clock() + 5.0, clock):
        before = remaining()
        clock.advance(6.0)

        assert (before, remaining()) == (5.0, -1.0)


def test_a_call_without_an_end_leaves_all_the_time_there_is() -> None:
    with until(math.inf, ManualClock()):
        assert remaining() is None
        assert within(None, 30.0) == 30.0


def test_a_nested_call_gets_what_remains_unless_it_says_more_or_less() -> None:
    clock = ManualClock()
    with until(clock() + 5.0, clock):
        assert within(None, 30.0) == 5.0
        assert within(None, 3.0) == 3.0
        assert within(9.0, 30.0) == 9.0
        clock.advance(6.0)
        assert within(None, 30.0) == 0.0


def test_once_it_has_answered_a_handler_has_nobody_who_waits() -> None:
    with until(5.0, ManualClock()):
        pass

    assert remaining() is None


async def test_what_a_handler_leaves_behind_is_not_hurried_by_its_deadline() -> None:
    clock, go_on = ManualClock(), asyncio.Event()

    async def background() -> float | None:
        await go_on.wait()
        return remaining()

    with until(clock() + 5.0, clock):
        task = asyncio.create_task(background())
    clock.advance(60.0)
    go_on.set()

    assert await task is None


async def test_a_task_may_say_that_it_answers_nobody() -> None:
    clock = ManualClock()

    async def worker() -> float | None:
        nobody_waits()
        return remaining()

    with until(clock() + 5.0, clock):
        assert await asyncio.create_task(worker()) is None
        assert remaining() == 5.0


# -- through calls


async def test_a_handler_knows_how_long_its_caller_waits(
    antiphon_server: Server, antiphon_client: ClientFactory
) -> None:
    antiphon_server.namespace("/").on("left")(lambda socket: remaining())
    ann = await antiphon_client()

    assert await ann.call("left", timeout=7) == 7.0


async def test_a_handler_of_a_client_knows_it_as_well(antiphon_server: Server, antiphon_client: ClientFactory) -> None:
    root = antiphon_server.namespace("/")
    ann = await antiphon_client()
    ann.on("left")(remaining)
    [socket] = root.sockets

    assert await socket.call("left", timeout=7) == 7.0


async def test_an_event_has_nobody_who_waits(antiphon_server: Server, antiphon_client: ClientFactory) -> None:
    found: list[float | None] = []
    antiphon_server.namespace("/").on("say")(lambda socket: found.append(remaining()))
    ann = await antiphon_client()

    await ann.emit("say")

    assert found == [None]


async def test_a_nested_call_gets_what_is_left_and_its_handler_what_is_left_of_that(
    antiphon_server: Server, antiphon_client: ClientFactory, antiphon_clock: VirtualClock
) -> None:
    @antiphon_server.namespace("/").on("ask")
    async def ask(socket: Socket) -> Any:
        await antiphon_clock.sleep(3)
        return await socket.call("asked")

    ann = await antiphon_client()
    ann.on("asked")(remaining)
    calling = asyncio.create_task(ann.namespace.call("ask", timeout=10))

    await antiphon_clock.advance(4)

    assert await calling == pytest.approx(7.0, abs=0.01)


async def test_a_nested_call_is_over_when_the_first_caller_stops_waiting(
    antiphon_server: Server, antiphon_client: ClientFactory, antiphon_clock: VirtualClock
) -> None:
    log = list[str]()

    @antiphon_server.namespace("/").on("ask")
    async def ask(socket: Socket) -> None:
        try:
            await socket.call("asked")
        finally:
            log.append("the server's")

    ann = await antiphon_client()

    @ann.on("asked")
    async def asked() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            log.append("the client's")

    calling = asyncio.create_task(ann.namespace.call("ask", timeout=2))

    await antiphon_clock.advance(3)

    with pytest.raises(CallTimeout):
        await calling
    assert sorted(log) == ["the client's", "the server's"]


async def test_the_background_task_of_a_handler_calls_with_all_the_time_there_is(
    antiphon_server: Server, antiphon_client: ClientFactory, antiphon_clock: VirtualClock
) -> None:
    tasks: list[asyncio.Task[Any]] = []

    @antiphon_server.namespace("/").on("start")
    async def start(socket: Socket) -> None:
        async def later() -> Any:
            await antiphon_clock.sleep(60)
            return await socket.call("asked")

        tasks.append(asyncio.create_task(later()))

    ann = await antiphon_client()
    ann.on("asked")(lambda: "fine")
    await ann.call("start", timeout=5)

    await antiphon_clock.advance(61)

    assert await tasks[0] == "fine"


async def test_what_a_handler_sets_off_in_another_session_is_not_hurried_by_its_deadline(
    antiphon_server: Server, antiphon_client: ClientFactory
) -> None:
    root, found = antiphon_server.namespace("/"), list[float | None]()
    root.on_disconnect(lambda socket: found.append(remaining()))

    @root.on("kick")
    async def kick(socket: Socket) -> None:
        for other in set(root.sockets) - {socket}:
            await other.disconnect()
        await settle()

    ann, _ = await antiphon_client(), await antiphon_client()

    await ann.call("kick", timeout=5)

    assert found == [None]


async def test_what_a_client_sets_off_within_a_handler_is_not_hurried_by_its_deadline(
    antiphon_server: Server, antiphon_client: ClientFactory
) -> None:
    """Both ends live in one process here, and one of them may well begin to work in a turn of the other."""
    root, found = antiphon_server.namespace("/"), list[float | None]()

    @root.on("tell")
    async def tell(socket: Socket) -> None:
        await root.emit("told")
        await settle()

    ann, ben = await antiphon_client(), await antiphon_client()
    for client in (ann, ben):
        client.on("told")(lambda: found.append(remaining()))

    await ann.call("tell", timeout=5)

    assert found == [None, None]


# -- what travels


@pytest.mark.parametrize(
    ("timeout", "travels"),
    [(None, None), (2.5, 2500), (0, 0), (-3, 0), (0.0004, 0), (math.inf, None), (1e300, None), (2e12, 2 * 10**15)],
)
def test_a_timeout_travels_in_milliseconds_that_the_wire_can_say(timeout: float | None, travels: int | None) -> None:
    packet = asked("/", "ask", [], timeout, {}, None)(1)

    assert packet.timeout == travels
    assert packet.timeout is None or packet.timeout <= MAX_NUMBER


@pytest.mark.parametrize("timeout", [-1, 0])
async def test_a_call_without_time_ends_at_once_and_harms_no_session(
    antiphon_server: Server, antiphon_client: ClientFactory, antiphon_clock: VirtualClock, timeout: float
) -> None:
    antiphon_server.namespace("/").on("ask")(lambda socket: 1)
    ann = await antiphon_client()
    calling = asyncio.create_task(ann.namespace.call("ask", timeout=timeout))

    await antiphon_clock.advance(1)

    with pytest.raises((CallTimeout, CallNotSent)):
        await calling
    assert await ann.call("ask") == 1
    assert ann.losses == []


async def test_a_call_may_wait_without_end(antiphon_server: Server, antiphon_client: ClientFactory) -> None:
    antiphon_server.namespace("/").on("left")(lambda socket: remaining())
    ann = await antiphon_client()

    assert await ann.call("left", timeout=math.inf) is None
