"""What goes in front of a message: pongs in the order of their pings, not too many, and the ack last."""

from __future__ import annotations

from antiphon.config import Inbox as Bounds
from antiphon.protocol.inbox import Inbox
from antiphon.protocol.owed import ANSWERS, Owed, progress
from antiphon.protocol.packets import Ack, Packet, Ping, Pong
from tests.protocol.wire import CODEC, event, message


def inbox_with(received: int, handed: int) -> Inbox:
    inbox = Inbox(Bounds(), lambda: None)
    bytes_of_it = message(1, *(event(number) for number in range(received)))
    inbox.accept(CODEC.decode(bytes_of_it), len(bytes_of_it), now=0.0)
    for _ in range(handed):
        inbox.hand_over()
    return inbox


def take(owed: Owed, inbox: Inbox) -> list[Packet]:
    parts = owed.take(CODEC, inbox, now=1.0)
    return list(CODEC.decode(CODEC.pack(0, 0, parts)).packets) if parts else []


def test_what_is_owed_leaves_once_in_its_order_and_before_the_ack() -> None:
    owed, inbox = Owed(), inbox_with(received=3, handed=2)
    owed.pong(Ping(7), now=1.5)
    owed.ping(now=2.0)

    assert take(owed, inbox) == [Pong(7, 1500), Ping(2000), Ack(2, 3)]
    assert take(owed, inbox) == []


def test_nothing_is_acked_that_was_told_already() -> None:
    assert take(Owed(), inbox_with(received=2, handed=0)) == []


def test_a_peer_that_pings_faster_than_it_reads_is_owed_a_bounded_number_of_pongs() -> None:
    owed = Owed()

    answered = [owed.pong(Ping(number), now=0.0) for number in range(ANSWERS + 2)]

    assert answered == [True] * ANSWERS + [False] * 2
    assert len(take(owed, inbox_with(received=0, handed=0))) == ANSWERS


def test_an_ack_names_what_was_received_only_if_it_is_more() -> None:
    assert progress(inbox_with(received=2, handed=2)) == Ack(2)
    assert progress(inbox_with(received=2, handed=1)) == Ack(1, 2)
