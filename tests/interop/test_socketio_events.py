"""Events of socket.io-client and to it: every value that JSON can say, in the order in which they were emitted."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon import Server, Socket
from tests.hosts.rig import Site, until
from tests.interop.clients import UNDEFINED, js
from tests.interop.site import Io, only

MANY = 500
VALUES = [
    pytest.param([], id="nothing"),
    pytest.param([1, "two", None, True, False, [], {}], id="one of each"),
    pytest.param(["\u00fcber \u65e5\u672c \U0001f468\u200d\U0001f469\u200d\U0001f467 \U00010348"], id="unicode"),
    pytest.param(['quote" back\\slash \x1e \x00 \u2028 \r\n'], id="characters with a meaning"),
    pytest.param([{"a": {"b": [{"c": [[[]]]}]}}], id="nested"),
    pytest.param([0, -1, 1.5, -0.25, 1e-7, 2**31, 2**53 - 1, -(2**53) + 1], id="numbers"),
    pytest.param([1.7976931348623157e308, 5e-324], id="the largest and the smallest number"),
    pytest.param([None, [None], {"null": None}], id="null"),
    pytest.param(["", {"": ""}], id="empty"),
    pytest.param([{"_placeholder": False, "num": 1}], id="nearly a placeholder"),
    pytest.param(list(range(100)), id="a hundred"),
    pytest.param(["x" * 200_000], id="200 KB"),
]


@pytest.mark.parametrize("args", VALUES)
async def test_a_client_says(io: Io, site: Site, heard: list[Any], args: list[Any]) -> None:
    client = await io.connect(site, "/chat")

    client.emit("note", *args)

    await until(lambda: heard == [("note", *args)])


@pytest.mark.parametrize("args", VALUES)
async def test_a_client_is_told(io: Io, site: Site, args: list[Any]) -> None:
    client = await io.connect(site)

    await only(site.server).emit("told", *args)

    assert await client.event() == ("told", *args)


@pytest.mark.parametrize("event", ["message", "error", "\u65e5\u672c", "with space", "a,b", "/", "0", "x" * 100])
async def test_an_event_has_any_name(io: Io, site: Site, server: Server, event: str) -> None:
    @server.namespace("/").on(event)
    async def handler(socket: Socket, *args: Any) -> None:
        await socket.emit(event, "heard", *args)

    client = await io.connect(site)

    client.emit(event, 1)

    assert await client.event() == (event, "heard", 1)


async def test_a_date_arrives_as_its_text(io: Io, site: Site, heard: list[Any]) -> None:
    client = await io.connect(site, "/chat")

    client.emit("note", js("Date", "2024-02-29T12:34:56.789Z"))

    await until(lambda: heard == [("note", "2024-02-29T12:34:56.789Z")])


async def test_what_javascript_cannot_spell_arrives_as_null_or_not_at_all(io: Io, site: Site, heard: list[Any]) -> None:
    client = await io.connect(site, "/chat")

    client.emit("note", UNDEFINED, [UNDEFINED, 1], {"gone": UNDEFINED, "here": 1}, js("NaN"))

    await until(lambda: heard == [("note", None, [None, 1], {"here": 1}, None)])


@pytest.mark.parametrize("number", [2.0**53, 2.0**60, 2.0**63, 2.0**64, 1e20, -1e20, 1e21])
async def test_a_number_beyond_all_integers_of_javascript_arrives(
    io: Io, site: Site, heard: list[Any], number: float
) -> None:
    client = await io.connect(site, "/chat")

    client.emit("note", number)

    # JavaScript spells it as an integer that is not quite the same, and means that number by it.
    await until(lambda: heard != [])
    assert [float(value) for _, value in heard] == [number]


async def test_what_a_client_says_comes_in_its_order(io: Io, site: Site, heard: list[Any]) -> None:
    client = await io.connect(site, "/chat")

    client.count("note", MANY)

    await until(lambda: len(heard) == MANY)
    assert heard == [("note", number) for number in range(MANY)]


async def test_what_a_client_is_told_comes_in_its_order(io: Io, site: Site) -> None:
    client = await io.connect(site)
    socket = only(site.server)

    for number in range(MANY):
        await socket.emit("told", number)

    assert await client.events(MANY) == [("told", number) for number in range(MANY)]


async def test_both_talk_at_once_and_each_is_heard_in_its_order(io: Io, site: Site, heard: list[Any]) -> None:
    client = await io.connect(site, "/chat")
    socket = only(site.server, "/chat")

    client.count("note", MANY)
    for number in range(MANY):
        await socket.emit("told", number)

    assert await client.events(MANY) == [("told", number) for number in range(MANY)]
    await until(lambda: len(heard) == MANY)
    assert heard == [("note", number) for number in range(MANY)]


async def test_what_is_sent_back_comes_in_its_order(io: Io, site: Site) -> None:
    client = await io.connect(site)

    client.count("back", MANY, "x" * 100)

    assert await client.events(MANY) == [("back", number, "x" * 100) for number in range(MANY)]


async def test_namespaces_on_one_connection_do_not_hear_each_other(io: Io, site: Site, heard: list[Any]) -> None:
    root = await io.connect(site)
    chat = io.clients.beside(root, "/chat")
    await chat.connected()

    await site.server.namespace("/chat").emit("told", "chat")
    await site.server.namespace("/").emit("told", "root")

    assert await root.event() == ("told", "root")
    assert await chat.event() == ("told", "chat")
    assert await root.quiet() and await chat.quiet()


async def test_an_event_that_nobody_handles_disturbs_nobody(io: Io, site: Site) -> None:
    client = await io.connect(site)

    client.emit("unheard of", 1, b"bytes")

    assert await client.ask("echo", 1) == [1]


async def test_an_event_is_told_to_the_handler_for_all_others(io: Io, site: Site, server: Server) -> None:
    heard: list[Any] = []

    @server.namespace("/chat").on("*")
    async def rest(socket: Socket, event: str, *args: Any) -> None:
        heard.append((event, *args))

    client = await io.connect(site, "/chat")

    client.emit("unheard of", 1, {"two": 2})

    await until(lambda: heard == [("unheard of", 1, {"two": 2})])


async def test_a_handler_gets_what_its_annotations_say(io: Io, site: Site, server: Server) -> None:
    @server.namespace("/").on("typed")
    async def typed(socket: Socket, number: float, names: list[str], options: dict[str, int] | None = None) -> str:
        return f"{number:g} {names} {options}"

    client = await io.connect(site)

    assert await client.ask("typed", 1.5, ["a"]) == ["1.5 ['a'] None"]
    assert await client.ask("typed", 2, ["b", "c"], {"d": 4}) == ["2 ['b', 'c'] {'d': 4}"]
