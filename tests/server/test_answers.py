"""What handlers are given, what they answer, and who learns of their exceptions."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any, TypedDict

import msgspec
import pytest

from antiphon import CallFailed, CallTimeout, Server, Socket
from antiphon.protocol.packets import Call, Event, Failed, Reply
from antiphon.testing.clock import ManualClock
from tests.server.peer import entered, settle

# -- payloads


@dataclass
class Point:
    x: int
    y: int = 0


class Move(TypedDict):
    to: Point


class Shape(msgspec.Struct):
    name: str
    corners: list[Point]


async def test_payloads_are_bound_to_the_annotations(server: Server) -> None:
    root, got = server.namespace("/"), []

    @root.on("draw")
    async def draw(socket: Socket, shape: Shape, move: Move, at: Point, scale: float, raw: bytes) -> Shape:
        got.extend([shape, move, at, scale, raw])
        return shape

    ann = await entered(server)
    shape = {"name": "L", "corners": [{"x": 1, "y": 2}]}
    ann.say(Call(1, "/", "draw", [shape, {"to": {"x": 3}}, {"x": 4}, 2, b"\xff"]))
    await settle()

    assert got == [Shape("L", [Point(1, 2)]), {"to": Point(3)}, Point(4), 2.0, b"\xff"]
    assert ann.read() == [Reply(1, shape)]


@pytest.mark.parametrize(
    ("args", "parameter", "expected"),
    [
        ([{"name": 7, "corners": []}, {"to": {"x": 1}}, {"x": 1}], "shape.name", "str"),
        ([{"name": "L", "corners": [{"x": "1"}]}, {"to": {"x": 1}}, {"x": 1}], "shape.corners[0].x", "int"),
        ([{"name": "L", "corners": []}, {"to": 5}, {"x": 1}], "move.to", "object"),
        ([{"name": "L", "corners": []}, {"to": {"x": 1}}, "here"], "at", "Point"),
        ([{"name": "L", "corners": []}], "move", "Move"),
        ([], "shape", "Shape"),
        ([1, 2, 3, 4], "", "at most 3"),
    ],
)
async def test_a_mismatch_is_answered_with_parameter_and_expectation_and_the_connection_lives(
    server: Server, args: list[Any], parameter: str, expected: str, caplog: pytest.LogCaptureFixture
) -> None:
    root, got = server.namespace("/"), []

    @root.on("draw")
    async def draw(socket: Socket, shape: Shape, move: Move, at: Point) -> None:
        got.append(shape)

    ann = await entered(server)
    ann.say(Call(1, "/", "draw", args), Event("/", "draw", args), Call(2, "/", "unknown", []))
    await settle()

    misfit, alive = ann.read()
    assert isinstance(misfit, Failed) and misfit.code == "payload"
    assert misfit.data == {"parameter": parameter, "expected": expected}
    assert "'draw'" in misfit.message and "'/'" in misfit.message
    assert isinstance(alive, Failed) and alive.code == "unknown_event"
    assert got == []
    assert server.statistics().misfits == 2
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_bytes_travel_anywhere_both_ways(server: Server) -> None:
    @server.namespace("/").on("echo")
    async def echo(socket: Socket, *args: Any) -> Any:
        return list(args)

    args = [b"\x00", {"deep": [b"\xff" * 300, {"k": b""}]}, [b"a", "b"]]
    ann = await entered(server)
    ann.say(Call(1, "/", "echo", args))
    await settle()

    assert ann.read() == [Reply(1, args)]


async def test_an_event_that_nobody_handles_is_counted_and_harms_nobody(server: Server) -> None:
    ann = await entered(server)

    ann.emit("what")
    ann.say(Call(1, "/", "what", []))
    await settle()

    [failed] = ann.read()
    assert isinstance(failed, Failed) and failed.code == "unknown_event" and "'what'" in failed.message
    assert server.statistics().unhandled == 2


# -- exceptions


async def test_an_exception_reaches_the_log_and_its_caller_and_nobody_else(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    root = server.namespace("/chat")

    @root.on("say")
    async def say(socket: Socket, text: str) -> None:
        raise RuntimeError("the password is tiger")

    ann, bob = await entered(server, "ann", "/chat"), await entered(server, "bob", "/chat")
    written = len(bob.wire.written)
    ann.say(Call(1, "/chat", "say", ["x"]))
    await settle()

    [failed] = ann.read()
    assert isinstance(failed, Failed)
    assert (failed.code, failed.message) == ("error", "the handler failed")
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "'say'" in record.getMessage() and "'/chat'" in record.getMessage()
    assert failed.data["id"] in record.getMessage()
    assert record.exc_info is not None and "tiger" in caplog.text
    assert "tiger" not in repr(failed)
    assert len(bob.wire.written) == written


async def test_after_an_exception_the_next_event_is_handled(server: Server) -> None:
    root, handled = server.namespace("/"), []

    @root.on("say")
    async def say(socket: Socket, text: str) -> None:
        handled.append(text)
        raise RuntimeError(text)

    ann = await entered(server)
    ann.emit("say", "a")
    ann.emit("say", "b")
    await settle()

    assert handled == ["a", "b"]
    assert ann.read() == []


async def test_the_log_names_the_event_that_a_catch_all_failed_at(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    @server.namespace("/").on("*")
    async def anything(socket: Socket, event: str) -> None:
        raise RuntimeError

    ann = await entered(server)
    ann.emit("evil\nINFO all is well")
    await settle()

    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "evil\\nINFO" in record.getMessage()


async def test_a_handler_may_tell_its_caller_what_went_wrong(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    @server.namespace("/").on("buy")
    async def buy(socket: Socket) -> None:
        raise CallFailed("sold_out", "try tomorrow", {"next": Point(1)})

    ann = await entered(server)
    ann.say(Call(1, "/", "buy", []))
    await settle()

    assert ann.read() == [Failed(1, "sold_out", "try tomorrow", {"next": {"x": 1, "y": 0}})]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize(
    "error",
    [CallFailed("code", "text", object()), CallFailed("\ud800"), CallFailed(404)],  # type: ignore[arg-type]  # users do
)
async def test_an_error_that_cannot_travel_is_told_as_a_generic_one(
    server: Server, error: CallFailed, caplog: pytest.LogCaptureFixture
) -> None:
    @server.namespace("/").on("buy")
    async def buy(socket: Socket) -> None:
        raise error

    ann = await entered(server)
    ann.say(Call(1, "/", "buy", []), Call(2, "/", "unknown", []))
    await settle()

    generic, alive = ann.read()
    assert isinstance(generic, Failed) and generic.code == "error" and generic.data["id"] in caplog.text
    assert isinstance(alive, Failed) and alive.code == "unknown_event"


async def test_a_reply_that_cannot_travel_is_the_handlers_failure(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    @server.namespace("/").on("get")
    async def get(socket: Socket) -> Any:
        return {"when": {1, 2}}

    ann = await entered(server)
    ann.say(Call(1, "/", "get", []))
    await settle()

    [failed] = ann.read()
    assert isinstance(failed, Failed) and failed.code == "error"
    assert "the reply of handler 'get'['when']" in caplog.text


async def test_a_task_that_was_cancelled_under_a_handler_ends_that_handler_only(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    root, handled = server.namespace("/"), []

    @root.on("wait")
    async def wait(socket: Socket) -> None:
        other = asyncio.create_task(asyncio.sleep(1000))
        other.cancel()
        await other

    @root.on("say")
    async def say(socket: Socket) -> None:
        handled.append("said")

    ann = await entered(server)
    ann.say(Call(1, "/", "wait", []), Event("/", "say", []))
    await settle()

    [failed] = ann.read()
    assert isinstance(failed, Failed) and failed.code == "error"
    assert handled == ["said"]
    assert "'wait'" in caplog.text


async def test_a_call_of_the_handler_that_has_no_answer_is_no_fault_of_the_handler(
    server: Server, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    root, outcome = server.namespace("/"), []

    @root.on("ask")
    async def ask(socket: Socket) -> None:
        try:
            await socket.call("riddle", timeout=3)
        except CallTimeout as error:
            outcome.append(error)
            raise

    ann = await entered(server)
    ann.say(Call(1, "/", "ask", []))
    await settle()
    server.tick(clock.advance(4))
    await settle()

    assert len(outcome) == 1
    assert [packet.code for packet in ann.read() if isinstance(packet, Failed)] == ["error"]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_what_a_handler_tells_when_nobody_asked_is_a_warning(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    @server.namespace("/").on("buy")
    async def buy(socket: Socket) -> None:
        raise CallFailed("sold_out")

    ann = await entered(server)
    ann.emit("buy")
    await settle()

    assert ann.read() == []
    assert [(record.levelno, record.exc_info) for record in caplog.records] == [(logging.WARNING, None)]


@pytest.mark.parametrize("concurrent", [False, True])
async def test_a_mismatch_of_a_catch_all_or_a_concurrent_handler_is_answered_as_well(
    server: Server, concurrent: bool
) -> None:
    async def handler(socket: Socket, *args: int) -> None: ...

    async def catch_all(socket: Socket, event: str, *args: int) -> None: ...

    root = server.namespace("/")
    if concurrent:
        root.on("sum", concurrent=True)(handler)
    else:
        root.on("*")(catch_all)
    ann = await entered(server)
    ann.say(Call(1, "/", "sum", [1, 2, "three"]))
    await settle()

    [failed] = ann.read()
    assert isinstance(failed, Failed) and failed.code == "payload" and failed.data["expected"] == "int"
