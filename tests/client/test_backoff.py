"""When a client tries again: full jitter, so that ten thousand do not come back in the same second."""

from __future__ import annotations

import pytest

from antiphon.client.backoff import Backoff
from antiphon.config import Backoff as Settings


def backoff(random: float = 1.0) -> Backoff:
    return Backoff(Settings(first=1.0, base=0.5, ceiling=30.0, stable=30.0), lambda: random)


def test_the_first_try_comes_within_the_first_second_and_then_the_wait_doubles_up_to_the_ceiling() -> None:
    delays = backoff()

    assert [delays.next() for _ in range(9)] == [1.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


@pytest.mark.parametrize("random", [0.0, 0.25, 0.5])
def test_the_jitter_is_full(random: float) -> None:
    delays = backoff(random)

    assert [delays.next() for _ in range(4)] == [random * most for most in (1.0, 1.0, 2.0, 4.0)]


def test_the_ceiling_holds_for_the_first_try_as_well() -> None:
    delays = Backoff(Settings(first=60.0, ceiling=5.0), lambda: 1.0)

    assert delays.next() == 5.0


def test_a_session_that_was_attached_for_long_begins_the_count_anew() -> None:
    delays = backoff()
    for _ in range(5):
        delays.next()

    delays.attached_for(30.0)

    assert [delays.next(), delays.next()] == [1.0, 1.0]


def test_a_session_that_is_lost_at_once_each_time_does_not() -> None:
    delays = backoff()
    for _ in range(5):
        delays.next()

    delays.attached_for(29.9)

    assert delays.next() == 16.0


def test_a_thousand_failures_are_as_good_as_ten() -> None:
    delays = backoff()
    for _ in range(1000):
        delays.next()

    assert delays.next() == 30.0
