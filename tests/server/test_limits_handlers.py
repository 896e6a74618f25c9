"""How many handlers run beside the others, how many calls are under way, and how many hooks at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from antiphon import Inbox, Limits, Server, Socket
from antiphon.protocol.packets import Call, Cancel, Event, Failed, Packet, Refuse, Reply, Welcome
from antiphon.server import authentication as authentications
from tests.server.peer import Peer, entered, serving, settle


class Work:
    """What handlers are at, until they are let go on."""

    def __init__(self, server: Server, *, concurrent: bool = False) -> None:
        self.server = server
        self.begun: list[Any] = []
        self.door = asyncio.Event()
        root = server.namespace("/")
        root.on("work", concurrent=concurrent)(self.work)
        root.on("stream")(self.stream)
        root.on("loop")(self.loop)
        root.on("quick")(lambda socket: "quick")

    async def work(self, socket: Socket, number: int) -> int:
        self.begun.append(number)
        await self.door.wait()
        return number

    async def stream(self, socket: Socket, number: int) -> AsyncIterator[int]:
        self.begun.append(number)
        await self.door.wait()
        yield number

    async def loop(self, socket: Socket, number: int) -> int:
        async for _ in socket.events("tick"):
            pass
        return number

    def hits(self, limit: str) -> int:
        count = getattr(self.server.statistics().limits, limit)
        assert isinstance(count, int)
        return count


def calls(name: str, first: int, last: int, **fields: Any) -> list[Call]:
    return [Call(number, "/", name, [number], **fields) for number in range(first, last + 1)]


def failures(packets: list[Packet]) -> list[tuple[int, str]]:
    return [(packet.id, packet.code) for packet in packets if isinstance(packet, Failed)]


# -- concurrent


async def test_so_many_run_beside_and_the_next_waits_for_one_of_them_to_end() -> None:
    async with serving(limits=Limits(concurrent=2)) as (server, _):
        work = Work(server, concurrent=True)
        ann = await entered(server)

        ann.say(*calls("work", 1, 2))
        await settle()
        assert (work.begun, work.hits("concurrent")) == ([1, 2], 0)
        ann.say(*calls("work", 3, 3))
        await settle()
        assert (work.begun, work.hits("concurrent")) == ([1, 2], 1)

        ann.say(Cancel(1))
        await settle()
        assert work.begun == [1, 2, 3]
        work.door.set()


async def test_loops_run_beside_too_and_one_more_is_refused() -> None:
    async with serving(limits=Limits(concurrent=2)) as (server, _):
        work = Work(server)
        ann = await entered(server)

        ann.say(*calls("loop", 1, 2))
        await settle()
        assert failures(ann.read()) == []
        ann.say(*calls("loop", 3, 3), Call(4, "/", "quick", []))
        await settle()

        answers = ann.read()
        assert failures(answers) == [(3, "too_many")]
        assert Reply(4, "quick") in answers
        assert work.hits("concurrent") == 1


async def test_a_loop_that_ends_makes_room_for_another() -> None:
    async with serving(limits=Limits(concurrent=1)) as (server, _):
        Work(server)
        ann = await entered(server)
        ann.say(*calls("loop", 1, 1))
        await settle()

        ann.say(Cancel(1))
        await settle()
        ann.say(*calls("loop", 2, 2))
        await settle()

        assert failures(ann.read()) == []


# -- streaming


async def test_so_many_stream_and_one_more_is_refused() -> None:
    async with serving(limits=Limits(streaming=2)) as (server, _):
        work = Work(server)
        ann, bob = await entered(server, "ann"), await entered(server, "bob")

        ann.say(*calls("stream", 1, 2, credit=8))
        await settle()
        assert (work.begun, failures(ann.read())) == ([1, 2], [])
        ann.say(*calls("stream", 3, 3, credit=8))
        bob.say(*calls("stream", 4, 4, credit=8))
        await settle()

        assert (work.begun, failures(ann.read()), failures(bob.read())) == ([1, 2, 4], [(3, "too_many")], [])
        assert work.hits("streaming") == 1
        work.door.set()


# -- calls: what the others add up to


async def test_no_more_calls_of_one_client_are_under_way_than_the_limits_add_up_to() -> None:
    limits = Limits(inbox=Inbox(packets=4), concurrent=2, streaming=3)
    async with serving(limits=limits) as (server, _):
        work = Work(server, concurrent=True)
        ann = await entered(server)

        ann.say(*calls("stream", 1, 3, credit=8))
        await settle()
        ann.say(*calls("work", 4, 6))  # two run, and one is next
        await settle()
        ann.say(*calls("work", 7, 10))  # and these wait
        await settle()
        [line] = server.registry
        under_way = len(work.begun) + 1 + len(line.session.inbox)

        assert under_way == limits.calls == 10
        assert (line.session.ending, failures(ann.read())) == (None, [])

        ann.say(*calls("work", 11, 11))
        assert line.session.ending is not None and line.session.ending.code == "flood"
        work.door.set()


async def test_a_flood_in_one_message_is_cut_off_where_the_inbox_ends() -> None:
    handled: list[int] = []
    async with serving(limits=Limits(inbox=Inbox(packets=4))) as (server, _):
        server.namespace("/").on("n")(lambda socket, number: handled.append(number))
        ann = await entered(server)

        ann.say(*(Event("/", "n", [number]) for number in range(8_000)))
        await settle()

        assert handled == [0, 1, 2, 3]
        assert server.statistics().limits.inbox == 1


# -- authenticating


class Guard:
    """An authentication hook that thinks until it is let go on."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.asked: list[str] = []
        self.door = asyncio.Event()
        server.authenticate(self.who)

    async def who(self, auth: str) -> str:
        self.asked.append(auth)
        await self.door.wait()
        return auth

    def greet(self, *names: str) -> list[Peer]:
        peers = [Peer(self.server, name) for name in names]
        for peer in peers:
            peer.greet(auth=peer.key.rstrip("x"))
        return peers

    async def open(self) -> None:
        self.door.set()
        await settle()


def answers(peers: list[Peer]) -> list[Welcome | Refuse | None]:
    return [peer.answered() if peer.wire.written else None for peer in peers]


async def test_so_many_are_looked_into_at_a_time_four_times_as_many_wait_and_one_more_is_sent_away() -> None:
    async with serving(limits=Limits(authenticating=2)) as (server, _):
        guard = Guard(server)

        peers = guard.greet(*(f"client-{number}" for number in range(10)))
        await settle()
        assert (guard.asked, answers(peers)) == (["client-0", "client-1"], [None] * 10)
        assert server.statistics().limits.authenticating == 0
        [late] = guard.greet("client-10")

        assert late.answered() == Refuse("try_later", "10 clients are being looked into already", 2000)
        assert server.statistics().limits.authenticating == 1

        await guard.open()
        assert all(isinstance(answer, Welcome) for answer in answers(peers))
        assert guard.asked == [f"client-{number}" for number in range(10)]


async def test_who_waits_and_goes_makes_room() -> None:
    async with serving(limits=Limits(authenticating=1)) as (server, _):
        guard = Guard(server)
        peers = guard.greet("ann", "bob", "cat")
        await settle()

        peers[1].wire.lost()
        await guard.open()

        assert guard.asked == ["ann", "cat"]
        assert server.statistics().checks == 0


async def test_who_is_revoked_while_waiting_is_for_the_hook_to_turn_away() -> None:
    async with serving(limits=Limits(authenticating=1)) as (server, _):
        guard = Guard(server)
        peers = guard.greet("ann", "bob")
        await settle()

        await server.revoke("bob")
        await guard.open()

        assert all(isinstance(answer, Welcome) for answer in answers(peers))


async def test_who_waits_too_long_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentications, "HOOK_WAIT", 0.0)
    async with serving(limits=Limits(authenticating=1)) as (server, _):
        guard = Guard(server)
        ann, bob = guard.greet("ann", "bob")
        await settle()

        told = ann.answered()
        assert isinstance(told, Refuse) and (told.code, told.retry_after) == ("try_later", 2000)
        assert bob.answered() == Refuse("try_later", "too many clients are being looked into before you", 2000)
        assert (server.statistics().limits.check_time, server.statistics().limits.authenticating) == (1, 1)
        assert server.statistics().checks == 0
        guard.door.set()


async def test_a_server_that_stops_tells_those_who_wait_too() -> None:
    async with serving(limits=Limits(authenticating=1)) as (server, _):
        guard = Guard(server)
        peers = guard.greet("ann", "bob", "cat")
        await settle()

        await server.close()

        assert [answer.code for answer in answers(peers) if isinstance(answer, Refuse)] == ["draining"] * 3
        assert guard.asked == ["ann"]
