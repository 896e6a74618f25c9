"""Users: who attaches with which credentials, what is said to a person, how credentials are renewed and revoked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from antiphon import Arrival, Principal, Refused, Server, Socket
from antiphon.brokers.memory import MemoryBroker
from antiphon.protocol.packets import Call, Close, Event, Failed, Leave, Ping, Pong, Refuse, Renew, Reply, Welcome
from antiphon.testing.clock import ManualClock
from antiphon.transports.websocket import WebSocketTransport
from tests.server.peer import MSGPACK, Peer, Poller, Port, Wire, serving, settle

WALL = 1_000_000.0


class People:
    """The application: credentials are names, some of which it knows more about."""

    def __init__(self, server: Server) -> None:
        self.asked: list[Any] = []
        self.arrivals: list[Arrival] = []
        self.expires: dict[str, float] = {}
        self.hold: asyncio.Event | None = None
        self.cancelled = 0
        server.authenticate(self.who)

    async def who(self, auth: Any, request: Arrival) -> Principal | None:
        self.asked.append(auth)
        self.arrivals.append(request)
        if self.hold is not None:
            try:
                await self.hold.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        if auth == "stranger":
            raise Refused("nobody knows you")
        if auth == "broken":
            raise OSError("the database is down")
        return None if auth is None else Principal(auth, self.expires.get(auth))


class Served:
    """A server with two namespaces, and its application."""

    def __init__(self, server: Server, clock: ManualClock) -> None:
        self.server, self.clock = server, clock
        self.people = People(server)
        self.chat, self.news = server.namespace("/chat"), server.namespace("/news")

    async def client(self, name: str, auth: Any, *joins: str) -> Peer:
        """A client with these credentials, which has joined."""
        peer = Peer(self.server, name)
        answer = await self.attach(peer, auth, *joins)
        assert isinstance(answer, Welcome)
        await settle()
        peer.read()
        return peer

    async def attach(self, peer: Peer, auth: Any, *joins: str, **fields: Any) -> Welcome | Refuse:
        """Say Hello, and wait for the answer."""
        self.greet(peer, auth, *joins, **fields)
        await settle()
        return self.answer(peer)

    def greet(self, peer: Peer, auth: Any, *joins: str, **fields: Any) -> None:
        """Say Hello; the answer comes later."""
        peer.greet(*joins, auth=auth, **fields)

    def answer(self, peer: Peer) -> Welcome | Refuse:
        return peer.answered()

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.server.tick(self.clock())


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serving(wall=lambda: WALL) as (server, clock):
        yield Served(server, clock)


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


# -- a person and their sockets


async def test_a_person_is_reached_in_every_namespace_on_every_device(served: Served) -> None:
    phone = await served.client("phone", "ann", "/chat", "/news")
    laptop = await served.client("laptop", "ann", "/chat")
    other = await served.client("other", "bob", "/chat", "/news")

    await served.server.user("ann").emit("hello", 1)
    served.server.user("ann").emit_nowait("hello", 2)
    await settle()

    assert phone.events() == [("hello", 1)] * 2 + [("hello", 2)] * 2
    assert laptop.events() == [("hello", 1), ("hello", 2)]
    assert other.events() == []
    assert len(served.server.user("ann").sockets) == 3
    assert repr(served.server.user("ann")) == "<User ann with 3 sockets>"


async def test_a_person_in_one_namespace_is_an_audience(served: Served) -> None:
    phone = await served.client("phone", "ann", "/chat", "/news")
    await served.client("other", "bob", "/chat")

    await served.chat.user("ann").emit("said", 1)
    await served.server.user("ann").within("/news").emit("news", 2)
    await settle()

    assert phone.events() == [("said", 1), ("news", 2)]
    assert len(served.chat.user("ann").sockets) == 1
    assert len(served.chat.user("bob").to("nowhere").sockets) == 1


async def test_nobody_is_reached_who_is_not_here(served: Served) -> None:
    user = served.server.user("ann")

    await user.emit("hello")
    await user.join("red")
    await user.disconnect()

    assert user.sockets == frozenset()
    assert (await user.call("ask")).values == {}


async def test_a_person_comes_into_rooms_and_leaves_them_everywhere(served: Served) -> None:
    await served.client("phone", "ann", "/chat", "/news")
    user = served.server.user("ann")

    await user.join("red", "blue")
    await user.leave("red")

    assert [socket.rooms for socket in user.sockets] == [{"blue"}, {"blue"}]
    assert len(served.chat.to("blue").sockets) == len(served.news.to("blue").sockets) == 1


async def test_a_call_to_a_person_gathers_what_each_device_answers(served: Served) -> None:
    phone = await served.client("phone", "ann", "/chat", "/news")
    asking = asyncio.create_task(served.server.user("ann").call("vote"))
    await settle()
    first, second = phone.read()
    assert isinstance(first, Call) and isinstance(second, Call)
    phone.say(Reply(first.id, "yes"), Failed(second.id, "busy"))

    replies = await asking

    assert list(replies.values.values()) == ["yes"]
    assert [str(error) for error in replies.errors.values()] == ["busy"]
    assert replies.missing == frozenset()


async def test_a_person_is_put_out_of_all_namespaces_and_the_session_goes_on(served: Served) -> None:
    phone = await served.client("phone", "ann", "/chat", "/news")

    await served.server.user("ann").disconnect("lunch")
    await settle()

    assert sorted(packet.namespace for packet in phone.read() if isinstance(packet, Leave)) == ["/chat", "/news"]
    assert served.server.user("ann").sockets == frozenset()
    assert len(served.server.registry) == 1


async def test_whoever_is_gone_is_not_in_the_audience_of_a_person(served: Served) -> None:
    phone = await served.client("phone", "ann", "/chat")
    [socket] = served.chat.sockets
    await socket.join("red")

    phone.say(Leave("/chat"))
    await settle()

    assert served.chat.user("ann").sockets == frozenset()
    assert socket.rooms == {"red"}


# -- credentials that expire


async def test_fresh_credentials_are_asked_for_and_the_session_goes_on(served: Served) -> None:
    served.people.expires["ann"] = WALL + 20
    peer = await served.client("one", "ann", "/chat")
    served.pass_time(15.0)
    await settle()
    assert Renew() in peer.read()
    served.people.expires["ann"] = WALL + 1000

    peer.say(Renew("ann"))
    await settle()
    served.pass_time(10.0)
    await settle()

    assert peer.wire.shut is None
    [socket] = served.chat.sockets
    assert socket.principal == Principal("ann", WALL + 1000)


async def test_expired_credentials_close_the_transport_and_fresh_ones_resume(served: Served) -> None:
    served.people.expires["ann"] = WALL + 20
    peer = await served.client("one", "ann", "/chat")

    served.pass_time(20.0)
    await served.chat.emit("said", "meanwhile")
    assert peer.wire.shut == (4008, "the credentials have expired")
    served.people.expires["ann"] = WALL + 1000
    answer = await served.attach(peer, "ann")
    await settle()

    assert isinstance(answer, Welcome)
    assert answer.resumed
    assert peer.events() == [("said", "meanwhile")]


async def test_fresh_credentials_that_are_refused_end_the_session(served: Served) -> None:
    peer = await served.client("one", "ann", "/chat")

    peer.say(Renew("stranger"))
    await settle()

    assert peer.read()[-1] == Close("unauthorized", "nobody knows you")
    assert peer.wire.shut == (1000, "unauthorized")

    again = await served.attach(peer, "ann", epoch=served.server.epoch)
    assert isinstance(again, Welcome)
    assert (again.resumed, again.reason) == (False, "unauthorized")


async def test_fresh_credentials_of_another_person_end_the_session(served: Served) -> None:
    peer = await served.client("one", "ann", "/chat")

    peer.say(Renew("bob"))
    await settle()

    assert isinstance(peer.read()[-1], Close)
    assert peer.wire.shut == (1000, "principal_changed")


async def test_a_hook_that_fails_for_fresh_credentials_asks_for_them_again(served: Served) -> None:
    served.people.expires["ann"] = WALL + 20
    peer = await served.client("one", "ann", "/chat")
    served.pass_time(15.0)
    await settle()
    peer.read()

    peer.say(Renew("broken"))
    await settle()
    assert peer.wire.shut is None
    served.pass_time(2.0)
    await settle()

    assert Renew() in peer.read()


async def test_one_renewal_at_a_time_and_the_newest_is_next(served: Served) -> None:
    peer = await served.client("one", "ann", "/chat")
    served.people.hold = asyncio.Event()
    for _ in range(3):
        peer.say(Renew("ann"))
        await settle()
    peer.say(Renew("stranger"))
    await settle()
    assert served.people.asked == ["ann", "ann"]

    served.people.hold.set()
    await settle()

    assert served.people.asked == ["ann", "ann", "stranger"]
    assert peer.wire.shut == (1000, "unauthorized")


async def test_a_session_that_ends_cancels_its_renewal(served: Served) -> None:
    peer = await served.client("one", "ann", "/chat")
    served.people.hold = asyncio.Event()
    peer.say(Renew("ann"))
    await settle()

    await served.server.revoke("ann")
    await settle()

    assert served.people.cancelled == 1
    assert len(served.server.authentication) == 0


# -- revoking


async def test_a_revoked_person_is_gone_everywhere_and_told_not_to_come_back(served: Served) -> None:
    phone = await served.client("phone", "ann", "/chat", "/news")
    laptop = await served.client("laptop", "ann", "/chat")
    other = await served.client("other", "bob", "/chat")
    laptop.wire.lost()

    await served.server.user("ann").revoke("banned")
    await settle()

    assert phone.read()[-1] == Close("revoked", "banned")
    assert phone.wire.shut == (1000, "revoked")
    assert other.wire.shut is None
    assert [line.session.identity.id for line in served.server.registry] == ["bob"]
    assert {socket.principal for socket in served.chat.sockets} == {Principal("bob")}
    assert await served.attach(laptop, "ann") == Refuse("revoked", "banned")


async def test_whoever_begins_anew_after_that_is_up_to_the_hook(served: Served) -> None:
    peer = await served.client("one", "ann", "/chat")
    await served.server.revoke("ann")

    answer = await served.attach(peer, "ann", sid=None, epoch=served.server.epoch)

    assert isinstance(answer, Welcome)
    assert not answer.resumed


async def test_whoever_is_just_coming_is_revoked_too(served: Served) -> None:
    served.people.hold = asyncio.Event()
    peer = Peer(served.server)
    served.greet(peer, "ann")
    await settle()

    await served.server.revoke("ann", "banned")
    served.people.hold.set()
    await settle()

    assert served.answer(peer) == Refuse("revoked", "banned")
    assert len(served.server.registry) == 0


def test_wires_of_hosts_have_no_headers_unless_they_say_so() -> None:
    assert dict(WebSocketTransport.headers) == dict(Wire.headers) == {}


async def test_a_person_is_reached_on_another_node_as_well() -> None:
    broker = MemoryBroker()
    async with serving(broker=broker) as (here, _), serving(broker=broker) as (there, _):
        people, far = Served(there, ManualClock()), here.namespace("/chat")
        peer = await people.client("one", "ann", "/chat")
        await people.client("two", "bob", "/chat")

        await here.user("ann").emit("hello", 1)
        await far.user("ann").emit("hello", 2)
        await settle()

        assert peer.events() == [("hello", 1), ("hello", 2)]
