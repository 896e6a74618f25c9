"""A session: attach, send, take and receive."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.config import Inbox, Outbox
from antiphon.errors import (
    ConnectionClosed,
    LocalProtocolError,
    OutboxFull,
)
from antiphon.protocol.closing import Closing, TransportCode
from antiphon.protocol.packets import (
    Ack,
    Call,
    Cancel,
    Close,
    Event,
    Failed,
    Hello,
    Join,
    Packet,
    Ping,
    Pong,
    Refuse,
    Refused,
    Renew,
    Volatile,
    Welcome,
)
from antiphon.protocol.session import State
from tests.protocol.sessions import code, deliver_all, open_session, receive, told
from tests.protocol.wire import CODEC, counted_in, event, events, message, of_size, packets_in, read

# -- attach and detach


def test_nothing_leaves_before_a_transport_is_attached() -> None:
    session = open_session(attached=False)
    session.send(event(1))

    assert session.take(0.0) == []

    session.attach(0, 1.0)
    assert events(session.take(1.0)) == [1]


def test_events_sent_while_detached_are_replayed_in_order() -> None:
    session = open_session()
    session.send(event(1))
    session.take(1.0)
    session.detach(5.0)
    session.send(event(2))
    session.send(event(3))
    assert session.take(6.0) == []

    session.attach(0, 9.0)

    assert counted_in(session.take(9.0)) == [(1, event(1)), (2, event(2)), (3, event(3))]


def test_only_what_the_peer_has_not_received_is_sent_again() -> None:
    session = open_session()
    for number in (1, 2, 3):
        session.send(event(number))
    session.take(0.0)

    session.attach(2, 1.0)

    assert counted_in(session.take(1.0)) == [(3, event(3))]


def test_a_take_over_without_detachment_is_the_same_act() -> None:
    """Rule 12."""
    session = open_session()
    session.send(event(1))
    session.take(0.0)

    session.attach(1, 1.0)
    session.send(event(2))

    assert session.state is State.ATTACHED
    assert counted_in(session.take(1.0)) == [(2, event(2))]


def test_an_ack_that_was_lost_with_its_transport_is_said_again() -> None:
    """I3: the peer's window may be full and wait for nothing else."""
    session = open_session()
    receive(session, 1, event(1))
    session.deliver()
    assert told(session.take(0.0), Ack) == [Ack(1)]
    session.detach(1.0)

    session.attach(0, 2.0)

    assert told(session.take(2.0), Ack) == [Ack(1)]


def test_two_sessions_go_on_when_the_ack_of_a_full_window_is_lost() -> None:
    """I3."""
    sender, receiver = open_session(window=2), open_session()
    for number in (1, 2, 3):
        sender.send(event(number))
    for data in sender.take(0.0):
        receiver.receive(data, 0.0)
    assert len(deliver_all(receiver)) == 2
    receiver.take(0.0)  # the ack, lost with the transport

    sender.attach(receiver.inbox.received, 1.0)
    receiver.attach(sender.inbox.received, 1.0)
    for data in receiver.take(1.0):
        sender.receive(data, 1.0)

    assert events(sender.take(1.0)) == [3]


def test_answers_owed_to_the_old_transport_do_not_go_to_the_new_one() -> None:
    session = open_session()
    receive(session, 0, Ping(7))

    session.attach(0, 1.0)

    assert session.take(1.0) == []


def test_what_a_session_may_not_do_is_refused_by_name() -> None:
    session = open_session(attached=False)

    with pytest.raises(LocalProtocolError, match="a session that is FRESH cannot detach"):
        session.detach(0.0)


def test_detaching_twice_changes_nothing() -> None:
    session = open_session()
    session.detach(1.0)
    session.detach(2.0)

    assert session.state is State.DETACHED
    assert not session.attached


def test_whom_to_wake_may_be_said_later() -> None:
    session = open_session(attached=False)
    wakes: list[str] = []

    session.wake_by(lambda: wakes.append("later"))
    session.send(event(1))

    assert wakes == ["later"]


# -- sending


def test_a_packet_is_encoded_where_it_is_emitted() -> None:
    """Rule 5."""
    session = open_session()
    args: list[Any] = ["before"]
    session.send(Event("/", "say", args))

    args[0] = "after"

    assert packets_in(session.take(0.0)) == [Event("/", "say", ["before"])]


def test_one_packet_above_a_quarter_of_the_outbox_is_refused_where_it_is_emitted() -> None:
    """Rule 10."""
    session = open_session(outbox=Outbox(size=4000))
    session.send(of_size(1000))

    with pytest.raises(OutboxFull, match="a Event of 1001 bytes is larger than one packet may be"):
        session.send(of_size(1001))

    assert session.state is State.ATTACHED


def test_no_packet_is_larger_than_a_message() -> None:
    session = open_session(limit=1000)
    session.send(of_size(936))

    with pytest.raises(OutboxFull):
        session.send(of_size(937))

    assert all(len(data) <= 1000 for data in session.take(0.0))


def test_no_message_is_larger_than_the_limit_with_all_that_rides_on_it() -> None:
    session = open_session(limit=2000)
    for number in range(40):
        session.send(of_size(100, number))
    for number in range(16):
        receive(session, number + 1, Ping(0.1), event(number))
    deliver_all(session)

    messages = session.take(0.0)

    assert len(messages) > 1
    assert all(len(data) <= 2000 for data in messages)


def test_the_newest_of_a_latest_value_arrives() -> None:
    session = open_session(attached=False)
    session.send(event(1), key=("/", "say", "x"))
    session.send(event(2), key=("/", "say", "x"))

    session.attach(0, 0.0)

    assert events(session.take(0.0)) == [2]


def test_a_deadline_is_when_to_look_again() -> None:
    session = open_session()
    session.tick(0.0)

    session.send(event(1), deadline=3.0)

    assert session.due == 3.0


def test_a_volatile_event_is_dropped_without_a_transport() -> None:
    """Rule 9."""
    session = open_session(attached=False)

    assert not session.outbox.add_volatile(CODEC.encode(Volatile("/", "at", [1])), 0.0)

    session.attach(0, 0.0)
    assert session.outbox.add_volatile(CODEC.encode(Volatile("/", "at", [2])), 0.0)
    assert packets_in(session.take(0.1)) == [Volatile("/", "at", [2])]


def test_a_volatile_event_that_waits_is_dropped_with_its_transport() -> None:
    session = open_session()
    session.outbox.add_volatile(CODEC.encode(Volatile("/", "at", [1])), 0.0)
    session.detach(0.1)

    session.attach(0, 0.1)

    assert session.take(0.1) == []


def test_a_session_that_ended_takes_nothing_more() -> None:
    session = open_session()
    session.end("kicked", "by the host")

    with pytest.raises(ConnectionClosed, match="kicked: by the host"):
        session.send(event(1))


# -- messages


def test_what_is_owed_comes_first_and_rides_on_what_is_sent_anyway() -> None:
    """Rule 7."""
    session = open_session()
    receive(session, 1, Ping(7), event(1), now=2.0)
    session.deliver()
    session.send(event(100))

    (only,) = session.take(2.0)

    assert read(only).packets == [Pong(7, 2000), Ack(1), event(100)]


def test_an_ack_says_what_was_received_beyond_what_was_handed_over() -> None:
    session = open_session()
    receive(session, 1, event(1), event(2))
    session.deliver()

    assert packets_in(session.take(0.0)) == [Ack(1, 2)]
    assert session.progress() == Ack(1, 2)


def test_nothing_to_say_is_no_message() -> None:
    session = open_session()

    assert session.take(0.0) == []


def test_long_output_is_cut_into_messages_at_the_limit() -> None:
    session = open_session(limit=1000)
    for number in range(10):
        session.send(of_size(300, number))

    messages = session.take(0.0)

    assert len(messages) == 4
    assert events(messages) == list(range(10))


def test_a_transport_of_one_answer_at_a_time_takes_one_message() -> None:
    session = open_session(limit=1000)
    for number in range(4):
        session.send(of_size(300, number))

    first, second = session.take(0.0, single=True), session.take(0.0, single=True)

    assert [len(first), len(second)] == [1, 1]
    assert events(first + second) == [0, 1, 2, 3]
    assert session.take(0.0, single=True) == []


def test_a_peer_that_pings_faster_than_it_reads_gets_a_bounded_number_of_pongs() -> None:
    """I5."""
    session = open_session()
    for number in range(100):
        receive(session, 0, Ping(number))

    assert len(told(session.take(0.0), Pong)) == 16


# -- receiving


def test_a_message_that_cannot_be_read_ends_the_session() -> None:
    """Rule 6: otherwise it would be re-sent for ever."""
    session = open_session()

    closing = session.receive(b"\xc1", 0.0)

    assert code(closing) == "PROTOCOL"
    assert session.ending is not None
    assert session.ending.code == "protocol"
    (close,) = told(session.take(0.0), Close)
    assert isinstance(close, Close)
    assert (close.code, close.retry_after) == ("protocol", 1000)


def test_a_receiver_that_counts_otherwise_takes_nothing_and_ends_the_session() -> None:
    """Rule 4."""
    session = open_session()
    miscounted = CODEC.pack(1, 2, [CODEC.encode(event(1))])

    closing = session.receive(miscounted, 0.0)

    assert code(closing) == "PROTOCOL"
    assert session.ending is not None
    assert session.ending.code == "miscounted"
    assert session.deliver() is None


def test_a_gap_closes_the_transport_and_keeps_the_session() -> None:
    """Rule 6."""
    session = open_session()

    closing = receive(session, 3, event(3))

    assert closing == Closing(TransportCode.GAP, "expected number 1, got 3")
    assert session.state is State.ATTACHED
    assert session.deliver() is None


def test_a_message_without_counted_packets_can_tell_a_gap_too() -> None:
    session = open_session()

    assert code(receive(session, 5, Ping(1))) == "GAP"


def test_a_second_gap_without_progress_ends_the_session() -> None:
    """Rule 6."""
    session = open_session()
    receive(session, 3, event(3))
    session.attach(0, 1.0)

    closing = receive(session, 3, event(3))

    assert code(closing) == "PROTOCOL"
    assert session.ending is not None
    assert session.ending.code == "protocol"


def test_a_second_gap_after_some_progress_is_a_first_one() -> None:
    session = open_session()
    receive(session, 3, event(3))
    session.attach(0, 1.0)
    receive(session, 1, event(1))

    assert code(receive(session, 4, event(4))) == "GAP"
    assert session.tally.gaps == 2
    assert session.ending is None


def test_more_than_the_window_allows_ends_the_session() -> None:
    """Rule 8."""
    session = open_session(inbox=Inbox(packets=2))

    closing = receive(session, 1, event(1), event(2), event(3))

    assert code(closing) == "PROTOCOL"
    assert session.ending is not None
    assert session.ending.code == "flood"


@pytest.mark.parametrize("ack", [Ack(3), Ack(1, 3), Ack(2, 1)], ids=str)
def test_an_ack_that_cannot_be_true_ends_the_session(ack: Ack) -> None:
    """Rule 6."""
    session = open_session()
    session.send(event(1))
    session.send(event(2))
    session.take(0.0)

    closing = receive(session, 0, ack)

    assert code(closing) == "PROTOCOL"
    assert session.ending is not None
    assert session.ending.code == "protocol"


@pytest.mark.parametrize("packet", [Hello(key="k", attempt=1), Refuse("stale")], ids=lambda p: type(p).__name__)
def test_what_opens_a_transport_has_no_place_later(packet: Packet) -> None:
    session = open_session()

    assert code(receive(session, 0, packet)) == "PROTOCOL"


def test_a_second_welcome_has_no_place_either() -> None:
    session = open_session()
    welcome = Welcome(epoch="e", sid="s", received=0, next=1, resumed=True)

    assert code(receive(session, 0, welcome)) == "PROTOCOL"


def test_packets_that_this_side_has_nothing_to_do_with_are_counted_and_acked() -> None:
    session = open_session()

    assert receive(session, 1, Renew("fresh"), Cancel(1)) is None

    assert told(session.take(0.0), Ack) == [Ack(2)]


def test_a_packet_that_breaks_a_limit_is_acked_and_refused_by_itself() -> None:
    """Rule 6."""
    session = open_session()
    deep: Any = 1
    for _ in range(40):
        deep = [deep]

    assert receive(session, 1, Event("/", "say", deep), Call(7, "/", "ask", deep), event(3)) is None

    assert deliver_all(session) == [event(3)]
    assert session.tally.broken == 2
    sent = packets_in(session.take(0.0))
    assert Ack(3) in sent
    (failed,) = [packet for packet in sent if isinstance(packet, Failed)]
    assert (failed.id, failed.code) == (7, "payload")
    assert set(failed.data) == {"parameter", "expected"}


def test_a_join_that_breaks_a_limit_is_refused_by_itself() -> None:
    """Rule 16: every join is answered."""
    session = open_session()
    deep: Any = 1
    for _ in range(40):
        deep = [deep]

    assert receive(session, 1, Join("/chat", deep)) is None

    (refused,) = told(session.take(0.0), Refused)
    assert isinstance(refused, Refused)
    assert refused.namespace == "/chat"


def test_nothing_is_received_without_a_transport() -> None:
    """Rule 14: a fenced transport has no effect any more."""
    session = open_session()
    session.detach(1.0)

    assert receive(session, 1, event(1)) is None

    assert session.inbox.received == 0


def test_volatile_packets_of_a_late_message_are_dropped_and_the_others_taken() -> None:
    """Rule 18."""
    session = open_session()

    session.receive(message(1, Volatile("/", "at", [1]), event(1)), 0.0, volatile=False)

    assert deliver_all(session) == [event(1)]


def test_a_pong_measures() -> None:
    session = open_session()

    receive(session, 0, Pong(1000, 5000), now=3.0)

    assert session.heartbeat.round_trip == 2.0
    assert session.heartbeat.clock_offset == 3.0
