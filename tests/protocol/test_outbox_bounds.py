"""How much an outbox keeps, and what is left of it after the end."""

from __future__ import annotations

import pytest

from antiphon.protocol.codec import Prepared
from antiphon.protocol.packets import Cancel, Reply
from tests.protocol.outboxes import add, add_volatile, entry, open_outbox, put, take
from tests.protocol.wire import event, of_size

# -- bounds


def test_a_packet_that_would_pass_the_bound_is_noted() -> None:
    """Rule 10: the session ends."""
    outbox = open_outbox(packets=2)
    put(outbox, 1, 2)
    assert not outbox.overflowed

    put(outbox, 3)

    assert outbox.overflowed


def test_the_bound_counts_what_is_unacked_and_what_waits_together() -> None:
    outbox = open_outbox(packets=4)
    put(outbox, 1, 2)
    take(outbox)
    put(outbox, 3)
    outbox.add_urgent(entry(Reply(50)))
    assert not outbox.overflowed

    put(outbox, 4)

    assert outbox.overflowed


def test_withdrawn_packets_do_not_count_toward_the_bound() -> None:
    outbox = open_outbox(packets=2)
    outbox.withdraw(add(outbox, event(0)))

    put(outbox, 1, 2)

    assert not outbox.overflowed
    put(outbox, 3)
    assert outbox.overflowed


def test_the_bound_counts_bytes() -> None:
    outbox = open_outbox(size=200)
    outbox.put(Prepared(of_size(100)))
    outbox.put(Prepared(of_size(100)))
    assert not outbox.overflowed

    outbox.put(Prepared(of_size(20)))

    assert outbox.overflowed


def test_an_entry_passes_the_bound_as_well() -> None:
    outbox = open_outbox(packets=1)
    add(outbox, event(1))
    assert not outbox.overflowed

    add(outbox, event(2))

    assert outbox.overflowed


def test_a_reserve_lets_so_many_packets_pass_the_bound() -> None:
    """Rule 11: replies, cancels and leaves have a reserve."""
    outbox = open_outbox(packets=1, reserve=2)
    add(outbox, event(1))

    outbox.add_urgent(entry(Cancel(1)))
    outbox.add_urgent(entry(Cancel(2)))
    assert not outbox.overflowed

    outbox.add_urgent(entry(Cancel(3)))
    assert outbox.overflowed


def test_a_cancel_does_not_overflow_an_outbox_whose_bytes_are_used_up() -> None:
    """Rule 11."""
    outbox = open_outbox(size=100, reserve=128)
    add(outbox, of_size(100))

    outbox.add_urgent(entry(Cancel(1)))
    assert not outbox.overflowed

    outbox.add_urgent(entry(Reply(1, bytes(40))))
    assert outbox.overflowed


@pytest.mark.parametrize(("packets", "above"), [(2, False), (3, True)])
def test_above_half_means_more_than_half_of_the_packets(packets: int, above: bool) -> None:
    outbox = open_outbox(packets=4)

    put(outbox, *range(packets))

    assert outbox.above(0.5) == above


@pytest.mark.parametrize(("size", "above"), [(100, False), (101, True)])
def test_above_half_means_more_than_half_of_the_bytes(size: int, above: bool) -> None:
    outbox = open_outbox(size=200)

    outbox.put(Prepared(of_size(size)))

    assert outbox.above(0.5) == above


# -- the end


def test_everything_kept_is_told_in_order_the_numbered_first() -> None:
    outbox = open_outbox(window=1)
    first = add(outbox, event(1))
    put(outbox, 2)
    take(outbox)
    gone, third = add(outbox, event(3)), add(outbox, event(4))
    urgent = entry(Reply(50))
    outbox.add_urgent(urgent)
    outbox.withdraw(gone)

    assert list(outbox.entries()) == [first, third, urgent]


def test_a_closed_outbox_is_empty_and_keeps_nothing_that_still_comes() -> None:
    """I17: overflow frees its memory."""
    outbox = open_outbox()
    put(outbox, 1, 2)
    take(outbox)
    add(outbox, event(3), key="position", deadline=5.0)
    outbox.add_urgent(entry(Reply(50)))
    add_volatile(outbox, 100)

    outbox.close()

    assert (outbox.packets, outbox.size) == (0, 0)
    assert outbox.idle
    put(outbox, 4)
    outbox.add_urgent(entry(Reply(51)))
    assert outbox.packets == 0
    assert take(outbox) == []
    assert list(outbox.entries()) == []


def test_a_shared_packet_larger_than_one_may_be_passes_the_bound() -> None:
    outbox = open_outbox()
    outbox.largest = 50

    outbox.put(Prepared(of_size(50)))
    assert not outbox.overflowed

    outbox.put(Prepared(of_size(51)))
    assert outbox.overflowed


def test_a_latest_value_larger_than_one_may_be_passes_the_bound() -> None:
    """Its bytes are shared as those of other events are."""
    outbox = open_outbox()
    outbox.largest = 50

    add(outbox, of_size(50), key="position")
    assert not outbox.overflowed

    add(outbox, of_size(51), key="position")
    assert outbox.overflowed
