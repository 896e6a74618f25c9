"""What leaves the queue of an outbox without being sent: replaced, taken back, or late."""

from __future__ import annotations

from antiphon.protocol.packets import Joined, Reply
from tests.protocol.outboxes import ROOM, add, entry, open_outbox, put, said, take
from tests.protocol.wire import CODEC, event

# -- latest value


def test_only_the_newest_unsent_latest_value_leaves_and_overtakes_nothing() -> None:
    """Rule 9, I16."""
    outbox = open_outbox()
    add(outbox, event(1), key="position")
    put(outbox, 2)
    add(outbox, event(3), key="position")
    put(outbox, 4)

    assert take(outbox) == [2, 3, 4]


def test_a_latest_value_that_has_left_is_followed_by_the_next_one() -> None:
    outbox = open_outbox()
    add(outbox, event(1), key="position")
    assert take(outbox) == [1]

    add(outbox, event(2), key="position")

    assert take(outbox) == [2]


def test_latest_values_of_other_keys_do_not_replace_each_other() -> None:
    outbox = open_outbox()
    add(outbox, event(1), key="x")
    add(outbox, event(2), key="y")

    assert take(outbox) == [1, 2]


# -- taking back


def test_what_is_withdrawn_never_leaves_and_leaves_no_hole_in_the_numbers() -> None:
    outbox = open_outbox()
    put(outbox, 1)
    second = add(outbox, event(2))
    put(outbox, 3)

    assert outbox.withdraw(second)

    run = outbox.run(0.0, ROOM)
    assert (run.number, run.counted, said(run)) == (1, 2, [1, 3])
    assert (outbox.packets, outbox.size) == (2, len(CODEC.encode(event(1))) * 2)


def test_what_has_a_number_cannot_be_withdrawn() -> None:
    """Rule 11: it is still re-sent."""
    outbox = open_outbox()
    made = add(outbox, event(1))
    take(outbox)

    assert not outbox.withdraw(made)

    outbox.rewind(received=0)
    assert take(outbox) == [1]


def test_withdrawing_twice_counts_once() -> None:
    outbox = open_outbox()
    made = add(outbox, event(1))
    put(outbox, 2)

    assert outbox.withdraw(made)
    assert not outbox.withdraw(made)

    assert outbox.packets == 1
    assert outbox.size == len(CODEC.encode(event(2)))


def test_an_outbox_of_withdrawn_packets_is_idle() -> None:
    outbox = open_outbox()
    outbox.withdraw(add(outbox, event(1)))

    assert outbox.idle
    assert take(outbox) == []
    put(outbox, 2)
    assert take(outbox) == [2]


def test_many_replaced_values_do_not_make_the_queue_long() -> None:
    outbox = open_outbox()
    put(outbox, -1)
    for number in range(1000):
        add(outbox, event(number), key="position")

    assert len(outbox._waiting) < 200
    assert outbox.packets == 2
    assert take(outbox) == [-1, 999]


def test_urgent_packets_keep_their_place_when_withdrawn_ones_are_swept_out() -> None:
    outbox = open_outbox(window=1)
    put(outbox, 0)
    assert take(outbox) == [0]  # the window is full from here on
    add(outbox, Joined("/", "s"))
    outbox.add_urgent(entry(Reply(50)))
    for number in range(1, 40):
        add(outbox, event(number), key="position")
    outbox.add_urgent(entry(Reply(51)))
    for number in range(40, 200):
        add(outbox, event(number), key="position")
    outbox.add_urgent(entry(Reply(52)))
    outbox.ack(1)

    assert take(outbox) == ["joined", 50, 51, 199, 52]


def test_sweeping_moves_no_urgent_packet_past_what_stands_before_it() -> None:
    outbox = open_outbox()
    put(outbox, 1)
    withdrawn = [add(outbox, event(-1)) for _ in range(100)]
    put(outbox, 2)
    outbox.add_urgent(entry(Reply(50)))
    put(outbox, 3)
    outbox.add_urgent(entry(Reply(51)))
    for made in withdrawn:
        outbox.withdraw(made)
    put(outbox, 4)

    assert take(outbox) == [1, 2, 50, 3, 51, 4]


# -- deadlines


def test_a_deadline_withdraws_what_has_no_number() -> None:
    """Rule 11."""
    outbox = open_outbox()
    late, later = add(outbox, event(1), deadline=5.0), add(outbox, event(2), deadline=9.0)
    put(outbox, 3)
    add(outbox, event(4))

    expired, due = outbox.expire(5.0)

    assert (expired, due) == ([late], 9.0)
    assert take(outbox) == [2, 3, 4]
    assert later.number == 1


def test_a_deadline_means_nothing_once_there_is_a_number() -> None:
    outbox = open_outbox()
    add(outbox, event(1), deadline=5.0)
    take(outbox)

    assert outbox.expire(6.0) == ([], float("inf"))


def test_the_last_deadline_leaves_nothing_to_ask_for() -> None:
    outbox = open_outbox()
    add(outbox, event(1), deadline=5.0)

    assert outbox.expire(4.0) == ([], 5.0)
    assert len(outbox.expire(5.0)[0]) == 1
    assert outbox.expire(5.0) == ([], float("inf"))


def test_the_unsent_latest_value_is_known_until_it_leaves() -> None:
    outbox = open_outbox()
    made = add(outbox, event(1), key="position")

    assert (outbox.unsent("position"), outbox.unsent("other"), outbox.unsent(None)) == (made, None, None)

    take(outbox)
    assert outbox.unsent("position") is None


def test_a_value_withdrawn_is_not_the_latest_any_more() -> None:
    outbox = open_outbox()
    outbox.withdraw(add(outbox, event(1), key="position"))

    add(outbox, event(2), key="position")

    assert take(outbox) == [2]
