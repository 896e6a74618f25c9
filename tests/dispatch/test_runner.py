"""One handler and what its caller is told. Cancelled is the handler of a call, and never the worker that runs it."""

from __future__ import annotations

import asyncio
import gc
import logging
import warnings
from typing import Any

import pytest

from antiphon import CallError, CallFailed, CallTimeout, Limits, Server, Socket
from antiphon.protocol.packets import Call, Cancel, Event, Failed, Packet, Reply
from antiphon.testing import VirtualClock
from antiphon.testing.fixtures import ClientFactory
from tests.server.peer import Peer, entered, settle

BESIDE = Limits().concurrent


class Handler:
    """A handler that waits until it is let go on, or cancelled; and one behind it in the order of events."""

    def __init__(self, server: Server, *, concurrent: bool = False) -> None:
        self.log: list[Any] = []
        self.go_on = asyncio.Event()
        self.root = server.namespace("/")
        self.root.on("wait", concurrent=concurrent)(self.wait)
        self.root.on("next")(self.next)

    async def wait(self, socket: Socket) -> str:
        self.log.append("begun")
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.log.append("cancelled")
            raise
        return "done"

    async def next(self, socket: Socket) -> str:
        task = asyncio.current_task()
        assert task is not None
        await asyncio.sleep(0)
        self.log.append(("next", task.cancelling()))
        return "next"


def answers(peer: Peer) -> list[Packet]:
    return [packet for packet in peer.read() if isinstance(packet, Reply | Failed)]


async def test_a_cancelled_handler_ends_and_the_next_events_of_its_session_are_handled(antiphon_server: Server) -> None:
    handler = Handler(antiphon_server)
    ann = await entered(antiphon_server)
    ann.say(Call(1, "/", "wait", []), Call(2, "/", "next", []))
    await settle()

    ann.say(Cancel(1))
    await settle()

    assert handler.log == ["begun", "cancelled", ("next", 0)]
    assert answers(ann) == [Reply(2, "next")]


async def test_a_cancelled_concurrent_handler_ends_as_well(antiphon_server: Server) -> None:
    handler = Handler(antiphon_server, concurrent=True)
    ann = await entered(antiphon_server)
    ann.say(Call(1, "/", "wait", []))
    await settle()

    ann.say(Cancel(1))
    await settle()

    assert handler.log == ["begun", "cancelled"]
    assert answers(ann) == []


async def test_a_handler_that_makes_nothing_of_its_cancellation_tells_nobody_and_harms_nobody(
    antiphon_server: Server,
) -> None:
    handler = Handler(antiphon_server)

    @handler.root.on("stubborn")
    async def stubborn(socket: Socket) -> str:
        try:
            await handler.go_on.wait()
        except asyncio.CancelledError:
            handler.log.append("swallowed")
        await asyncio.sleep(0)
        return "done all the same"

    ann = await entered(antiphon_server)
    ann.say(Call(1, "/", "stubborn", []), Call(2, "/", "next", []))
    await settle()

    ann.say(Cancel(1))
    await settle()

    assert handler.log == ["swallowed", ("next", 0)]
    assert answers(ann) == [Reply(2, "next")]


async def test_another_error_of_a_cancelled_handler_is_in_the_log_and_told_to_nobody(
    antiphon_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    handler = Handler(antiphon_server)

    @handler.root.on("clumsy")
    async def clumsy(socket: Socket) -> None:
        try:
            await handler.go_on.wait()
        finally:
            raise KeyError("no such thing")

    ann = await entered(antiphon_server)
    ann.say(Call(1, "/", "clumsy", []), Call(2, "/", "next", []))
    await settle()

    ann.say(Cancel(1))
    await settle()

    assert handler.log == [("next", 0)]
    assert answers(ann) == [Reply(2, "next")]
    assert "no such thing" in caplog.text


async def test_a_cancel_in_the_very_turn_in_which_the_handler_may_go_on_cancels_it(antiphon_server: Server) -> None:
    handler = Handler(antiphon_server)
    ann = await entered(antiphon_server)
    ann.say(Call(1, "/", "wait", []), Call(2, "/", "next", []))
    await settle()

    handler.go_on.set()
    ann.say(Cancel(1))
    await settle()

    assert handler.log == ["begun", "cancelled", ("next", 0)]
    assert answers(ann) == [Reply(2, "next")]


async def test_a_cancel_behind_the_end_of_the_handler_reaches_nobody(antiphon_server: Server) -> None:
    handler = Handler(antiphon_server)
    ann = await entered(antiphon_server)
    ann.say(Call(1, "/", "wait", []))
    await settle()
    handler.go_on.set()
    await settle()

    ann.say(Cancel(1), Call(2, "/", "next", []))
    await settle()

    assert handler.log == ["begun", ("next", 0)]
    assert answers(ann) == [Reply(1, "done"), Reply(2, "next")]


async def test_a_call_that_is_cancelled_in_its_queue_never_begins(antiphon_server: Server) -> None:
    handler = Handler(antiphon_server)
    ann = await entered(antiphon_server)
    ann.say(Event("/", "wait", []), Call(1, "/", "wait", []), Call(2, "/", "next", []))
    await settle()

    ann.say(Cancel(1))
    handler.go_on.set()
    await settle()

    assert handler.log == ["begun", ("next", 0)]
    assert answers(ann) == [Reply(2, "next")]


async def test_a_call_that_is_cancelled_while_listeners_are_told_never_begins(antiphon_server: Server) -> None:
    handler, listen = Handler(antiphon_server), asyncio.Event()

    @handler.root.on_any
    async def listener(socket: Socket, event: str) -> None:
        await listen.wait()

    ann = await entered(antiphon_server)
    ann.say(Call(1, "/", "wait", []), Call(2, "/", "next", []))
    await settle()

    ann.say(Cancel(1))
    listen.set()
    await settle()

    assert handler.log == [("next", 0)]
    assert answers(ann) == [Reply(2, "next")]


async def test_a_call_that_is_cancelled_while_it_waits_for_room_beside_others_never_begins(
    antiphon_server: Server,
) -> None:
    handler = Handler(antiphon_server, concurrent=True)
    ann = await entered(antiphon_server)
    ann.say(*(Call(1 + number, "/", "wait", []) for number in range(BESIDE + 1)))
    await settle()
    assert handler.log == ["begun"] * BESIDE

    ann.say(Cancel(BESIDE + 1))
    handler.go_on.set()
    await settle()

    assert handler.log == ["begun"] * BESIDE
    assert len(answers(ann)) == BESIDE


async def test_a_handler_is_cancelled_when_its_callers_time_is_over_though_no_cancel_comes(
    antiphon_server: Server, antiphon_clock: VirtualClock
) -> None:
    handler = Handler(antiphon_server)
    ann = await entered(antiphon_server)
    await antiphon_clock.advance(1)
    ann.say(Call(1, "/", "wait", [], 1000), Call(2, "/", "next", []))

    await antiphon_clock.advance(1)

    assert handler.log == ["begun", "cancelled", ("next", 0)]
    assert answers(ann) == [Reply(2, "next")]


async def test_an_id_that_is_in_use_begins_no_second_handler(antiphon_server: Server) -> None:
    handler = Handler(antiphon_server, concurrent=True)
    ann = await entered(antiphon_server)

    ann.say(Call(1, "/", "wait", []), Call(1, "/", "wait", []))
    await settle()
    ann.say(Cancel(1))
    await settle()

    assert handler.log == ["begun", "cancelled"]


async def test_a_server_that_closes_ends_a_handler_that_was_cancelled_by_its_caller_before(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = Server()
    server.start(ticking=False)
    handler = Handler(server)

    @handler.root.on("stubborn")
    async def stubborn(socket: Socket) -> None:
        try:
            await handler.go_on.wait()
        except asyncio.CancelledError:
            handler.log.append("first")
        await handler.go_on.wait()

    ann = await entered(server)
    ann.say(Call(1, "/", "stubborn", []), Event("/", "next", []))
    await settle()
    ann.say(Cancel(1))
    await settle()

    await server.close(patience=0.01)

    assert handler.log == ["first"]
    assert "cancelled" in caplog.text


async def test_a_server_that_closes_leaves_no_call_behind_that_waited_for_room_beside_others() -> None:
    server = Server()
    server.start(ticking=False)
    handler = Handler(server, concurrent=True)
    ann = await entered(server)
    ann.say(*(Call(1 + number, "/", "wait", []) for number in range(BESIDE + 1)))
    await settle()

    with warnings.catch_warnings(record=True) as warned:
        await server.close(patience=0.01)
        await settle()
        gc.collect()

    assert handler.log.count("cancelled") == BESIDE
    assert [str(warning.message) for warning in warned] == []


async def test_a_caller_that_stops_waiting_cancels_the_handler_and_its_own_calls(
    antiphon_server: Server, antiphon_client: ClientFactory
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

    calling = asyncio.create_task(ann.namespace.call("ask"))
    await settle()

    calling.cancel()
    await settle()

    assert log == ["the server's", "the client's"]
    assert calling.cancelled()


async def test_a_call_of_the_server_that_times_out_cancels_the_clients_handler_only(
    antiphon_server: Server, antiphon_client: ClientFactory, antiphon_clock: VirtualClock
) -> None:
    log = list[str]()
    antiphon_server.namespace("/")
    ann = await antiphon_client()

    @ann.on("asked")
    async def asked() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            log.append("cancelled")

    ann.on("next")(lambda: log.append("next"))
    [socket] = antiphon_server.namespace("/").sockets
    calling = asyncio.create_task(socket.call("asked", timeout=2))
    await settle()
    await socket.emit("next")

    await antiphon_clock.advance(3)

    with pytest.raises(CallTimeout):
        await calling
    assert log == ["cancelled", "next"]


async def test_a_cancelled_error_that_nobody_sent_is_the_handlers_own_fault(
    antiphon_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    handler = Handler(antiphon_server)

    @handler.root.on("odd")
    async def odd(socket: Socket) -> None:
        raise asyncio.CancelledError

    ann = await entered(antiphon_server)
    ann.say(Call(1, "/", "odd", []), Call(2, "/", "next", []))
    await settle()

    [failed, reply] = answers(ann)
    assert isinstance(failed, Failed) and failed.code == "error"
    assert reply == Reply(2, "next")
    assert "'odd'" in caplog.text


async def test_the_error_of_a_caller_that_cancelled_is_no_timeout(
    antiphon_server: Server, antiphon_client: ClientFactory
) -> None:
    handler = Handler(antiphon_server)
    ann = await antiphon_client()
    outcomes: list[BaseException | None] = []

    async def give_up() -> None:
        try:
            async with asyncio.timeout(0.001):
                await ann.namespace.call("wait")
        except TimeoutError as error:
            outcomes.append(error.__cause__)

    await give_up()

    assert isinstance(outcomes[0], asyncio.CancelledError) and not isinstance(outcomes[0], CallError)
    assert handler.log in ([], ["begun"], ["begun", "cancelled"])


async def test_a_stream_for_a_handler_that_takes_none_is_told_so(
    antiphon_server: Server, antiphon_client: ClientFactory, caplog: pytest.LogCaptureFixture
) -> None:
    antiphon_server.namespace("/").on("add")(lambda socket, one=0: one)
    ann = await antiphon_client()
    caplog.set_level(logging.ERROR)

    with pytest.raises(CallFailed, match=r"not_a_stream: handler 'add' .* takes no stream"):
        await ann.call("add", _numbers())
    with pytest.raises(CallFailed, match=r"not_a_stream: handler 'add' .* does not stream its answer"):
        await anext(ann.namespace.stream("add"))

    assert await ann.call("add", 5) == 5
    assert caplog.records == []


async def _numbers() -> Any:
    yield 1
