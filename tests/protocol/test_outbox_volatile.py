"""How an outbox carries volatile packets: behind the counted ones, within the window, and only with a transport."""

from __future__ import annotations

import pytest

from antiphon.protocol.codec import Prepared
from antiphon.protocol.packets import Reply
from tests.protocol.outboxes import ROOM, add, add_volatile, entry, open_outbox, put, said, take
from tests.protocol.wire import event, of_size


def test_a_volatile_packet_has_no_number_and_follows_the_counted_ones() -> None:
    outbox = open_outbox()
    assert add_volatile(outbox, 100)
    put(outbox, 1)

    run = outbox.run(0.0, ROOM)

    assert (run.number, run.counted, said(run)) == (1, 1, [1, 100])
    assert outbox.packets == 1


def test_a_volatile_packet_is_never_sent_twice() -> None:
    outbox = open_outbox()
    add_volatile(outbox, 100)
    take(outbox)

    outbox.rewind(received=0)

    assert take(outbox) == []


@pytest.mark.parametrize(("now", "taken"), [(0.25, [100]), (0.26, [])])
def test_a_volatile_packet_is_dropped_when_not_taken_within_250_ms(now: float, taken: list[int]) -> None:
    """Rule 9."""
    outbox = open_outbox()
    add_volatile(outbox, 100, now=0.0)

    assert take(outbox, now=now) == taken
    assert outbox.dropped == 1 - len(taken)
    assert take(outbox, now=0.0) == []


def test_volatile_packets_are_dropped_when_the_buffers_are_above_half() -> None:
    """Rule 9."""
    outbox = open_outbox(packets=4)
    put(outbox, 1, 2)
    assert add_volatile(outbox, 100)

    put(outbox, 3)

    assert not add_volatile(outbox, 101)
    assert outbox.dropped == 1


def test_volatile_packets_have_at_most_64_kib_together() -> None:
    """wire.md, HTTP."""
    outbox = open_outbox()
    assert add_volatile(outbox, 100, size=40 << 10)

    assert not add_volatile(outbox, 101, size=40 << 10)
    assert add_volatile(outbox, 102, size=10 << 10)

    assert take(outbox) == [100, 102]


def test_a_volatile_packet_finds_the_room_of_those_that_grew_stale() -> None:
    outbox = open_outbox()
    add_volatile(outbox, 100, now=0.0, size=60 << 10)

    assert add_volatile(outbox, 101, now=1.0, size=60 << 10)

    assert take(outbox, now=1.0) == [101]
    assert outbox.dropped == 1


def test_a_volatile_packet_waits_for_a_message_that_has_room_for_it() -> None:
    outbox = open_outbox()
    outbox.put(Prepared(of_size(90, 1)))
    add_volatile(outbox, 100, size=50)
    add_volatile(outbox, 101)

    first, second = outbox.run(0.0, 100), outbox.run(0.0, 100)

    assert said(first) == [1]
    assert said(second) == [100, 101]


def test_a_volatile_packet_does_not_leave_before_events_that_wait_for_room() -> None:
    outbox = open_outbox()
    outbox.put(Prepared(of_size(60, 1)))
    outbox.put(Prepared(of_size(60, 2)))
    add_volatile(outbox, 100)

    assert said(outbox.run(0.0, 100)) == [1]
    assert said(outbox.run(0.0, 100)) == [2, 100]


def test_a_full_window_holds_volatile_packets_back_until_they_are_stale() -> None:
    """Rule 9: the outbox gives nothing while the window is full."""
    outbox = open_outbox(window=1)
    put(outbox, 1)
    take(outbox)
    add_volatile(outbox, 100, now=0.0)

    assert take(outbox, now=0.1) == []
    outbox.ack(1)
    assert take(outbox, now=0.2) == [100]

    put(outbox, 2, 3)
    add_volatile(outbox, 101, now=0.3)
    assert take(outbox, now=0.4) == [2]
    outbox.ack(2)
    assert take(outbox, now=0.6) == [3]
    assert outbox.dropped == 1


def test_volatile_packets_are_not_kept_without_a_transport() -> None:
    outbox = open_outbox()
    add_volatile(outbox, 100)
    add_volatile(outbox, 101)

    outbox.drop_volatile()

    assert outbox.dropped == 2
    assert take(outbox) == []
    put(outbox, 1)
    assert take(outbox) == [1]


def test_a_volatile_packet_is_dropped_at_once_while_no_transport_carries_it() -> None:
    """Rule 9: never kept."""
    outbox = open_outbox()
    outbox.drop_volatile()

    assert not add_volatile(outbox, 100)

    outbox.rewind(received=0)
    assert add_volatile(outbox, 101)
    assert take(outbox) == [101]
    assert outbox.dropped == 1


def test_withdrawn_packets_crowd_no_volatile_one_out() -> None:
    outbox = open_outbox(packets=4)
    for number in range(3):
        add(outbox, event(number), key="position")

    assert add_volatile(outbox, 100)

    assert take(outbox) == [2, 100]


def test_a_volatile_packet_waits_behind_urgent_ones_that_have_no_room() -> None:
    outbox = open_outbox()
    outbox.add_urgent(entry(Reply(50, bytes(60))))
    outbox.add_urgent(entry(Reply(51, bytes(60))))
    add_volatile(outbox, 100)

    assert said(outbox.run(0.0, 100)) == [50]
    assert said(outbox.run(0.0, 100)) == [51, 100]


def test_a_volatile_packet_that_does_not_fit_into_the_window_waits_for_an_ack() -> None:
    outbox = open_outbox(window_size=200)
    outbox.put(Prepared(of_size(120, 1)))
    take(outbox)
    add_volatile(outbox, 100, size=100)
    assert take(outbox) == []

    outbox.ack(1)

    assert take(outbox) == [100]


def test_a_volatile_packet_wakes_whoever_takes() -> None:
    outbox = open_outbox()
    outbox.dirty = True
    add_volatile(outbox, 100)
    take(outbox)
    outbox.dirty = False

    add_volatile(outbox, 101)

    assert outbox.dirty


def test_a_closed_outbox_takes_no_volatile_packet() -> None:
    outbox = open_outbox()
    add_volatile(outbox, 100)
    outbox.close()

    assert not add_volatile(outbox, 101)

    assert outbox.dropped == 2
    assert take(outbox) == []
