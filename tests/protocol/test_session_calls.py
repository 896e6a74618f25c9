"""Calls of a session: one outcome each, whatever becomes of the transport (contract rule 24)."""

from __future__ import annotations

from antiphon.errors import (
    CallAbandoned,
    CallError,
    CallFailed,
    CallNotSent,
    CallTimeout,
)
from antiphon.protocol.packets import (
    Call,
    Cancel,
    Failed,
    Reply,
)
from tests.protocol.sessions import call, open_session, receive, told
from tests.protocol.wire import event, packets_in


def test_a_reply_settles_its_call() -> None:
    session = open_session()
    _, outcomes = call(session)
    session.take(0.0)

    receive(session, 1, Reply(1, "yes"))

    assert outcomes == ["yes"]


def test_a_failure_settles_its_call() -> None:
    session = open_session()
    _, outcomes = call(session)
    session.take(0.0)

    receive(session, 1, Failed(1, "no"))

    assert isinstance(outcomes[0], CallFailed)


def test_a_reply_overtakes_what_the_window_holds_back() -> None:
    """Rule 8."""
    session = open_session(window=1)
    session.send(event(1))
    session.send(event(2))
    session.send(Reply(5))

    assert packets_in(session.take(0.0)) == [event(1), Reply(5)]


def test_a_call_that_left_and_expired_is_cancelled() -> None:
    """Rule 11."""
    session = open_session()
    _, outcomes = call(session, deadline=5.0)
    session.take(0.0)
    assert session.due <= 5.0

    session.tick(5.0)

    assert isinstance(outcomes[0], CallTimeout)
    assert told(session.take(5.0), Cancel) == [Cancel(1)]


def test_a_call_that_expired_before_it_left_never_leaves() -> None:
    """Rule 11, 24: `not sent`."""
    session = open_session(attached=False)
    _, outcomes = call(session, deadline=5.0)

    session.tick(5.0)
    session.attach(0, 6.0)

    assert isinstance(outcomes[0], CallNotSent)
    assert session.take(6.0) == []


def test_a_timeout_runs_while_detached_too() -> None:
    """Rule 24."""
    session = open_session()
    _, outcomes = call(session, deadline=5.0)
    session.take(0.0)
    session.detach(1.0)
    session.tick(1.0)
    assert session.due == 5.0

    session.tick(5.0)

    assert isinstance(outcomes[0], CallTimeout)
    session.attach(0, 6.0)
    assert [type(packet) for packet in packets_in(session.take(6.0))] == [Call, Cancel]


def test_cancelling_a_call_that_left_sends_a_cancel_and_does_not_claim_that_it_never_ran() -> None:
    session = open_session()
    pending, outcomes = call(session)
    session.take(0.0)

    session.cancel(pending)
    session.cancel(pending)

    assert [type(outcome) for outcome in outcomes] == [CallError]
    assert told(session.take(0.0), Cancel) == [Cancel(1)]


def test_cancelling_a_call_that_did_not_leave_takes_it_back() -> None:
    session = open_session()
    pending, _ = call(session)

    session.cancel(pending)

    assert session.take(0.0) == []
    assert session.withdraw(pending.entry)


def test_an_answer_that_comes_while_its_cancel_is_on_the_way_is_dropped() -> None:
    session = open_session()
    pending, outcomes = call(session)
    session.take(0.0)
    session.cancel(pending)

    receive(session, 1, Reply(1, "late"))

    assert len(outcomes) == 1
    assert session.calls.late == 1


def test_a_caller_who_ends_the_session_as_his_call_expires_is_not_cancelled_any_more() -> None:
    session = open_session()
    session.call(Call(1, "/", "ask", []), lambda _: session.end("done"), 5.0)
    session.take(0.0)

    session.tick(5.0)

    assert told(session.take(5.0), Cancel) == []


def test_the_end_of_a_session_gives_its_calls_an_outcome() -> None:
    session = open_session()
    _, outcomes = call(session)
    session.take(0.0)

    session.end("kicked")

    assert isinstance(outcomes[0], CallAbandoned)
