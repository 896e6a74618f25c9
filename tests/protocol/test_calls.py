"""Calls under way: one outcome each (contract rule 24, I14)."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from antiphon.errors import CallAbandoned, CallError, CallFailed, CallNotSent, CallTimeout
from antiphon.protocol.calls import Calls, Outcome, Pending
from antiphon.protocol.outbox import Entry
from antiphon.protocol.packets import Call, Failed, Reply

NEVER = float("inf")


@dataclass
class Caller:
    """One call and the outcomes that it was told."""

    pending: Pending
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def outcome(self) -> Outcome:
        (outcome,) = self.outcomes
        return outcome


def call(calls: Calls, id: int, *, deadline: float = 30.0, sent: bool = True, redelivered: bool = False) -> Caller:
    entry = Entry(Call(id, "/", "ask", [], redelivered=redelivered), b"")
    entry.number = id if sent else None
    outcomes: list[Outcome] = []
    pending = Pending(id, entry, deadline, outcomes.append)
    calls.open(pending)
    return Caller(pending, outcomes)


def test_a_reply_settles_its_call_with_the_value() -> None:
    calls = Calls()
    first, second = call(calls, 1), call(calls, 2)

    calls.answer(Reply(2, "two"))

    assert second.outcome == "two"
    assert first.outcomes == []
    assert len(calls) == 1


def test_a_failure_settles_its_call_with_what_the_other_side_chose_to_tell() -> None:
    calls = Calls()
    caller = call(calls, 1)

    calls.answer(Failed(1, "taken", "the name is taken", {"by": "Ann"}))

    error = caller.outcome
    assert isinstance(error, CallFailed)
    assert (error.code, error.message, error.data) == ("taken", "the name is taken", {"by": "Ann"})


def test_a_second_answer_is_dropped_and_counted() -> None:
    calls = Calls()
    caller = call(calls, 1)
    calls.answer(Reply(1, "first"))

    calls.answer(Reply(1, "second"))
    calls.answer(Failed(1, "late"))

    assert caller.outcome == "first"
    assert calls.late == 2


def test_a_call_expires_at_its_deadline_and_the_others_go_on() -> None:
    calls = Calls()
    short, long = call(calls, 1, deadline=5.0), call(calls, 2, deadline=9.0)
    assert calls.due == 5.0

    assert calls.expire(4.9) == []
    assert calls.expire(5.0) == [short.pending]

    assert isinstance(short.outcome, CallTimeout)
    assert long.outcomes == []
    assert calls.due == 9.0


def test_a_call_that_expires_before_it_has_a_number_was_certainly_not_sent() -> None:
    calls = Calls()
    caller = call(calls, 1, deadline=5.0, sent=False)

    calls.expire(5.0)

    assert isinstance(caller.outcome, CallNotSent)
    assert calls.due == NEVER


def test_a_call_that_had_a_number_in_a_lost_session_may_have_run() -> None:
    calls = Calls()
    expired = call(calls, 1, deadline=5.0, sent=False, redelivered=True)
    abandoned = call(calls, 2, deadline=9.0, sent=False, redelivered=True)

    calls.expire(5.0)
    calls.abandon("the session ended")

    assert isinstance(expired.outcome, CallTimeout)
    assert isinstance(abandoned.outcome, CallAbandoned)


def test_a_late_answer_to_an_expired_call_is_dropped_and_counted() -> None:
    calls = Calls()
    caller = call(calls, 1, deadline=5.0)
    calls.expire(5.0)

    calls.answer(Reply(1, "late"))

    assert isinstance(caller.outcome, CallTimeout)
    assert calls.late == 1


def test_the_end_of_a_session_gives_every_call_its_outcome() -> None:
    calls = Calls()
    sent, waiting = call(calls, 1), call(calls, 2, sent=False)

    calls.abandon("the session ended: closed")

    assert isinstance(sent.outcome, CallAbandoned)
    assert isinstance(waiting.outcome, CallNotSent)
    assert len(calls) == 0
    assert calls.due == NEVER


def test_a_call_is_given_up_once() -> None:
    calls = Calls()
    caller = call(calls, 1)
    error = CallError("cancelled")

    assert calls.give_up(1, error) is caller.pending
    assert calls.give_up(1, error) is None

    assert caller.outcome is error


def test_what_is_settled_may_open_another_call() -> None:
    calls = Calls()
    entry = Entry(Call(2, "/", "again", []), b"")
    outcomes: list[Outcome] = []
    first = Pending(1, entry, 30.0, lambda _: calls.open(Pending(2, entry, 60.0, outcomes.append)))
    calls.open(first)

    calls.abandon("the session ended")

    assert len(calls) == 1
    assert outcomes == []


@pytest.mark.parametrize(("now", "open"), [(9.0, 1), (10.0, 0)])
def test_our_own_stall_moves_every_deadline(now: float, open: int) -> None:
    """Rule 20."""
    calls = Calls()
    call(calls, 1, deadline=5.0)

    calls.postpone(5.0)
    calls.expire(now)

    assert len(calls) == open
