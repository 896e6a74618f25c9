"""A hundred thousand rooms: joined, heard in, and cleaned up in a time that does not grow with their number."""

from __future__ import annotations

import time

import pytest

from antiphon import LocalProtocolError, Server
from tests.server.peer import entered, serving, settle

SOCKETS = 10
EACH = 10_000


async def joined_and_left(server: Server, name: str, rooms: int) -> float:
    """The seconds that it takes for each room of a client to come into it and to be out of it with its session."""
    peer = await entered(server, name)
    socket = next(socket for socket in server.namespace("/").sockets if socket.id.startswith(str(peer.sid)))
    begun = time.perf_counter()
    for number in range(rooms):
        await socket.join(f"{name}-{number}")
    await socket.end()
    socket.gone()
    taken = time.perf_counter() - begun
    peer.wire.lost()
    await settle()
    return taken / rooms


async def test_ten_clients_are_in_ten_thousand_rooms_each_and_one_more_is_refused() -> None:
    async with serving() as (server, _):
        root = server.namespace("/")
        peers = [await entered(server, f"client-{number}") for number in range(SOCKETS)]
        for socket in root.sockets:
            for number in range(EACH):
                await socket.join(f"{socket.id}-{number}")
        assert server.statistics().rooms == SOCKETS * EACH

        for socket in root.sockets:
            with pytest.raises(LocalProtocolError):
                await socket.join("one more")
            await root.to(f"{socket.id}-{EACH - 1}").emit("hello")
        await settle()
        assert [peer.events() for peer in peers] == [[("hello",)]] * SOCKETS

        for line in server.registry:
            line.end("revoked", "")
        await settle()
        assert server.statistics().rooms == 0


async def test_a_room_costs_the_same_however_many_there_are() -> None:
    async with serving() as (server, _):
        few = min([await joined_and_left(server, f"few-{number}", 500) for number in range(5)])
        many = min([await joined_and_left(server, f"many-{number}", EACH) for number in range(3)])

        assert many < 8 * few, f"{many * 1e6:.1f} us instead of {few * 1e6:.1f} us for each"
