"""Who may say what: no packet joins a room, speaks for another, or answers what somebody else was asked."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import pytest

from antiphon import Limits, Server, Socket
from antiphon.protocol.packets import (
    Call,
    Cancel,
    Credit,
    End,
    Event,
    Failed,
    Item,
    Joined,
    Leave,
    Packet,
    Refused,
    Renew,
    Reply,
    Volatile,
    Welcome,
)
from antiphon.server.line import Line
from tests.hosts.rig import raw
from tests.server.peer import Peer, entered, serving, settle


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(Joined("/", "another's id"), id="let itself in"),
        pytest.param(Joined("/staff", "x"), id="let itself into another namespace"),
        pytest.param(Refused("/", "no"), id="refuse the server"),
        pytest.param(Reply(1, "x"), id="answer what nobody asked"),
        pytest.param(Failed(2**53 - 1, "error"), id="fail what nobody asked"),
        pytest.param(Cancel(7), id="cancel what nobody called"),
        pytest.param(Item(1, 0, "x"), id="an item of a stream that nobody reads"),
        pytest.param(End(1, 3), id="the end of one"),
        pytest.param(Credit(1, 0, 2**53 - 1), id="credit for one that nobody writes"),
        pytest.param(Renew({"admin": True}), id="credentials that nobody asks for"),
    ],
)
async def test_what_only_a_server_says_changes_nothing_when_a_client_says_it(server: Server, packet: Packet) -> None:
    server.namespace("/staff")
    eve, ann = await entered(server, "eve"), await entered(server, "ann")

    eve.say(packet)
    await settle()

    assert server.namespace("/").count() == 2 and server.namespace("/staff").count() == 0
    assert ann.read() == []
    eve.say(Call(1, "/", "nobody", []))
    await settle()
    assert [type(packet) for packet in eve.read()] == [Failed], "its session goes on"


async def test_no_field_of_an_event_says_to_whom_or_from_whom(server: Server) -> None:
    root, seen = server.namespace("/"), list[tuple[str, frozenset[str], tuple[Any, ...]]]()

    @root.on("say")
    async def say(socket: Socket, *args: Any) -> None:
        seen.append((socket.id, socket.rooms, args))

    ann = await entered(server, "ann")
    [hers] = root.sockets
    eve = await entered(server, "eve")
    [mine] = [socket for socket in root.sockets if socket is not hers]
    await hers.join("private")
    forged = {"room": "private", "to": hers.id, "from": hers.id, "sid": hers.id, "except": mine.id}

    eve.wire.received(raw(1, 1, [5, "/", "say", [forged], False, "private", hers.id, forged]))
    await settle()

    assert seen == [(mine.id, frozenset(), (forged,))]
    assert ann.read() == []


@pytest.mark.parametrize("name", ["join", "leave", "room", "to", "broadcast", "emit", "disconnect", "connect", "close"])
async def test_no_event_is_a_command(server: Server, name: str) -> None:
    server.namespace("/staff")
    eve, ann = await entered(server, "eve"), await entered(server, "ann")

    eve.say(Event("/", name, ["private", "/staff"]), Call(1, "/", name, ["private"]))
    await settle()

    [failed] = eve.read()
    assert isinstance(failed, Failed) and failed.code == "unknown_event"
    assert server.statistics().rooms == 0 and server.namespace("/staff").count() == 0
    assert ann.read() == []


async def test_in_a_namespace_that_did_not_let_it_in_a_client_says_nothing(server: Server) -> None:
    staff, heard = server.namespace("/staff"), list[str]()

    @staff.on("*")
    async def anything(socket: Socket, event: str, *args: Any) -> None:
        heard.append(event)

    eve = await entered(server, "eve")
    eve.say(Event("/staff", "fire", ["ann"]), Call(1, "/staff", "fire", ["ann"]), Leave("/staff"))
    await settle()

    assert heard == []
    assert [type(packet) for packet in eve.read()] == [Failed]


async def test_what_somebody_else_was_asked_cannot_be_answered(server: Server) -> None:
    root = server.namespace("/")
    ann = await entered(server, "ann")
    [hers] = root.sockets
    eve = await entered(server, "eve")
    asking = asyncio.create_task(hers.call("password", timeout=5))
    await settle()
    [call] = ann.read()
    assert isinstance(call, Call)

    eve.say(Reply(call.id, "forged"), Failed(call.id, "error"), Cancel(call.id), End(call.id, 0), Item(call.id, 0, "x"))
    await settle()
    assert not asking.done()
    ann.say(Reply(call.id, "hers"))

    assert await asking == "hers"


async def test_a_call_of_one_client_cannot_be_cancelled_by_another(server: Server) -> None:
    root, go_on = server.namespace("/"), asyncio.Event()

    @root.on("work")
    async def work(socket: Socket) -> str:
        await go_on.wait()
        return "done"

    ann, eve = await entered(server, "ann"), await entered(server, "eve")
    ann.say(Call(1, "/", "work", []))
    await settle()
    eve.say(Cancel(1), Credit(1, 0, 0), End(1, 0))
    await settle()
    go_on.set()
    await settle()

    assert Reply(1, "done") in ann.read()


async def test_a_room_is_heard_by_who_was_let_into_it_only(server: Server) -> None:
    root = server.namespace("/")
    ann, eve = await entered(server, "ann"), Peer(server, "eve")
    [hers] = root.sockets
    await hers.join("private")
    assert isinstance(eve.attach("/", "/private", "private", ("/", {"room": "private"})), Welcome)
    await settle()

    await root.to("private").emit("secret", 42)
    await settle()

    assert ann.events() == [("secret", 42)]
    assert eve.events() == []


async def test_names_that_nobody_knows_leave_nothing_behind() -> None:
    async with serving(limits=Limits(rate=1e9)) as (server, _):
        eve = await entered(server, "eve")
        [line] = server.registry
        before = kept_by(line)

        for number in range(1, 2001):
            unknown = f"/n{number}"
            eve.say(Event("/", f"event {number}", []), Event(unknown, "x", []), Leave(unknown), Cancel(number))
            eve.say(Reply(number), Credit(number, 1, 9), Item(number, 1), End(number, 1), Volatile(unknown, "x", []))
            if not number % 50:
                await settle()
                eve.read()
                eve.ack()

        statistics = server.statistics()
        assert (statistics.sessions, statistics.rooms, statistics.sockets) == (1, 0, {"/": 1})
        assert kept_by(line) < before + 20


def kept_by(line: Line) -> int:
    """How much stands in the tables of a session, and of what it is made of."""
    seen, waiting, entries = set[int](), list[Any]([line]), 0
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        slots = [slot for kind in type(thing).__mro__ for slot in getattr(kind, "__slots__", ())]
        for value in [getattr(thing, name, None) for name in {*getattr(thing, "__dict__", ()), *slots}]:
            if isinstance(value, dict | list | set | frozenset | deque):
                entries += len(value)
            elif type(value).__module__.startswith("antiphon.protocol"):
                waiting.append(value)
    return entries
