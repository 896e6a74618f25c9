"""The judge finds each kind of fault that is planted, and nothing where there is none."""

from __future__ import annotations

import json

import pytest

from tests.chaos.checker import Verdict, judge
from tests.chaos.history import VALUE, Loss, Side


def whole(**changes: object) -> Side:
    """A client that sent 1 to 5, 2 and 4 of them calls, all of which arrived."""
    side = Side(sent=[1, 2, 3, 4, 5], calls=[2, 4], outcomes=[(4, VALUE), (2, VALUE)])
    for name, value in changes.items():
        setattr(side, name, value)
    return side


def test_a_clean_run_is_clean() -> None:
    verdict = judge(whole(), Side(delivered=[1, 2, 3, 4, 5]))

    assert verdict.clean
    assert str(verdict) == "lost=0 duplicated=0 reordered=0 phantom=0 unreported=0 unresumed=0"


@pytest.mark.parametrize(
    ("delivered", "found"),
    [
        ([1, 2, 4, 5], Verdict(lost=1)),
        ([1, 2, 3, 4], Verdict(lost=1)),
        ([1, 2, 3, 3, 4, 5], Verdict(duplicated=1)),
        ([1, 2, 3, 4, 5, 1], Verdict(duplicated=1)),
        ([1, 2, 4, 3, 5], Verdict(reordered=1)),
        ([1, 4, 2, 3, 5], Verdict(reordered=2)),
        ([1, 2, 3, 4, 5, 6], Verdict(phantom=1)),
        ([2, 1, 1, 4, 5, 7], Verdict(lost=1, duplicated=1, reordered=1, phantom=1)),
    ],
)
def test_a_fault_of_delivery_is_found(delivered: list[int], found: Verdict) -> None:
    assert judge(whole(), Side(delivered=delivered)) == found


def test_both_directions_are_judged() -> None:
    server = Side(sent=[1, 2, 3], delivered=[1, 2, 3, 4, 5])

    assert judge(whole(delivered=[1, 3]), server) == Verdict(lost=1)
    assert judge(server, whole(delivered=[1, 3])) == Verdict(lost=1)


def test_what_is_missing_and_was_reported_is_neither_lost_nor_unreported() -> None:
    client = whole(losses=[Loss("server_restart", [4, 5])])

    assert judge(client, Side(delivered=[1, 2, 3, 4])) == Verdict(unresumed=1)


def test_what_is_missing_from_the_report_of_a_loss_is_unreported() -> None:
    client = whole(losses=[Loss("server_restart", [5])])

    assert judge(client, Side(delivered=[1, 2, 4])) == Verdict(unreported=1, unresumed=1)


def test_a_server_that_was_told_of_a_loss_reports_no_numbers() -> None:
    server = Side(sent=[1, 2, 3], losses=[Loss("expired")])

    assert judge(server, Side(delivered=[1])) == Verdict(unresumed=1)


@pytest.mark.parametrize(
    ("outcomes", "found"),
    [
        ([(2, VALUE)], Verdict(unreported=1)),
        ([(2, VALUE), (4, VALUE), (4, VALUE)], Verdict(duplicated=1)),
        ([(2, VALUE), (4, VALUE), (5, VALUE)], Verdict(phantom=1)),
        ([(2, VALUE), (4, "CallTimeout")], Verdict(lost=1)),
        ([(2, "another value"), (4, VALUE)], Verdict(lost=1)),
    ],
)
def test_a_fault_of_a_call_is_found(outcomes: list[tuple[int, str]], found: Verdict) -> None:
    assert judge(whole(outcomes=outcomes), Side(delivered=[1, 2, 3, 4, 5])) == found


def test_an_answer_that_nobody_gave_is_a_phantom() -> None:
    assert judge(whole(), Side(delivered=[1, 2, 3, 5])) == Verdict(lost=1, phantom=1)


def test_an_error_is_an_honest_outcome_of_a_lost_session() -> None:
    client = whole(outcomes=[(2, VALUE), (4, "CallAbandoned")], losses=[Loss("expired", [4, 5])])

    assert judge(client, Side(delivered=[1, 2, 3])) == Verdict(unresumed=1)


def test_a_history_travels_as_json() -> None:
    client = whole(losses=[Loss("expired", [4])])
    client.deliver(7, "websocket")

    assert Side.from_json(json.loads(json.dumps(client.to_json()))) == client
