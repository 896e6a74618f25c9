"""Middleware around events that come: what it may change, refuse and delay, and what it may not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from antiphon import (
    Arriving,
    CallFailed,
    Incoming,
    Namespace,
    Refused,
    Server,
    Socket,
)
from antiphon.dispatch.middleware import Proceed
from antiphon.protocol.packets import (
    Call,
    Cancel,
    Credit,
    End,
    Event,
    Failed,
    Item,
    Join,
    Reply,
    Volatile,
)
from antiphon.protocol.packets import Refused as RefusedPacket
from tests.server.asking import answers, errors
from tests.server.peer import entered, settle


@pytest.fixture
def heard() -> list[Any]:
    return []


@pytest.fixture
def root(server: Server) -> Namespace:
    return server.namespace("/")


async def test_it_is_given_the_event_as_it_came(server: Server, root: Namespace, heard: list[Any]) -> None:
    @root.around_event
    async def watch(incoming: Incoming, proceed: Proceed) -> Any:
        heard.append((incoming.socket, incoming.name, incoming.args, incoming.kind))
        return await proceed(incoming)

    root.on("say")(lambda socket, *args: "said")
    ann = await entered(server)
    [socket] = root.sockets

    told = await answers(ann, Event("/", "say", [1]), Call(1, "/", "say", []), Volatile("/", "say", ["a", {"x": 1}]))

    assert told == [Reply(1, "said")]
    assert heard == [
        (socket, "say", (1,), "event"),
        (socket, "say", (), "call"),
        (socket, "say", ("a", {"x": 1}), "volatile"),
    ]


async def test_that_of_the_server_is_outermost_and_those_of_one_stand_in_their_order(
    server: Server, root: Namespace, heard: list[Any]
) -> None:
    def layer(name: str) -> Any:
        async def around(incoming: Incoming, proceed: Proceed) -> Any:
            heard.append(name)
            return f"{name}({await proceed(incoming)})"

        return around

    root.around_event(layer("b1"))
    server.around_event(layer("a1"))
    root.around_event(layer("b2"))
    server.around_event(layer("a2"))
    root.on("ask")(lambda socket: "answer")
    other = server.namespace("/other")
    other.on("ask")(lambda socket: "other")
    ann = await entered(server, "ann", "/", "/other")

    told = await answers(ann, Call(1, "/", "ask", []), Call(2, "/other", "ask", []))

    assert told == [Reply(1, "a1(a2(b1(b2(answer))))"), Reply(2, "a1(a2(other))")]
    assert heard == ["a1", "a2", "b1", "b2", "a1", "a2"]


async def test_it_may_change_what_the_handler_is_given(server: Server, root: Namespace) -> None:
    @root.around_event
    async def add(incoming: Incoming, proceed: Proceed) -> Any:
        return await proceed(replace(incoming, args=(*incoming.args, 10)))

    root.on("sum")(lambda socket, *numbers: sum(numbers))
    ann = await entered(server)

    assert await answers(ann, Call(1, "/", "sum", [1, 2])) == [Reply(1, 13)]


async def test_a_changed_name_is_looked_up_anew(server: Server, root: Namespace, heard: list[Any]) -> None:
    @root.around_event
    async def rename(incoming: Incoming, proceed: Proceed) -> Any:
        return await proceed(replace(incoming, name=incoming.name.removeprefix("old:")))

    @root.on("say")
    async def say(socket: Socket, text: str) -> str:
        return text

    root.on("say")(lambda socket, text: heard.append(text))
    root.on("*")(lambda socket, event: f"catch-all of {event}")
    ann = await entered(server)

    told = await answers(ann, Call(1, "/", "old:say", ["a"]), Call(2, "/", "old:what", []))

    assert told == [Reply(1, "a"), Reply(2, "catch-all of what")]
    assert heard == ["a"]


async def test_what_it_returns_is_the_answer(server: Server, root: Namespace, heard: list[Any]) -> None:
    @root.around_event
    async def cache(incoming: Incoming, proceed: Proceed) -> Any:
        return "from the cache"

    root.on("ask")(lambda socket: heard.append("asked"))
    root.on("ask")(lambda socket: heard.append("second"))
    ann = await entered(server)

    assert await answers(ann, Call(1, "/", "ask", [])) == [Reply(1, "from the cache")]
    assert heard == []


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Refused("slower", {"after": 3}), Failed(1, "refused", "slower", {"after": 3})),
        (CallFailed("limit", "slower"), Failed(1, "limit", "slower")),
    ],
    ids=["Refused", "CallFailed"],
)
async def test_it_may_refuse(
    server: Server, root: Namespace, error: Exception, told: Failed, caplog: pytest.LogCaptureFixture
) -> None:
    @server.around_event
    async def limit(incoming: Incoming, proceed: Proceed) -> Any:
        raise error

    root.on("say")(lambda socket: "said")
    ann = await entered(server)

    assert await answers(ann, Call(1, "/", "say", []), Event("/", "say", [])) == [told]
    assert errors(caplog) == []


async def test_it_may_delay_and_order_is_kept(server: Server, root: Namespace, heard: list[Any]) -> None:
    door = asyncio.Event()

    @root.around_event
    async def wait(incoming: Incoming, proceed: Proceed) -> Any:
        if incoming.name == "slow":
            await door.wait()
        return await proceed(incoming)

    root.on("*")(lambda socket, event: heard.append(event))
    ann = await entered(server)
    ann.say(Event("/", "slow", []), Event("/", "fast", []))
    await settle()
    assert heard == []

    door.set()
    await settle()
    assert heard == ["slow", "fast"]


async def test_around_a_concurrent_handler_it_runs_beside_as_well(
    server: Server, root: Namespace, heard: list[Any]
) -> None:
    door = asyncio.Event()

    @root.around_event
    async def wait(incoming: Incoming, proceed: Proceed) -> Any:
        if incoming.name == "slow":
            await door.wait()
        return await proceed(incoming)

    root.on("slow", concurrent=True)(lambda socket: "slow")
    root.on("slow")(lambda socket: heard.append("behind slow"))
    root.on("fast")(lambda socket: heard.append("fast"))
    ann = await entered(server)
    ann.say(Call(1, "/", "slow", []), Event("/", "fast", []))
    await settle()
    assert heard == ["fast"]

    door.set()
    await settle()
    assert ann.read() == [Reply(1, "slow")]
    assert heard == ["fast", "behind slow"]


async def test_it_sees_what_the_handler_raised(server: Server, root: Namespace, heard: list[Any]) -> None:
    @root.around_event
    async def rescue(incoming: Incoming, proceed: Proceed) -> Any:
        try:
            return await proceed(incoming)
        except (LookupError, CallFailed) as error:
            heard.append(error)
            return "rescued"

    @root.on("say")
    async def say(socket: Socket, text: str) -> None:
        raise KeyError(text)

    ann = await entered(server)
    told = await answers(
        ann, Call(1, "/", "say", ["a"]), Call(2, "/", "say", [1]), Call(3, "/", "unknown", []), Event("/", "say", [1])
    )

    assert told == [Reply(number, "rescued") for number in (1, 2, 3)]
    assert [getattr(error, "code", "KeyError") for error in heard] == [
        "KeyError",
        "payload",
        "unknown_event",
        "payload",
    ]


async def test_without_interference_a_call_fails_as_without_middleware(
    server: Server, root: Namespace, caplog: pytest.LogCaptureFixture
) -> None:
    @root.around_event
    async def nothing(incoming: Incoming, proceed: Proceed) -> Any:
        return await proceed(incoming)

    @root.on("say")
    async def say(socket: Socket, text: str) -> None: ...

    ann = await entered(server)
    misfit, unknown = await answers(
        ann, Call(1, "/", "say", [1]), Event("/", "say", [1]), Call(2, "/", "unknown", []), Event("/", "unknown", [])
    )

    assert misfit == Failed(
        1,
        "payload",
        "handler 'say' of namespace '/' expects str for parameter 'text', but the event carried int",
        {"parameter": "text", "expected": "str"},
    )
    assert unknown == Failed(2, "unknown_event", "namespace '/' has no handler for 'unknown'")
    statistics = server.statistics()
    assert (statistics.misfits, statistics.unhandled) == (2, 2)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_an_exception_in_it_is_handled_as_one_of_the_handler(
    server: Server, root: Namespace, caplog: pytest.LogCaptureFixture
) -> None:
    @root.around_event
    async def broken(incoming: Incoming, proceed: Proceed) -> Any:
        raise RuntimeError("a secret")

    root.on("say")(lambda socket: "said")
    ann = await entered(server)

    [failed] = await answers(ann, Call(1, "/", "say", []))

    assert isinstance(failed, Failed) and (failed.code, failed.message) == ("error", "the handler failed")
    [error] = errors(caplog)
    assert failed.data["id"] in error
    assert "secret" not in str(failed)


async def test_handlers_behind_the_first_run_after_the_answer_with_what_was_made_of_the_event(
    server: Server, root: Namespace, heard: list[Any]
) -> None:
    @root.around_event
    async def upper(incoming: Incoming, proceed: Proceed) -> Any:
        answer = await proceed(replace(incoming, args=(incoming.args[0].upper(),)))
        heard.append("answered")
        return answer

    root.on("say")(lambda socket, text: heard.append(f"first {text}"))
    root.once("say")(lambda socket, text: heard.append(f"second {text}"))
    ann = await entered(server)

    await answers(ann, Event("/", "say", ["a"]), Event("/", "say", ["b"]))

    assert heard == ["first A", "answered", "second A", "first B", "answered"]


async def test_a_handler_that_runs_once_is_spent_when_it_is_proceeded_to(server: Server, root: Namespace) -> None:
    @root.around_event
    async def nothing(incoming: Incoming, proceed: Proceed) -> Any:
        return await proceed(incoming)

    root.once("say")(lambda socket: "once")
    ann = await entered(server)

    told = await answers(ann, Call(1, "/", "say", []), Call(2, "/", "say", []))

    assert told[0] == Reply(1, "once")
    assert isinstance(told[1], Failed) and told[1].code == "unknown_event"


async def test_who_is_told_of_everything_is_told_what_came_even_if_it_is_refused(
    server: Server, root: Namespace, heard: list[Any]
) -> None:
    @root.around_event
    async def refuse(incoming: Incoming, proceed: Proceed) -> Any:
        raise Refused("no")

    root.on_any(lambda socket, event: heard.append(event))
    ann = await entered(server)

    await answers(ann, Event("/", "say", []))

    assert heard == ["say"]


async def test_a_call_in_it_can_be_cancelled(server: Server, root: Namespace, heard: list[Any]) -> None:
    @root.around_event
    async def wait(incoming: Incoming, proceed: Proceed) -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            heard.append("cancelled")

    root.on("say")(lambda socket: "said")
    ann = await entered(server)
    ann.say(Call(1, "/", "say", []))
    await settle()

    assert await answers(ann, Cancel(1)) == []
    assert heard == ["cancelled"]


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (lambda incoming: None, "must proceed with the Incoming that it was given, or with dataclasses.replace"),
        (lambda incoming: Arriving(incoming.socket, None), "must proceed with the Incoming"),
        (lambda incoming: replace(incoming, kind="event"), "may not change 'kind' of an Incoming, only refuse it"),
        (lambda incoming: replace(incoming, socket=None), "may not change 'socket' of an Incoming"),
    ],
    ids=["nothing", "another record", "the kind", "the socket"],
)
async def test_what_it_may_not_change_is_a_mistake_that_the_log_names(
    server: Server, root: Namespace, wrong: Any, problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    @root.around_event
    async def mistaken(incoming: Incoming, proceed: Proceed) -> Any:
        return await proceed(wrong(incoming))

    root.on("say")(lambda socket: "said")
    ann = await entered(server)

    [failed] = await answers(ann, Call(1, "/", "say", []))

    assert isinstance(failed, Failed) and failed.code == "error"
    assert problem in caplog.text


# -- around handlers with streams


async def test_it_is_around_a_stream_and_may_put_another_in_its_place(server: Server, root: Namespace) -> None:
    @root.around_event
    async def double(incoming: Incoming, proceed: Proceed) -> Any:
        items = await proceed(replace(incoming, args=(incoming.args[0] + 1,)))
        return (2 * item async for item in items)

    @root.on("ticks")
    async def ticks(socket: Socket, count: int) -> AsyncIterator[int]:
        for number in range(count):
            yield number

    ann = await entered(server)

    told = await answers(ann, Call(1, "/", "ticks", [2], credit=10))

    assert told == [Item(1, 0, 0), Item(1, 0, 2), Item(1, 0, 4), End(1, 0)]


async def test_a_stream_that_nobody_reads_any_more_is_closed_through_it(
    server: Server, root: Namespace, heard: list[Any]
) -> None:
    @root.around_event
    async def nothing(incoming: Incoming, proceed: Proceed) -> Any:
        return await proceed(incoming)

    @root.on("ticks")
    async def ticks(socket: Socket) -> AsyncIterator[int]:
        try:
            while True:
                yield 1
        finally:
            heard.append("closed")

    ann = await entered(server)
    assert await answers(ann, Call(1, "/", "ticks", [], credit=1)) == [Item(1, 0, 1)]

    await answers(ann, Cancel(1))

    assert heard == ["closed"]


async def test_a_handler_behind_it_reads_the_stream_of_its_caller(server: Server, root: Namespace) -> None:
    @root.around_event
    async def nothing(incoming: Incoming, proceed: Proceed) -> Any:
        return await proceed(incoming)

    @root.on("sum")
    async def total(socket: Socket, start: int, numbers: AsyncIterator[int]) -> int:
        return start + sum([number async for number in numbers])

    ann = await entered(server)
    [credit] = await answers(ann, Call(1, "/", "sum", [10, None], streams=(2,)))
    assert isinstance(credit, Credit) and credit.stream == 2

    told = await answers(ann, Item(1, 2, 1), Item(1, 2, 2), End(1, 2))

    assert told == [Reply(1, 13)]


async def test_it_cannot_turn_a_call_into_a_stream(server: Server, root: Namespace) -> None:
    @root.around_event
    async def rename(incoming: Incoming, proceed: Proceed) -> Any:
        return await proceed(replace(incoming, name="ticks"))

    @root.on("ticks")
    async def ticks(socket: Socket) -> AsyncIterator[int]:
        yield 1

    root.on("ask")(lambda socket: "answer")
    ann = await entered(server)

    [failed] = await answers(ann, Call(1, "/", "ask", []))

    assert isinstance(failed, Failed) and failed.code == "not_a_stream"


# -- registering


def test_a_record_cannot_be_changed_in_place(server: Server, root: Namespace) -> None:
    incoming = Incoming(None, "say", (), "event")  # type: ignore[arg-type]  # no socket is needed for this

    with pytest.raises(AttributeError):
        incoming.name = "tell"  # type: ignore[misc]  # the mistake under test


@pytest.mark.parametrize("place", ["around_connect", "around_event", "around_emit"])
def test_registering_gives_the_function_back_and_refuses_what_is_not_async(
    server: Server, root: Namespace, place: str
) -> None:
    async def nothing(record: Any, proceed: Proceed) -> Any: ...

    for owner in (server, root):
        assert getattr(owner, place)(nothing) is nothing
    with pytest.raises(TypeError, match=rf"^the middleware {place} of namespace '/' .* make it async def$"):
        getattr(root, place)(lambda record, proceed: None)


async def test_what_is_registered_later_is_around_what_is_in_use(server: Server, root: Namespace) -> None:
    root.on("ask")(lambda socket: "answer")
    ann = await entered(server)
    assert await answers(ann, Call(1, "/", "ask", [])) == [Reply(1, "answer")]

    @server.around_event
    async def around(incoming: Incoming, proceed: Proceed) -> Any:
        return f"<{await proceed(incoming)}>"

    assert await answers(ann, Call(2, "/", "ask", [])) == [Reply(2, "<answer>")]
    assert await answers(ann, Join("/nowhere")) == [RefusedPacket("/nowhere", "there is no namespace '/nowhere'")]
