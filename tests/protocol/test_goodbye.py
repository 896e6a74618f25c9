"""A goodbye waits for acks and asks for them."""

from __future__ import annotations

from antiphon.protocol.closing import Ending
from antiphon.protocol.goodbye import Goodbye

ENDING = Ending("closed")


def test_it_asks_at_once_and_then_four_times_a_second() -> None:
    goodbye = Goodbye(ENDING, now=10.0)

    asked = [now for now in (10.0, 10.1, 10.25, 10.4, 10.5) if goodbye.asks(now)]

    assert asked == [10.0, 10.25, 10.5]
    assert goodbye.due == 10.75


def test_it_is_over_after_two_seconds() -> None:
    goodbye = Goodbye(ENDING, now=10.0)
    goodbye.asks(11.9)

    assert not goodbye.over(11.9)
    assert goodbye.over(12.0)
    assert goodbye.due == 12.0


def test_a_stall_of_our_own_counts_for_nothing() -> None:
    goodbye = Goodbye(ENDING, now=10.0)
    goodbye.asks(10.0)

    goodbye.postpone(5.0)

    assert not goodbye.over(16.9)
    assert goodbye.over(17.0)
    assert not goodbye.asks(15.2)
    assert goodbye.asks(15.25)
