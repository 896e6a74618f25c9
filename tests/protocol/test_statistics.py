"""How a session stands."""

from __future__ import annotations

from antiphon.protocol.packets import Ack, Call, Event
from antiphon.protocol.statistics import Amount, Befallen, befallen, describe, total
from tests.protocol.sessions import open_session, receive
from tests.protocol.wire import event


def test_a_session_that_was_never_attached_is_of_no_age() -> None:
    session = open_session(attached=False)

    told = describe(session, 7.0, sid=None, transport=None, handlers=0)

    assert (told.state, told.age, told.since, told.attaches) == ("fresh", 0.0, 0.0, 0)


def test_what_waits_both_ways_is_told_in_packets_and_bytes() -> None:
    session = open_session(window=1)
    session.send(event(1))
    session.send(event(2))
    session.take(0.0)
    receive(session, 1, Event("/", "say", [1]), Event("/", "say", [2]))
    session.deliver()
    session.call(Call(1, "/", "ask", []), lambda outcome: None, 30.0)

    told = describe(session, 3.0, sid="s", transport="websocket", handlers=1, held=Amount(1, 10))

    assert (told.unacked.packets, told.waiting.packets) == (1, 3)
    assert told.waiting.size > 10
    assert (told.unhandled.packets, told.unconfirmed.packets) == (1, 1)
    assert (told.calls, told.answering, told.streams, told.handlers) == (1, 0, 0, 1)
    assert (told.sid, told.state, told.transport, told.age) == ("s", "attached", "websocket", 3.0)


def test_what_befell_sessions_can_be_added_up() -> None:
    one, other = open_session(), open_session()
    receive(one, 1, event(1))
    receive(one, 1, event(1))
    receive(other, 5, event(1))

    sums = total([befallen(one), befallen(other)])

    assert sums == Befallen(attaches=2, duplicates=1, gaps=1)


def test_what_is_acked_is_not_unacked() -> None:
    session = open_session()
    session.send(event(1))
    session.take(0.0)
    receive(session, 0, Ack(1))

    assert describe(session, 0.0, sid=None, transport=None, handlers=0).unacked == Amount(0, 0)
