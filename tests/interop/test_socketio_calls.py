"""The server asks socket.io-clients: one or a whole room, and some of them never answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from antiphon import CallAbandoned, CallNotSent, CallTimeout, Server, Socket
from tests.hosts.rig import Site
from tests.interop.clients import Clients
from tests.interop.site import Io, only

# Long enough for what may still come, short enough to wait for.
SOON = 0.1


@pytest.mark.parametrize(
    ("values", "answer"),
    [
        pytest.param(["yes"], "yes", id="one value"),
        pytest.param([], None, id="none"),
        pytest.param([None], None, id="null"),
        pytest.param([[1, 2]], [1, 2], id="an array"),
        pytest.param([{"a": {"b": 1.5}}], {"a": {"b": 1.5}}, id="an object"),
        pytest.param([b"\x00\xff"], b"\x00\xff", id="bytes"),
        pytest.param([{"a": [b"", "text", b"\x01"]}], {"a": [b"", "text", b"\x01"]}, id="bytes within"),
        pytest.param(["x" * 200_000], "x" * 200_000, id="200 KB"),
    ],
)
async def test_a_client_answers(io: Io, site: Site, values: list[Any], answer: Any) -> None:
    client = await io.connect(site)
    await client.answer("sure?", *values)

    assert await only(site.server).call("sure?", timeout=5) == answer


async def test_a_client_that_answers_with_several_values_gives_a_list(io: Io, site: Site) -> None:
    client = await io.connect(site)
    await client.answer("sure?", 1, b"2", {"three": 3})

    assert await only(site.server).call("sure?", timeout=5) == [1, b"2", {"three": 3}]


async def test_a_client_is_asked_with_values_of_every_kind(io: Io, site: Site) -> None:
    client = await io.connect(site)
    args = [1, "two", None, {"bytes": b"\x00", "list": [b"", 1.5]}, "\U0001f600"]

    assert await only(site.server).call("sure?", *args, timeout=5) == args
    assert await client.event() == ("sure?", *args)


async def test_a_client_that_never_answers_is_given_up(io: Io, site: Site) -> None:
    client = await io.connect(site)
    await client.withhold("sure?")

    with pytest.raises(CallTimeout):
        await only(site.server).call("sure?", timeout=SOON)

    assert await client.ask("where") == ["/"]


async def test_an_answer_that_comes_too_late_disturbs_nobody(io: Io, site: Site) -> None:
    client = await io.connect(site)
    await client.withhold("sure?")
    with pytest.raises(CallTimeout):
        await only(site.server).call("sure?", timeout=SOON)

    for number in range(10):  # it is one of these
        client.do("say", message=f'3{number}["late"]')

    assert await client.ask("where") == ["/"]
    assert await only(site.server).call("now?", timeout=5) is None


async def test_calls_are_answered_each_with_its_own(io: Io, site: Site) -> None:
    await io.connect(site)
    socket = only(site.server)

    answers = await asyncio.gather(*(socket.call("echo", number, timeout=5) for number in range(100)))

    assert answers == list(range(100))


async def test_an_event_before_a_call_comes_before_it(io: Io, site: Site) -> None:
    client = await io.connect(site)
    socket = only(site.server)

    await socket.emit("first")
    await socket.call("second", timeout=5)
    await socket.emit("third")

    assert await client.events(3) == [("first",), ("second",), ("third",)]


async def test_a_call_under_way_is_abandoned_when_the_client_leaves(io: Io, site: Site) -> None:
    client = await io.connect(site)
    await client.withhold("sure?")
    asking = asyncio.create_task(only(site.server).call("sure?", timeout=60))
    await client.event()

    client.disconnect()

    with pytest.raises(CallAbandoned):
        await asking


async def test_a_call_under_way_is_abandoned_when_the_client_leaves_that_namespace(io: Io, site: Site) -> None:
    root = await io.connect(site)
    chat = io.clients.beside(root, "/chat")
    await chat.connected()
    await chat.withhold("sure?")
    asking = asyncio.create_task(only(site.server, "/chat").call("sure?", timeout=2))
    await chat.event()

    chat.disconnect()

    with pytest.raises(CallAbandoned):
        await asking
    assert await root.ask("where") == ["/"]


async def test_a_client_that_is_gone_cannot_be_asked(io: Io, site: Site) -> None:
    client = await io.connect(site)
    socket = only(site.server)
    await socket.disconnect()
    assert await client.disconnected() == "io server disconnect"

    with pytest.raises(CallNotSent):
        await socket.call("sure?", timeout=5)


async def test_everybody_of_a_room_is_asked_over_every_transport(clients: Clients, site: Site, server: Server) -> None:
    members = [clients.open(site.origin, wire) for wire in ("polling", "websocket", "upgrade")]
    for number, member in enumerate(members):
        await member.connected()
        await member.answer("vote", f"vote {number}")

    replies = await server.namespace("/").call("vote", b"for whom?", timeout=5)

    assert {socket.id: value for socket, value in replies.values.items()} == {
        member.sid: f"vote {number}" for number, member in enumerate(members)
    }
    assert replies.errors == {}


async def test_those_of_a_room_who_do_not_answer_are_missing(io: Io, site: Site, server: Server) -> None:
    quick, silent, outside = [await io.connect(site) for _ in range(3)]
    for member in (quick, silent):
        assert await member.ask("join", "room") == []
    await silent.withhold("vote")

    replies = await server.namespace("/").to("room").call("vote", "yes", timeout=SOON)

    assert [(socket.id, value) for socket, value in replies.values.items()] == [(quick.sid, "yes")]
    assert {socket.id for socket in replies.missing} == {silent.sid}
    assert await outside.quiet()


async def test_answers_of_a_room_are_read_as_they_come(io: Io, site: Site, server: Server) -> None:
    members = [await io.connect(site) for _ in range(3)]

    outcomes = [(socket.id, value) async for socket, value in server.namespace("/").replies("vote", 1, timeout=5)]

    assert sorted(outcomes) == sorted((member.sid, 1) for member in members)


async def test_a_handler_asks_another_client(io: Io, site: Site, server: Server) -> None:
    @server.namespace("/").on("challenge")
    async def challenge(socket: Socket, id: str) -> Any:
        other = server.namespace("/").socket(id)
        assert other is not None
        return await other.call("accept?", timeout=5)

    ann, bob = await io.connect(site), await io.connect(site)
    await bob.answer("accept?", "gladly")

    assert await ann.ask("challenge", bob.sid) == ["gladly"]
