"""Streams by themselves: what a producer may send, what a reader has, and what ends both."""

from __future__ import annotations

from functools import partial

import pytest

from antiphon.errors import AntiphonError, CallAbandoned, CallFailed, ConnectionClosed
from antiphon.protocol.packets import Credit, End, Item
from antiphon.protocol.streams import AHEAD, COVER, FLOOD, WINDOW, Inflow, Outflow, Streams, failure


def open_outflow(limit: int = WINDOW, *, full: bool = False) -> Outflow:
    return Outflow(1, 0, limit, lambda: full)


def open_streams(*, full: bool = False) -> Streams:
    return Streams(lambda: full)


def put(outflow: Outflow, count: int, size: int = 1) -> None:
    for _ in range(count):
        assert outflow.room
        outflow.put(size)


def fill(inflow: Inflow, count: int, size: int = 1, most: int | None = None) -> None:
    for number in range(count):
        assert inflow.put(number, size, size if most is None else most)


def take(inflow: Inflow, count: int) -> list[int | None]:
    """The credit that each of so many takes gave."""
    return [inflow.take()[1] for _ in range(count)]


# -- the producer's end


def test_a_producer_sends_as_many_items_as_its_credit_says() -> None:
    outflow = open_outflow(limit=3)

    put(outflow, 3)

    assert not outflow.room
    assert outflow.sent == 3


def test_without_credit_nothing_is_sent() -> None:
    assert not open_outflow(limit=0).room


def test_credit_is_an_absolute_number_so_a_repeat_is_harmless() -> None:
    outflow = open_outflow(limit=3)
    put(outflow, 3)

    outflow.credit(4)
    outflow.credit(4)
    put(outflow, 1)

    assert not outflow.room


def test_less_credit_than_before_takes_nothing_back() -> None:
    outflow = open_outflow(limit=8)

    outflow.credit(2)
    put(outflow, 8)

    assert not outflow.room


def test_a_limit_of_0_stops_the_producer() -> None:
    outflow, told = open_outflow(), []
    outflow.on_room = lambda: told.append(outflow.stopped)

    outflow.credit(0)

    assert outflow.stopped
    assert told == [True]


def test_a_stop_that_nobody_listens_to_is_remembered() -> None:
    outflow = open_outflow()

    outflow.stop()

    assert outflow.stopped


def test_a_producer_that_waits_is_told_of_credit() -> None:
    outflow, told = open_outflow(limit=1), []
    outflow.on_room = lambda: told.append(outflow.room)
    put(outflow, 1)

    outflow.credit(2)

    assert told == [True]


def test_a_producer_is_at_most_64_kib_ahead_of_its_reader() -> None:
    outflow = open_outflow()

    put(outflow, 4, AHEAD // 4)

    assert not outflow.room


def test_one_item_may_always_be_sent_however_large() -> None:
    outflow = open_outflow()

    put(outflow, 1, 10 * AHEAD)

    assert not outflow.room
    outflow.credit(WINDOW + 1)
    assert outflow.room


def test_what_the_reader_has_taken_is_not_ahead_of_it_any_more() -> None:
    outflow = open_outflow()
    put(outflow, 4, AHEAD // 4)

    outflow.credit(WINDOW + 1)
    assert outflow.room
    outflow.put(AHEAD // 4)

    assert not outflow.room


def test_the_first_credit_of_an_argument_is_its_window() -> None:
    outflow = open_outflow(limit=0)
    outflow.credit(WINDOW)
    put(outflow, 4, AHEAD // 4)

    outflow.credit(WINDOW)
    assert not outflow.room

    outflow.credit(WINDOW + 4)
    put(outflow, 4, AHEAD // 4)


def test_credit_without_end_leaves_the_producer_within_64_kib() -> None:
    outflow = open_outflow(limit=2**53 - 1)

    sent = 0
    while outflow.room:
        outflow.put(1024)
        sent += 1

    assert sent == 64


def test_a_full_outbox_stops_every_producer() -> None:
    assert not open_outflow(full=True).room


# -- the reader's end


def test_a_reader_takes_what_came_in_its_order() -> None:
    inflow = Inflow(1, 0)
    fill(inflow, 3)

    assert [inflow.take()[0] for _ in range(3)] == [0, 1, 2]
    assert len(inflow) == 0


def test_a_reader_is_told_that_something_came() -> None:
    inflow, told = Inflow(1, 0), []
    inflow.on_ready = lambda: told.append(len(inflow))

    fill(inflow, 2)

    assert told == [1, 2]


def test_credit_is_given_once_half_of_it_is_used() -> None:
    inflow = Inflow(1, 0)
    fill(inflow, WINDOW)

    given = take(inflow, WINDOW)

    assert [credit for credit in given if credit is not None] == [WINDOW // 2 + WINDOW, WINDOW + WINDOW]
    assert given.index(WINDOW // 2 + WINDOW) == WINDOW // 2 - 1


def test_credit_is_given_when_all_was_taken_and_that_was_much() -> None:
    """Two items of 40 KiB stop a producer: without this it would wait for credit, and its reader for an item."""
    inflow = Inflow(1, 0)
    fill(inflow, 2, 40 << 10)

    assert take(inflow, 2) == [None, 2 + WINDOW]


@pytest.mark.parametrize("size", [1, 100, 1500, 4000, 10_000, 33_000, AHEAD - 1, AHEAD, AHEAD + 1, 1 << 20])
def test_no_size_of_items_leaves_both_ends_waiting_for_each_other(size: int) -> None:
    inflow, outflow = Inflow(1, 0), open_outflow()

    for _ in range(200):
        if outflow.room:
            outflow.put(size)
            # The worst that can be known of it here: hardly a byte of a large message, in which characters are counted.
            assert inflow.put("x", 1, -(-size // 4))
        else:
            _, credit = inflow.take()
            if credit is not None:
                outflow.credit(credit)

    while len(inflow):
        _, credit = inflow.take()
        if credit is not None:
            outflow.credit(credit)
    assert outflow.room


def test_a_few_small_items_cost_no_credit() -> None:
    inflow = Inflow(1, 0)

    for _ in range(WINDOW // 2 - 1):
        fill(inflow, 1, 8)
        assert take(inflow, 1) == [None]


def test_what_was_covered_by_credit_counts_no_more() -> None:
    inflow = Inflow(1, 0)
    fill(inflow, 1, COVER)
    assert take(inflow, 1) == [1 + WINDOW]

    fill(inflow, 1, COVER - 1)

    assert take(inflow, 1) == [None]


def test_more_items_than_were_asked_for_are_a_flood() -> None:
    inflow = Inflow(1, 0)
    fill(inflow, WINDOW)

    assert not inflow.put("one more", 1, 1)
    assert len(inflow) == WINDOW


def test_more_bytes_than_any_producer_sends_ahead_are_a_flood() -> None:
    inflow = Inflow(1, 0)
    fill(inflow, 1, FLOOD + 1)

    assert not inflow.put("one more", 1, 1)


def test_one_item_may_be_as_large_as_a_message_whatever_its_limit_is() -> None:
    inflow = Inflow(1, 0)

    fill(inflow, 2, FLOOD)

    assert inflow.size == 2 * FLOOD


def test_the_end_is_told_once_and_its_first_error_counts() -> None:
    inflow, told = Inflow(1, 0), []
    inflow.on_ready = lambda: told.append("ready")

    inflow.end(CallFailed("gone"))
    inflow.end(CallFailed("another"))

    assert inflow.ended
    assert isinstance(inflow.error, CallFailed) and inflow.error.code == "gone"
    assert told == ["ready"]


def test_what_came_before_the_end_can_still_be_taken_and_asks_for_no_more() -> None:
    inflow = Inflow(1, 0)
    fill(inflow, WINDOW)
    inflow.end()

    assert take(inflow, WINDOW) == [None] * WINDOW


def test_a_reader_that_left_keeps_nothing() -> None:
    inflow = Inflow(1, 0)
    fill(inflow, 3, 100)

    inflow.clear()

    assert (len(inflow), inflow.size) == (0, 0)


# -- the streams of a session


def test_stream_0_that_comes_belongs_to_a_call_of_ours() -> None:
    streams = open_streams()
    ours = streams.read(7, 0)

    assert streams.receive(Item(7, 0, "a"), 1, 1)

    assert ours.take()[0] == "a"
    assert streams.late == 0


def test_a_higher_number_that_comes_belongs_to_a_call_of_the_peer() -> None:
    streams = open_streams()
    ours, theirs = streams.read(7, 0), streams.read(7, 2)

    streams.receive(Item(7, 2, "b"), 1, 1)

    assert (len(ours), len(theirs)) == (0, 1)


def test_credit_for_stream_0_is_for_what_we_answer() -> None:
    streams = open_streams()
    answer, argument = streams.produce(7, 0), streams.produce(7, 1)

    streams.receive(Credit(7, 0, 5), 1, 1)
    streams.receive(Credit(7, 1, 6), 1, 1)

    assert (answer.limit, argument.limit) == (5, 6)


def test_a_stream_ends_by_itself() -> None:
    streams = open_streams()
    inflow = streams.read(7, 1)

    streams.receive(End(7, 1), 1, 1)

    assert inflow.ended and inflow.error is None


def test_a_stream_ends_with_an_error_that_its_reader_is_told() -> None:
    streams = open_streams()
    inflow = streams.read(7, 1)

    streams.receive(End(7, 1, ["gone", "nobody is here", {"since": 3}]), 1, 1)

    assert isinstance(inflow.error, CallFailed)
    assert (inflow.error.code, inflow.error.message, inflow.error.data) == ("gone", "nobody is here", {"since": 3})


@pytest.mark.parametrize("packet", [Item(9, 0, "x"), Item(9, 1, "x"), End(9, 0), End(9, 1), Credit(9, 0, 1)])
def test_what_comes_for_a_stream_that_nobody_knows_is_counted_and_harms_nobody(packet: Item | End | Credit) -> None:
    streams = open_streams()

    assert streams.receive(packet, 1, 1)

    assert streams.late == 1


@pytest.mark.parametrize("packet", [Item(7, 0, "x"), End(7, 0, ["gone"])])
def test_what_comes_behind_the_end_is_late(packet: Item | End) -> None:
    streams = open_streams()
    inflow = streams.read(7, 0)
    streams.receive(End(7, 0), 1, 1)

    assert streams.receive(packet, 1, 1)

    assert (streams.late, len(inflow), inflow.error) == (1, 0, None)


def test_a_flood_is_told_to_whoever_receives() -> None:
    streams = open_streams()
    streams.read(7, 0)
    for number in range(WINDOW):
        assert streams.receive(Item(7, 0, number), 1, 1)

    assert not streams.receive(Item(7, 0, "one more"), 1, 1)


def test_a_call_that_is_over_ends_its_readers_and_stops_its_producers() -> None:
    streams = open_streams()
    answer, argument = streams.read(7, 0), streams.produce(7, 1)

    streams.close(7, mine=True, error=CallAbandoned("the session ended"))

    assert isinstance(answer.error, CallAbandoned)
    assert argument.stopped
    assert len(streams) == 0


def test_a_call_that_is_over_leaves_the_others_alone_also_one_of_the_peer_with_the_same_id() -> None:
    streams = open_streams()
    streams.read(7, 0)
    theirs, other = streams.read(7, 1), streams.read(8, 0)
    answer = streams.produce(7, 0)

    streams.close(7, mine=True)

    assert not (theirs.ended or other.ended or answer.stopped)
    assert len(streams) == 3


def test_a_lost_session_takes_only_the_streams_of_the_peers_calls_with_it() -> None:
    streams = open_streams()
    ours, theirs = streams.read(7, 0), streams.read(8, 1)
    argument, answer = streams.produce(7, 1), streams.produce(8, 0)

    streams.abandon(ConnectionClosed("expired"))

    assert isinstance(theirs.error, ConnectionClosed) and answer.stopped
    assert not (ours.ended or argument.stopped)


def test_a_goodbye_stops_everybody() -> None:
    streams = open_streams()
    ours, theirs = streams.read(7, 0), streams.read(8, 1)
    argument, answer = streams.produce(7, 1), streams.produce(8, 0)

    streams.stop(ConnectionClosed("closed"))

    assert argument.stopped and answer.stopped
    assert isinstance(ours.error, ConnectionClosed) and isinstance(theirs.error, ConnectionClosed)


def test_an_emptier_outbox_wakes_every_producer() -> None:
    streams, woken = open_streams(), list[int]()
    for call in (1, 2):
        streams.produce(call, 0, WINDOW).on_room = partial(woken.append, call)

    streams.look()

    assert woken == [1, 2]


def test_while_the_outbox_is_full_nobody_is_woken() -> None:
    streams, woken = open_streams(full=True), []
    streams.produce(1, 0, WINDOW).on_room = lambda: woken.append(1)

    streams.look()

    assert woken == []


def test_nobody_is_woken_where_there_is_no_stream() -> None:
    asked = list[str]()

    def full() -> bool:
        asked.append("full")
        return False

    Streams(full).look()

    assert asked == []


def test_a_producer_that_is_woken_may_end_its_call_at_once() -> None:
    streams = open_streams()
    for call in (1, 2):
        streams.produce(call, 0, WINDOW).on_room = partial(streams.close, call, mine=False)

    streams.look()

    assert len(streams) == 0


# -- what an End tells


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        (["gone", "nobody", 3], ("gone", "nobody", 3)),
        (["gone", "nobody"], ("gone", "nobody", None)),
        (["gone"], ("gone", "", None)),
        ([], ("error", "", None)),
        (["gone", "nobody", 3, "more"], ("gone", "nobody", 3)),
        ("gone", ("error", "", None)),
        ([1, 2], ("1", "2", None)),
    ],
)
def test_what_an_end_tells_is_read_as_far_as_it_goes(told: object, meant: tuple[object, ...]) -> None:
    error = failure(told)

    assert error is not None
    assert (error.code, error.message, error.data) == meant


def test_an_end_without_an_error_is_no_failure() -> None:
    assert failure(None) is None


def test_every_error_of_a_stream_is_one_of_ours() -> None:
    assert isinstance(failure(["gone"]), AntiphonError)
