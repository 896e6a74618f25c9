"""The handlers that run for calls of the peer: what cancels them, and what comes too early or too late for that."""

from __future__ import annotations

from antiphon.protocol.answering import NEVER, Answering


def begin(answering: Answering, call: int, deadline: float = NEVER) -> list[int]:
    """A handler that runs for a call; returns where its cancellation is noted."""
    cancelled: list[int] = []
    assert answering.begin(call, deadline, lambda: cancelled.append(call))
    return cancelled


def test_a_handler_that_runs_is_cancelled_once() -> None:
    answering = Answering()
    cancelled = begin(answering, 1)

    answering.cancel(1, waits=False)
    answering.cancel(1, waits=False)

    assert cancelled == [1]
    assert len(answering) == 0


def test_a_call_that_waits_for_its_turn_is_not_begun() -> None:
    answering = Answering()

    answering.cancel(1, waits=True)

    assert not answering.begin(1, NEVER, lambda: None)
    assert len(answering) == 0


def test_a_call_that_was_handed_over_is_not_begun_either() -> None:
    answering = Answering()
    answering.expect(1)

    answering.cancel(1, waits=False)

    assert not answering.begin(1, NEVER, lambda: None)


def test_a_cancel_counts_once() -> None:
    answering = Answering()
    answering.cancel(1, waits=True)
    answering.begin(1, NEVER, lambda: None)

    assert answering.begin(1, NEVER, lambda: None)


def test_a_cancel_of_a_call_that_nobody_knows_is_forgotten() -> None:
    answering = Answering()

    answering.cancel(1, waits=False)

    assert answering.begin(1, NEVER, lambda: None)


def test_a_cancel_after_the_answer_reaches_nobody() -> None:
    answering = Answering()
    cancelled = begin(answering, 1)
    answering.finish(1)

    answering.cancel(1, waits=False)

    assert cancelled == []


def test_a_call_that_was_answered_without_a_handler_is_forgotten() -> None:
    answering = Answering()
    answering.expect(1)
    answering.cancel(1, waits=False)

    answering.finish(1)

    assert answering.begin(1, NEVER, lambda: None)


def test_an_id_that_is_in_use_begins_no_second_handler() -> None:
    answering = Answering()
    first = begin(answering, 1)

    assert not answering.begin(1, NEVER, lambda: None)

    answering.cancel(1, waits=False)
    assert first == [1]


def test_a_handler_is_cancelled_when_its_caller_has_stopped_waiting() -> None:
    answering = Answering()
    cancelled = begin(answering, 1, deadline=5.0)
    assert answering.due == 5.0

    answering.expire(4.9)
    assert cancelled == []
    answering.expire(5.0)

    assert cancelled == [1]
    assert answering.due == NEVER


def test_the_next_deadline_is_due_once_the_first_has_passed() -> None:
    answering = Answering()
    late, early, without = begin(answering, 1, deadline=9.0), begin(answering, 2, deadline=5.0), begin(answering, 3)

    answering.expire(5.0)

    assert (late, early, without) == ([], [2], [])
    assert answering.due == 9.0


def test_nothing_is_due_once_nobody_runs() -> None:
    answering = Answering()
    begin(answering, 1, deadline=5.0)
    begin(answering, 2, deadline=6.0)

    answering.finish(1)
    assert answering.due == 5.0  # asked once too often, and never too late
    answering.finish(2)

    assert answering.due == NEVER


def test_a_stall_of_our_own_process_is_not_the_callers_fault() -> None:
    answering = Answering()
    cancelled = begin(answering, 1, deadline=5.0)

    answering.postpone(3.0)
    answering.expire(7.9)
    assert cancelled == []
    assert answering.due == 8.0
    answering.expire(8.0)

    assert cancelled == [1]


def test_the_end_of_a_session_cancels_nobody_by_its_ids() -> None:
    answering = Answering()
    running = begin(answering, 1, deadline=5.0)
    answering.cancel(2, waits=True)
    answering.expect(3)

    answering.forget()
    answering.cancel(1, waits=False)
    answering.cancel(3, waits=False)
    answering.expire(9.0)

    assert running == []
    assert answering.begin(2, NEVER, lambda: None)
    assert answering.begin(3, NEVER, lambda: None)
