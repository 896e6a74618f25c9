"""A client that sends as much as it can: what that takes is bounded, and the others go on."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Callable

import pytest

from antiphon import Server, Socket
from antiphon.protocol.packets import (
    Ack,
    Call,
    Cancel,
    Credit,
    Event,
    Item,
    Join,
    Leave,
    Packet,
    Ping,
    Pong,
    Renew,
    Reply,
    Volatile,
)
from tests.server.peer import Peer, entered, serving, settle

MESSAGES = 100
PACKETS = 1_500
# What may be kept of 150,000 packets and the answers to them, in blocks of memory, of which each takes several; a full
# outbox is 25,000. To count them costs nothing, unlike tracemalloc.
MOST = 40_000

Maker = Callable[[int], Packet]

FLOODS: dict[str, Maker] = {
    "events": lambda number: Event("/", "work", [number]),
    "unknown events": lambda number: Event("/", "nobody's", [number]),
    "events of namespaces not joined": lambda number: Event("/other", "x", []),
    "calls": lambda number: Call(number + 1, "/", "work", [number]),
    "calls of concurrent handlers": lambda number: Call(number + 1, "/", "beside", [number]),
    "calls of one id": lambda number: Call(1, "/", "beside", [number]),
    "calls for streams": lambda number: Call(number + 1, "/", "stream", [], None, False, None, 8),
    "calls of loops": lambda number: Call(number + 1, "/", "loop", []),
    "volatile events": lambda number: Volatile("/", "work", [number]),
    "joins": lambda number: Join("/other"),
    "joins of what is not there": lambda number: Join(f"/{number}"),
    "joins and leaves": lambda number: Join("/other") if number % 2 else Leave("/other"),
    "leaves": lambda number: Leave(f"/{number}"),
    "cancels": lambda number: Cancel(number + 1),
    "replies": lambda number: Reply(number + 1, "nobody asked"),
    "items": lambda number: Item(number + 1, 1, "of no stream"),
    "credits": lambda number: Credit(number + 1, 0, 1 << 40),
    "renewals": lambda number: Renew({"token": number}),
    "pings": lambda number: Ping(number),
    "pongs": lambda number: Pong(number, number),
    "acks": lambda number: Ack(0),
}


class Flood:
    """One client that floods, beside one that is well."""

    def __init__(self, server: Server) -> None:
        self.server = server
        root = server.namespace("/")
        server.namespace("/other")
        root.on("work")(self.work)
        root.on("hang")(self.hang)
        root.on("beside", concurrent=True)(self.never)
        root.on("stream")(self.endless)
        root.on("loop")(self.loop)
        root.on("echo")(lambda socket, number: number)

    async def work(self, socket: Socket, number: int) -> None:
        await settle()

    async def hang(self, socket: Socket) -> None:
        await asyncio.Event().wait()

    async def never(self, socket: Socket, number: int) -> None:
        await socket.call("never answered", timeout=1000)

    async def endless(self, socket: Socket) -> AsyncIterator[int]:
        while True:
            yield 1

    async def loop(self, socket: Socket) -> None:
        async for _ in socket.events("tick"):
            pass


class Control:
    """A client that is well: it asks whenever it is told to, and wants to have been answered by the next time."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._asked = 0
        self.late = 0

    def ask(self) -> None:
        answers = [packet.id for packet in self._peer.read() if isinstance(packet, Reply)]
        self.late += self._asked > 0 and answers != [self._asked]
        self._asked += 1
        self._peer.say(Ack(self._peer.received), Call(self._asked, "/", "echo", [self._asked]))


# What waits for its turn does so for ever when a handler does.
WAITING = ("events", "volatile events", "joins", "joins and leaves", "leaves")


@pytest.mark.parametrize(("what", "hangs"), [*((what, False) for what in FLOODS), *((what, True) for what in WAITING)])
async def test_a_flood_takes_bounded_memory_and_disturbs_nobody(what: str, hangs: bool) -> None:
    async with serving() as (server, _):
        Flood(server)
        eve, control = await entered(server, "eve"), Control(await entered(server, "ann"))
        control.ask()
        if hangs:
            eve.emit("hang")
        await settle()
        gc.collect()
        before, most = sys.getallocatedblocks(), 0

        for batch in range(MESSAGES):
            if eve.wire.shut is None:
                eve.say(*map(FLOODS[what], range(batch * PACKETS, (batch + 1) * PACKETS)))
                eve.wire.written.clear()  # it reads all of it, and does not say so
            control.ask()
            await settle()
            most = max(most, sys.getallocatedblocks() - before)

        assert most < MOST, f"{most} blocks"
        assert control.late == 0
        assert server.statistics().handlers <= 64 + 64 + 2
        assert all(len(line.session.inbox) <= 2 * 256 + 1024 for line in server.registry)
        await server.close(patience=0.0)
