"""Where transports come in: the opening of a WebSocket, and who may speak for a session over HTTP."""

from __future__ import annotations

import pytest

from antiphon import Server
from antiphon.dialects.base import Answer, Attach, LeaveBeacon, Poll, Push
from antiphon.protocol.closing import TransportCode
from antiphon.protocol.packets import Ack, Event, Hello, Packet, Ping, Pong, Refuse, Welcome
from antiphon.testing.clock import ManualClock
from antiphon.types import Data
from tests.server.peer import JSON, MSGPACK, Peer, Poller, Port, Wire, entered, settle


def only(message: Data) -> Packet:
    [packet] = MSGPACK.decode(message).packets
    return packet


# -- the opening of a WebSocket


async def test_a_ping_before_hello_is_answered_and_leaves_nothing(server: Server, clock: ManualClock) -> None:
    wire = Wire(server.gateway)

    wire.received(MSGPACK.pack(0, 0, [MSGPACK.encode(Ping(7))]))

    assert only(wire.written[0]) == Pong(7, round(clock() * 1000))
    assert len(server.registry) == 0
    assert wire.shut is None


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xc1",
        b"\x90",
        b"hello",
        "not JSON",
        "[0,0]",
        '[0,0,[32,{"key":"short","attempt":1}]]',
        MSGPACK.pack(1, 1, [MSGPACK.encode(Event("/", "e", []))]),
        MSGPACK.pack(0, 0, [MSGPACK.encode(Ping(1)), MSGPACK.encode(Ping(2))]),
        MSGPACK.pack(0, 0, [MSGPACK.encode(Hello(key="x" * 43, attempt=1)), MSGPACK.encode(Ping(2))]),
        MSGPACK.pack(0, 0, [MSGPACK.encode(Hello(key="x" * 129, attempt=1))]),
        MSGPACK.pack(0, 0, [MSGPACK.encode(Hello(key="x" * 43, attempt=0))]),
        MSGPACK.pack(0, 0, [MSGPACK.encode(Hello(key="x" * 43, attempt=1, auth="x" * (16 << 10)))]),
    ],
)
async def test_what_is_no_hello_closes_the_websocket(server: Server, message: Data) -> None:
    wire = Wire(server.gateway)

    wire.received(message)

    assert wire.shut is not None and wire.shut[0] == TransportCode.BAD_HELLO
    assert len(server.registry) == 0


async def test_a_hello_within_the_limit_is_welcome(server: Server) -> None:
    ann = Peer(server)

    assert isinstance(ann.attach(auth="x" * (15 << 10)), Welcome)


async def test_a_refused_hello_is_told_why_and_closed(server: Server) -> None:
    ann = Peer(server)

    answer = ann.attach(version=2)

    assert isinstance(answer, Refuse) and answer.code == "version"
    assert ann.wire.shut == (TransportCode.REFUSED, "version")


async def test_a_new_attach_fences_the_old_websocket(server: Server) -> None:
    ann = await entered(server)
    old = ann.wire

    ann.attach()
    old.received(ann.pack(1, Event("/", "late", [])))
    await settle()

    assert old.shut == (TransportCode.FENCED, "2")
    assert server.statistics().unhandled == 0


async def test_json_is_spoken_with_who_speaks_json(server: Server) -> None:
    server.namespace("/")
    ann = Peer(server, codec=JSON)

    ann.attach("/")
    await settle()

    assert all(isinstance(message, str) for message in ann.wire.written)
    assert len(ann.read()) == 1


async def test_a_server_that_stops_sends_clients_to_the_next_one(server: Server) -> None:
    await server.close()

    by_websocket, by_http = Peer(server).attach(), Poller(server).enter()

    for answer in (by_websocket, by_http):
        assert isinstance(answer, Refuse)
        assert (answer.code, answer.retry_after) == ("draining", 1000)
    assert len(server.registry) == 0


# -- who may


async def test_an_attempt_that_is_not_the_living_one_is_fenced(server: Server, ann: Poller) -> None:
    old = ann.credentials()
    held = ann.poll(1)
    ann.enter()

    polled, pushed = Port(), Port()
    server.gateway.poll(Poll(old, ann.pack(1, Ack(0))), polled)
    server.gateway.push(Push(old, ann.pack(1, Ack(0))), pushed)
    for port in (polled, pushed):
        assert port.refused is not None
        assert (port.refused.code, port.refused.reason) == (TransportCode.FENCED, "2")
    assert held.refused is not None and held.refused.code == TransportCode.FENCED


async def test_requests_of_a_session_that_moved_to_a_websocket_are_fenced(server: Server, ann: Poller) -> None:
    poll = ann.poll(1)

    ann.attach()

    assert poll.refused is not None and poll.refused.code == TransportCode.FENCED
    after = ann.poll(1)
    assert after.refused is not None and after.refused.code == TransportCode.FENCED


async def test_an_unknown_session_and_a_wrong_key_get_the_same_answer(server: Server, ann: Poller) -> None:
    held = ann.poll(1)
    answers = []
    for stranger in (ann.credentials()._replace(sid="nobody's"), ann.credentials()._replace(key="e" * 43)):
        for intent in (Poll(stranger, ann.pack(1, Ack(0))), Push(stranger, ann.pack(1, Ack(0)))):
            port = Port()
            if isinstance(intent, Poll):
                server.gateway.poll(intent, port)
            else:
                server.gateway.push(intent, port)
            answers.append(port.told)

    assert answers == [Answer(401, "unknown session or wrong key; attach again")] * 4
    assert held.answered == 0, "the owner is not disturbed"


async def test_another_form_than_the_sessions_is_refused(server: Server, ann: Poller) -> None:
    port = Port()

    server.gateway.push(Push(ann.credentials(), "[1,0]"), port)

    assert port.told is not None and port.told.status == 415


async def test_an_attach_that_cannot_be_read_is_answered(server: Server) -> None:
    port = Port()

    server.gateway.attach(Attach(MSGPACK, b"\xc1"), port)

    assert port.told is not None and port.told.status == 400


async def test_a_ping_over_http_is_answered_and_leaves_nothing(server: Server, clock: ManualClock) -> None:
    port = Port()

    server.gateway.attach(Attach(MSGPACK, MSGPACK.pack(0, 0, [MSGPACK.encode(Ping(1))])), port)

    [message] = port.answers
    assert message is not None and only(message) == Pong(1, round(clock() * 1000))
    assert len(server.registry) == 0


# -- leaving


async def test_a_leaving_page_has_ten_seconds_to_change_its_mind(
    server: Server, clock: ManualClock, ann: Poller
) -> None:
    assert ann.sid is not None
    port = Port()

    server.gateway.leave(LeaveBeacon(ann.sid, ann.key, ann.attempt), port)
    server.tick(clock.advance(9.5))
    assert len(server.registry) == 1
    server.tick(clock.advance(1))

    assert port.answers == [None]
    assert len(server.registry) == 0


async def test_a_page_may_leave_while_its_next_attach_is_under_way(
    server: Server, clock: ManualClock, ann: Poller
) -> None:
    assert ann.sid is not None

    server.gateway.leave(LeaveBeacon(ann.sid, ann.key, ann.attempt + 1), Port())
    server.tick(clock.advance(10.5))

    assert len(server.registry) == 0


async def test_a_leave_with_a_wrong_key_or_an_old_attempt_does_nothing(
    server: Server, clock: ManualClock, ann: Poller
) -> None:
    assert ann.sid is not None
    poll = ann.poll(1)

    for beacon in (LeaveBeacon(ann.sid, "e" * 43, ann.attempt), LeaveBeacon(ann.sid, ann.key, 0)):
        port = Port()
        server.gateway.leave(beacon, port)
        assert port.answers == [None]
    server.tick(clock.advance(15))

    assert poll.answered == 0
    assert len(server.registry) == 1


# -- wrong keys


async def test_too_many_wrong_keys_from_one_address_are_told_to_wait(
    server: Server, clock: ManualClock, ann: Poller
) -> None:
    stranger = ann.credentials()._replace(key="e" * 43)

    def guess(address: str) -> Answer | None:
        port = Port()
        server.gateway.poll(Poll(stranger, b""), port, address)
        return port.told

    statuses = [answer.status for _ in range(22) if (answer := guess("10.0.0.1")) is not None]
    assert statuses == [401] * 20 + [429] * 2
    told = guess("10.0.0.1")
    assert told is not None and told.headers == (("Retry-After", "60"),)
    other = guess("10.0.0.2")
    assert other is not None and other.status == 401
    clock.advance(61)
    again = guess("10.0.0.1")
    assert again is not None and again.status == 401


async def test_a_stranger_locks_out_nobody_not_even_behind_the_same_address(server: Server, ann: Poller) -> None:
    stranger = ann.credentials()._replace(key="e" * 43)
    for _ in range(50):
        server.gateway.push(Push(stranger, b""), Port(), "10.0.0.1")

    answer = ann.enter(address="10.0.0.1")

    assert isinstance(answer, Welcome) and answer.resumed


async def test_wrong_keys_in_a_hello_and_in_a_leave_count_as_well(server: Server, ann: Poller) -> None:
    assert ann.sid is not None
    for number in range(10):
        stranger = Poller(server, f"eve {number}")
        stranger.sid = ann.sid
        stranger.enter(address="10.0.0.1")
        server.gateway.leave(LeaveBeacon(ann.sid, "e" * 43, 1), Port(), "10.0.0.1")

    stranger.sid = ann.sid
    refused, port = stranger.enter(address="10.0.0.1"), Port()
    server.gateway.leave(LeaveBeacon(ann.sid, "e" * 43, 1), port, "10.0.0.1")

    assert isinstance(refused, Refuse) and (refused.code, refused.retry_after) == ("try_later", 60_000)
    assert port.told is not None and port.told.status == 429


async def test_sessions_that_are_no_more_are_no_guesses(server: Server) -> None:
    for number in range(50):
        poller = Poller(server, f"client {number}")
        poller.sid = f"of the last process {number}"
        assert isinstance(poller.enter(address="10.0.0.1"), Welcome)
