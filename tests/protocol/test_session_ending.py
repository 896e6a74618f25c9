"""How a session ends: by a goodbye that waits for acks, or at once (contract rule 26)."""

from __future__ import annotations

import pytest

from antiphon.protocol.closing import Closing, Ending, TransportCode
from antiphon.protocol.packets import (
    Ack,
    Close,
    Ping,
    Volatile,
)
from antiphon.protocol.session import Act, State
from tests.protocol.sessions import NEVER, code, deliver_all, open_session, receive, told
from tests.protocol.wire import CODEC, event, events, read


def test_a_goodbye_waits_until_everything_is_acked() -> None:
    """Rule 26."""
    session = open_session()
    session.send(event(1))
    session.close(0.0, "closed", "bye")

    assert told(session.take(0.0), Close) == []
    assert session.state is State.CLOSING

    receive(session, 0, Ack(1))
    assert session.outbox.dirty
    assert told(session.take(0.1), Close) == [Close("closed", "bye")]
    assert session.ending == Ending("closed", "bye")
    assert session.take(0.2) == []


def test_a_goodbye_with_nothing_unacked_is_said_at_once() -> None:
    session = open_session()

    session.close(0.0)

    assert told(session.take(0.0), Close) == [Close("closed")]


def test_a_goodbye_is_a_message_of_its_own_where_one_leaves_at_a_time() -> None:
    """Over polls: what could still leave goes with this answer, the Close with the next."""
    session = open_session()
    session.outbox.add_volatile(CODEC.encode(Volatile("/", "pose", [])), 0.0)
    session.close(0.0)

    first = session.take(0.0, single=True)
    dirty = session.outbox.dirty
    second = session.take(0.1, single=True)

    assert told(first, Volatile) == [Volatile("/", "pose", [])]
    assert told(first, Close) == []
    assert dirty
    assert told(second, Close) == [Close("closed")]


def test_a_goodbye_waits_2_s_at_most() -> None:
    """Rule 26."""
    session = open_session()
    session.send(event(1))
    session.close(1.0)
    session.take(1.0)

    session.tick(2.9)
    assert session.ending is None
    assert session.due <= 3.0
    session.tick(3.0)

    assert session.ending == Ending("closed")
    assert told(session.take(3.0), Close) == [Close("closed")]


def test_a_goodbye_asks_for_the_acks_that_it_waits_for() -> None:
    """Rule 7: an ack may otherwise take 5 s."""
    session = open_session()
    session.send(event(1))
    session.close(0.0)
    assert len(told(session.take(0.0), Ping)) == 1

    session.tick(0.2)
    assert told(session.take(0.2), Ping) == []
    session.tick(0.25)
    assert len(told(session.take(0.25), Ping)) == 1


def test_what_was_sent_before_a_goodbye_is_said_before_it() -> None:
    """Rule 26: a Close counts after all packets before it."""
    sender, receiver = open_session(), open_session()
    sender.send(event(1))
    sender.close(0.0)
    for data in sender.take(0.0):
        receiver.receive(data, 0.0)
    delivered = deliver_all(receiver)
    for data in receiver.take(0.0):
        sender.receive(data, 0.0)

    (goodbye,) = sender.take(0.1)
    closing = receiver.receive(goodbye, 0.1)

    assert delivered == [event(1)]
    assert closing == Closing(TransportCode.ENDED, "closed")
    assert receiver.ending == Ending("closed")
    assert receiver.take(0.1) == []


def test_a_goodbye_does_not_wait_for_what_is_owed_on_a_transport_of_one_message() -> None:
    session = open_session()
    receive(session, 0, Ping(7))
    session.close(0.0)

    assert told(session.take(0.0, single=True), Close) == [Close("closed")]


def test_a_goodbye_is_said_although_each_round_trip_takes_longer_than_it_waits_to_ask_again() -> None:
    """Over long-polling its next Ping was always ready when the last push came back."""
    session = open_session()
    session.send(event(1))
    session.close(0.0)
    session.take(0.0, single=True)
    session.tick(0.3)
    receive(session, 0, Ack(1), now=0.4)

    assert told(session.take(0.4, single=True), Close) == [Close("closed")]


def test_a_goodbye_survives_a_take_over_of_its_transport() -> None:
    session = open_session()
    session.send(event(1))
    session.close(0.0)
    session.take(0.0)

    session.attach(0, 0.5)

    assert session.state is State.CLOSING
    assert events(session.take(0.5)) == [1]
    receive(session, 0, Ack(1))
    assert told(session.take(0.6), Close) == [Close("closed")]


def test_a_goodbye_whose_transport_is_lost_is_final() -> None:
    session = open_session()
    session.send(event(1))
    session.close(0.0, "closed", "bye")

    session.detach(0.5)

    assert session.ending == Ending("closed", "bye")


@pytest.mark.parametrize("attached", [False, True])
def test_a_goodbye_without_a_transport_ends_at_once(attached: bool) -> None:
    session = open_session(attached=attached)
    if attached:
        session.detach(0.0)

    session.close(1.0)

    assert session.state is State.ENDED
    assert session.take(1.0) == []


def test_a_second_goodbye_changes_nothing() -> None:
    session = open_session()
    session.send(event(1))
    session.close(0.0, "first")
    session.close(1.0, "second")
    session.end("kicked")
    session.close(2.0, "third")
    session.end("fourth")

    assert session.ending == Ending("kicked")


def test_an_end_is_told_with_what_was_handed_over() -> None:
    session = open_session()
    receive(session, 1, event(1))
    session.deliver()

    session.end("kicked", "by the host", 2.5)

    (goodbye,) = session.take(0.0)
    assert read(goodbye).packets == [Ack(1), Close("kicked", "by the host", 2500)]
    assert session.take(0.0) == []


def test_an_end_that_is_not_to_be_told_is_not() -> None:
    session = open_session()

    session.end("mismatch", tell=False)

    assert session.take(0.0) == []


def test_a_close_of_the_peer_says_when_to_come_back() -> None:
    session = open_session()

    closing = receive(session, 0, Close("shutdown", "restarting", 1500))

    assert code(closing) == "ENDED"
    assert session.ending == Ending("shutdown", "restarting", 1.5)


def test_what_was_accepted_before_the_end_is_still_handed_over() -> None:
    """Rule 21."""
    session = open_session()
    receive(session, 1, event(1), Close("closed"))

    assert deliver_all(session) == [event(1)]


def test_the_end_frees_everything() -> None:
    """I17."""
    session = open_session()
    session.send(event(1))
    session.take(0.0)
    session.send(event(2))

    session.end("kicked")

    assert (session.outbox.packets, session.outbox.size, len(session.calls)) == (0, 0, 0)
    assert session.due == NEVER


def test_an_ended_session_asks_for_no_more_ticks() -> None:
    session = open_session()
    session.end("kicked")
    session.detach(1.0)

    assert session.tick(2.0) is None

    assert session.due == NEVER
    assert session.take(2.0) != []


def test_last_words_that_nobody_took_are_not_said_to_another_session() -> None:
    session = open_session()
    session.end("kicked")
    session._change(Act.RENEW)
    session.ending = None

    session.attach(0, 1.0)
    session.detach(2.0)

    assert session.take(2.0) == []
