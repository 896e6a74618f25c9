"""Streams with peers of another make, byte by byte."""

from __future__ import annotations

from collections.abc import AsyncIterator

from antiphon import (
    Server,
    Socket,
)
from antiphon.protocol.packets import Call, Credit, End, Item, Packet
from antiphon.protocol.streams import WINDOW
from tests.dispatch.streaming import Endless
from tests.server.peer import Peer, entered, settle

# -- peers of another make


def packets(peer: Peer, *kinds: type[Packet]) -> list[Packet]:
    return [packet for packet in peer.read() if isinstance(packet, kinds)]


async def test_a_caller_that_takes_no_more_still_gets_the_outcome_of_its_call(
    antiphon_server: Server, endless: Endless
) -> None:
    peer = await entered(antiphon_server)
    peer.say(Call(1, "/", "endless", [], credit=2))
    await settle()
    assert packets(peer, Item, End) == [Item(1, 0, 1), Item(1, 0, 2)]

    peer.say(Credit(1, 0, 0))
    await settle()

    assert packets(peer, Item, End) == [End(1, 0, ["cancelled", "the handler was stopped", None])]
    assert endless.closed == 1


async def test_a_caller_may_give_credit_item_by_item(antiphon_server: Server) -> None:
    @antiphon_server.namespace("/").on("count")
    async def counted(socket: Socket) -> AsyncIterator[int]:
        yield 1
        yield 2

    peer = await entered(antiphon_server)
    peer.say(Call(1, "/", "count", [], credit=1))
    await settle()
    assert packets(peer, Item, End) == [Item(1, 0, 1)]

    peer.say(Credit(1, 0, 2))
    await settle()
    assert packets(peer, Item, End) == [Item(1, 0, 2)]

    # Whether there is another item is known only once there may be one.
    peer.say(Credit(1, 0, 3))
    await settle()
    assert packets(peer, Item, End) == [End(1, 0)]


async def test_an_argument_is_asked_for_when_its_handler_begins_and_not_before(antiphon_server: Server) -> None:
    @antiphon_server.namespace("/").on("sum")
    async def total(socket: Socket, rows: AsyncIterator[int]) -> int:
        return sum([row async for row in rows])

    peer = await entered(antiphon_server)
    peer.say(Call(1, "/", "sum", [None], streams=(1,)), Item(1, 1, 5))
    await settle()
    assert packets(peer, Credit) == [Credit(1, 1, WINDOW)]

    peer.say(Item(1, 1, 6), End(1, 1))
    await settle()

    assert [packet.value for packet in peer.read()] == [6]  # type: ignore[attr-defined]  # a Reply


async def test_the_same_argument_named_twice_is_no_stream(antiphon_server: Server) -> None:
    @antiphon_server.namespace("/").on("sum")
    async def total(socket: Socket, rows: AsyncIterator[int]) -> None: ...

    peer = await entered(antiphon_server)
    peer.say(
        Call(1, "/", "sum", [None], streams=(1, 1)),
        Call(2, "/", "sum", [None], streams=(2,)),
        Call(3, "/", "sum", [None], streams=(1, 9)),
    )
    await settle()

    assert [packet.code for packet in peer.read()] == ["not_a_stream"] * 3  # type: ignore[attr-defined]  # Failed


async def test_a_second_call_of_the_same_id_does_not_take_the_streams_of_the_first(antiphon_server: Server) -> None:
    sums = list[int]()

    @antiphon_server.namespace("/").on("sum")
    async def total(socket: Socket, rows: AsyncIterator[int]) -> None:
        sums.append(sum([row async for row in rows]))

    peer = await entered(antiphon_server)
    peer.say(Call(1, "/", "sum", [None], streams=(1,)), Call(1, "/", "sum", [None], streams=(1,)))
    await settle()
    peer.say(Item(1, 1, 7), End(1, 1))
    await settle()

    assert sums == [7]
