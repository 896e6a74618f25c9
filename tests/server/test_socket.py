"""A socket: what a handler holds of one client."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from antiphon import (
    CallAbandoned,
    CallFailed,
    CallNotSent,
    CallTimeout,
    Limits,
    Outbox,
    OutboxFull,
    Server,
    Socket,
)
from antiphon.protocol.packets import Call, Cancel, Failed, Leave, Reply
from antiphon.testing.clock import ManualClock
from tests.server.peer import JSON, Peer, entered, serving, settle


async def one(server: Server) -> tuple[Peer, Socket]:
    """Ann, and her socket."""
    ann = await entered(server)
    [socket] = server.namespace("/").sockets
    return ann, socket


async def test_emit_sends_an_event_to_this_client_only(server: Server) -> None:
    ann, socket = await one(server)
    bob = await entered(server, "bob")

    await socket.emit("hi", {"deep": [b"\x00", 1.5, None]})
    await settle()

    assert ann.events() == [("hi", {"deep": [b"\x00", 1.5, None]})]
    assert bob.events() == []


async def test_call_returns_what_the_client_answers(server: Server) -> None:
    ann, socket = await one(server)

    asked = asyncio.create_task(socket.call("add", 1, 2, timeout=7))
    await settle()
    [call] = ann.read()
    assert isinstance(call, Call) and (call.name, call.args, call.timeout) == ("add", [1, 2], 7000)
    ann.say(Reply(call.id, {"sum": 3}))

    assert await asked == {"sum": 3}


async def test_call_raises_what_the_clients_handler_told(server: Server) -> None:
    ann, socket = await one(server)

    asked = asyncio.create_task(socket.call("add"))
    await settle()
    [call] = ann.read()
    assert isinstance(call, Call)
    ann.say(Failed(call.id, "busy", "later", {"wait": 3}))

    with pytest.raises(CallFailed) as raised:
        await asked
    assert (raised.value.code, raised.value.message, raised.value.data) == ("busy", "later", {"wait": 3})


async def test_a_call_that_nobody_answers_times_out_and_is_cancelled(server: Server, clock: ManualClock) -> None:
    ann, socket = await one(server)

    asked = asyncio.create_task(socket.call("add", timeout=5))
    await settle()
    [call] = ann.read()
    assert isinstance(call, Call)
    server.tick(clock.advance(4.9))
    await settle()
    assert not asked.done()
    server.tick(clock.advance(0.2))

    with pytest.raises(CallTimeout):
        await asked
    await settle()
    assert ann.read() == [Cancel(call.id)]


async def test_a_short_timeout_does_not_wait_for_the_servers_ticker() -> None:
    server = Server()
    server.start(ticking=False)
    _, socket = await one(server)

    with pytest.raises(CallTimeout):
        await socket.call("add", timeout=0.01)
    await server.close()


async def test_an_answer_that_comes_too_late_is_dropped(server: Server, clock: ManualClock) -> None:
    ann, socket = await one(server)
    asked = asyncio.create_task(socket.call("add", timeout=5))
    await settle()
    [call] = ann.read()
    assert isinstance(call, Call)
    server.tick(clock.advance(6))
    with pytest.raises(CallTimeout):
        await asked

    ann.say(Reply(call.id, 3), Reply(call.id, 4))
    await settle()

    assert ann.wire.shut is None


async def test_a_cancelled_caller_cancels_the_call(server: Server) -> None:
    ann, socket = await one(server)
    asked = asyncio.create_task(socket.call("add"))
    await settle()
    [call] = ann.read()
    assert isinstance(call, Call)

    asked.cancel()
    await settle()

    assert asked.cancelled()
    assert ann.read() == [Cancel(call.id)]


async def test_a_call_survives_a_cut(server: Server) -> None:
    ann, socket = await one(server)
    asked = asyncio.create_task(socket.call("add"))
    await settle()
    ann.wire.lost()
    ann.attach()
    await settle()
    [call] = ann.read()
    assert isinstance(call, Call)

    ann.say(Reply(call.id, 3))

    assert await asked == 3


async def test_a_call_under_way_when_the_session_ends_has_an_unknown_outcome(
    server: Server, clock: ManualClock
) -> None:
    ann, socket = await one(server)
    asked = asyncio.create_task(socket.call("add", timeout=500))
    await settle()
    ann.wire.lost()

    server.tick(clock.advance(121))

    with pytest.raises(CallAbandoned):
        await asked


async def test_calling_a_client_that_is_gone_was_certainly_not_sent(server: Server, clock: ManualClock) -> None:
    ann, socket = await one(server)
    await socket.disconnect()
    with pytest.raises(CallNotSent):
        await socket.call("add")

    ann, socket = await entered(server, "bob"), next(iter(server.namespace("/").sockets))
    ann.wire.lost()
    server.tick(clock.advance(121))
    with pytest.raises(CallNotSent):
        await socket.call("add")


async def test_a_socket_that_is_gone_sends_nothing_joins_nothing_and_remembers_its_rooms(
    server: Server, clock: ManualClock
) -> None:
    ann, socket = await one(server)
    await socket.join("lobby")
    ann.wire.lost()
    server.tick(clock.advance(121))
    await settle()

    await socket.emit("hi")
    await socket.join("bar")
    await socket.disconnect()

    assert not socket.connected
    assert socket.rooms == {"lobby"}
    assert socket.connection.session.outbox.size == 0
    assert len(server.namespace("/").rooms) == 0


async def test_rooms_and_data_outlive_a_cut(server: Server) -> None:
    ann, socket = await one(server)
    await socket.join("lobby", "bar")
    await socket.leave("bar")
    socket.data["name"] = "Ann"
    ann.wire.lost()
    assert (socket.connected, socket.attached, socket.transport) == (True, False, None)

    ann.attach()

    [again] = server.namespace("/").sockets
    assert again is socket
    assert again.rooms == {"lobby"}
    assert again.data == {"name": "Ann"}
    assert (again.attached, again.transport) == (True, "websocket")


async def test_disconnect_tells_the_client_and_leaves_its_other_namespaces_alone(server: Server) -> None:
    other = server.namespace("/other")
    ann = await entered(server, "ann", "/", "/other")
    [socket] = server.namespace("/").sockets

    await socket.disconnect("be nice")
    await socket.disconnect("twice is once")
    await settle()

    assert ann.read() == [Leave("/", "be nice")]
    assert (server.namespace("/").count(), other.count()) == (0, 1)
    assert ann.wire.shut is None


async def test_disconnecting_from_outside_waits_for_the_handler_that_runs(server: Server) -> None:
    root, door, seen = server.namespace("/"), asyncio.Event(), []

    @root.on("work")
    async def work(socket: Socket) -> None:
        await door.wait()
        seen.append("worked")

    @root.on_disconnect
    async def leave(socket: Socket, reason: str) -> None:
        seen.append(reason)

    ann, socket = await one(server)
    ann.emit("work")
    ann.emit("work")
    await settle()

    await socket.disconnect("out")
    await settle()
    assert seen == []

    door.set()
    await settle()
    assert seen == ["worked", "put_out: out"]


async def test_a_handler_may_disconnect_its_own_client(server: Server) -> None:
    root, seen = server.namespace("/"), []

    @root.on("bye")
    async def bye(socket: Socket) -> None:
        await socket.disconnect("as you wish")
        seen.append("handler")

    @root.on_disconnect
    async def leave(socket: Socket, reason: str) -> None:
        seen.append(reason)

    ann, _ = await one(server)
    ann.emit("bye")
    await settle()

    assert seen == ["handler", "put_out: as you wish"]


async def test_neither_id_nor_repr_shows_a_key(server: Server) -> None:
    ann, socket = await one(server)

    assert ann.key not in repr(socket)
    assert ann.sid is not None and socket.id == ann.sid + "/"


# -- an awaited emit


SMALL: dict[str, Any] = {"outbox": Outbox(packets=8, size=100_000), "limits": Limits(message=100_000)}


async def test_an_awaited_emit_waits_above_half_and_is_released_by_an_ack() -> None:
    async with serving(**SMALL) as (server, _):
        ann, socket = await one(server)
        ann.ack()
        emitting = [asyncio.create_task(socket.emit("tick", number)) for number in range(6)]
        await settle()

        assert [task.done() for task in emitting] == [True] * 4 + [False] * 2

        assert len(ann.events()) == 6
        ann.ack()
        await settle()
        assert all(task.done() for task in emitting)


async def test_many_may_wait_for_the_same_client() -> None:
    async with serving(outbox=Outbox(packets=8000), limits=Limits()) as (server, _):
        ann, socket = await one(server)
        ann.wire.congested = True
        emitting = [asyncio.create_task(socket.emit("tick", number)) for number in range(6000)]
        await settle()
        assert sum(not task.done() for task in emitting) > 1900

        ann.wire.lost()
        await settle()

        assert all(task.done() for task in emitting)


async def test_an_awaited_emit_by_size_waits_as_well() -> None:
    async with serving(**SMALL) as (server, _):
        ann, socket = await one(server)
        ann.ack()

        for _ in range(2):
            await socket.emit("big", "x" * 24_000)
        waiting = asyncio.create_task(socket.emit("big", "x" * 24_000))
        await settle()

        assert not waiting.done()
        assert len(ann.events()) == 3
        ann.ack()
        await waiting


async def test_an_awaited_emit_waits_for_nobody_who_is_detached() -> None:
    async with serving(**SMALL) as (server, _):
        ann, socket = await one(server)
        waiting = [asyncio.create_task(socket.emit("tick")) for _ in range(5)]
        await settle()
        assert not waiting[-1].done()

        ann.wire.lost()
        await settle()
        assert waiting[-1].done()

        await socket.emit("tick")


async def test_who_gives_up_waiting_leaves_nothing_behind() -> None:
    async with serving(**SMALL) as (server, _):
        ann, socket = await one(server)
        for _ in range(4):
            socket.emit_nowait("tick")

        for _ in range(2):
            waiting = asyncio.create_task(socket.emit("tick"))
            await settle()
            waiting.cancel()
            await settle()
        ann.read()
        ann.ack()
        await settle()

        assert ann.wire.shut is None


async def test_one_packet_that_is_too_large_is_refused_where_it_is_emitted() -> None:
    async with serving(**SMALL) as (server, _):
        ann, socket = await one(server)

        with pytest.raises(OutboxFull, match="one packet may be"):
            await socket.emit("big", "x" * 25_001)
        with pytest.raises(OutboxFull, match="one packet may be"):
            await socket.call("big", "x" * 25_001)

        await settle()
        assert ann.read() == []
        assert ann.wire.shut is None


async def test_bytes_that_are_too_large_only_in_json_are_refused_where_they_are_emitted_to_one_json_client() -> None:
    async with serving(**SMALL) as (server, _):
        server.namespace("/")
        ann = Peer(server, codec=JSON)
        ann.attach("/")
        await settle()
        ann.read()
        [socket] = server.namespace("/").sockets

        with pytest.raises(OutboxFull, match="one packet may be"):
            await socket.emit("big", b"x" * 24_000)

        await socket.emit("small", b"x")
        await settle()
        assert ann.events() == [("small", b"x")]
        assert ann.wire.shut is None


async def test_a_reply_that_is_too_large_becomes_a_failure() -> None:
    async with serving(**SMALL) as (server, _):
        root = server.namespace("/")

        @root.on("dump")
        async def dump(socket: Socket) -> Any:
            return "x" * 25_001

        ann, _ = await one(server)
        ann.say(Call(1, "/", "dump", []))
        await settle()

        [failed] = ann.read()
        assert isinstance(failed, Failed) and failed.code == "too_large"
