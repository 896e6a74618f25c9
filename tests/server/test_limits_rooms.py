"""Where one may be: rooms of a socket and namespaces of a session, at the limit and one above."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from antiphon import Limits, LocalProtocolError, Principal, Server, Socket
from antiphon.protocol.packets import Join, Joined, Leave, Refused
from tests.server.peer import Peer, serving, settle


@pytest.fixture
async def three_rooms() -> AsyncIterator[Server]:
    async with serving(limits=Limits(rooms=3)) as (server, _):
        yield server


async def socket_of(server: Server, name: str) -> Socket:
    known = set(server.namespace("/").sockets)
    Peer(server, name).greet("/")
    await settle()
    [socket] = server.namespace("/").sockets - known
    return socket


async def test_the_last_room_is_joined_and_one_more_is_an_error_that_says_what_to_do(three_rooms: Server) -> None:
    ann = await socket_of(three_rooms, "ann")
    await ann.join("a", "b", "c")

    with pytest.raises(
        LocalProtocolError, match=r"more than 3 rooms; let it leave some, or raise Limits\(rooms=\.\.\.\)"
    ):
        await ann.join("d")

    assert ann.rooms == {"a", "b", "c"}
    assert three_rooms.statistics().limits.rooms == 1


async def test_of_several_rooms_none_is_joined_when_one_is_too_many(three_rooms: Server) -> None:
    ann = await socket_of(three_rooms, "ann")
    await ann.join("a")

    with pytest.raises(LocalProtocolError):
        await ann.join("b", "c", "d")

    assert ann.rooms == {"a"}


async def test_to_join_twice_is_to_join_once(three_rooms: Server) -> None:
    ann = await socket_of(three_rooms, "ann")
    await ann.join("a", "b", "c")

    await ann.join("c", "c", "b")

    assert ann.rooms == {"a", "b", "c"}


async def test_who_left_a_room_may_join_another(three_rooms: Server) -> None:
    ann = await socket_of(three_rooms, "ann")
    await ann.join("a", "b", "c")

    await ann.leave("a")
    await ann.join("d")

    assert ann.rooms == {"b", "c", "d"}


async def test_to_be_somebody_takes_no_room() -> None:
    async with serving(limits=Limits(rooms=1)) as (server, _):
        server.authenticate(lambda auth: Principal("ann"))
        ann = await socket_of(server, "ann")

        await ann.join("a")

        with pytest.raises(LocalProtocolError):
            await ann.join("b")


async def test_when_one_of_many_may_not_none_does(three_rooms: Server) -> None:
    ann, bob = await socket_of(three_rooms, "ann"), await socket_of(three_rooms, "bob")
    await ann.join("a", "b", "c")

    with pytest.raises(LocalProtocolError):
        await three_rooms.namespace("/").join("d")

    assert bob.rooms == frozenset()


async def test_others_may_join_meanwhile(three_rooms: Server) -> None:
    ann, bob = await socket_of(three_rooms, "ann"), await socket_of(three_rooms, "bob")
    await ann.join("a", "b", "c")

    await bob.join("d")

    assert bob.rooms == {"d"}


# -- namespaces


async def test_the_last_namespace_is_joined_and_one_more_is_refused() -> None:
    async with serving(limits=Limits(namespaces=2)) as (server, _):
        for name in ("/", "/b", "/c"):
            server.namespace(name)
        ann = Peer(server)
        ann.attach("/", "/b")
        await settle()
        assert [type(packet) for packet in ann.read()] == [Joined, Joined]

        ann.say(Join("/c"))
        await settle()

        assert ann.read() == [Refused("/c", "a client may join 2 namespaces")]
        assert server.statistics().limits.namespaces == 1

        ann.say(Leave("/b"), Join("/c"))
        await settle()
        assert [type(packet) for packet in ann.read()] == [Joined]
