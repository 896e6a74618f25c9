"""Streams of a client: which of them live on when the session is lost, and what wakes their producers."""

from __future__ import annotations

from antiphon.config import Outbox
from antiphon.errors import CallAbandoned, CallError, CallNotSent, ConnectionClosed
from antiphon.protocol.calls import Outcome, Pending
from antiphon.protocol.client_session import ClientSession
from antiphon.protocol.packets import Call, Cancel, Credit, Item
from antiphon.protocol.streams import WINDOW, Inflow, Outflow
from tests.protocol.client_sessions import emit, joined_session, let_in, open_session, receive, take, told, welcome


def streaming_call(session: ClientSession) -> tuple[Pending, Inflow, Outflow]:
    """A call with a stream both ways, as whoever makes it connects them."""
    id = session.next_call()
    inflow, outflow = session.streams.read(id, 0), session.streams.produce(id, 1)

    def settle(outcome: Outcome) -> None:
        session.streams.close(id, mine=True, error=outcome if isinstance(outcome, CallError) else None)

    packet = Call(id, "/", "ask", [None], streams=(1,), credit=WINDOW)
    return session.emit_call(packet, settle, float("inf")), inflow, outflow


def test_a_call_that_had_no_number_goes_on_with_its_streams_in_the_next_session() -> None:
    session = joined_session()
    session.detach(1.0)
    pending, inflow, outflow = streaming_call(session)

    welcome(session, 2.0, sid="s2")
    let_in(session)
    [asked] = told(take(session), Call)
    receive(session, 2, Item(pending.id, 0, "a"), Credit(pending.id, 1, WINDOW))

    assert isinstance(asked, Call) and asked.id == pending.id
    assert inflow.take()[0] == "a"
    assert outflow.room


def test_a_call_that_had_a_number_is_lost_with_its_streams() -> None:
    session = joined_session()
    _, inflow, outflow = streaming_call(session)
    take(session)
    session.detach(1.0)

    welcome(session, 2.0, sid="s2")

    assert isinstance(inflow.error, CallAbandoned)
    assert outflow.stopped


def test_streams_of_the_servers_calls_are_lost_with_their_session() -> None:
    session = joined_session()
    inflow, outflow = session.streams.read(5, 1), session.streams.produce(6, 0, WINDOW)
    session.detach(1.0)

    welcome(session, 2.0, sid="s2")

    assert isinstance(inflow.error, ConnectionClosed)
    assert outflow.stopped
    assert len(session.streams) == 0


def test_a_cancel_of_a_call_in_the_lost_session_does_not_count_for_the_next_one() -> None:
    session = joined_session()
    receive(session, 2, Call(5, "/", "ask", []), Cancel(5))
    session.detach(1.0)

    welcome(session, 2.0, sid="s2")

    assert session.begin_answer(5, float("inf"), lambda: None)


def test_a_call_that_was_cancelled_at_its_gate_never_leaves() -> None:
    session = open_session()
    session.join("/")
    pending, inflow, outflow = streaming_call(session)

    session.cancel(pending)
    welcome(session)
    let_in(session)

    assert told(take(session), Call, Cancel) == []
    assert inflow.ended and outflow.stopped


def test_events_that_expire_wake_producers_for_no_ack_follows_them() -> None:
    session = joined_session(outbox=Outbox(packets=4, size=1 << 20))
    outflow, woken = session.streams.produce(5, 0, WINDOW), []
    outflow.on_room = lambda: woken.append(outflow.room)
    session.detach(0.0)
    emit(session, 1, 2, deadline=1.0)
    session.send(Item(5, 0, "a"))
    assert not outflow.room

    session.tick(1.0)

    assert woken[-1] is True


def test_the_end_of_the_client_ends_what_waits_at_a_gate() -> None:
    session = open_session()
    session.join("/")
    _, inflow, outflow = streaming_call(session)

    session.end("closed")

    assert isinstance(inflow.error, CallNotSent)
    assert outflow.stopped
