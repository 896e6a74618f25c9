"""Wrong keys, counted by address."""

from __future__ import annotations

from antiphon.server.throttle import Throttle


def test_the_twenty_first_wrong_key_of_a_minute_is_too_many() -> None:
    throttle = Throttle()

    answers = [throttle.wrong("a", now=float(second)) for second in range(22)]

    assert answers == [None] * 20 + [40.0, 39.0]


def test_after_the_minute_it_may_be_wrong_again() -> None:
    throttle = Throttle(allowed=2, period=60)
    for _ in range(5):
        throttle.wrong("a", now=0.0)

    assert throttle.wrong("a", now=59.5) == 0.5
    assert throttle.wrong("a", now=60.0) is None


def test_each_address_is_counted_by_itself() -> None:
    throttle = Throttle(allowed=1)
    throttle.wrong("a", now=0.0)

    assert throttle.wrong("a", now=0.0) == 60.0
    assert throttle.wrong("b", now=0.0) is None


def test_who_goes_on_does_not_wait_longer() -> None:
    throttle = Throttle(allowed=1)
    for _ in range(1000):
        throttle.wrong("a", now=30.0)

    assert throttle.wrong("a", now=90.0) is None


def test_so_many_addresses_are_remembered_and_those_that_go_on_stay() -> None:
    throttle = Throttle(allowed=1, addresses=3)
    throttle.wrong("stubborn", now=0.0)
    for number in range(100):
        throttle.wrong(f"address {number}", now=0.0)
        throttle.wrong("stubborn", now=0.0)

    assert len(throttle) == 3
    assert throttle.wrong("stubborn", now=1.0) == 59.0
