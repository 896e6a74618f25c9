"""What has arrived, what is handed over, and when an ack presses: the receiving half of a session."""

from __future__ import annotations

import pytest

from antiphon.config import Inbox as Bounds
from antiphon.errors import PayloadError
from antiphon.protocol.codec import Broken, Message, is_counted
from antiphon.protocol.inbox import ACK_SIZE, CROWD, Inbox
from antiphon.protocol.packets import (
    Ack,
    Call,
    Cancel,
    Credit,
    Event,
    Failed,
    Join,
    Leave,
    Packet,
    Ping,
    Renew,
    Reply,
    Volatile,
)
from tests.protocol.wire import event, message, read


class Presses:
    """Counts how often an ack was pressed for."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def open_inbox(*, packets: int = 256, size: int = 1 << 20) -> tuple[Inbox, Presses]:
    presses = Presses()
    return Inbox(Bounds(packets=packets, size=size), presses), presses


def of(number: int, *packets: Packet) -> Message:
    return Message(number, sum(map(is_counted, packets)), list(packets))


def hand_over_all(inbox: Inbox) -> list[Packet]:
    found = []
    while (packet := inbox.hand_over()) is not None:
        found.append(packet)
    return found


def volatile(number: int, size: int = 0) -> Volatile:
    return Volatile("/", "at", [number, bytes(size)])


BROKEN = Broken(Event, PayloadError("too deep"))


# -- counting in


def test_what_arrives_is_handed_over_in_order() -> None:
    inbox, _ = open_inbox()
    packets = [Join("/"), event(1), Call(1, "/", "ask", []), Leave("/")]

    inbox.accept(of(1, *packets[:2]), 20, 0.0)
    inbox.accept(of(3, *packets[2:]), 20, 0.0)

    assert len(inbox) == 4
    assert inbox.received == 4
    assert hand_over_all(inbox) == packets


def test_a_number_already_received_is_dropped_and_counted() -> None:
    """Rule 6."""
    inbox, _ = open_inbox()
    inbox.accept(of(1, event(1), event(2)), 20, 0.0)

    inbox.accept(of(2, event(2), event(3)), 20, 0.0)

    assert hand_over_all(inbox) == [event(1), event(2), event(3)]
    assert inbox.duplicates == 1


def test_a_message_of_which_everything_was_received_changes_nothing() -> None:
    inbox, _ = open_inbox()
    inbox.accept(of(1, event(1), Reply(1), event(2)), 20, 0.0)

    at_once = inbox.accept(of(1, event(1), Reply(1)), 20, 0.0)

    assert at_once == []
    assert inbox.received == 3
    assert inbox.duplicates == 2
    assert len(inbox) == 2


def test_uncounted_packets_between_repeated_ones_still_take_effect() -> None:
    inbox, _ = open_inbox()
    inbox.accept(of(1, event(1)), 20, 0.0)

    at_once = inbox.accept(of(1, Ack(7), event(1), Ping(1), event(2)), 20, 0.0)

    assert at_once == [Ack(7), Ping(1)]
    assert hand_over_all(inbox) == [event(1), event(2)]


def test_a_message_without_counted_packets_moves_no_number() -> None:
    inbox, _ = open_inbox()

    assert inbox.accept(of(0, Ping(1)), 20, 0.0) == [Ping(1)]
    assert inbox.accept(of(0), 3, 0.0) == []

    assert (inbox.received, inbox.handed, inbox.duplicates) == (0, 0, 0)


@pytest.mark.parametrize(
    "packet",
    [Reply(1), Failed(1, "error"), Cancel(1), Credit(1, 1, 5), Renew(), BROKEN],
    ids=lambda p: type(p).__name__,
)
def test_what_answers_takes_effect_at_once_and_past_waiting_events(packet: Packet) -> None:
    """Rule 24: a reply may reach its caller before earlier events have been handled."""
    inbox, _ = open_inbox()

    at_once = inbox.accept(of(1, event(1), packet, event(2)), 20, 0.0)

    assert at_once == [packet]
    assert hand_over_all(inbox) == [event(1), event(2)]


# -- what is acked


def test_an_ack_covers_only_what_was_handed_over_without_a_gap() -> None:
    """Rule 7, I4."""
    inbox, _ = open_inbox()
    inbox.accept(of(1, event(1), Reply(1), event(2), Reply(2)), 20, 0.0)
    assert inbox.handed == 0

    inbox.hand_over()
    assert inbox.handed == 2

    inbox.hand_over()
    assert inbox.handed == 4


def test_what_takes_effect_at_once_is_acked_when_nothing_waits_before_it() -> None:
    inbox, _ = open_inbox()

    inbox.accept(of(1, Reply(1)), 20, 0.0)

    assert inbox.handed == 1


def test_nothing_to_hand_over_changes_nothing() -> None:
    inbox, _ = open_inbox()

    assert inbox.hand_over() is None
    assert inbox.handed == 0


def test_a_waiting_volatile_packet_holds_no_ack_back_for_what_came_before_it() -> None:
    inbox, _ = open_inbox()
    inbox.accept(of(1, event(1), volatile(100), event(2)), 20, 0.0)

    inbox.hand_over()
    assert inbox.handed == 1
    assert inbox.hand_over() == volatile(100)
    assert inbox.handed == 1
    inbox.hand_over()
    assert inbox.handed == 2


# -- when an ack is due


def test_an_ack_presses_after_32_packets() -> None:
    """Rule 7."""
    inbox, presses = open_inbox()
    inbox.accept(of(1, *map(event, range(32))), 320, 0.0)

    for _ in range(31):
        inbox.hand_over()
    assert presses.count == 0

    inbox.hand_over()
    assert presses.count == 1


def test_an_ack_presses_after_32_replies_although_nothing_waits() -> None:
    inbox, presses = open_inbox()

    inbox.accept(of(1, *(Reply(id) for id in range(1, 32))), 320, 0.0)
    assert presses.count == 0

    inbox.accept(of(32, Reply(32)), 10, 0.0)
    assert presses.count == 1


def test_an_ack_presses_after_64_kib() -> None:
    """Rule 7."""
    inbox, presses = open_inbox()
    inbox.accept(of(1, event(1)), (64 << 10) - 1, 0.0)
    inbox.hand_over()
    assert presses.count == 0

    inbox.accept(of(2, event(2)), 1, 0.0)
    assert presses.count == 1


def test_bytes_press_only_once_there_is_something_to_ack() -> None:
    inbox, presses = open_inbox()

    inbox.accept(of(1, event(1)), 64 << 10, 0.0)
    assert presses.count == 0

    inbox.hand_over()
    assert presses.count == 1


def test_a_small_window_is_acked_at_half_of_it() -> None:
    """I3: a peer whose window is full must not wait for an ack that waits for its time."""
    inbox, presses = open_inbox(packets=4)
    inbox.accept(of(1, event(1), event(2)), 20, 0.0)
    inbox.hand_over()
    assert presses.count == 0

    inbox.hand_over()

    assert presses.count == 1


def test_a_small_window_of_bytes_is_acked_at_half_of_it() -> None:
    inbox, presses = open_inbox(size=1000)
    inbox.accept(of(1, event(1)), 500, 0.0)

    inbox.hand_over()

    assert presses.count == 1


def test_it_presses_once_until_the_peer_was_told() -> None:
    inbox, presses = open_inbox()
    inbox.accept(of(1, *map(event, range(100))), 1000, 0.0)

    hand_over_all(inbox)

    assert presses.count == 1


def test_after_an_ack_the_count_begins_anew() -> None:
    inbox, presses = open_inbox()
    inbox.accept(of(1, *map(event, range(31))), 64 << 10, 0.0)
    hand_over_all(inbox)
    pressed = presses.count

    inbox.acked(1.0)
    inbox.accept(of(32, event(32)), 10, 2.0)
    inbox.hand_over()

    assert presses.count == pressed
    assert inbox.told == 31


def test_an_ack_is_due_5_s_after_the_first_packet_that_wants_one() -> None:
    """Rule 7."""
    inbox, _ = open_inbox()
    inbox.accept(of(0, Ping(1)), 10, 1.0)
    assert inbox.due == float("inf")

    inbox.accept(of(1, event(1)), 10, 2.0)
    inbox.accept(of(2, event(2)), 10, 4.0)

    assert inbox.due == 7.0


def test_after_an_ack_the_next_one_is_due_only_if_something_still_waits() -> None:
    inbox, _ = open_inbox()
    inbox.accept(of(1, event(1), event(2)), 10, 0.0)
    inbox.hand_over()

    inbox.acked(1.0)
    assert inbox.due == 6.0

    inbox.hand_over()
    inbox.acked(2.0)
    assert inbox.due == float("inf")


def test_a_repeated_packet_wants_an_ack_again_since_the_last_one_may_be_lost() -> None:
    inbox, _ = open_inbox()
    inbox.accept(of(1, event(1)), 10, 0.0)
    hand_over_all(inbox)
    inbox.acked(1.0)

    inbox.accept(of(1, event(1)), 10, 2.0)

    assert inbox.due == 7.0


# -- bounds


@pytest.mark.parametrize("packet", [event(1), Call(1, "/", "ask", [])], ids=lambda p: type(p).__name__)
def test_more_waiting_packets_than_the_window_are_a_flood(packet: Packet) -> None:
    """Rule 8."""
    inbox, _ = open_inbox(packets=2)

    inbox.accept(of(1, packet, packet), 20, 0.0)
    assert not inbox.flooded

    inbox.accept(of(3, packet), 10, 0.0)
    assert inbox.flooded


def test_what_was_handed_over_makes_room() -> None:
    inbox, _ = open_inbox(packets=2)
    inbox.accept(of(1, event(1), event(2)), 20, 0.0)
    inbox.hand_over()

    inbox.accept(of(3, event(3)), 10, 0.0)

    assert not inbox.flooded


def test_what_stands_outside_the_window_never_floods() -> None:
    inbox, _ = open_inbox(packets=1)

    inbox.accept(of(1, event(1), *(Leave("/") for _ in range(50)), *(Reply(id) for id in range(1, 50))), 500, 0.0)

    assert not inbox.flooded


@pytest.mark.parametrize("packet", [Join("/"), Leave("/")], ids=lambda p: type(p).__name__)
def test_joins_and_leaves_are_a_flood_when_there_are_more_than_anybody_can_mean(packet: Packet) -> None:
    inbox, _ = open_inbox(packets=2)
    inbox.accept(of(1, event(1), *[packet] * (CROWD + 3)), 500, 0.0)
    assert not inbox.flooded

    inbox.accept(of(CROWD + 5, packet), 10, 0.0)

    assert inbox.flooded


def test_of_a_flood_only_so_much_is_taken_as_may_wait() -> None:
    inbox, _ = open_inbox(packets=2)

    inbox.accept(of(1, *(event(number) for number in range(1, 6)), Leave("/"), event(6)), 100, 0.0)

    assert (inbox.flooded, inbox.received, len(inbox)) == (True, 2, 2)
    assert hand_over_all(inbox) == [event(1), event(2)]
    assert (inbox.handed, inbox.waiting) == (2, (0, 0))


def test_of_a_flood_of_joins_only_so_many_are_taken_as_may_wait() -> None:
    inbox, _ = open_inbox(packets=2)

    inbox.accept(of(1, *[Join("/")] * 100_000), 500_000, 0.0)

    assert (inbox.flooded, inbox.received, len(inbox)) == (True, CROWD + 4, CROWD + 4)


def test_bytes_flood_when_they_pass_what_any_honest_peer_may_send() -> None:
    inbox, _ = open_inbox(size=1000)

    inbox.accept(of(1, event(1)), 1 << 20, 0.0)
    assert not inbox.flooded

    inbox.accept(of(2, event(2)), 1 << 20, 0.0)
    assert inbox.flooded


def test_bytes_of_what_was_handed_over_do_not_flood() -> None:
    inbox, _ = open_inbox(size=1000)

    for number in range(1, 9):
        inbox.accept(of(number, event(number)), 1 << 20, 0.0)
        inbox.hand_over()

    assert not inbox.flooded


def test_a_small_event_beside_a_large_reply_is_not_charged_with_its_bytes() -> None:
    """Rule 8: the bound is on events; replies stand outside it."""
    inbox, _ = open_inbox()
    large = Reply(1, bytes(200 << 10))

    for number in range(1, 81, 2):
        inbox.accept(of(number, event(number), large), 201 << 10, 0.0)

    assert not inbox.flooded


def test_large_events_are_charged_with_their_own_bytes_whatever_stands_beside_them() -> None:
    inbox, _ = open_inbox(size=100 << 10)
    large = Event("/", "picture", [{"pixels": bytes(300 << 10), "tags": ["a", "b"]}])

    for number in range(1, 10, 2):
        inbox.accept(of(number, large, Reply(1)), 301 << 10, 0.0)

    assert inbox.flooded


# -- volatile


def test_volatile_packets_stand_in_their_place_between_the_others() -> None:
    inbox, _ = open_inbox()

    inbox.accept(of(1, volatile(100), event(1), volatile(101), event(2)), 20, 0.0)

    assert hand_over_all(inbox) == [volatile(100), event(1), volatile(101), event(2)]
    assert inbox.received == 2


def test_volatile_packets_of_an_old_message_are_dropped() -> None:
    """Rule 18: a POST that is not the newest."""
    inbox, _ = open_inbox()

    inbox.accept(of(1, volatile(100), event(1)), 20, 0.0, volatile=False)

    assert hand_over_all(inbox) == [event(1)]


def test_volatile_packets_are_dropped_when_as_many_wait_as_the_window_allows() -> None:
    """I5, I16: they never block, and never flood."""
    inbox, _ = open_inbox(packets=2)

    inbox.accept(of(0, *map(volatile, range(100))), 500, 0.0)

    assert len(inbox) == 2
    assert not inbox.flooded


def test_volatile_packets_are_dropped_when_they_hold_more_bytes_than_the_window_allows() -> None:
    """I5: a peer that sends large ones must not fill the memory."""
    inbox, _ = open_inbox(size=1000)

    for number in range(10):
        inbox.accept(of(1, volatile(number)), 600, 0.0)

    assert hand_over_all(inbox) == [volatile(0), volatile(1)]
    assert not inbox.flooded


def test_large_volatile_packets_are_charged_one_by_one() -> None:
    inbox, _ = open_inbox(size=100 << 10)

    inbox.accept(of(1, volatile(0), volatile(1, 150 << 10), volatile(2)), 151 << 10, 0.0)
    inbox.hand_over()
    inbox.hand_over()
    inbox.accept(of(1, volatile(3)), 20, 0.0)

    assert hand_over_all(inbox) == [volatile(3)]


def test_an_ack_that_left_before_a_large_event_was_handed_over_does_not_count_for_it() -> None:
    """The peer's window would stay shut for the 5 s that an ack may take."""
    pressing: list[bool] = []
    inbox = Inbox(Bounds(), lambda: pressing.append(True))
    first, large = message(1, event(0)), message(2, Event("/", "say", [bytes(ACK_SIZE)]))
    inbox.accept(read(first), len(first), 0.0)
    inbox.hand_over()
    inbox.accept(read(large), len(large), 0.0)
    inbox.acked(0.0)
    pressing.clear()

    inbox.hand_over()

    assert pressing


def test_it_tells_what_waits_and_what_it_owes_in_packets_and_bytes() -> None:
    inbox = Inbox(Bounds(), lambda: None)
    inbox.accept(Message(1, 2, [event(1), event(2)]), 100, 0.0)
    assert (inbox.waiting, inbox.owed) == ((2, 100), (0, 0))

    inbox.hand_over()

    assert (inbox.waiting, inbox.owed) == ((1, 50), (1, 50))
