"""Acks for what took effect although something before it waits: its sender keeps it until it knows."""

from __future__ import annotations

import pytest

from antiphon.protocol.inbox import ACK_SIZE
from antiphon.protocol.packets import Item
from tests.protocol.test_inbox import of, open_inbox
from tests.protocol.wire import event


def items(count: int) -> list[Item]:
    return [Item(1, 1, number) for number in range(count)]


def test_items_behind_an_event_that_waits_press_for_an_ack() -> None:
    inbox, presses = open_inbox()
    inbox.accept(of(1, event(1)), 10, 0.0)

    inbox.accept(of(2, *items(31)), 100, 0.0)
    assert (presses.count, inbox.pressed) == (0, False)
    inbox.accept(of(33, *items(1)), 10, 0.0)

    assert (presses.count, inbox.pressed) == (1, True)
    assert (inbox.handed, inbox.received) == (0, 33)


def test_many_bytes_of_items_press_for_an_ack_as_well() -> None:
    inbox, presses = open_inbox()
    inbox.accept(of(1, event(1)), 10, 0.0)

    inbox.accept(of(2, *items(1)), ACK_SIZE, 0.0)

    assert presses.count == 1


def test_events_that_wait_press_for_nothing_by_themselves() -> None:
    inbox, presses = open_inbox()

    inbox.accept(of(1, *(event(number) for number in range(100))), 2 * ACK_SIZE, 0.0)

    assert (presses.count, inbox.pressed) == (0, False)


@pytest.mark.parametrize("rounds", [1, 3])
def test_an_ack_begins_the_count_anew(rounds: int) -> None:
    inbox, presses = open_inbox()
    inbox.accept(of(1, event(1)), 10, 0.0)

    for turn in range(rounds):
        inbox.accept(of(2 + 32 * turn, *items(32)), 100, 0.0)
        inbox.acked(0.0)

    assert presses.count == rounds
    assert not inbox.pressed


def test_items_that_nothing_waits_before_are_acked_as_handed_over() -> None:
    inbox, presses = open_inbox()

    inbox.accept(of(1, *items(32)), 100, 0.0)

    assert inbox.handed == 32
    assert presses.count == 1
