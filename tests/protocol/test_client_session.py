"""The client's half of a session: greeting, and joining namespaces."""

from __future__ import annotations

import pytest

from antiphon.errors import (
    OutboxFull,
)
from antiphon.protocol.membership import Place
from antiphon.protocol.packets import (
    Ack,
    Join,
    Joined,
    Leave,
    Welcome,
)
from tests.protocol.client_sessions import (
    emit,
    joined_session,
    let_in,
    open_session,
    receive,
    take,
    welcome,
)
from tests.protocol.wire import counted_in, event, events, of_size

# -- greeting


def test_a_hello_says_who_we_are_and_how_far_we_came() -> None:
    """Rule 12."""
    session = open_session()
    session.join("/", "token")
    first = session.greet("auth")
    session.welcomed(Welcome(epoch="e1", sid="s1", received=0, next=1, resumed=False), 0.0)
    receive(session, 1, Joined("/", "socket"), event(1))

    second = session.greet("fresh")

    assert (first.key, first.attempt, first.sid, first.epoch, first.received) == ("the-secret-key", 1, None, None, 0)
    assert (first.auth, first.joins) == ("auth", (("/", "token"),))
    assert (second.attempt, second.sid, second.epoch, second.received) == (2, "s1", "e1", 2)
    assert second.auth == "fresh"


def test_the_key_does_not_show() -> None:
    """Rule 1."""
    session = open_session()

    assert session.key == "the-secret-key"
    assert "the-secret-key" not in repr(session)
    assert "the-secret-key" not in repr(session.greet())


def test_a_stale_attach_goes_on_above_the_last_one() -> None:
    """Rule 14."""
    session = open_session()
    session.greet()

    session.stale(7)
    assert session.greet().attempt == 8
    session.stale(3)
    assert session.greet().attempt == 9


def test_a_welcome_says_what_the_server_takes_in_and_how_it_watches() -> None:
    """Rule 8."""
    session = open_session()
    session.join("/")

    welcome(session, inbox=(2, 1 << 20), heartbeat=(10_000, 5_000))
    let_in(session)

    emit(session, 1, 2, 3)
    assert events(session.take(0.0)) == [1, 2]
    assert session.heartbeat.silent(15.0)
    assert not session.heartbeat.silent(14.9)


def test_a_welcome_that_allows_nothing_still_allows_one() -> None:
    session = open_session()
    session.join("/")

    assert welcome(session, inbox=(0, 0), heartbeat=(0, 0))

    let_in(session)
    emit(session, 1, 2)
    assert events(session.take(0.0)) == [1]


def test_no_message_is_larger_than_the_server_takes() -> None:
    session = open_session()
    session.join("/")
    welcome(session, message=1000)
    let_in(session)

    with pytest.raises(OutboxFull):
        session.emit(of_size(1000))
    for number in range(5):
        session.emit(of_size(300, number))

    assert all(len(data) <= 1000 for data in session.take(0.0))


def test_a_resumed_session_goes_on_where_the_server_is() -> None:
    session = joined_session()
    emit(session, 1, 2, 3)
    session.take(0.0)
    session.detach(1.0)

    assert welcome(session, 2.0, resumed=True, received=2, next=2)

    assert counted_in(session.take(2.0)) == [(3, event(3))]
    assert session.losses == []


@pytest.mark.parametrize(
    ("sid", "received", "next"),
    [("s2", 0, 2), ("s1", 4, 2), ("s1", 0, 2), ("s1", 3, 3)],
    ids=["another session", "more than was sent", "less than was acked", "sends from beyond what we received"],
)
def test_a_welcome_outside_of_what_we_know_loses_the_session(sid: str, received: int, next: int) -> None:
    """Rule 13: no endless re-attach."""
    session = joined_session()
    emit(session, 1, 2, 3)
    session.take(0.0)
    receive(session, 2, Ack(1))
    session.detach(1.0)

    assert not welcome(session, 2.0, sid=sid, resumed=True, received=received, next=next)

    assert [loss.reason for loss in session.losses] == ["mismatch"]
    assert session.greet().sid is None


# -- joining


def test_what_is_wanted_before_the_first_attach_is_joined_by_hello() -> None:
    """Rule 16."""
    session = open_session()
    session.join("/a", 1)
    session.join("/b", 2)

    assert session.greet().joins == (("/a", 1), ("/b", 2))

    session.welcomed(Welcome(epoch="e1", sid="s1", received=0, next=1, resumed=False), 0.0)
    assert take(session) == []


def test_what_is_wanted_while_attached_is_joined_by_a_packet() -> None:
    session = open_session()
    welcome(session)

    session.join("/a", "token")
    session.join("/a", "again")

    assert take(session) == [Join("/a", "token")]


def test_what_is_wanted_while_hello_is_under_way_is_joined_after_welcome() -> None:
    session = open_session()
    session.greet()
    session.join("/late")

    session.welcomed(Welcome(epoch="e1", sid="s1", received=0, next=1, resumed=False), 0.0)

    assert take(session) == [Join("/late")]


def test_joins_of_a_hello_are_ignored_by_a_resumed_session_so_new_ones_are_said_again() -> None:
    """Rule 16."""
    session = joined_session()
    session.detach(1.0)
    session.join("/new")

    welcome(session, 2.0, resumed=True, next=2)

    assert take(session) == [Join("/new")]


def test_what_a_hello_joined_and_nobody_wants_any_more_is_left() -> None:
    session = open_session()
    session.join("/a")
    session.greet()
    session.leave("/a")

    session.welcomed(Welcome(epoch="e1", sid="s1", received=0, next=1, resumed=False), 0.0)

    assert take(session) == [Leave("/a")]


def test_what_a_hello_joined_then_left_and_then_joined_again_waits_for_the_last_answer() -> None:
    session = open_session()
    session.join("/a")
    session.greet()
    session.leave("/a")
    session.welcomed(Welcome(epoch="e1", sid="s1", received=0, next=1, resumed=False), 0.0)
    session.join("/a")
    assert take(session) == [Leave("/a"), Join("/a")]

    assert session.joined("/a", "first") is None

    assert session.joined("/a", "second") is not None
    assert take(session) == []


def test_a_hello_that_is_said_again_joins_what_is_wanted_then() -> None:
    session = open_session()
    session.join("/a")
    session.greet()
    session.join("/b")

    hello = session.greet()
    session.welcomed(Welcome(epoch="e1", sid="s1", received=0, next=1, resumed=False), 0.0)

    assert [namespace for namespace, _ in hello.joins] == ["/a", "/b"]
    assert take(session) == []


def test_leaving_is_said_to_the_server() -> None:
    session = joined_session()

    session.leave("/")

    assert take(session) == [Leave("/")]
    assert session.leave("/") == []
    assert take(session) == []


def test_leaving_what_was_never_on_its_way_is_said_to_nobody() -> None:
    session = open_session()
    session.join("/a")

    session.leave("/a")

    assert session.greet().joins == ()


def test_leaving_after_the_end_is_said_to_nobody() -> None:
    session = joined_session()
    session.end("kicked")
    session.members["/"].place = Place.IN

    assert session.leave("/") == []


def test_what_was_emitted_before_leaving_arrives_before_it() -> None:
    session = joined_session()
    emit(session, 1)

    session.leave("/")

    assert take(session) == [event(1), Leave("/")]


def test_a_namespace_that_is_not_wanted_any_more_is_left_again() -> None:
    session = open_session()
    welcome(session)
    session.join("/a")
    session.leave("/a")
    take(session)

    assert session.joined("/a", "socket") is None

    assert take(session) == [Leave("/a")]


def test_joining_leaving_and_joining_at_once_ends_inside() -> None:
    """The server answers both joins; only the last answer is news."""
    session = open_session()
    welcome(session)
    session.join("/a")
    session.leave("/a")
    session.join("/a")
    assert take(session) == [Join("/a"), Leave("/a"), Join("/a")]

    assert session.refused("/a") is None
    assert session.joined("/a", "socket") is not None

    assert take(session) == []


def test_an_answer_after_the_end_is_no_news() -> None:
    session = open_session()
    welcome(session)
    session.join("/a")
    session.leave("/a")
    session.end("kicked")

    assert session.joined("/a", "socket") is None


def test_being_put_out_gives_back_what_waits_at_the_gate() -> None:
    session = open_session()
    session.join("/")
    welcome(session)
    receive(session, 1, Joined("/", "socket"))
    session.deliver()
    session.joined("/", "socket")
    entries = emit(session, 1)

    assert session.put_out("/") == entries

    assert session.members["/"].place is Place.OUT


def test_being_put_out_while_joining_again_is_about_the_time_before() -> None:
    session = joined_session()
    session.leave("/")
    session.join("/")

    assert session.put_out("/") == []

    assert session.members["/"].place is Place.JOINING
