"""Several handlers of one event, those that run once, and those of an object."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

import antiphon
from antiphon import CallFailed, Refused, Server, Socket
from antiphon.protocol.packets import Call, Close, End, Event, Failed, Item, Reply, Volatile
from tests.server.asking import errors
from tests.server.peer import entered, settle


@pytest.fixture
def heard() -> list[Any]:
    return []


# -- several handlers of one event


async def test_all_handlers_of_an_event_run_in_the_order_of_their_registration(
    server: Server, heard: list[Any]
) -> None:
    root = server.namespace("/")

    @root.on("say")
    async def slow(socket: Socket, text: str) -> None:
        await asyncio.sleep(0)
        heard.append(("slow", text))

    root.on("say")(lambda socket, text: heard.append(("plain", text)))
    root.on("say")(lambda socket, *rest: heard.append(("rest", *rest)))
    ann = await entered(server)

    ann.say(Event("/", "say", ["a"]), Volatile("/", "say", ["b"]))
    await settle()

    assert heard == [(name, text) for text in "ab" for name in ("slow", "plain", "rest")]


async def test_of_a_call_the_first_handler_answers_and_the_others_run_after_the_answer(
    server: Server, heard: list[Any]
) -> None:
    root, door = server.namespace("/"), asyncio.Event()
    root.on("ask")(lambda socket: "first")

    @root.on("ask")
    async def second(socket: Socket) -> str:
        await door.wait()
        heard.append("second")
        return "second"

    ann = await entered(server)
    ann.say(Call(1, "/", "ask", []))
    await settle()
    assert ann.read() == [Reply(1, "first")]

    door.set()
    await settle()
    assert heard == ["second"]
    assert ann.read() == []


@pytest.mark.parametrize("error", [RuntimeError("broken"), CallFailed("sold_out"), Refused("no")])
async def test_an_exception_in_one_handler_keeps_no_other_from_running(
    server: Server, heard: list[Any], error: Exception
) -> None:
    root = server.namespace("/")

    def broken(socket: Socket) -> None:
        raise error

    for handler in (broken, lambda socket: heard.append("second"), broken, lambda socket: heard.append("last")):
        root.on("say")(handler)
    ann = await entered(server)

    ann.say(Event("/", "say", []), Call(1, "/", "say", []))
    await settle()

    assert heard == ["second", "last"] * 2
    [failed] = ann.read()
    assert isinstance(failed, Failed)


async def test_arguments_that_do_not_fit_one_handler_may_fit_another(server: Server, heard: list[Any]) -> None:
    root = server.namespace("/")

    @root.on("say")
    async def number(socket: Socket, number: int) -> None:
        heard.append(number)

    @root.on("say")
    async def text(socket: Socket, text: str) -> None:
        heard.append(text)

    ann = await entered(server)
    ann.say(Call(1, "/", "say", ["a"]), Call(2, "/", "say", [3]))
    await settle()

    first, second = ann.read()
    assert isinstance(first, Failed) and first.code == "payload"
    assert second == Reply(2, None)
    assert heard == ["a", 3]


async def test_a_concurrent_handler_among_others_holds_nobody_back(server: Server, heard: list[Any]) -> None:
    root, door = server.namespace("/"), asyncio.Event()

    @root.on("ask", concurrent=True)
    async def slow(socket: Socket) -> str:
        await door.wait()
        return "slow"

    root.on("ask")(lambda socket: heard.append("beside"))
    ann = await entered(server)
    ann.say(Call(1, "/", "ask", []), Event("/", "ask", []))
    await settle()
    assert heard == ["beside", "beside"]

    door.set()
    await settle()
    assert ann.read() == [Reply(1, "slow")]


async def test_a_handler_behind_one_that_streams_is_told_of_the_call(server: Server, heard: list[Any]) -> None:
    root = server.namespace("/")

    @root.on("ticks")
    async def ticks(socket: Socket, count: int) -> AsyncIterator[int]:
        for number in range(count):
            yield number

    root.on("ticks")(lambda socket, count: heard.append(count))
    ann = await entered(server)
    ann.say(Call(1, "/", "ticks", [2], credit=10))
    await settle()

    assert ann.read() == [Item(1, 0, 0), Item(1, 0, 1), End(1, 0)]
    assert heard == [2]


async def test_a_handler_that_was_taken_out_runs_no_more(server: Server, heard: list[Any]) -> None:
    root = server.namespace("/")

    def say(socket: Socket, text: str) -> None:
        heard.append(text)

    root.on("say")(say)
    root.on("tell")(say)
    ann = await entered(server)
    root.off("say", say)
    root.off("tell")
    ann.say(Event("/", "say", ["a"]), Call(1, "/", "tell", ["b"]))
    await settle()

    [failed] = ann.read()
    assert isinstance(failed, Failed) and failed.code == "unknown_event"
    assert heard == []


async def test_a_handler_may_take_itself_out_and_the_others_still_run(server: Server, heard: list[Any]) -> None:
    root = server.namespace("/")

    @root.on("say")
    def leaving(socket: Socket) -> None:
        heard.append("leaving")
        root.off("say", leaving)

    root.on("say")(lambda socket: heard.append("staying"))
    ann = await entered(server)
    ann.say(Event("/", "say", []), Event("/", "say", []))
    await settle()

    assert heard == ["leaving", "staying", "staying"]


# -- once


async def test_a_handler_that_runs_once_takes_the_next_event_only(server: Server, heard: list[Any]) -> None:
    root = server.namespace("/")
    root.once("say")(lambda socket, text: heard.append(("once", text)))
    root.on("say")(lambda socket, text: heard.append(("always", text)))
    ann, bob = await entered(server, "ann"), await entered(server, "bob")

    ann.emit("say", "a")
    bob.emit("say", "b")
    await settle()

    assert heard == [("once", "a"), ("always", "a"), ("always", "b")]


async def test_two_sockets_at_once_run_it_once(server: Server, heard: list[Any]) -> None:
    root, door = server.namespace("/"), asyncio.Event()

    @root.on("say")
    async def slow(socket: Socket) -> None:
        await door.wait()

    root.once("say")(lambda socket: heard.append("once"))
    for name in ("ann", "bob"):
        (await entered(server, name)).emit("say")
    await settle()
    door.set()
    await settle()

    assert heard == ["once"]


async def test_an_event_that_does_not_fit_does_not_spend_it(server: Server, heard: list[Any]) -> None:
    @server.namespace("/").once("say")
    async def say(socket: Socket, text: str) -> str:
        heard.append(text)
        return text

    ann = await entered(server)
    ann.say(Call(1, "/", "say", [1]), Call(2, "/", "say", ["a"]), Call(3, "/", "say", ["b"]))
    await settle()

    assert [type(packet) for packet in ann.read()] == [Failed, Reply, Failed]
    assert heard == ["a"]


# -- for what has no handler


async def test_a_catch_all_takes_what_has_no_handler_and_can_answer(server: Server) -> None:
    root = server.namespace("/")
    root.on("known")(lambda socket: "known")
    root.on("*")(lambda socket, event, *args: [event, *args])
    ann = await entered(server)

    ann.say(Call(1, "/", "known", []), Call(2, "/", "other", [1]))
    await settle()

    assert ann.read() == [Reply(1, "known"), Reply(2, ["other", 1])]


# -- refusing


async def test_a_handler_refuses_as_a_connect_handler_does(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    @server.namespace("/").on("buy")
    async def buy(socket: Socket) -> None:
        raise Refused("sold out", {"next": 1})

    ann = await entered(server)
    ann.say(Call(1, "/", "buy", []), Event("/", "buy", []))
    await settle()

    assert ann.read() == [Failed(1, "refused", "sold out", {"next": 1})]
    assert errors(caplog) == []


# -- objects


class Chat:
    """A namespace as a class."""

    def __init__(self, heard: list[Any]) -> None:
        self.heard = heard

    @antiphon.on_connect
    async def enter(self, socket: Socket, auth: Any) -> None:
        self.heard.append(f"enter {auth}")

    @antiphon.on("say")
    async def say(self, socket: Socket, text: str) -> str:
        return text

    @antiphon.once("hello", concurrent=True)
    async def hello(self, socket: Socket) -> str:
        return "once"

    @antiphon.on_any
    async def log(self, socket: Socket, event: str, *args: Any) -> None:
        self.heard.append(event)

    @antiphon.on_any_outgoing
    def log_outgoing(self, event: str, *args: Any) -> None:
        self.heard.append(f"{event} goes out")

    @antiphon.on_disconnect
    async def leave(self, socket: Socket, reason: str) -> None:
        self.heard.append(f"leave {reason}")


class Loud(Chat):
    """What it overrides takes the place of that."""

    async def say(self, socket: Socket, text: str) -> str:
        return (await super().say(socket, text)).upper()


async def test_a_namespace_includes_the_handlers_of_an_object(server: Server, heard: list[Any]) -> None:
    root = server.namespace("/")
    chat = Loud(heard)

    assert root.include(chat) is chat
    ann = await entered(server, "ann", ("/", "secret"))
    ann.say(
        Call(1, "/", "say", ["hello"]), Call(2, "/", "hello", []), Call(3, "/", "hello", []), Call(4, "/", "say", [5])
    )
    await settle()
    await root.emit("news")
    ann.say(Close("closed"))
    await settle()

    answers = {packet.id: packet for packet in ann.read() if isinstance(packet, Reply | Failed)}
    assert (answers[1], answers[2]) == (Reply(1, "HELLO"), Reply(2, "once"))
    assert [type(answers[call]) for call in (3, 4)] == [Failed, Failed]
    assert heard == ["enter secret", "say", "hello", "hello", "say", "news goes out", "leave closed"]
