"""The time of a client: the later of wall and monotonic clock (contract rule 20)."""

from __future__ import annotations

from antiphon.client.clock import Clock


class Times:
    """Two clocks that a test sets."""

    def __init__(self) -> None:
        self.wall = 1_700_000_000.0
        self.monotonic = 50.0
        self.clock = Clock(lambda: self.wall, lambda: self.monotonic)

    def pass_by(self, wall: float, monotonic: float) -> float:
        self.wall += wall
        self.monotonic += monotonic
        return self.clock()


def test_it_begins_at_zero_and_goes_on() -> None:
    times = Times()

    assert times.clock() == 0.0
    assert times.pass_by(2.0, 2.0) == 2.0


def test_a_machine_that_slept_knows_it() -> None:
    times = Times()

    assert times.pass_by(wall=3600.0, monotonic=1.0) == 3600.0


def test_a_wall_clock_that_is_set_back_stops_nothing() -> None:
    times = Times()

    assert times.pass_by(wall=-3600.0, monotonic=1.0) == 1.0
    assert times.pass_by(wall=1.0, monotonic=1.0) == 2.0


def test_what_a_sleep_added_is_not_taken_back() -> None:
    times = Times()
    times.pass_by(wall=100.0, monotonic=0.0)

    assert times.pass_by(wall=-100.0, monotonic=5.0) == 105.0


def test_it_never_goes_back() -> None:
    times = Times()
    times.pass_by(5.0, 5.0)

    assert times.pass_by(wall=-9.0, monotonic=-9.0) == 5.0


def test_without_arguments_it_is_the_clock_of_the_machine() -> None:
    clock = Clock()

    assert 0.0 <= clock() <= clock()
