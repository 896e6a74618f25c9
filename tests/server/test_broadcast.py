"""Broadcasts: who hears what is said to many."""

from __future__ import annotations

import pytest

from antiphon import OutboxFull, PayloadError, Server, Socket
from antiphon.protocol.packets import Close
from tests.server.peer import JSON, Peer, entered, serving, settle

Named = dict[str, tuple[Peer, Socket]]


@pytest.fixture
async def people(server: Server) -> Named:
    """Ann in red and blue, Bob in blue, Cat in none."""
    root, people = server.namespace("/"), {}
    for name, rooms in {"ann": ["red", "blue"], "bob": ["blue"], "cat": []}.items():
        before = root.sockets
        peer = await entered(server, name)
        [socket] = root.sockets - before
        await socket.join(*rooms)
        people[name] = (peer, socket)
    return people


async def heard(people: Named) -> dict[str, int]:
    await settle()
    counts = {name: len(peer.events()) for name, (peer, _) in people.items()}
    return {name: count for name, count in counts.items() if count}


async def test_everybody(server: Server, people: Named) -> None:
    await server.namespace("/").emit("hi")

    assert await heard(people) == {"ann": 1, "bob": 1, "cat": 1}


async def test_a_room(server: Server, people: Named) -> None:
    await server.namespace("/").to("red").emit("hi")

    assert await heard(people) == {"ann": 1}


async def test_a_union_of_rooms_reaches_each_once(server: Server, people: Named) -> None:
    root = server.namespace("/")

    await root.to("red", "blue").emit("hi")
    assert await heard(people) == {"ann": 1, "bob": 1}

    await root.to("red").to("blue").emit("hi")
    assert await heard(people) == {"ann": 1, "bob": 1}


async def test_except_a_room_and_except_a_socket(server: Server, people: Named) -> None:
    root = server.namespace("/")

    await root.except_("red").emit("hi")
    assert await heard(people) == {"bob": 1, "cat": 1}

    await root.to("blue").except_("red", people["bob"][1]).emit("hi")
    assert await heard(people) == {}

    await root.except_(people["ann"][1]).except_(people["cat"][1]).emit("hi")
    assert await heard(people) == {"bob": 1}


async def test_from_a_socket_without_itself(people: Named) -> None:
    _, ann = people["ann"]

    await ann.broadcast.emit("hi")
    assert await heard(people) == {"bob": 1, "cat": 1}

    await ann.to("red", "blue").emit("hi")
    assert await heard(people) == {"bob": 1}


async def test_an_audience_is_kept_and_sees_who_comes_later(server: Server, people: Named) -> None:
    red = server.namespace("/").to("red")
    await people["cat"][1].join("red")

    await red.emit("hi")

    assert await heard(people) == {"ann": 1, "cat": 1}
    assert red.sockets == {people["ann"][1], people["cat"][1]}


async def test_steps_leave_the_audience_they_began_from_alone(server: Server, people: Named) -> None:
    red = server.namespace("/").to("red")

    red.to("blue").except_("red")
    await red.emit("hi")

    assert await heard(people) == {"ann": 1}


async def test_an_empty_room_hears_nothing(server: Server, people: Named) -> None:
    await server.namespace("/").to("nowhere").emit("hi")

    assert await heard(people) == {}


async def test_other_namespaces_hear_nothing(server: Server, people: Named) -> None:
    await server.namespace("/other").emit("hi")

    assert await heard(people) == {}


async def test_each_form_gets_its_own_bytes(server: Server, people: Named) -> None:
    dan = Peer(server, "dan", JSON)
    dan.attach("/")
    await settle()
    dan.read()

    await server.namespace("/").emit("hi", b"\x00\xff", {"$x": [None]})
    await settle()

    assert dan.events() == people["ann"][0].events() == [("hi", b"\x00\xff", {"$x": [None]})]


async def test_a_value_that_cannot_travel_is_refused_and_nobody_hears_of_it(server: Server, people: Named) -> None:
    with pytest.raises(PayloadError, match=r"args\[0\]"):
        await server.namespace("/").emit("hi", object())

    assert await heard(people) == {}


async def test_what_no_client_may_be_sent_is_refused_where_it_is_emitted(server: Server, people: Named) -> None:
    with pytest.raises(OutboxFull, match="larger than one packet"):
        await server.namespace("/").emit("hi", "x" * (1 << 20))

    assert await heard(people) == {}


@pytest.mark.parametrize("event", [7, "", "x" * 129, "\ud800"])
async def test_a_name_that_no_client_could_read_is_refused_where_it_is_emitted(
    server: Server, people: Named, event: str
) -> None:
    _, ann = people["ann"]

    for emit in (server.namespace("/").emit, ann.emit, ann.call):
        with pytest.raises(PayloadError, match="the name of an event"):
            await emit(event)

    assert await heard(people) == {}


async def test_one_slow_client_delays_nobody(server: Server, people: Named) -> None:
    people["ann"][0].wire.congested = True

    for _ in range(3):
        await server.namespace("/").emit("hi")

    assert await heard(people) == {"bob": 3, "cat": 3}


async def test_an_event_that_fits_in_one_form_only_ends_the_sessions_of_the_other() -> None:
    """They would be sent a message that nobody may read, at every attach."""
    async with serving() as (server, _):
        ann = await entered(server)
        bob = Peer(server, "bob", JSON)
        bob.attach("/")
        await settle()
        bob.read()

        await server.namespace("/").emit("said", bytes(900_000))
        await settle()

        assert ann.events() == [("said", bytes(900_000))]
        assert bob.read() == [Close("overflow", "the peer did not take what was sent to it", 1000)]
