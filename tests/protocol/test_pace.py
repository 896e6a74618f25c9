"""How fast something may go."""

from __future__ import annotations

import math

import pytest

from antiphon.protocol.pace import Pace, burst


def test_the_burst_goes_at_once_and_the_next_waits_for_its_share_of_a_second() -> None:
    pace = Pace(4.0, 8.0, now=10.0)

    waits = [pace.take(10.0) for _ in range(9)]

    assert waits == [0.0] * 8 + [0.25]


def test_who_waited_may_go_and_the_next_waits_again() -> None:
    pace = Pace(4.0, 1.0, now=10.0)
    pace.take(10.0)

    assert pace.take(10.125) == 0.125
    assert pace.take(10.25) == 0.0
    assert pace.take(10.25) == 0.25


def test_what_is_not_used_is_made_up_for_up_to_the_burst() -> None:
    pace = Pace(4.0, 8.0, now=10.0)
    pace.left = 0.0

    pace.refill(11.0)
    assert pace.left == 4.0

    pace.refill(1000.0)
    assert pace.left == 8.0


def test_looking_takes_nothing() -> None:
    pace = Pace(4.0, 1.0, now=10.0)

    assert pace.wait(10.0) == 0.0
    assert pace.take(10.0) == 0.0


def test_what_was_overdrawn_is_waited_for() -> None:
    pace = Pace(4.0, 1.0, now=10.0)
    pace.left = -1.0

    assert pace.wait(10.0) == 0.5


def test_time_that_stands_still_or_is_known_already_brings_nothing() -> None:
    pace = Pace(4.0, 8.0, now=10.0)
    pace.left = 0.0

    pace.refill(10.0)
    pace.refill(9.0)

    assert (pace.left, pace.at) == (0.0, 10.0)


@pytest.mark.parametrize("now", [10.0, 11.0])
def test_without_a_rate_everything_goes_at_once(now: float) -> None:
    pace = Pace(math.inf, math.inf, now=10.0)

    assert [pace.take(now) for _ in range(1000)] == [0.0] * 1000


def test_a_burst_makes_up_for_some_seconds_and_is_never_nothing() -> None:
    assert burst(1000.0, 2.0) == 2000.0
    assert burst(0.1, 2.0) == 1.0
