"""What a session may keep, and the time that passes for it (contract rules 10, 20)."""

from __future__ import annotations

from antiphon.config import Outbox
from antiphon.protocol.closing import Ending
from antiphon.protocol.codec import Prepared
from antiphon.protocol.packets import (
    Ack,
    Close,
    Join,
    Ping,
)
from tests.protocol.sessions import call, code, deliver_all, open_session, receive, told
from tests.protocol.wire import event, packets_in

# -- bounds


def test_a_packet_that_passes_the_bound_ends_the_session_attached() -> None:
    """Rule 10."""
    session = open_session(outbox=Outbox(packets=2), window=1)
    for number in (1, 2, 3):
        session.outbox.put(Prepared(event(number)))

    messages = session.take(0.0)

    assert session.ending is not None
    assert (session.ending.code, session.ending.retry_after) == ("overflow", 1.0)
    (close,) = told(messages, Close)
    assert isinstance(close, Close)
    assert close.code == "overflow"


def test_a_packet_that_passes_the_bound_ends_the_session_detached() -> None:
    """Rule 10, I17."""
    session = open_session(outbox=Outbox(packets=2))
    session.detach(0.0)
    for number in (1, 2, 3):
        session.outbox.put(Prepared(event(number)))

    assert session.take(1.0) == []

    assert session.ending is not None
    assert session.ending.code == "overflow"
    assert session.outbox.packets == 0


def test_a_packet_that_passes_the_bound_ends_the_session_although_its_transport_is_congested() -> None:
    session = open_session(outbox=Outbox(packets=2))
    for number in (1, 2, 3):
        session.outbox.put(Prepared(event(number)))

    session.stalled(0.0)
    session.stalled(0.1)

    assert session.ending is not None
    assert session.ending.code == "overflow"


def test_an_outbox_above_three_quarters_for_5_s_closes_the_transport() -> None:
    """Rule 10."""
    session = open_session(outbox=Outbox(packets=4))
    for number in range(4):
        session.send(event(number))
    session.tick(0.0)

    session.stalled(1.0)
    assert session.due == 6.0
    assert session.tick(5.9) is None
    closing = session.tick(6.0)

    assert code(closing) == "SLOW"
    assert session.ending is None


def test_an_outbox_that_was_emptied_in_between_is_not_slow() -> None:
    session = open_session(outbox=Outbox(packets=4))
    for number in range(4):
        session.send(event(number))
    session.stalled(1.0)
    session.take(2.0)
    receive(session, 0, Ack(4))
    for number in range(4):
        session.send(event(number))
    session.stalled(5.0)

    assert session.tick(6.0) is None
    assert code(session.tick(10.0)) == "SLOW"


def test_a_latest_value_that_makes_room_is_seen_as_room() -> None:
    session = open_session(outbox=Outbox(packets=4))
    entries = [session.send(event(number)) for number in range(4)]
    session.stalled(1.0)
    for entry in entries:
        session.withdraw(entry)

    session.take(2.0)

    assert session.tick(6.0) is None


def test_another_transport_has_another_chance() -> None:
    session = open_session(outbox=Outbox(packets=4))
    for number in range(4):
        session.send(event(number))
    session.stalled(1.0)
    session.detach(2.0)

    session.attach(0, 3.0)

    assert session.tick(7.0) is None


# -- time


def test_the_server_pings_every_20_s() -> None:
    """Rule 20."""
    session = open_session()
    assert session.tick(19.9) is None
    assert session.take(19.9) == []

    session.tick(20.0)

    assert packets_in(session.take(20.0)) == [Ping(20_000)]
    assert session.due == 40.0


def test_a_transport_is_given_up_after_40_s_of_silence() -> None:
    """Rule 20."""
    session = open_session()
    receive(session, 0, Ping(1), now=5.0)
    session.take(5.0)

    assert session.tick(44.9) is None
    assert code(session.tick(45.0)) == "SILENT"


def test_a_transport_that_looks_after_its_own_life_is_not_pinged() -> None:
    session = open_session(attached=False)
    session.attach(0, 0.0, pings=False)

    assert session.tick(1000.0) is None
    assert session.take(1000.0) == []


def test_our_own_stall_moves_every_deadline() -> None:
    """Rule 20: it kills nobody."""
    session = open_session(outbox=Outbox(packets=4))
    _, outcomes = call(session, deadline=10.0)
    for number in range(3):
        session.send(event(number))
    session.stalled(1.0)

    session.postpone(60.0)

    assert session.tick(65.0) is None
    assert outcomes == []
    assert code(session.tick(66.0)) == "SLOW"
    session.tick(70.0)
    assert len(outcomes) == 1


def test_our_own_stall_gives_a_goodbye_its_2_s() -> None:
    session = open_session()
    session.send(event(1))
    session.close(0.0)
    session.take(0.0)

    session.postpone(10.0)
    session.tick(11.9)
    assert session.ending is None

    session.tick(12.0)
    assert session.ending == Ending("closed")


def test_a_join_waits_its_turn_and_is_delivered() -> None:
    session = open_session()

    receive(session, 1, Join("/chat", {"name": "Ann"}))

    assert deliver_all(session) == [Join("/chat", {"name": "Ann"})]
