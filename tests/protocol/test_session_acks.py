"""When a session tells its peer how far it is, and how it answers a poll."""

from __future__ import annotations

from antiphon.protocol.packets import (
    Ack,
    Ping,
    Pong,
)
from tests.protocol.sessions import code, deliver_all, open_session, receive
from tests.protocol.wire import event, events, message, packets_in

# -- acks in time


def test_an_ack_leaves_after_5_s_at_the_latest() -> None:
    """Rule 7."""
    session = open_session()
    session.tick(0.0)
    receive(session, 1, event(1), now=1.0)
    session.deliver()
    session.outbox.dirty = False
    assert session.due == 6.0

    session.tick(5.9)
    assert not session.outbox.dirty
    assert session.due == 6.0
    session.tick(6.0)

    assert session.outbox.dirty
    assert Ack(1) in packets_in(session.take(6.0))


def test_an_ack_that_is_late_because_a_handler_is_busy_is_looked_after() -> None:
    session = open_session()
    receive(session, 1, event(1), event(2), now=0.0)
    session.deliver()
    session.take(0.0)

    session.tick(10.0)
    assert session.due == 11.0
    session.deliver()
    session.outbox.dirty = False
    session.tick(11.0)

    assert session.outbox.dirty


def test_32_packets_press_for_an_ack() -> None:
    """Rule 7."""
    wakes: list[str] = []
    session = open_session(wakes=wakes)
    session.take(0.0)
    receive(session, 1, *map(event, range(32)))
    before = len(wakes)

    deliver_all(session)

    assert len(wakes) == before + 1


def test_an_ack_rides_with_every_heartbeat() -> None:
    """Rule 7."""
    session = open_session()
    receive(session, 1, event(1))
    session.deliver()

    receive(session, 2, Ping(7))

    assert packets_in(session.take(0.0)) == [Pong(7, 0), Ack(1)]


# -- polls


def test_a_poll_is_answered_with_everything_after_what_its_ack_says() -> None:
    """Rule 18, I12: the answer before it may have been lost."""
    session = open_session()
    for number in (1, 2, 3):
        session.send(event(number))
    assert events(session.take(0.0, single=True)) == [1, 2, 3]

    session.poll(message(0, Ack(0, 1)), 1.0)

    assert events(session.take(1.0, single=True)) == [2, 3]


def test_a_poll_without_an_ack_is_answered_from_where_the_last_one_was() -> None:
    session = open_session()
    session.send(event(1))
    session.take(0.0, single=True)

    session.poll(message(0), 1.0)

    assert events(session.take(1.0, single=True)) == [1]


def test_a_poll_with_an_old_ack_brings_nothing_back() -> None:
    session = open_session()
    session.send(event(1))
    session.send(event(2))
    session.take(0.0)
    receive(session, 0, Ack(2))

    session.poll(message(0, Ack(1)), 1.0)

    assert session.take(1.0) == []


def test_a_poll_that_breaks_the_protocol_ends_the_session() -> None:
    session = open_session()

    assert code(session.poll(message(0, Ack(5)), 1.0)) == "PROTOCOL"


def test_a_poll_of_a_detached_session_does_nothing() -> None:
    session = open_session()
    session.detach(0.0)

    assert session.poll(message(0), 1.0) is None
