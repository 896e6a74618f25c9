"""Which namespaces a client wants, and what waits at their gates (contract rules 16, 23)."""

from __future__ import annotations

import pytest

from antiphon.protocol.membership import Member, Membership, Place
from antiphon.protocol.outbox import Entry
from tests.protocol.wire import event


def hold(members: Membership, namespace: str, *numbers: int, deadline: float | None = None) -> list[Entry]:
    entries = [Entry(event(number, namespace), b"12345", deadline=deadline) for number in numbers]
    for entry in entries:
        members.hold(members[namespace], entry)
    return entries


def at(members: Membership, place: Place) -> Member:
    """A namespace that stands at `place`."""
    member = members["/chat"]
    if place is Place.OUT:
        return member
    members.want("/chat", "auth")
    if place is Place.WANTED:
        return member
    members.sent(member)
    if place is Place.IN:
        members.joined("/chat", "s1")
    elif place is Place.REFUSED:
        members.refused("/chat")
    assert member.place is place
    return member


# -- the table at the top of the module


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Place.OUT, Place.WANTED),
        (Place.WANTED, Place.WANTED),
        (Place.JOINING, Place.JOINING),
        (Place.IN, Place.IN),
        (Place.REFUSED, Place.WANTED),
    ],
)
def test_asking_for_a_namespace(before: Place, after: Place) -> None:
    members = Membership()
    at(members, before)

    assert members.want("/chat", "new").place is after


@pytest.mark.parametrize("before", Place)
def test_leaving_always_leads_out(before: Place) -> None:
    members = Membership()
    member = at(members, before)

    members.left("/chat")

    assert member.place is Place.OUT
    assert not member.gate


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Place.OUT, Place.OUT),
        (Place.WANTED, Place.WANTED),
        (Place.JOINING, Place.WANTED),
        (Place.IN, Place.WANTED),
        (Place.REFUSED, Place.REFUSED),
    ],
)
def test_losing_the_session(before: Place, after: Place) -> None:
    members = Membership()
    member = at(members, before)

    members.lost()

    assert member.place is after


@pytest.mark.parametrize("before", [Place.OUT, Place.WANTED, Place.IN, Place.REFUSED])
def test_an_answer_that_nobody_waits_for_changes_nothing(before: Place) -> None:
    members = Membership()
    member = at(members, before)

    assert members.joined("/chat", "s9") is None
    assert members.refused("/chat") is None
    assert member.place is before


def test_an_answer_leads_in() -> None:
    members = Membership()
    at(members, Place.JOINING)

    member = members.joined("/chat", "s1")

    assert member is members["/chat"]
    assert (member.place, member.socket, member.gate) == (Place.IN, "s1", False)


# -- what is wanted


def test_fresh_credentials_count_only_when_the_namespace_is_asked_for_anew() -> None:
    members = Membership()
    at(members, Place.IN)

    members.want("/chat", "other")
    assert members["/chat"].auth == "auth"

    members.left("/chat")
    members.want("/chat", "other")
    assert members["/chat"].auth == "other"


def test_all_that_is_wanted_in_the_order_in_which_it_was_asked_for() -> None:
    members = Membership()
    for name in ("/b", "/a", "/c", "/d"):
        members.want(name, None)
    members.left("/c")
    members.sent(members["/a"])
    members.sent(members["/d"])
    members.refused("/d")

    assert [member.namespace for member in members.wanted()] == ["/b", "/a"]
    assert [member.namespace for member in members.waiting()] == ["/b"]


def test_only_the_answer_to_the_last_join_counts() -> None:
    """Join, leave and join again in a row: the server answers both joins."""
    members = Membership()
    at(members, Place.JOINING)
    members.left("/chat")
    members.want("/chat", None)
    members.sent(members["/chat"])

    assert members.refused("/chat") is None
    assert members["/chat"].place is Place.JOINING

    member = members.joined("/chat", "s2")
    assert member is not None
    assert member.socket == "s2"


def test_a_lost_session_answers_no_join_any_more() -> None:
    members = Membership()
    at(members, Place.JOINING)
    members.lost()

    members.sent(members["/chat"])

    assert members.joined("/chat", "s2") is not None


# -- what waits at the gate


def test_what_waits_leaves_in_order_when_the_gate_opens() -> None:
    members = Membership()
    member = at(members, Place.IN)
    entries = hold(members, "/chat", 1, 2, 3)
    assert (members.packets, members.size) == (3, 15)
    assert all(entry.held for entry in entries)

    assert members.open(member) == entries

    assert (members.packets, members.size, member.gate) == (0, 0, True)
    assert not any(entry.held for entry in entries)


def test_what_waits_is_given_back_when_the_server_refuses() -> None:
    """It is known of all of it that it was not sent."""
    members = Membership()
    at(members, Place.JOINING)
    entries = hold(members, "/chat", 1, 2)

    refused = members.refused("/chat")

    assert refused == (members["/chat"], entries)
    assert members.packets == 0


def test_what_waits_is_given_back_when_we_leave() -> None:
    members = Membership()
    at(members, Place.JOINING)
    entries = hold(members, "/chat", 1, 2)

    assert members.left("/chat") == entries
    assert members.packets == 0


def test_what_waits_can_be_cleared_without_leaving() -> None:
    members = Membership()
    member = at(members, Place.JOINING)
    entries = hold(members, "/chat", 1, 2)

    assert members.clear("/chat") == entries
    assert member.place is Place.JOINING
    assert members.size == 0


def test_losing_the_session_shuts_the_gate_and_keeps_what_waits() -> None:
    members = Membership()
    member = at(members, Place.IN)
    members.open(member)
    hold(members, "/chat", 1)

    members.lost()

    assert not member.gate
    assert members.packets == 1


def test_one_packet_can_be_withdrawn_from_whichever_gate_it_waits_at() -> None:
    members = Membership()
    hold(members, "/other", 9)
    first, second = hold(members, "/chat", 1, 2)

    members.withdraw(first)

    assert first.withdrawn
    assert not first.held
    assert list(members["/chat"].held) == [second]
    assert members.packets == 2


def test_withdrawing_what_waits_nowhere_changes_nothing() -> None:
    members = Membership()
    hold(members, "/chat", 1)
    stranger = Entry(event(2), b"12345")

    members.withdraw(stranger)

    assert not stranger.withdrawn
    assert members.packets == 1


def test_a_deadline_withdraws_what_waits_at_a_gate() -> None:
    """Rule 11."""
    members = Membership()
    (late,) = hold(members, "/chat", 1, deadline=5.0)
    hold(members, "/other", 2, deadline=9.0)
    hold(members, "/other", 3)

    assert members.expire(4.0) == ([], 5.0)
    assert members.expire(5.0) == ([late], 9.0)

    assert members.packets == 2
    assert members.expire(9.0)[1] == float("inf")


def test_who_was_asked_for_is_known() -> None:
    members = Membership()
    members.want("/chat", None)

    assert ("/chat" in members, "/other" in members) == (True, False)
