"""What waits at the gates of namespaces, and what the outbox of a client takes."""

from __future__ import annotations

import pytest

from antiphon.config import Outbox
from antiphon.errors import (
    CallNotSent,
    LocalProtocolError,
    OutboxFull,
)
from antiphon.protocol.calls import Outcome
from antiphon.protocol.packets import (
    Call,
    Cancel,
    Event,
    Join,
    Joined,
    Reply,
    Volatile,
    Welcome,
)
from antiphon.protocol.session import State
from tests.protocol.client_sessions import (
    call,
    emit,
    joined_session,
    let_in,
    open_session,
    receive,
    take,
    told,
    welcome,
)
from tests.protocol.wire import event, events, of_size

# -- waiting at the gate


def test_what_is_emitted_before_the_server_lets_us_in_waits_at_the_gate() -> None:
    """Rule 23: until the connect handler returns, so it may clear it."""
    session = open_session()
    session.join("/")
    emit(session, 1)
    welcome(session)
    emit(session, 2)
    receive(session, 1, Joined("/", "socket"))
    session.deliver()
    session.joined("/", "socket")
    emit(session, 3)
    assert take(session) == []

    session.open("/")
    emit(session, 4)

    assert events(session.take(0.0)) == [1, 2, 3, 4]


def test_a_gate_opens_once_and_only_inside() -> None:
    session = open_session()
    session.join("/")
    welcome(session)
    emit(session, 1)

    session.open("/")
    assert take(session) == []

    let_in(session)
    session.open("/")
    assert take(session) == [event(1)]


def test_a_call_of_the_connect_handler_opens_the_gate_so_that_it_may_wait_for_the_answer() -> None:
    session = open_session()
    session.join("/")
    emit(session, 1)
    call(session)
    welcome(session)
    receive(session, 1, Joined("/", "socket"))
    session.deliver()
    session.joined("/", "socket")
    assert take(session) == []

    pending, _ = call(session)

    assert [type(packet) for packet in take(session)] == [Event, Call, Call]
    assert pending.entry.number == 3


def test_the_connect_handler_may_clear_what_waits() -> None:
    session = open_session()
    session.join("/")
    _, outcomes = call(session)
    entries = emit(session, 1)

    cleared = session.clear("/")

    assert [entry.packet for entry in cleared[1:]] == [entry.packet for entry in entries]
    assert isinstance(outcomes[0], CallNotSent)


def test_what_waits_at_the_gate_of_a_refused_namespace_is_certainly_not_sent() -> None:
    """Rule 16."""
    session = open_session()
    session.join("/")
    welcome(session)
    (entry,) = emit(session, 1)
    pending, outcomes = call(session)

    assert session.refused("/") == [entry, pending.entry]
    assert session.refused("/") is None

    assert isinstance(outcomes[0], CallNotSent)
    with pytest.raises(LocalProtocolError, match="namespace '/' is not joined"):
        emit(session, 2)


def test_what_was_given_back_can_be_withdrawn_without_harm() -> None:
    session = open_session()
    session.join("/")
    (entry,) = emit(session, 1)
    session.clear("/")

    assert session.withdraw(entry)

    assert (session.outbox.size, session.members.size) == (0, 0)


def test_nothing_is_emitted_to_a_namespace_that_nobody_asked_for() -> None:
    session = open_session()

    with pytest.raises(LocalProtocolError, match="connect to it first"):
        emit(session, 1)


def test_the_newest_latest_value_waits_at_the_gate() -> None:
    """Rule 9."""
    session = open_session()
    session.join("/")
    emit(session, 1, key="x")
    emit(session, 2)
    emit(session, 3, key="x")
    welcome(session)

    let_in(session)

    assert events(session.take(0.0)) == [2, 3]


def test_a_volatile_event_waits_at_no_gate() -> None:
    session = open_session()
    session.join("/")
    welcome(session)
    assert not session.emit_volatile(Volatile("/", "at", [1]), 0.0)

    let_in(session)

    assert session.emit_volatile(Volatile("/", "at", [2]), 0.0)
    assert told(take(session), Volatile) == [Volatile("/", "at", [2])]


def test_a_volatile_event_that_would_be_dropped_always_is_refused_joined_or_not() -> None:
    session = open_session()

    with pytest.raises(OutboxFull, match="a volatile event of"):
        session.emit_volatile(Volatile("/", "at", [bytes(70_000)]), 0.0)


def test_a_latest_value_finds_room_in_a_full_outbox_that_it_makes_itself() -> None:
    session = open_session(outbox=Outbox(packets=2))
    session.join("/")
    emit(session, 1, key="x")
    emit(session, 2)
    emit(session, 3, key="x")
    with pytest.raises(OutboxFull):
        emit(session, 4, key="y")

    welcome(session)
    let_in(session)
    emit(session, 5, key="x")

    assert events(session.take(0.0)) == [2, 5]


def test_one_packet_can_be_taken_back_wherever_it_waits() -> None:
    session = open_session()
    session.join("/")
    (at_the_gate,) = emit(session, 1)
    welcome(session)
    assert session.withdraw(at_the_gate)
    let_in(session)
    (in_the_outbox,) = emit(session, 2)

    assert session.withdraw(in_the_outbox)

    (sent,) = emit(session, 3)
    assert take(session) == [event(3)]
    assert not session.withdraw(sent)


# -- bounds


def test_a_full_outbox_refuses_with_an_error_and_disturbs_nothing() -> None:
    """Rule 11."""
    session = joined_session(outbox=Outbox(packets=2))
    emit(session, 1)
    session.take(0.0)
    emit(session, 2)

    with pytest.raises(OutboxFull, match="2 packets"):
        emit(session, 3)

    assert session.state is State.ATTACHED
    assert events(session.take(0.0)) == [2]


def test_what_waits_at_gates_counts_toward_the_bound() -> None:
    session = open_session(outbox=Outbox(packets=2))
    session.join("/")
    emit(session, 1, 2)

    with pytest.raises(OutboxFull):
        emit(session, 3)


def test_the_bound_counts_bytes() -> None:
    session = joined_session(outbox=Outbox(size=400))
    for number in range(4):
        session.emit(of_size(100, number))

    with pytest.raises(OutboxFull, match="400 bytes"):
        emit(session, 5)


def test_replies_cancels_and_leaves_have_a_reserve() -> None:
    """Rule 11."""
    session = joined_session(outbox=Outbox(packets=1, size=400))
    session.emit(of_size(100))

    for number in range(1, 127):
        session.send(Cancel(number))
    session.send(Reply(1))
    session.leave("/")
    session.take(0.0)

    assert session.losses == []


def test_a_cancel_does_not_end_a_session_whose_bytes_are_used_up() -> None:
    """Rule 11."""
    session = joined_session(outbox=Outbox(size=400))
    pending, _ = call(session)
    session.take(0.0)
    while True:
        try:
            emit(session, 1)
        except OutboxFull:
            break

    session.cancel(pending)
    session.take(0.0)

    assert session.losses == []


def test_more_than_the_reserve_loses_the_session() -> None:
    session = joined_session(outbox=Outbox(packets=1))
    session.emit(event(1))

    for number in range(1, 131):
        session.send(Cancel(number))
    session.take(0.0)

    assert [loss.reason for loss in session.losses] == ["overflow"]


# -- deadlines


def test_a_deadline_removes_what_waits_at_the_gate() -> None:
    """Rule 11."""
    session = open_session()
    session.join("/")
    late, later = emit(session, 1, deadline=5.0) + emit(session, 2, deadline=9.0)
    assert session.due == 5.0

    session.tick(5.0)

    assert session.expired == [late]
    assert session.due == 9.0
    assert session.members.packets == 1
    assert later.held


def test_a_deadline_removes_what_waits_in_the_outbox() -> None:
    session = joined_session()
    session.detach(0.0)
    (late,) = emit(session, 1, deadline=5.0)

    session.tick(5.0)

    assert session.expired == [late]
    assert session.outbox.idle


def test_a_call_that_expires_at_the_gate_was_not_sent() -> None:
    session = open_session()
    session.join("/")
    _, outcomes = call(session, deadline=5.0)
    assert session.due == 5.0

    session.tick(5.0)

    assert isinstance(outcomes[0], CallNotSent)
    assert session.members.packets == 0


def test_ids_of_calls_are_never_used_again() -> None:
    session = open_session()

    assert [session.next_call() for _ in range(3)] == [1, 2, 3]


# -- what does not fit


def test_joins_that_do_not_fit_into_a_hello_follow_it() -> None:
    """A Hello has at most 16 KiB: a larger one would be turned away at every attempt."""
    session = open_session()
    session.join("/", "small")
    session.join("/large", "x" * 13_000)

    hello = session.greet()
    session.welcomed(Welcome(epoch="e1", sid="s1", received=0, next=1, resumed=False), 0.0)

    assert hello.joins == (("/", "small"),)
    assert told(take(session), Join) == [Join("/large", "x" * 13_000)]


def test_what_is_larger_than_this_server_takes_is_dropped_when_the_gate_opens() -> None:
    """It was emitted before Welcome told the limit; sent, it would be refused at every attach."""
    session = open_session()
    session.join("/")
    large = session.emit(of_size(2_000))
    emit(session, 1)
    outcomes: list[Outcome] = []
    session.emit_call(Call(1, "/", "ask", ["x" * 2_000]), outcomes.append, 30.0)
    welcome(session, message=1_000)

    let_in(session)

    assert events(session.take(0.0)) == [1]
    assert session.oversized == [large]
    [outcome] = outcomes
    assert isinstance(outcome, CallNotSent) and "larger than this server takes" in str(outcome)
