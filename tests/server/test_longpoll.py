"""Long-polling: what polls and pushes are answered, late, doubled, lost or in order."""

from __future__ import annotations

import asyncio

from antiphon import Limits, Server, Socket
from antiphon.dialects.base import Poll, Push
from antiphon.protocol.closing import TransportCode
from antiphon.protocol.packets import Ack, Event, Volatile, Welcome
from antiphon.testing.clock import ManualClock
from tests.server.peer import Poller, Port, serving, settle

# -- polls


async def test_a_poll_is_held_until_there_is_something(server: Server, ann: Poller) -> None:
    poll = ann.poll(1)
    assert poll.answered == 0

    await server.namespace("/").emit("hi", 1)
    await settle()

    assert ann.told(poll) == [Event("/", "hi", [1])]


async def test_a_poll_is_answered_at_once_when_something_waits(server: Server, ann: Poller) -> None:
    await server.namespace("/").emit("hi", 1)
    await settle()

    assert ann.told(ann.poll(1)) == [Event("/", "hi", [1])]


async def test_a_held_poll_is_answered_with_nothing_within_20_seconds(
    server: Server, clock: ManualClock, ann: Poller
) -> None:
    poll = ann.poll(1)

    server.tick(clock.advance(19.9))
    assert poll.answered == 0
    server.tick(clock.advance(0.2))

    assert ann.told(poll) == []


async def test_a_newer_poll_releases_the_older_at_once(server: Server, ann: Poller) -> None:
    older, newer = ann.poll(1), ann.poll(1)

    assert ann.told(older) == []
    assert newer.answered == 0


async def test_an_older_poll_that_comes_late_is_released_and_takes_nothing(server: Server, ann: Poller) -> None:
    newest = ann.poll(1)
    late = Port()
    credentials = ann.credentials()._replace(request=1)

    server.gateway.poll(Poll(credentials, ann.pack(1, Ack(0))), late)
    await server.namespace("/").emit("hi")
    await settle()

    assert ann.told(late) == []
    assert ann.told(newest) == [Event("/", "hi", [])]


async def test_a_lost_answer_is_given_again_to_the_next_poll(server: Server, ann: Poller) -> None:
    await server.namespace("/").emit("hi", 1)
    lost = ann.told(ann.poll(1))
    await server.namespace("/").emit("hi", 2)

    again = ann.told(ann.poll(1))

    assert lost == again == [Event("/", "hi", [1])]
    assert ann.told(ann.poll(2)) == [Event("/", "hi", [2])]


async def test_only_an_ack_removes(server: Server, ann: Poller) -> None:
    await server.namespace("/").emit("hi", 1)
    ann.told(ann.poll(1))

    await server.namespace("/").emit("hi", 2)

    assert ann.told(ann.poll(2)) == [Event("/", "hi", [2])]


async def test_without_a_poll_for_20_seconds_the_transport_is_lost_and_the_session_is_not(
    server: Server, clock: ManualClock, ann: Poller
) -> None:
    server.tick(clock.advance(0.0))
    await server.namespace("/").emit("hi")

    server.tick(clock.advance(20.1))
    assert dict(server.statistics().transports) == {}

    answer = ann.enter()
    assert isinstance(answer, Welcome) and answer.resumed


async def test_a_push_is_a_sign_of_life(server: Server, clock: ManualClock, ann: Poller) -> None:
    ann.poll(1)
    await server.namespace("/").emit("hi")
    await settle()
    server.tick(clock.advance(0.3))
    server.tick(clock.advance(15))
    ann.push(Ack(1))
    server.tick(clock.advance(15))

    assert dict(server.statistics().transports) == {"longpoll": 1}


# -- pushes


async def test_a_push_is_taken_in_and_answered_with_how_far(server: Server, ann: Poller) -> None:
    handled = []

    @server.namespace("/").on("say")
    async def say(socket: Socket, text: str) -> None:
        handled.append(text)

    answer = ann.told(ann.push(Event("/", "say", ["a"]), Event("/", "say", ["b"])))
    await settle()

    assert answer == [Ack(0, 2)]
    assert handled == ["a", "b"]


async def test_a_doubled_push_is_harmless(server: Server, ann: Poller) -> None:
    handled = []

    @server.namespace("/").on("say")
    async def say(socket: Socket, text: str) -> None:
        handled.append(text)

    first = ann.push(Event("/", "say", ["a"]), Volatile("/", "say", ["v"]), request=5)
    second = ann.push(Event("/", "say", ["a"]), Volatile("/", "say", ["v"]), request=5)
    await settle()

    assert handled == ["a", "v"]
    assert (first.answered, second.answered) == (1, 1)


async def test_a_push_that_comes_late_brings_no_volatile_packets(server: Server, ann: Poller) -> None:
    handled = []

    @server.namespace("/").on("say")
    async def say(socket: Socket, text: str) -> None:
        handled.append(text)

    ann.push(Event("/", "say", ["a"]), request=9)
    ann.push(Volatile("/", "say", ["late"]), Event("/", "say", ["b"]), number=2, request=8)
    await settle()

    assert handled == ["a", "b"]


async def test_a_push_with_a_gap_closes_the_transport(server: Server, ann: Poller) -> None:
    poll = ann.poll(1)

    push = ann.push(Event("/", "say", ["c"]), number=3)

    assert push.refused is not None and push.refused.code == TransportCode.GAP
    assert poll.refused is not None and poll.refused.code == TransportCode.GAP
    answer = ann.enter()
    assert isinstance(answer, Welcome) and answer.resumed


async def test_a_push_that_cannot_be_read_ends_the_session_and_the_poll_says_so(server: Server, ann: Poller) -> None:
    poll, port = ann.poll(1), Port()

    server.gateway.push(Push(ann.credentials(), b"\xc1"), port)

    assert port.answered == 1
    assert any(getattr(packet, "code", None) == "protocol" for packet in ann.told(poll))
    answer = ann.enter()
    assert isinstance(answer, Welcome) and (answer.resumed, answer.reason) == (False, "protocol")


# -- bounds


async def test_a_client_that_does_not_poll_overflows_and_learns_it() -> None:
    async with serving(limits=Limits(message=100_000)) as (server, clock):
        root = server.namespace("/")
        ann = Poller(server)
        ann.enter("/")
        await settle()
        assert ann.sid is not None

        for _ in range(5000):
            root.emit_nowait("tick")
        server.tick(clock.advance(0.25))
        await settle()

        answer = ann.enter()
        assert isinstance(answer, Welcome) and (answer.resumed, answer.reason) == (False, "overflow")


async def test_an_answer_to_a_poll_keeps_to_the_limit_of_a_message() -> None:
    async with serving(limits=Limits(message=64_000)) as (server, _):
        root = server.namespace("/")
        ann = Poller(server)
        ann.enter("/")
        await settle()
        for number in range(5):
            root.emit_nowait("big", number, "x" * 30_000)

        seen = 0
        while seen < 6:
            packets = ann.told(ann.poll(seen))
            assert packets
            seen += len(packets)
            await asyncio.sleep(0)

        assert seen == 6
