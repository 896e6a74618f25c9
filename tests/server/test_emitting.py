"""Volatile events and latest values, to one client and to many: what is dropped, what is replaced, what arrives."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon import LocalProtocolError, OutboxFull, PayloadError, Server
from antiphon.config import Outbox
from antiphon.protocol.packets import Close, Event, Volatile
from antiphon.testing.clock import ManualClock
from tests.server.peer import JSON, Peer, entered, serving, settle


async def volatile(peer: Peer) -> list[tuple[Any, ...]]:
    """The volatile events among what came since the last time."""
    await settle()
    return [(packet.name, *packet.args) for packet in peer.read() if isinstance(packet, Volatile)]


async def events(peer: Peer) -> list[tuple[Any, ...]]:
    await settle()
    return peer.events()


# -- volatile


async def test_a_volatile_event_reaches_who_can_take_it(server: Server) -> None:
    ann, bob = await entered(server, "ann"), await entered(server, "bob")
    root = server.namespace("/")

    await root.emit("cursor", 1, volatile=True)
    root.emit_nowait("cursor", 2, volatile=True)
    await root.to("nowhere").emit("cursor", 3, volatile=True)

    assert await volatile(ann) == await volatile(bob) == [("cursor", 1), ("cursor", 2)]


async def test_a_volatile_event_to_one_client(server: Server) -> None:
    ann = await entered(server)
    [socket] = server.namespace("/").sockets

    await socket.emit("cursor", 1, volatile=True)
    socket.emit_nowait("cursor", 2, volatile=True)

    assert await volatile(ann) == [("cursor", 1), ("cursor", 2)]


async def test_it_is_dropped_while_the_client_is_detached(server: Server) -> None:
    ann = await entered(server)
    root = server.namespace("/")
    ann.wire.lost()

    await root.emit("cursor", 1, volatile=True)
    ann.attach()
    await root.emit("cursor", 2, volatile=True)

    assert await volatile(ann) == [("cursor", 2)]


@pytest.mark.parametrize(("wait", "heard"), [(0.2, [("cursor", 1)]), (0.3, [])])
async def test_it_is_dropped_when_it_cannot_leave_within_250_ms(
    server: Server, clock: ManualClock, wait: float, heard: list[Any]
) -> None:
    ann = await entered(server)
    ann.wire.congested = True
    await server.namespace("/").emit("cursor", 1, volatile=True)
    await settle()

    clock.advance(wait)
    ann.wire.congested = False
    ann.wire.receiver.on_drained(ann.wire)

    assert await volatile(ann) == heard


async def test_it_is_dropped_when_the_buffers_are_above_half_and_is_not_waited_for() -> None:
    async with serving(outbox=Outbox(packets=8)) as (server, _):
        ann = await entered(server)
        [socket] = server.namespace("/").sockets
        for number in range(5):
            socket.emit_nowait("tick", number)

        await socket.emit("cursor", 1, volatile=True)

        assert await volatile(ann) == []


async def test_one_that_would_always_be_dropped_is_refused(server: Server) -> None:
    ann = await entered(server)
    root = server.namespace("/")
    [socket] = root.sockets

    with pytest.raises(OutboxFull, match="a volatile event of"):
        await root.emit("cursor", "x" * 70_000, volatile=True)
    with pytest.raises(OutboxFull, match="a volatile event of"):
        await socket.emit("cursor", "x" * 70_000, volatile=True)

    assert await volatile(ann) == []


async def test_each_form_gets_its_own_bytes_of_a_volatile_event_and_of_a_latest_value(server: Server) -> None:
    ann, bob = await entered(server, "ann"), Peer(server, "bob", codec=JSON)
    bob.attach("/")
    await settle()
    bob.read()

    await server.namespace("/").emit("cursor", b"x", volatile=True)
    await server.namespace("/").emit("pose", b"x", latest="bob")

    for peer in (ann, bob):
        await settle()
        assert peer.read() == [Event("/", "pose", [b"x"]), Volatile("/", "cursor", [b"x"])]


# -- latest values


async def test_of_a_latest_value_only_the_newest_that_has_not_left_arrives_and_overtakes_nothing(
    server: Server,
) -> None:
    ann = await entered(server)
    root = server.namespace("/")

    await root.emit("pose", "ann", 1, latest="ann")
    await root.emit("pose", "bob", 1, latest="bob")
    await root.emit("said", "hi")
    await root.emit("pose", "ann", 2, latest="ann")
    await root.emit("moved", "ann", latest="ann")

    assert await events(ann) == [("pose", "bob", 1), ("said", "hi"), ("pose", "ann", 2), ("moved", "ann")]


async def test_one_that_has_left_is_followed_by_the_next(server: Server) -> None:
    ann = await entered(server)
    [socket] = server.namespace("/").sockets

    await socket.emit("pose", 1, latest="ann")
    assert await events(ann) == [("pose", 1)]
    await socket.emit("pose", 2, latest="ann")

    assert await events(ann) == [("pose", 2)]


async def test_the_newest_survives_a_cut_and_arrives_once(server: Server) -> None:
    ann = await entered(server)
    root = server.namespace("/")
    await root.emit("pose", 1, latest="ann")
    await settle()
    ann.wire.lost()

    for number in range(2, 100):
        await root.emit("pose", number, latest="ann")
    ann.attach()

    # The first had left when the wire was cut, and is sent again.
    assert await events(ann) == [("pose", 1), ("pose", 99)]


async def test_many_of_one_key_never_overflow_a_client_that_is_away() -> None:
    async with serving(outbox=Outbox(packets=8)) as (server, _):
        ann = await entered(server)
        ann.wire.lost()

        for number in range(1000):
            await server.namespace("/").emit("pose", number, latest="ann")
        ann.attach()

        assert await events(ann) == [("pose", 999)]


async def test_one_that_fits_in_one_form_only_ends_the_sessions_of_the_other() -> None:
    """As with any other event: they would be sent a message that nobody may read, at every attach."""
    async with serving() as (server, _):
        ann, bob = await entered(server), Peer(server, "bob", JSON)
        bob.attach("/")
        await settle()
        bob.read()

        await server.namespace("/").emit("pose", bytes(900_000), latest="ann")

        assert await events(ann) == [("pose", bytes(900_000))]
        assert [type(packet) for packet in bob.read()] == [Close]


async def test_keys_of_other_namespaces_are_others(server: Server) -> None:
    ann = await entered(server, "ann", "/", "/chat")

    await server.namespace("/").emit("pose", 1, latest="ann")
    await server.namespace("/chat").emit("pose", 2, latest="ann")

    assert await events(ann) == [("pose", 1), ("pose", 2)]


# -- declared


async def test_an_event_is_declared_once_for_all_ways_to_emit_it(server: Server) -> None:
    ann = await entered(server)
    root = server.namespace("/")
    [socket] = root.sockets

    @root.event("pose", latest="id")
    def pose(id: str, x: int) -> None: ...

    await socket.emit("pose", "ann", 1)
    socket.emit_nowait("pose", "ann", 2)
    await root.emit("pose", "ann", 3)
    root.emit_nowait("pose", "ann", 4)
    await root.to("nowhere").emit("pose", "ann", 5)
    await root.except_("nowhere").emit("pose", "ann", 6)

    assert await events(ann) == [("pose", "ann", 6)]


async def test_what_does_not_fit_its_declaration_is_refused_and_nobody_hears_of_it(server: Server) -> None:
    ann = await entered(server)
    root = server.namespace("/")
    [socket] = root.sockets

    @root.event("pose")
    def pose(id: str, x: int) -> None: ...

    for emit in (socket.emit, root.emit, socket.call, root.call):
        with pytest.raises(PayloadError, match="event 'pose' of namespace '/' expects int for parameter 'x'"):
            await emit("pose", "ann", "far")

    assert await events(ann) == []


async def test_volatile_and_latest_exclude_each_other(server: Server) -> None:
    await entered(server)
    root = server.namespace("/")
    [socket] = root.sockets

    for emit in (socket.emit, root.emit):
        with pytest.raises(LocalProtocolError, match="choose one"):
            await emit("pose", 1, volatile=True, latest="ann")


async def test_a_socket_that_is_gone_sends_neither(server: Server) -> None:
    ann = await entered(server)
    [socket] = server.namespace("/").sockets
    await socket.disconnect()
    await settle()
    ann.read()

    await socket.emit("cursor", 1, volatile=True)
    await socket.emit("pose", 1, latest="ann")

    assert ann.read() == []
