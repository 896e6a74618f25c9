"""Rooms: who is where."""

from __future__ import annotations

from typing import cast

import pytest

from antiphon import Socket
from antiphon.server.rooms import Audience, Person, Rooms


def named(name: str) -> Socket:
    """Rooms ask nothing of a socket but to be one thing, so a name will do."""
    return cast(Socket, name)


ANN, BOB, CAT = named("ann"), named("bob"), named("cat")


@pytest.fixture
def rooms() -> Rooms:
    """Ann in red and blue, Bob in blue, Cat in none."""
    rooms = Rooms()
    for socket in (ANN, BOB, CAT):
        rooms.enter(socket)
    rooms.join(ANN, "red")
    rooms.join(ANN, "blue")
    rooms.join(BOB, "blue")
    return rooms


@pytest.mark.parametrize(
    ("audience", "expected"),
    [
        (Audience(), {ANN, BOB, CAT}),
        (Audience(("red",)), {ANN}),
        (Audience(("blue",)), {ANN, BOB}),
        (Audience(("red", "blue")), {ANN, BOB}),
        (Audience(("nowhere",)), set()),
        (Audience(("red", "nowhere")), {ANN}),
        (Audience((), ("red",)), {BOB, CAT}),
        (Audience(("blue",), ("red",)), {BOB}),
        (Audience((), ("red", "blue")), {CAT}),
        (Audience((), ("nowhere",)), {ANN, BOB, CAT}),
        (Audience(("blue",), (), frozenset({ANN})), {BOB}),
        (Audience((), ("red",), frozenset({BOB})), {CAT}),
    ],
)
def test_an_audience_is_the_union_of_its_rooms_without_what_is_excepted(
    rooms: Rooms, audience: Audience, expected: set[Socket]
) -> None:
    assert set(rooms.select(audience)) == expected


def test_selecting_one_room_copies_nothing(rooms: Rooms) -> None:
    assert rooms.select(Audience(("blue",))) is rooms.select(Audience(("blue",)))
    assert rooms.select(Audience()) is rooms.everybody


def test_a_room_exists_while_somebody_is_in_it(rooms: Rooms) -> None:
    assert len(rooms) == 2

    rooms.leave(ANN, "red")

    assert len(rooms) == 1
    assert rooms.of(ANN) == {"blue"}


def test_joining_twice_is_joining_once(rooms: Rooms) -> None:
    rooms.join(ANN, "red")
    rooms.leave(ANN, "red")

    assert rooms.of(ANN) == {"blue"}


def test_leaving_a_room_one_is_not_in_does_nothing(rooms: Rooms) -> None:
    rooms.leave(CAT, "red")
    rooms.leave(ANN, "nowhere")

    assert rooms.of(ANN) == {"red", "blue"}
    assert rooms.of(CAT) == frozenset()


def test_who_leaves_the_namespace_leaves_its_rooms_and_learns_which(rooms: Rooms) -> None:
    left = rooms.exit(ANN)

    assert left == {"red", "blue"}
    assert set(rooms.select(Audience())) == {BOB, CAT}
    assert set(rooms.select(Audience(("blue",)))) == {BOB}
    assert len(rooms) == 1


def test_when_everybody_is_gone_nothing_is_left(rooms: Rooms) -> None:
    for socket in (ANN, BOB, CAT):
        rooms.exit(socket)

    assert len(rooms) == 0
    assert rooms.everybody == set()
    assert rooms.of(ANN) == frozenset()


def test_the_sockets_of_a_person_are_an_audience_and_no_room_that_anybody_sees(rooms: Rooms) -> None:
    for socket in (ANN, BOB):
        rooms.join(socket, Person("ann"))

    assert rooms.select(Audience((Person("ann"),))) == {ANN, BOB}
    assert rooms.select(Audience(("ann",))) == set()
    assert rooms.of(ANN) == {"red", "blue"}
    assert len(rooms) == 2


def test_whoever_leaves_the_namespace_is_not_among_the_sockets_of_their_person_any_more(rooms: Rooms) -> None:
    rooms.join(ANN, Person("ann"))

    assert rooms.exit(ANN) == {"red", "blue"}

    assert rooms.select(Audience((Person("ann"),))) == set()
