"""Streams and cancellation as one session does them: what comes, what may leave, and what the end takes with it."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.config import Inbox, Outbox
from antiphon.errors import CallAbandoned, CallError, CallFailed, ConnectionClosed
from antiphon.protocol.answering import NEVER
from antiphon.protocol.calls import Outcome
from antiphon.protocol.packets import Ack, Call, Cancel, Credit, End, Failed, Item, Ping, Reply
from antiphon.protocol.session import Session
from antiphon.protocol.streams import FLOOD, WINDOW, Inflow
from tests.protocol.sessions import code, deliver_all, open_session, receive, told
from tests.protocol.wire import event, message, packets_in


def streaming_call(session: Session, id: int = 1) -> tuple[Inflow, list[Outcome]]:
    """A call that has left and whose answer is read as a stream, as whoever makes it connects the two."""
    outcomes: list[Outcome] = []
    inflow = session.streams.read(id, 0)

    def settle(outcome: Outcome) -> None:
        outcomes.append(outcome)
        session.streams.close(id, mine=True, error=outcome if isinstance(outcome, CallError) else None)

    session.call(Call(id, "/", "ask", [], credit=WINDOW), settle, 30.0)
    session.take(0.0)
    return inflow, outcomes


def values(inflow: Inflow) -> list[Any]:
    return [inflow.take()[0] for _ in range(len(inflow))]


# -- what comes


def test_items_reach_their_reader_although_an_event_waits_for_its_handler() -> None:
    session = open_session()
    inflow, _ = streaming_call(session)

    receive(session, 1, event(1), Item(1, 0, "a"), Item(1, 0, "b"))

    assert values(inflow) == ["a", "b"]
    assert deliver_all(session) == [event(1)]


def test_items_that_come_twice_are_taken_once() -> None:
    session = open_session()
    inflow, _ = streaming_call(session)
    receive(session, 1, Item(1, 0, "a"), Item(1, 0, "b"))

    receive(session, 1, Item(1, 0, "a"), Item(1, 0, "b"), Item(1, 0, "c"))

    assert values(inflow) == ["a", "b", "c"]


def test_the_end_of_its_stream_is_the_outcome_of_a_call() -> None:
    session = open_session()
    inflow, outcomes = streaming_call(session)

    receive(session, 1, Item(1, 0, "a"), End(1, 0))

    assert outcomes == [None]
    assert inflow.ended and inflow.error is None
    assert values(inflow) == ["a"]


def test_a_stream_that_broke_off_fails_its_call_behind_what_came_of_it() -> None:
    session = open_session()
    inflow, outcomes = streaming_call(session)

    receive(session, 1, Item(1, 0, "a"), End(1, 0, ["gone", "nobody", 3]))

    assert isinstance(outcomes[0], CallFailed)
    assert values(inflow) == ["a"]
    assert isinstance(inflow.error, CallFailed)
    assert (inflow.error.code, inflow.error.message, inflow.error.data) == ("gone", "nobody", 3)


def test_a_call_that_fails_ends_its_stream() -> None:
    session = open_session()
    inflow, _ = streaming_call(session)

    receive(session, 1, Failed(1, "too_many"))

    assert isinstance(inflow.error, CallFailed) and inflow.error.code == "too_many"


def test_more_items_than_were_asked_for_end_the_session() -> None:
    session = open_session()
    streaming_call(session)

    closing = receive(session, 1, *(Item(1, 0, number) for number in range(WINDOW + 1)))

    assert code(closing) == "PROTOCOL"
    assert session.ending is not None and session.ending.code == "flood"


def test_large_items_are_weighed_one_by_one_and_small_ones_beside_them_pay_nothing() -> None:
    session = open_session()
    small, large = session.streams.read(1, 1), session.streams.read(2, 1)

    receive(session, 1, Item(1, 1, "x"), Item(2, 1, bytes(100_000)))

    assert small.size < 100 < 100_000 < large.size


def test_small_items_of_one_message_share_its_bytes() -> None:
    session = open_session()
    inflow = session.streams.read(1, 1)
    data = message(1, Item(1, 1, "x"), Item(1, 1, "x" * 100))

    session.receive(data, 0.0)

    assert inflow.size == len(data) // 2 * 2


def test_a_reader_that_takes_nothing_does_not_have_to_keep_more_than_was_agreed_on() -> None:
    session = open_session(limit=8 << 20)
    session.streams.read(1, 1)
    receive(session, 1, Item(1, 1, bytes(FLOOD)))

    closing = receive(session, 2, Item(1, 1, "one more"))

    assert code(closing) == "PROTOCOL"


def test_what_comes_for_a_stream_that_is_over_is_counted_and_harms_nobody() -> None:
    session = open_session()

    assert receive(session, 1, Item(9, 0, "x"), Item(9, 2, "x"), End(9, 2), Credit(9, 0, 5), End(9, 0)) is None

    assert session.streams.late == 4
    assert session.calls.late == 1


# -- what leaves


def test_items_are_not_held_back_by_the_window_of_events() -> None:
    """A handler that reads them would wait for what queues behind events which wait for the handler."""
    session = open_session(window=1)
    session.send(event(1))
    session.send(event(2))

    session.send(Item(1, 0, "a"))
    session.send(End(1, 0))

    assert packets_in(session.take(0.0)) == [event(1), Item(1, 0, "a"), End(1, 0)]


def test_items_stay_in_their_place_between_what_is_not_held_back() -> None:
    session = open_session()

    session.send(Item(1, 0, "a"))
    session.send(event(1))
    session.send(Failed(1, "gone"))
    session.send(Item(2, 0, "b"))

    assert packets_in(session.take(0.0)) == [Item(1, 0, "a"), event(1), Failed(1, "gone"), Item(2, 0, "b")]


def test_an_outbox_that_is_half_full_stops_producers_and_an_ack_wakes_them() -> None:
    session = open_session(outbox=Outbox(packets=8, size=1 << 20))
    outflow, woken = session.streams.produce(1, 0, WINDOW), []
    outflow.on_room = lambda: woken.append(outflow.room)
    for number in range(5):
        assert outflow.room
        session.send(Item(1, 0, number))
        outflow.put(1)
    assert not outflow.room
    session.take(0.0)

    session.receive(message(0, Ack(1)), 0.0)

    assert woken == [True]


def test_one_item_at_a_time_goes_on_for_the_events_may_wait_for_the_handler_that_reads_it() -> None:
    session = open_session(outbox=Outbox(packets=8, size=1 << 20))
    outflow, woken = session.streams.produce(1, 0, WINDOW), []
    outflow.on_room = lambda: woken.append(outflow.room)
    for number in range(5):
        session.send(event(number))
    assert outflow.room

    session.send(Item(1, 0, "a"))
    assert not outflow.room
    session.take(0.0)
    assert not outflow.room
    session.receive(message(0, Ack(0, 6)), 0.0)

    assert woken == [True]


def test_what_is_no_value_of_the_wire_breaks_no_limit_and_is_refused_alike() -> None:
    session = open_session()

    session.receive(message(1, Item(7, 1, float("nan"))), 0.0)

    assert session.ending is None
    assert (session.tally.broken, session.tally.limits) == (1, {})


@pytest.mark.parametrize("stream", [0, 1])
def test_an_item_that_breaks_a_limit_ends_its_stream_for_reader_and_producer(stream: int) -> None:
    session = open_session()
    outcomes: list[object] = []
    if stream == 0:
        session.call(Call(7, "/", "ticks", [], credit=WINDOW), outcomes.append, deadline=30.0)
    inflow = session.streams.read(7, stream)
    session.take(0.0)
    too_deep: list[object] = []
    for _ in range(40):
        too_deep = [too_deep]

    session.receive(message(1, Item(7, stream, too_deep)), 0.0)

    error = outcomes[0] if stream == 0 else inflow.error
    assert isinstance(error, CallFailed) and error.code == "payload"
    stop = [packet for packet in packets_in(session.take(0.0)) if isinstance(packet, Cancel | Credit)]
    assert stop == ([Cancel(7)] if stream == 0 else [Credit(7, 1, 0)])


def test_a_reply_that_breaks_a_limit_fails_its_call() -> None:
    session = open_session()
    outcomes: list[object] = []
    session.call(Call(7, "/", "ask", []), outcomes.append, deadline=30.0)
    too_deep: list[object] = []
    for _ in range(40):
        too_deep = [too_deep]

    session.receive(message(1, Reply(7, too_deep)), 0.0)

    assert [(type(error), getattr(error, "code", "")) for error in outcomes] == [(CallFailed, "payload")]


def test_what_is_withdrawn_wakes_producers_too_for_no_ack_follows_it() -> None:
    session = open_session(outbox=Outbox(packets=2, size=1 << 20), attached=False)
    outflow, woken = session.streams.produce(1, 0, WINDOW), []
    outflow.on_room = lambda: woken.append(outflow.room)
    session.send(Item(1, 0, "a"))
    entry = session.send(event(2))
    assert not outflow.room

    session.withdraw(entry)

    assert woken == [True]


def test_items_that_came_are_kept_no_longer_although_an_event_before_them_waits() -> None:
    """Kept, they would fill the outbox: their stream would stop until that event's handler is done."""
    session = open_session(outbox=Outbox(packets=8, size=1 << 20))
    session.send(event(1))
    for number in range(6):
        session.send(Item(1, 0, number))
    session.take(0.0)
    assert session.streams.produce(2, 0, WINDOW).room is False

    session.receive(message(0, Ack(0, 7)), 0.0)

    assert session.streams.produce(2, 0, WINDOW).room is True
    assert session.outbox.packets == 1


def test_an_ack_leaves_for_items_that_came_behind_an_event_which_waits() -> None:
    session = open_session()
    receive(session, 1, event(1))
    session.take(0.0)

    receive(session, 2, *(Item(1, 1, number) for number in range(32)))

    assert told(session.take(0.0), Ack) == [Ack(0, 33)]
    assert session.take(0.0) == []


def test_a_goodbye_waits_for_no_stream() -> None:
    session = open_session()
    inflow, outflow = session.streams.read(1, 1), session.streams.produce(2, 0, WINDOW)
    receive(session, 1, Item(1, 1, "a"))

    session.close(0.0, "closed", "we go")

    assert outflow.stopped
    assert isinstance(inflow.error, ConnectionClosed) and inflow.error.code == "closed"
    assert values(inflow) == ["a"]


# -- cancellation


def test_a_cancel_reaches_the_handler_that_runs() -> None:
    session, cancelled = open_session(), []
    receive(session, 1, Call(5, "/", "ask", []))
    deliver_all(session)
    session.begin_answer(5, NEVER, lambda: cancelled.append(5))

    receive(session, 2, Cancel(5))

    assert cancelled == [5]


def test_a_cancel_reaches_a_call_that_still_waits_for_its_turn() -> None:
    session = open_session()
    receive(session, 1, Call(5, "/", "ask", []), Call(6, "/", "ask", []))

    receive(session, 3, Cancel(6))

    deliver_all(session)
    assert session.begin_answer(5, NEVER, lambda: None)
    assert not session.begin_answer(6, NEVER, lambda: None)


def test_a_cancel_of_a_call_that_nobody_knows_harms_nobody() -> None:
    session = open_session()

    assert receive(session, 1, Cancel(5)) is None

    assert session.begin_answer(5, NEVER, lambda: None)


def test_a_handler_is_cancelled_at_the_deadline_of_its_call_even_if_no_cancel_comes() -> None:
    session, cancelled = open_session(), []
    session.tick(0.0)
    session.begin_answer(5, 2.0, lambda: cancelled.append(5))
    assert session.due == 2.0

    session.tick(2.0)

    assert cancelled == [5]


def test_a_deadline_is_looked_after_while_no_transport_is_there() -> None:
    session, cancelled = open_session(), []
    session.begin_answer(5, 2.0, lambda: cancelled.append(5))
    session.detach(1.0)
    session.tick(1.0)
    assert session.due == 2.0

    session.tick(2.0)

    assert cancelled == [5]


def test_a_stall_of_our_own_process_cancels_nobody() -> None:
    session, cancelled = open_session(), []
    session.begin_answer(5, 2.0, lambda: cancelled.append(5))

    session.postpone(10.0)
    session.tick(11.0)

    assert cancelled == []


# -- the end of the session


@pytest.mark.parametrize("ended_by", ["us", "the peer"])
def test_the_end_of_a_session_ends_all_streams_each_with_its_error(ended_by: str) -> None:
    session = open_session()
    answer, _ = streaming_call(session, 1)
    argument, theirs = session.streams.read(2, 1), session.streams.produce(3, 0, WINDOW)

    if ended_by == "us":
        session.end("kicked", "you know why")
    else:
        session.detach(1.0)
        session.close(1.0, "kicked", "you know why")

    assert isinstance(answer.error, CallAbandoned)
    assert isinstance(argument.error, ConnectionClosed)
    assert (argument.error.code, argument.error.reason) == ("kicked", "you know why")
    assert theirs.stopped
    assert len(session.streams) == 0


def test_the_end_of_a_session_cancels_no_handler_by_its_ids_any_more() -> None:
    session, cancelled = open_session(), []
    session.begin_answer(5, 2.0, lambda: cancelled.append(5))

    session.end("kicked")
    session.tick(5.0)

    assert cancelled == []
    assert len(session.answering) == 0


def test_a_cut_ends_no_stream() -> None:
    session = open_session()
    inflow, _ = streaming_call(session)
    outflow = session.streams.produce(2, 0, WINDOW)
    receive(session, 1, Item(1, 0, "a"))

    session.detach(1.0)
    session.attach(1, 2.0)
    receive(session, 1, Item(1, 0, "a"), Item(1, 0, "b"), Reply(9))

    assert values(inflow) == ["a", "b"]
    assert not (inflow.ended or outflow.stopped)


def test_what_the_peer_received_is_not_sent_again_even_where_it_claims_less_later() -> None:
    session = open_session(inbox=Inbox(packets=4))
    session.send(event(1))
    session.send(Item(1, 0, "a"))
    session.take(0.0)
    session.receive(message(0, Ack(0, 2)), 0.0)

    session.detach(1.0)
    session.attach(0, 2.0)

    assert [packet for packet in packets_in(session.take(2.0)) if not isinstance(packet, Ping | Ack)] == []
