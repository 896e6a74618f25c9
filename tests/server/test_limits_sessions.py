"""How many sessions there may be, of whom and from where: at each limit, and one above, which disturbs nobody."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import asdict

import pytest

from antiphon import Limits, Server
from antiphon.protocol.packets import Refuse, Welcome
from antiphon.server.census import source
from antiphon.testing.clock import ManualClock
from tests.server.peer import Peer, Poller, serving, settle
from tests.server.people import WALL, Served

HERE, THERE = "192.0.2.1", "192.0.2.2"


def client(server: Server, name: str, address: str = "") -> Peer:
    peer = Peer(server, name)
    peer.address = address
    return peer


def come(server: Server, address: str, *names: str) -> list[Peer]:
    """Clients that are let in."""
    peers = [client(server, name, address) for name in names]
    for peer in peers:
        assert isinstance(peer.attach(), Welcome)
    return peers


def sent_away(answer: Welcome | Refuse) -> bool:
    """For a moment, and not as many others."""
    if isinstance(answer, Welcome):
        return False
    assert answer.code == "try_later"
    assert answer.retry_after is not None and 5000 <= answer.retry_after <= 10_000
    return True


def hits(server: Server) -> dict[str, int]:
    return {name: count for name, count in asdict(server.statistics().limits).items() if count}


# -- connections


async def test_the_last_session_of_a_node_is_let_in_and_one_more_is_sent_away_for_a_moment() -> None:
    async with serving(limits=Limits(connections=2)) as (server, _):
        come(server, "", "ann", "bob")

        answer = client(server, "eve").attach()

        assert sent_away(answer)
        assert hits(server) == {"connections": 1}
        assert server.statistics().sessions == 2


async def test_whoever_has_a_session_is_let_in_however_full_the_node_is() -> None:
    async with serving(limits=Limits(connections=2)) as (server, _):
        ann, _bob = come(server, "", "ann", "bob")
        ann.wire.lost()

        answer = ann.attach()

        assert isinstance(answer, Welcome) and answer.resumed


async def test_whoever_begins_anew_takes_no_second_place() -> None:
    async with serving(limits=Limits(connections=1)) as (server, _):
        [ann] = come(server, "", "ann")

        answer = ann.attach(sid=None, epoch="today")

        assert isinstance(answer, Welcome) and not answer.resumed
        assert server.statistics().sessions == 1


async def test_a_session_that_is_over_makes_room() -> None:
    async with serving(limits=Limits(connections=1, connections_per_address=1)) as (server, _):
        come(server, HERE, "ann")
        for line in server.registry:
            line.end("revoked", "")

        assert isinstance(client(server, "bob", HERE).attach(), Welcome)


async def test_by_polls_one_is_told_the_same() -> None:
    async with serving(limits=Limits(connections=1)) as (server, _):
        come(server, "", "ann")

        assert sent_away(Poller(server, "bob").enter())


async def test_a_full_node_does_not_ask_its_hook() -> None:
    async with serving(limits=Limits(connections=1), wall=lambda: WALL) as (server, clock):
        served = Served(server, clock)
        await served.client("first", "ann")

        answer = await served.attach(Peer(server, "second"), "bob")

        assert sent_away(answer)
        assert served.people.asked == ["ann"]


# -- connections_per_address


async def test_the_last_session_of_an_address_is_let_in_and_one_more_is_not() -> None:
    async with serving(limits=Limits(connections_per_address=2)) as (server, _):
        come(server, HERE, "ann", "bob")

        answer = client(server, "eve", HERE).attach()

        assert sent_away(answer)
        assert hits(server) == {"connections_per_address": 1}


async def test_other_addresses_do_not_notice() -> None:
    async with serving(limits=Limits(connections_per_address=1)) as (server, _):
        come(server, HERE, "ann")
        client(server, "eve", HERE).attach()

        assert isinstance(client(server, "bob", THERE).attach(), Welcome)


async def test_a_session_counts_for_the_address_it_comes_from_now() -> None:
    async with serving(limits=Limits(connections_per_address=1)) as (server, _):
        [ann] = come(server, HERE, "ann")
        ann.address = THERE
        ann.attach()

        assert isinstance(client(server, "bob", HERE).attach(), Welcome)
        assert sent_away(client(server, "eve", THERE).attach())


async def test_a_living_session_may_move_to_an_address_that_is_full() -> None:
    async with serving(limits=Limits(connections_per_address=1)) as (server, _):
        [ann], _ = come(server, HERE, "ann"), come(server, THERE, "bob")
        ann.address = THERE

        answer = ann.attach()

        assert isinstance(answer, Welcome) and answer.resumed


@pytest.mark.parametrize("address", ["", "127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
async def test_an_address_of_this_machine_and_an_unknown_one_are_not_counted(address: str) -> None:
    async with serving(limits=Limits(connections_per_address=1)) as (server, _):
        come(server, address, "ann", "bob", "cat")

        assert hits(server) == {}


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("a proxy's own word", "a proxy's own word"),
    ],
)
def test_whom_an_address_stands_for(address: str, counted: str) -> None:
    """Who has IPv6 has a whole network of addresses."""
    assert source(address) == counted


async def test_the_log_tells_of_an_address_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(limits=Limits(connections_per_address=1)) as (server, clock):
        come(server, HERE, "ann")
        come(server, THERE, "bob")
        for name in ("cat", "dan"):
            client(server, name, HERE).attach()
        client(server, "eve", THERE).attach()
        first = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
        clock.advance(60.0)
        client(server, "fay", HERE).attach()

    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [HERE in first[0], THERE in first[1], len(first)] == [True, True, 2]
    assert "connections_per_address=1" in first[0] and "trusted_proxies" in first[0]
    assert len(told) == 3


async def test_the_log_remembers_a_bounded_number_of_addresses(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(limits=Limits(connections=1)) as (server, _):
        come(server, "", "ann")

        for number in range(1001):
            client(server, "eve", f"10.1.{number // 256}.{number % 256}").attach()
        caplog.clear()
        client(server, "eve", "10.1.0.0").attach()  # it was forgotten
        client(server, "eve", "10.1.3.232").attach()

    assert ["10.1.0.0" in record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        True
    ]


# -- connections_per_principal


async def served(limits: Limits) -> AsyncIterator[Served]:
    async with serving(limits=limits, wall=lambda: WALL) as (server, clock):
        yield Served(server, clock)


@pytest.fixture
async def two_each() -> AsyncIterator[Served]:
    async for made in served(Limits(connections_per_principal=2)):
        yield made


async def test_the_last_session_of_a_person_is_let_in_and_one_more_is_not(two_each: Served) -> None:
    await two_each.client("phone", "ann")
    await two_each.client("laptop", "ann")

    answer = await two_each.attach(Peer(two_each.server, "robot"), "ann")

    assert sent_away(answer)
    assert hits(two_each.server) == {"connections_per_principal": 1}


async def test_other_people_do_not_notice(two_each: Served) -> None:
    for device in ("phone", "laptop"):
        await two_each.client(device, "ann")
    await two_each.attach(Peer(two_each.server, "robot"), "ann")

    assert isinstance(await two_each.attach(Peer(two_each.server, "phone of bob"), "bob"), Welcome)


async def test_nobody_in_particular_is_no_person(two_each: Served) -> None:
    for name in ("one", "two", "three"):
        assert isinstance(await two_each.attach(Peer(two_each.server, name), None), Welcome)


async def test_a_person_may_resume_each_of_their_sessions(two_each: Served) -> None:
    phone, laptop = await two_each.client("phone", "ann"), await two_each.client("laptop", "ann")

    answers = [await two_each.attach(peer, "ann") for peer in (phone, laptop)]

    assert [isinstance(answer, Welcome) and answer.resumed for answer in answers] == [True, True]


# -- detached


def lose(*peers: Peer) -> None:
    for peer in peers:
        peer.wire.lost()


def alive(peer: Peer) -> bool:
    return peer.sid is not None and peer.sid in peer.server.registry


async def test_at_the_limit_nothing_happens_and_above_it_the_oldest_detached_session_ends() -> None:
    reasons: list[str] = []
    async with serving(limits=Limits(detached=2)) as (server, _):
        server.namespace("/").on_disconnect(lambda socket, reason: reasons.append(reason.code))
        ann, bob, cat, dan = (Peer(server, name) for name in ("ann", "bob", "cat", "dan"))
        for peer in (ann, bob, cat, dan):
            peer.attach("/")
        await settle()

        lose(bob, ann)
        assert (hits(server), reasons) == ({}, [])
        lose(cat)
        await settle()

        assert [alive(peer) for peer in (ann, bob, cat, dan)] == [True, False, True, True]
        assert (hits(server), reasons) == ({"detached": 1}, ["evicted"])
        assert server.statistics().endings == {"evicted": 1}


async def test_whose_session_was_ended_is_told_why_when_they_come_back() -> None:
    async with serving(limits=Limits(detached=1)) as (server, _):
        ann, bob = come(server, "", "ann", "bob")
        lose(ann, bob)

        answer = ann.attach(epoch=server.epoch)

        assert isinstance(answer, Welcome)
        assert (answer.resumed, answer.reason) == (False, "evicted")


async def test_who_came_back_is_not_detached_any_more() -> None:
    async with serving(limits=Limits(detached=1)) as (server, _):
        ann, bob = come(server, "", "ann", "bob")
        lose(ann)
        ann.attach()

        lose(bob)

        assert alive(ann) and alive(bob)


async def test_whose_window_is_over_is_not_detached_any_more(clock: ManualClock) -> None:
    server = Server(clock=clock, limits=Limits(detached=1))
    server.start(ticking=False)
    ann, bob = come(server, "", "ann", "bob")
    lose(ann)
    clock.advance(100)
    bob.ack()
    server.tick(clock.advance(30))

    lose(bob)

    assert (alive(ann), alive(bob)) == (False, True)
    assert hits(server) == {}
    await server.close()


async def test_who_is_just_being_looked_into_is_not_the_oldest() -> None:
    async for made in served(Limits(detached=1)):
        ann, bob = await made.client("ann's", "ann"), await made.client("bob's", "bob")
        lose(ann)
        made.people.hold = hold = asyncio.Event()
        made.greet(ann, "ann")
        await settle()

        lose(bob)
        hold.set()
        await settle()

        assert (alive(ann), alive(bob)) == (True, False)


async def test_of_one_person_fewer_are_kept() -> None:
    async for made in served(Limits(detached_per_principal=1)):
        phone, laptop = await made.client("phone", "ann"), await made.client("laptop", "ann")
        other = await made.client("bob's", "bob")

        lose(phone, other)
        assert hits(made.server) == {}
        lose(laptop)

        assert [alive(peer) for peer in (phone, laptop, other)] == [False, True, True]
        assert hits(made.server) == {"detached_per_principal": 1}


async def test_nobody_in_particular_may_have_as_many_as_the_node() -> None:
    async for made in served(Limits(detached_per_principal=1)):
        peers = [await made.client(name, None) for name in ("one", "two", "three")]

        lose(*peers)

        assert all(map(alive, peers))


# -- attaches


async def test_thirty_attaches_at_once_are_answered_and_the_next_is_told_when_to_come_back() -> None:
    async with serving() as (server, _):
        [ann] = come(server, "", "ann")
        answers = [ann.attach() for _ in range(30)]
        wire = ann.wire

        answer = ann.attach()

        assert all(isinstance(earlier, Welcome) and earlier.resumed for earlier in answers)
        assert answer == Refuse("try_later", "this session was attached too often", 334)
        assert hits(server) == {"attaches": 1}
        assert (alive(ann), wire.shut) == (True, None), "the living transport is not fenced by it"


async def test_who_waited_is_let_in() -> None:
    async with serving() as (server, clock):
        [ann] = come(server, "", "ann")
        for _ in range(31):
            ann.attach()

        clock.advance(0.334)

        assert isinstance(ann.attach(), Welcome)
        assert isinstance(ann.attach(), Refuse)


async def test_others_are_let_in_meanwhile() -> None:
    async with serving() as (server, _):
        [ann] = come(server, "", "ann")
        for _ in range(31):
            ann.attach()

        assert isinstance(client(server, "bob").attach(), Welcome)


async def test_a_stranger_cannot_use_up_what_the_owner_may() -> None:
    async with serving() as (server, _):
        [ann] = come(server, "", "ann")
        for _ in range(40):
            client(server, "eve").attach(sid=ann.sid)

        assert isinstance(ann.attach(), Welcome)


async def test_repeated_attaches_do_not_trouble_the_hook(served: Served) -> None:
    ann = await served.client("ann's", "ann")

    for _ in range(40):
        await served.attach(ann, "ann")

    assert len(served.people.asked) == 31
