"""What a server says of itself."""

from __future__ import annotations

import dataclasses

import pytest

from antiphon import Server, Socket
from antiphon.protocol.packets import Call, Close, Event
from antiphon.testing.clock import ManualClock
from tests.server.peer import entered, settle


async def test_sessions_transports_sockets_and_rooms_are_counted_as_they_are_now(server: Server) -> None:
    root = server.namespace("/")

    @root.on_connect
    async def enter(socket: Socket) -> None:
        await socket.join("lobby")

    await entered(server, "ann")
    bob = await entered(server, "bob", "/", "/other")
    bob.wire.lost()

    statistics = server.statistics()

    assert (statistics.sessions, dict(statistics.transports)) == (2, {"websocket": 1})
    assert dict(statistics.sockets) == {"/": 2, "/other": 1}
    assert statistics.rooms == 1


async def test_what_has_happened_is_counted_even_when_its_session_is_over(server: Server) -> None:
    root = server.namespace("/")

    @root.on("say")
    async def say(socket: Socket, text: str) -> None: ...

    ann = await entered(server)
    message = ann.pack(1, Event("/", "nobody", []), Event("/", "say", [1]))
    for _ in range(3):
        ann.wire.received(message)
    ann.sent = 2
    ann.say(Call(1, "/", "say", []))
    await settle()
    before = server.statistics()
    ann.say(Close("closed"))
    await settle()
    after = server.statistics()

    assert (before.unhandled, before.misfits, before.duplicates) == (1, 2, 4)
    assert (after.unhandled, after.misfits, after.duplicates) == (1, 2, 4)
    assert (before.sessions_made, before.sessions_ended, after.sessions_ended) == (1, 0, 1)


async def test_when_everybody_is_gone_everything_is_as_at_the_start(server: Server, clock: ManualClock) -> None:
    root = server.namespace("/")

    @root.on_connect
    async def enter(socket: Socket) -> None:
        await socket.join("lobby", "bar")

    for number in range(10):
        peer = await entered(server, f"client {number}")
        peer.wire.lost()
    server.tick(clock.advance(121))
    await settle()

    statistics = server.statistics()

    assert (statistics.sessions, dict(statistics.sockets), statistics.rooms) == (0, {"/": 0}, 0)
    assert (statistics.sessions_made, statistics.sessions_ended) == (10, 10)


async def test_a_record_is_frozen(server: Server) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        server.statistics().sessions = 7  # type: ignore[misc]  # that is the point
