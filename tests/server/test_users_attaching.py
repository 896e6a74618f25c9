"""Who attaches with which credentials, and what happens while the hook runs."""

from __future__ import annotations

import asyncio

import pytest

from antiphon import Arrival, Principal, Server, Socket
from antiphon.protocol.packets import Event, Ping, Pong, Refuse, Welcome
from antiphon.transports.websocket import WebSocketTransport
from tests.server.peer import MSGPACK, Peer, Poller, Port, Wire, settle
from tests.server.people import Served

# -- who attaches


async def test_without_a_hook_everybody_is_nobody_in_particular(server: Server) -> None:
    root = server.namespace("/")
    peer = Peer(server)

    assert isinstance(peer.attach("/", auth="whatever"), Welcome), "at once, in the same step"
    await settle()

    [socket] = root.sockets
    assert socket.principal is None


async def test_a_socket_knows_its_principal(served: Served) -> None:
    await served.client("one", "ann", "/chat")

    [socket] = served.chat.sockets
    assert socket.principal == Principal("ann")
    assert socket.rooms == frozenset()
    assert served.server.statistics().rooms == 0


async def test_the_connect_handler_knows_the_principal(served: Served) -> None:
    seen: list[Principal | None] = []

    @served.chat.on_connect
    async def enter(socket: Socket) -> None:
        seen.append(socket.principal)

    await served.client("one", "ann", "/chat")

    assert seen == [Principal("ann")]


async def test_the_hook_is_told_how_the_client_came(served: Served) -> None:
    peer = Peer(served.server)
    peer.address, peer.headers = "10.0.0.7", {"cookie": "a=b", "origin": "https://app.example"}

    await served.attach(peer, "ann")

    assert served.people.arrivals == [
        Arrival("10.0.0.7", {"cookie": "a=b", "origin": "https://app.example"}, "https://app.example", "websocket")
    ]


async def test_whoever_is_refused_is_told_so_and_has_no_session(served: Served) -> None:
    peer = Peer(served.server)

    answer = await served.attach(peer, "stranger")

    assert answer == Refuse("unauthorized", "nobody knows you")
    assert peer.wire.shut == (4002, "unauthorized")
    assert len(served.server.registry) == 0


async def test_a_hook_that_fails_has_the_client_try_later(served: Served) -> None:
    answer = await served.attach(Peer(served.server), "broken")

    assert isinstance(answer, Refuse)
    assert (answer.code, answer.retry_after) == ("try_later", 2000)


async def test_the_hook_runs_on_every_attach(served: Served) -> None:
    peer = await served.client("one", "ann", "/chat")

    await served.attach(peer, "ann")
    await served.attach(peer, "ann")

    assert served.people.asked == ["ann", "ann", "ann"]


@pytest.mark.parametrize("auth", ["stranger", "broken"])
async def test_a_refused_attach_leaves_the_living_transport_as_it_is(served: Served, auth: str) -> None:
    """Rule 17."""
    peer = await served.client("one", "ann", "/chat")
    living = peer.wire

    answer = await served.attach(peer, auth)

    assert isinstance(answer, Refuse)
    assert living.shut is None
    await served.chat.emit("said", "still here")
    await settle()
    assert Event("/chat", "said", ["still here"]) in MSGPACK.decode(living.written[-1]).packets


async def test_another_person_is_refused_and_disturbs_nobody(served: Served) -> None:
    """Rule 17, I10: with the right key, too."""
    peer = await served.client("one", "ann", "/chat")
    [line] = served.server.registry
    before = (line.session.attempt, line.transport, line.session.state, line.session.identity)

    answer = await served.attach(peer, "bob")
    nobody = await served.attach(peer, None)
    without_sid = await served.attach(peer, "bob", sid=None)

    assert [each.code for each in (answer, nobody, without_sid) if isinstance(each, Refuse)] == [
        "principal_changed"
    ] * 3
    assert (line.session.attempt, line.transport, line.session.state, line.session.identity) == before
    assert len(served.server.registry) == 1


async def test_what_is_left_of_a_session_is_for_nobody_else(served: Served) -> None:
    """What its client still wants to send was said by Ann."""
    peer = await served.client("one", "ann", "/chat")
    peer.wire.lost()
    served.pass_time(121.0)
    assert len(served.server.registry) == 0

    assert (await served.attach(peer, "bob", epoch=served.server.epoch)) == Refuse(
        "principal_changed", "these credentials are another person's than those the session began with"
    )

    again = await served.attach(peer, "ann", epoch=served.server.epoch)
    assert isinstance(again, Welcome)
    assert again.reason == "expired"


# -- while the hook runs


async def test_a_living_transport_goes_on_while_the_hook_runs(served: Served) -> None:
    peer = await served.client("one", "ann", "/chat")
    living = peer.wire
    served.people.hold = asyncio.Event()
    served.greet(peer, "ann")
    await settle()

    await served.chat.emit("said", "meanwhile")
    await settle()
    assert Event("/chat", "said", ["meanwhile"]) in MSGPACK.decode(living.written[-1]).packets
    assert peer.wire.written == []

    served.people.hold.set()
    await settle()

    assert isinstance(served.answer(peer), Welcome)
    assert living.shut == (4003, "2")


async def test_a_session_does_not_expire_while_its_hello_is_looked_into(served: Served) -> None:
    """Rule 13."""
    peer = await served.client("one", "ann", "/chat")
    peer.wire.lost()
    served.pass_time(119.0)
    served.people.hold = asyncio.Event()
    served.greet(peer, "ann")
    await settle()

    served.pass_time(4.0)
    served.people.hold.set()
    await settle()

    answer = served.answer(peer)
    assert isinstance(answer, Welcome)
    assert answer.resumed


async def test_everything_is_looked_at_again_when_the_hook_has_spoken(served: Served) -> None:
    peer = await served.client("one", "ann", "/chat")
    served.people.hold = asyncio.Event()
    served.greet(peer, "ann", epoch=served.server.epoch)
    await settle()

    [line] = served.server.registry
    line.end("overflow", "meanwhile")
    served.people.hold.set()
    await settle()

    answer = served.answer(peer)
    assert isinstance(answer, Welcome)
    assert (answer.resumed, answer.reason) == (False, "overflow")


async def test_pings_are_answered_while_the_hook_runs(served: Served) -> None:
    served.people.hold = asyncio.Event()
    peer = Peer(served.server)
    served.greet(peer, "ann")
    await settle()

    peer.wire.received(peer.pack(0, Ping(5)))

    [pong] = MSGPACK.decode(peer.wire.written[0]).packets
    assert isinstance(pong, Pong) and pong.time == 5
    peer.wire.congested = True
    peer.wire.received(peer.pack(0, Ping(6)))
    assert len(peer.wire.written) == 1, "who does not read is not answered"


@pytest.mark.parametrize("message", [MSGPACK.pack(1, 1, [MSGPACK.encode(Event("/", "x", []))]), b"\xc1", b"x" * 1000])
async def test_whoever_says_more_while_the_hook_runs_is_turned_away(served: Served, message: bytes) -> None:
    served.people.hold = asyncio.Event()
    peer = Peer(served.server)
    served.greet(peer, "ann")
    await settle()

    peer.wire.received(message)
    await settle()

    assert peer.wire.shut == (4001, "wait for the answer to your Hello")
    assert served.people.cancelled == 1
    assert len(served.server.registry) == 0


async def test_a_hook_is_cancelled_when_its_client_goes(served: Served) -> None:
    peer = await served.client("one", "ann", "/chat")
    peer.wire.lost()
    served.people.hold = asyncio.Event()
    served.greet(peer, "ann")
    await settle()

    peer.wire.lost()
    peer.wire.lost()
    await settle()

    assert served.people.cancelled == 1
    served.pass_time(121.0)
    assert len(served.server.registry) == 0, "the window goes on"


async def test_of_two_hellos_with_one_key_the_newer_one_counts(served: Served) -> None:
    served.people.hold = asyncio.Event()
    older, newer = Peer(served.server, "one"), Peer(served.server, "one")
    served.greet(older, "ann")
    newer.attempt = 1
    served.greet(newer, "ann")
    await settle()

    served.people.hold.set()
    await settle()

    refused = served.answer(older)
    assert isinstance(refused, Refuse)
    assert (refused.code, refused.attempt) == ("try_later", None), "an attempt may have been made up"
    assert isinstance(served.answer(newer), Welcome)
    assert len(served.server.registry) == 1


async def test_a_hello_that_is_late_does_not_stop_the_newer_one(served: Served) -> None:
    served.people.hold = asyncio.Event()
    newer, late = Peer(served.server, "one"), Peer(served.server, "one")
    newer.attempt = 4
    served.greet(newer, "ann")
    served.greet(late, "ann")
    await settle()

    answer = served.answer(late)
    assert isinstance(answer, Refuse)
    assert answer.code == "try_later"

    served.people.hold.set()
    await settle()
    assert isinstance(served.answer(newer), Welcome)


async def test_a_shutdown_answers_who_waits_and_leaves_nothing_behind(served: Served) -> None:
    served.people.hold = asyncio.Event()
    peer, poller, port = Peer(served.server, "one"), Poller(served.server, "two"), Port()
    served.greet(peer, "ann")
    poller.greet_by(port, auth="bob")
    await settle()

    await served.server.close()

    answer = served.answer(peer)
    assert isinstance(answer, Refuse)
    assert answer.code == "draining"
    assert [packet.code for packet in poller.told(port) if isinstance(packet, Refuse)] == ["draining"]
    assert served.people.cancelled == 2
    assert len(served.server.authentication) == 0


async def test_an_http_attach_is_asked_who_it_is_as_well(served: Served) -> None:
    poller, port, another = Poller(served.server, "two"), Port(), Port()

    poller.greet_by(port, auth="bob", headers={"cookie": "a=b"}, address="10.0.0.7")
    await settle()
    [welcome] = poller.told(port)
    poller.sid = welcome.sid if isinstance(welcome, Welcome) else None
    poller.greet_by(another, auth="ann")
    await settle()

    assert [line.session.identity.id for line in served.server.registry] == ["bob"]
    assert served.people.arrivals[0] == Arrival("10.0.0.7", {"cookie": "a=b"}, None, "longpoll")
    assert [packet.code for packet in poller.told(another) if isinstance(packet, Refuse)] == ["principal_changed"]


def test_wires_of_hosts_have_no_headers_unless_they_say_so() -> None:
    assert dict(WebSocketTransport.headers) == dict(Wire.headers) == {}
