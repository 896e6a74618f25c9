"""What the peer has received and not handed over: items of streams need not be kept for that long."""

from __future__ import annotations

from antiphon.protocol.outbox import Outbox
from antiphon.protocol.packets import Event, Item, Join, Reply
from tests.protocol.outboxes import add, open_outbox, put, take
from tests.protocol.wire import event


def item(outbox: Outbox, number: int = 9, size: int = 0) -> None:
    add(outbox, Item(number, 0, bytes(size)))


def test_items_that_arrived_are_kept_no_longer_and_events_are() -> None:
    outbox = open_outbox()
    put(outbox, 1)
    item(outbox, 7, size=1000)
    put(outbox, 2)
    take(outbox)
    size = outbox.size

    outbox.arrived(3)

    assert outbox.packets == 2
    assert 1000 < size - outbox.size < 1020
    assert [entry.packet for entry in outbox.entries()] == []


def test_events_and_joins_with_an_entry_are_kept_until_they_are_handed_over() -> None:
    outbox = open_outbox()
    add(outbox, event(1))
    add(outbox, Join("/chat"))
    take(outbox)

    outbox.arrived(2)

    assert [type(entry.packet) for entry in outbox.entries()] == [Event, Join]


def test_their_numbers_go_on() -> None:
    outbox = open_outbox()
    put(outbox, 1)
    item(outbox)
    take(outbox)

    outbox.arrived(2)
    put(outbox, 3)

    assert outbox.numbered == 2
    assert outbox.run(0.0, 1 << 20).number == 3


def test_an_ack_of_what_had_arrived_frees_it_once() -> None:
    outbox = open_outbox()
    put(outbox, 1)
    item(outbox, size=1000)
    take(outbox)
    outbox.arrived(2)

    outbox.ack(2)

    assert (outbox.packets, outbox.size, outbox.acked) == (0, 0, 2)
    assert outbox.idle


def test_what_arrived_is_looked_at_once_however_often_that_is_said() -> None:
    outbox = open_outbox()
    put(outbox, 1)
    item(outbox)
    put(outbox, 2)
    item(outbox)
    take(outbox)

    outbox.arrived(2)
    outbox.arrived(1)
    outbox.arrived(2)
    outbox.ack(1)
    outbox.arrived(4)

    assert outbox.packets == 1


def test_a_replay_begins_behind_what_arrived_whatever_the_peer_says_then() -> None:
    outbox = open_outbox()
    put(outbox, 1)
    add(outbox, Reply(5))
    put(outbox, 2)
    take(outbox)
    outbox.arrived(2)

    outbox.rewind(0)

    assert take(outbox) == [2]


def test_what_arrived_before_it_was_sent_again_is_not_sent_again() -> None:
    outbox = open_outbox()
    put(outbox, 1)
    item(outbox, 5)
    put(outbox, 2)
    take(outbox)
    outbox.rewind(0)

    outbox.arrived(2)

    assert take(outbox) == [2]


def test_ten_thousand_items_behind_an_event_that_waits_do_not_overflow() -> None:
    outbox = open_outbox(packets=64)
    put(outbox, 0)
    take(outbox)

    for number in range(1, 10_001):
        item(outbox, number)
        take(outbox)
        if number % 32 == 0:
            outbox.arrived(1 + number)

    assert not outbox.overflowed
    assert outbox.packets < 64
