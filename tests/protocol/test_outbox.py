"""What leaves an outbox, in which order, with which number."""

from __future__ import annotations

import pytest

from antiphon.protocol.codec import Prepared
from antiphon.protocol.packets import Call, Cancel, Item, Joined, Packet, Reply
from tests.protocol.outboxes import ROOM, Wakes, add, entry, open_outbox, put, said, take
from tests.protocol.wire import CODEC, event, of_size

# -- numbers


def test_packets_are_numbered_as_they_leave() -> None:
    outbox = open_outbox()
    put(outbox, 1, 2)
    first = outbox.run(0.0, ROOM)
    put(outbox, 3)

    second = outbox.run(0.0, ROOM)

    assert (first.number, first.counted, said(first)) == (1, 2, [1, 2])
    assert (second.number, second.counted, said(second)) == (3, 1, [3])


def test_a_run_of_nothing_says_the_number_that_the_next_packet_will_have() -> None:
    outbox = open_outbox()
    put(outbox, 1, 2)
    take(outbox)

    run = outbox.run(0.0, ROOM)

    assert (run.number, run.counted, run.parts) == (3, 0, [])


def test_an_entry_learns_its_number_as_it_leaves() -> None:
    outbox = open_outbox()
    put(outbox, 1)
    made = add(outbox, event(2))
    assert made.number is None

    take(outbox)

    assert made.number == 2


def test_a_broadcast_is_the_same_bytes_object_in_every_outbox() -> None:
    prepared = Prepared(event(1))
    outboxes = [open_outbox(), open_outbox()]
    for outbox in outboxes:
        outbox.put(prepared)

    first, second = (outbox.run(0.0, ROOM).parts[0] for outbox in outboxes)

    assert first is second


def test_packets_sent_again_are_the_same_bytes_with_the_same_numbers() -> None:
    outbox = open_outbox()
    put(outbox, 1, 2)
    add(outbox, event(3))
    before = outbox.run(0.0, ROOM)

    outbox.rewind(received=1)
    again = outbox.run(0.0, ROOM)

    assert again.number == 2
    assert again.parts == before.parts[1:]
    assert all(mine is theirs for mine, theirs in zip(again.parts, before.parts[1:], strict=True))


def test_what_waits_follows_what_is_sent_again() -> None:
    outbox = open_outbox()
    put(outbox, 1, 2)
    take(outbox)
    put(outbox, 3)

    outbox.rewind(received=0)

    assert take(outbox) == [1, 2, 3]


def test_sending_again_begins_after_the_last_ack_when_that_is_higher_than_what_the_peer_says() -> None:
    """Rule 13."""
    outbox = open_outbox()
    put(outbox, 1, 2, 3)
    take(outbox)
    outbox.ack(2)

    outbox.rewind(received=1)

    assert take(outbox) == [3]


def test_an_ack_that_comes_while_sending_again_skips_what_it_covers() -> None:
    outbox = open_outbox()
    put(outbox, 1, 2, 3)
    take(outbox)
    outbox.rewind(received=0)

    outbox.ack(2)

    assert take(outbox) == [3]


# -- acks


def test_acked_packets_are_kept_no_longer() -> None:
    outbox = open_outbox()
    put(outbox, 1, 2, 3)
    add(outbox, event(4))
    take(outbox)

    outbox.ack(4)

    assert (outbox.packets, outbox.size, outbox.flow_packets, outbox.flow_size) == (0, 0, 0, 0)
    assert outbox.idle


def test_a_lower_ack_than_before_is_ignored() -> None:
    """Rule 7."""
    outbox = open_outbox()
    put(outbox, 1, 2, 3)
    take(outbox)
    outbox.ack(2)

    outbox.ack(1)

    assert outbox.acked == 2
    assert outbox.packets == 1


def test_nothing_is_idle_while_it_waits_or_is_unacked() -> None:
    outbox = open_outbox()
    assert outbox.idle

    put(outbox, 1)
    assert not outbox.idle
    take(outbox)
    assert not outbox.idle
    outbox.ack(1)
    assert outbox.idle
    outbox.add_urgent(entry(Cancel(1)))
    assert not outbox.idle


# -- being woken


def test_it_wakes_once_until_somebody_takes() -> None:
    outbox = open_outbox()
    wakes = outbox.on_dirty
    assert isinstance(wakes, Wakes)

    put(outbox, 1, 2)
    add(outbox, event(3))
    outbox.mark()
    assert wakes.count == 1

    outbox.dirty = False
    put(outbox, 4)
    assert wakes.count == 2


def test_an_ack_wakes_only_when_something_waits_for_the_window() -> None:
    outbox = open_outbox(window=1)
    put(outbox, 1, 2)
    take(outbox)
    outbox.dirty = False

    outbox.ack(1)
    assert outbox.dirty

    take(outbox)
    outbox.dirty = False
    outbox.ack(2)
    assert not outbox.dirty


# -- the window


def test_events_beyond_the_window_wait_for_acks() -> None:
    """Rule 8."""
    outbox = open_outbox(window=2)
    put(outbox, 1, 2, 3, 4)

    assert take(outbox) == [1, 2]
    outbox.ack(1)
    assert take(outbox) == [3]
    outbox.ack(3)
    assert take(outbox) == [4]


def test_the_window_counts_bytes_too() -> None:
    outbox = open_outbox(window_size=250)
    for number in (1, 2, 3):
        outbox.put(Prepared(of_size(100, number)))

    assert take(outbox) == [1, 2]
    outbox.ack(1)
    assert take(outbox) == [3]


@pytest.mark.parametrize("size", [99, 100])
def test_a_window_of_exactly_so_many_bytes_takes_exactly_so_many(size: int) -> None:
    outbox = open_outbox(window_size=200)
    outbox.put(Prepared(of_size(100, 1)))
    take(outbox)

    outbox.put(Prepared(of_size(size, 2)))
    outbox.put(Prepared(of_size(100, 3)))

    assert take(outbox) == [2]


def test_one_event_is_always_allowed_however_large() -> None:
    """Rule 8: a small window must not stop everything."""
    outbox = open_outbox(window_size=10)
    outbox.put(Prepared(of_size(100, 1)))
    outbox.put(Prepared(of_size(100, 2)))

    assert take(outbox) == [1]
    outbox.ack(1)
    assert take(outbox) == [2]


@pytest.mark.parametrize(
    ("packet", "counts"),
    [(Call(1, "/", "ask", [7]), True), (Item(1, 1, 7), False), (event(7), True), (Joined("/", "s"), False)],
)
def test_events_and_calls_fill_the_window_and_nothing_else_does(packet: Packet, counts: bool) -> None:
    outbox = open_outbox(window=1)
    add(outbox, packet)
    put(outbox, 8)

    taken = take(outbox)

    assert (8 not in taken) == counts


def test_what_is_sent_again_is_not_counted_twice() -> None:
    outbox = open_outbox(window=2)
    put(outbox, 1, 2, 3)
    take(outbox)
    outbox.rewind(received=0)
    take(outbox)

    outbox.ack(2)

    assert outbox.flow_packets == 0
    assert take(outbox) == [3]


# -- what may overtake


def test_a_reply_leaves_in_its_place_while_the_window_is_open() -> None:
    outbox = open_outbox()
    put(outbox, 1)
    outbox.add_urgent(entry(Reply(50)))
    put(outbox, 2)

    assert take(outbox) == [1, 50, 2]


def test_a_reply_overtakes_the_events_that_the_window_holds_back() -> None:
    """Rule 8: a handler may always await a call to its own client."""
    outbox = open_outbox(window=1)
    put(outbox, 1, 2, 3)
    outbox.add_urgent(entry(Reply(50)))

    assert take(outbox) == [1, 50]
    outbox.ack(2)
    assert take(outbox) == [2]


def test_replies_do_not_overtake_each_other() -> None:
    outbox = open_outbox(window=1)
    put(outbox, 1, 2)
    outbox.add_urgent(entry(Reply(50)))
    put(outbox, 3)
    outbox.add_urgent(entry(Reply(51)))
    outbox.add_urgent(entry(Cancel(52)))

    assert take(outbox) == [1, 50, 51, 52]


def test_a_reply_does_not_overtake_an_event_that_only_has_no_room_in_this_message() -> None:
    outbox = open_outbox()
    outbox.put(Prepared(of_size(60, 1)))
    outbox.put(Prepared(of_size(60, 2)))
    outbox.add_urgent(entry(Reply(50)))

    first, second = outbox.run(0.0, 100), outbox.run(0.0, 100)

    assert said(first) == [1]
    assert said(second) == [2, 50]


def test_a_reply_that_has_no_room_begins_the_next_message() -> None:
    outbox = open_outbox()
    outbox.put(Prepared(of_size(60, 1)))
    outbox.add_urgent(entry(Reply(50, bytes(60))))
    outbox.add_urgent(entry(Reply(51)))

    first, second = outbox.run(0.0, 100), outbox.run(0.0, 100)

    assert said(first) == [1]
    assert said(second) == [50, 51]
    assert second.number == 2


# -- room in a message


def test_a_message_holds_no_more_than_there_is_room_for() -> None:
    outbox = open_outbox()
    for number in range(1, 6):
        outbox.put(Prepared(of_size(40, number)))

    assert said(outbox.run(0.0, 100)) == [1, 2]
    assert said(outbox.run(0.0, 100)) == [3, 4]
    assert take(outbox, room=100) == [5]


def test_one_packet_leaves_even_when_it_is_larger_than_the_room() -> None:
    outbox = open_outbox()
    outbox.put(Prepared(of_size(200, 1)))
    outbox.put(Prepared(of_size(200, 2)))

    assert said(outbox.run(0.0, 100)) == [1]
    assert said(outbox.run(0.0, 100)) == [2]


def test_sending_again_keeps_to_the_room_as_well() -> None:
    outbox = open_outbox()
    for number in (1, 2, 3):
        outbox.put(Prepared(of_size(60, number)))
    take(outbox)
    outbox.rewind(received=0)

    runs = [outbox.run(0.0, 130), outbox.run(0.0, 130)]

    assert [(run.number, said(run), run.more) for run in runs] == [(1, [1, 2], True), (3, [3], True)]


# -- entries among the events


def test_what_is_special_leaves_with_the_rest_when_everything_fits() -> None:
    outbox = open_outbox()
    put(outbox, 1)
    made = add(outbox, event(2), key="position", deadline=5.0)
    outbox.withdraw(add(outbox, event(3)))
    joined = add(outbox, Joined("/", "s"))

    run = outbox.run(0.0, ROOM)

    assert (said(run), run.counted, run.more) == ([1, 2, "joined"], 3, False)
    assert (made.number, joined.number) == (2, 3)
    assert (outbox.flow_packets, outbox.packets) == (2, 3)
    assert outbox.expire(9.0) == ([], float("inf"))
    outbox.rewind(received=1)
    assert take(outbox) == [2, "joined"]


def test_what_was_withdrawn_leaves_no_hole_when_not_everything_may_leave() -> None:
    outbox = open_outbox(window=2)
    outbox.withdraw(add(outbox, event(1)))
    put(outbox, 2, 3, 4)

    assert take(outbox) == [2, 3]
    assert (outbox.packets, outbox.numbered) == (3, 2)


def test_it_tells_what_has_no_number_yet_in_packets_and_bytes() -> None:
    outbox = open_outbox(window=1)
    for number in (1, 2):
        put(outbox, number)
    take(outbox)
    urgent = entry(Reply(1, "yes"))
    outbox.add_urgent(urgent)

    packets, size = outbox.waiting

    assert packets == 2
    assert size == outbox.size - len(CODEC.encode(event(1)))


def test_it_tells_whether_something_urgent_has_not_arrived_yet() -> None:
    outbox = open_outbox()
    assert not outbox.urging

    outbox.add_urgent(entry(Reply(1, "yes")))
    assert outbox.urging
    take(outbox)
    assert outbox.urging
    outbox.arrived(1)

    assert not outbox.urging
