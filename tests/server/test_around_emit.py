"""Middleware around events that go out: once per emit, with all its options, and never without waiting."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from antiphon import (
    CallNotSent,
    LocalProtocolError,
    Namespace,
    Outgoing,
    PayloadError,
    Refused,
    Server,
)
from antiphon.dispatch.middleware import Proceed
from antiphon.protocol.packets import (
    Call,
    Cancel,
    Event,
    Reply,
    Volatile,
)
from tests.server.asking import answers
from tests.server.peer import entered, settle


@pytest.fixture
def heard() -> list[Any]:
    return []


@pytest.fixture
def root(server: Server) -> Namespace:
    return server.namespace("/")


async def test_it_is_given_what_is_emitted_and_to_whom(server: Server, root: Namespace, heard: list[Any]) -> None:
    @root.around_emit
    async def watch(outgoing: Outgoing, proceed: Proceed) -> Any:
        heard.append((outgoing.namespace, outgoing.name, outgoing.args, outgoing.kind, outgoing.to))
        return await proceed(outgoing)

    @root.event("pose", volatile=True)
    def pose(x: int) -> None: ...

    ann = await entered(server)
    [socket] = root.sockets
    room = root.to("lobby")

    await socket.emit("a", (1, 2))
    await room.emit("b", volatile=True)
    await room.emit("c", 1, latest="x")
    await socket.emit("pose", 1)
    await settle()

    assert heard == [
        (root, "a", ((1, 2),), "event", socket),
        (root, "b", (), "volatile", room),
        (root, "c", (1,), "event", room),
        (root, "pose", (1,), "volatile", socket),
    ]
    assert ann.read() == [Event("/", "a", [[1, 2]]), Volatile("/", "pose", [1])]


async def test_it_runs_once_per_emit_and_not_once_per_receiver(
    server: Server, root: Namespace, heard: list[Any]
) -> None:
    @server.around_emit
    async def stamp(outgoing: Outgoing, proceed: Proceed) -> Any:
        heard.append(outgoing.name)
        return await proceed(replace(outgoing, args=(*outgoing.args, "stamped")))

    ann, bob = await entered(server, "ann"), await entered(server, "bob")

    await root.emit("news", 1)
    await settle()

    assert ann.events() == bob.events() == [("news", 1, "stamped")]
    assert heard == ["news"]


async def test_options_pass_through(server: Server, root: Namespace) -> None:
    @root.around_emit
    async def nothing(outgoing: Outgoing, proceed: Proceed) -> Any:
        return await proceed(outgoing)

    ann = await entered(server)
    [socket] = root.sockets

    await root.emit("a", 1, latest="x")
    await root.emit("a", 2, latest="x")
    await socket.emit("b", 1, latest=7)
    await socket.emit("b", 2, latest=7)
    await socket.emit("c", volatile=True)
    await settle()

    assert sorted(ann.read(), key=lambda packet: str(packet)) == [
        Event("/", "a", [2]),
        Event("/", "b", [2]),
        Volatile("/", "c", []),
    ]


async def test_it_may_rename_hold_back_refuse_and_delay_what_goes_out(
    server: Server, root: Namespace, heard: list[Any]
) -> None:
    door = asyncio.Event()

    @root.around_emit
    async def around(outgoing: Outgoing, proceed: Proceed) -> Any:
        match outgoing.name:
            case "secret":
                return None
            case "refused":
                raise Refused("not to be said")
            case "slow":
                await door.wait()
        return await proceed(replace(outgoing, name=f"new:{outgoing.name}"))

    ann = await entered(server)

    await root.emit("say")
    await root.emit("secret")
    with pytest.raises(Refused, match="not to be said"):
        await root.emit("refused")
    slow = asyncio.create_task(root.emit("slow"))
    await settle()
    assert ann.events() == [("new:say",)]

    door.set()
    await slow
    await settle()
    assert ann.events() == [("new:slow",)]


async def test_calls_go_out_through_it_and_their_answers_come_back(server: Server, root: Namespace) -> None:
    @root.around_emit
    async def around(outgoing: Outgoing, proceed: Proceed) -> Any:
        assert outgoing.kind == "call"
        return f"<{await proceed(replace(outgoing, args=('changed',)))}>"

    ann = await entered(server)
    [socket] = root.sockets
    calling = asyncio.create_task(socket.call("ask", 1, timeout=5))
    await settle()
    [call] = ann.read()
    assert isinstance(call, Call) and call.args == ["changed"]

    await answers(ann, Reply(call.id, "answer"))

    assert await calling == "<answer>"


async def test_calls_to_many_go_out_through_it(server: Server, root: Namespace, heard: list[Any]) -> None:
    @root.around_emit
    async def around(outgoing: Outgoing, proceed: Proceed) -> Any:
        heard.append(outgoing.name)
        if outgoing.name == "held back":
            return None
        return await proceed(replace(outgoing, name="vote"))

    ann = await entered(server)
    calling = asyncio.create_task(root.call("ask", timeout=5))
    await settle()
    [call] = ann.read()
    assert isinstance(call, Call) and call.name == "vote"
    await answers(ann, Reply(call.id, "yes"))

    assert list((await calling).values.values()) == ["yes"]
    assert (await root.call("held back", timeout=5)).values == {}
    assert heard == ["ask", "held back"]
    assert ann.read() == []


async def test_leaving_the_answers_of_many_early_cancels_the_call_behind_it(server: Server, root: Namespace) -> None:
    @root.around_emit
    async def nothing(outgoing: Outgoing, proceed: Proceed) -> Any:
        return await proceed(outgoing)

    ann, bob = await entered(server, "ann"), await entered(server, "bob")

    async def first() -> Any:
        outcomes = root.replies("vote", timeout=5)
        try:
            async for _, outcome in outcomes:
                return outcome
        finally:
            await outcomes.aclose()  # type: ignore[attr-defined]  # it is a generator

    asking = asyncio.create_task(first())
    await settle()
    [call] = ann.read()
    assert isinstance(call, Call)
    await answers(ann, Reply(call.id, "yes"))

    assert await asking == "yes"
    await settle()
    assert Cancel(call.id) in bob.read()


async def test_without_waiting_nothing_is_sent_through_it(server: Server, root: Namespace) -> None:
    @server.around_emit
    async def nothing(outgoing: Outgoing, proceed: Proceed) -> Any:
        return await proceed(outgoing)

    ann = await entered(server)
    [socket] = root.sockets

    for emit in (root.emit_nowait, root.to("lobby").emit_nowait, socket.emit_nowait, socket.stream):
        with pytest.raises(LocalProtocolError) as caught:
            emit("say")
        assert str(caught.value).startswith(
            "event 'say' cannot be sent without waiting: namespace '/' has middleware around_emit, which is async; "
            "use await "
        )
    await settle()
    assert ann.read() == []


async def test_what_cannot_travel_or_is_gone_is_told_to_who_emitted(server: Server, root: Namespace) -> None:
    @root.around_emit
    async def nothing(outgoing: Outgoing, proceed: Proceed) -> Any:
        return await proceed(outgoing)

    await entered(server)
    [socket] = root.sockets

    with pytest.raises(PayloadError):
        await root.emit("say", object())
    await socket.disconnect()
    with pytest.raises(CallNotSent):
        await socket.call("say")


async def test_who_is_told_of_what_goes_out_is_told_what_was_made_of_it(
    server: Server, root: Namespace, heard: list[Any]
) -> None:
    @root.around_emit
    async def rename(outgoing: Outgoing, proceed: Proceed) -> Any:
        return await proceed(replace(outgoing, name="new"))

    root.on_any_outgoing(lambda event: heard.append(event))

    await root.emit("old")

    assert heard == ["new"]


@pytest.mark.parametrize("field", ["namespace", "kind", "to"])
async def test_it_cannot_change_where_an_event_goes(root: Namespace, field: str) -> None:
    @root.around_emit
    async def redirect(outgoing: Outgoing, proceed: Proceed) -> Any:
        elsewhere: dict[str, Any] = {field: None}
        return await proceed(replace(outgoing, **elsewhere))

    with pytest.raises(LocalProtocolError, match=rf"middleware may not change '{field}' of an Outgoing"):
        await root.emit("say")
