"""Long-polling on the server: one answer per poll, nothing lost between two, and an end that is noticed."""

from __future__ import annotations

from antiphon.protocol.closing import Closing, TransportCode
from antiphon.transports.base import Transport
from antiphon.transports.longpoll import HOLD, LOST_AFTER, LongPollTransport
from antiphon.types import Data

FENCED = Closing(TransportCode.FENCED, "2")


class Listener:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.lost: list[Transport] = []

    def on_message(self, transport: Transport, message: Data) -> None:
        raise AssertionError("the gateway hands messages over, not the transport")

    def on_drained(self, transport: Transport) -> None:
        raise AssertionError("who holds a poll flushes by itself")

    def on_lost(self, transport: Transport) -> None:
        self.lost.append(transport)


class Answered:
    """One poll, and how it was answered."""

    def __init__(self) -> None:
        self.answers: list[Data | Closing | None] = []

    def answer(self, message: Data | None) -> None:
        self.answers.append(message)

    def refuse(self, closing: Closing) -> None:
        self.answers.append(closing)


def transport(now: float = 0.0) -> tuple[LongPollTransport, Listener]:
    listener = Listener()
    return LongPollTransport(listener, now), listener


def hold(transport: LongPollTransport, now: float = 0.0) -> Answered:
    poll = Answered()
    transport.hold(poll, now)
    return poll


# -- answers


def test_without_a_poll_it_is_congested_and_writes_nothing() -> None:
    longpoll, _ = transport()

    longpoll.write("lost, if somebody asked for it")

    assert longpoll.congested
    assert not longpoll.pings
    assert longpoll.single


def test_a_held_poll_takes_one_message() -> None:
    longpoll, _ = transport()
    poll = hold(longpoll)
    assert not longpoll.congested

    longpoll.write("one")
    longpoll.write("two")

    assert poll.answers == ["one"]
    assert longpoll.congested


def test_a_poll_is_answered_with_nothing_when_its_time_is_over() -> None:
    longpoll, _ = transport()
    poll = hold(longpoll, now=5.0)

    longpoll.tick(5.0 + HOLD - 0.1)
    assert poll.answers == []
    longpoll.tick(5.0 + HOLD)

    assert poll.answers == [None]


def test_a_newer_poll_releases_the_older_one() -> None:
    longpoll, _ = transport()
    assert longpoll.newest_poll(3)
    older = hold(longpoll)

    assert longpoll.newest_poll(4)

    assert older.answers == [None]


def test_an_older_poll_or_the_same_again_releases_nothing() -> None:
    longpoll, _ = transport()
    assert longpoll.newest_poll(3)
    poll = hold(longpoll)

    assert not longpoll.newest_poll(3)
    assert not longpoll.newest_poll(2)

    assert poll.answers == []


def test_only_the_newest_push_is_new() -> None:
    longpoll, _ = transport()

    assert longpoll.newest_push(1)
    assert longpoll.newest_push(4)
    assert not longpoll.newest_push(3)
    assert not longpoll.newest_push(4)
    assert longpoll.newest_push(5)


# -- closing


def test_closing_refuses_the_held_poll() -> None:
    longpoll, listener = transport()
    poll = hold(longpoll)

    longpoll.close(FENCED)

    assert poll.answers == [FENCED]
    assert longpoll.closed == FENCED
    assert listener.lost == []


def test_closing_twice_keeps_the_first_reason() -> None:
    longpoll, _ = transport()
    assert longpoll.closed is None

    longpoll.close(FENCED)
    longpoll.close(Closing(TransportCode.SILENT))

    assert longpoll.closed == FENCED


def test_time_means_nothing_to_a_closed_one() -> None:
    longpoll, listener = transport()
    longpoll.close(FENCED)

    longpoll.tick(1_000.0)

    assert listener.lost == []


# -- silence


def test_it_is_lost_when_no_poll_comes_for_long_enough() -> None:
    longpoll, listener = transport(now=5.0)

    longpoll.tick(5.0 + LOST_AFTER - 0.1)
    assert listener.lost == []
    longpoll.tick(5.0 + LOST_AFTER)

    assert listener.lost == [longpoll]
    assert longpoll.closed == Closing(TransportCode.SILENT, "no poll came")


def test_a_held_poll_is_never_lost() -> None:
    longpoll, listener = transport()
    hold(longpoll, now=0.0)

    longpoll.heard(1.0)
    longpoll.tick(HOLD - 0.1)

    assert listener.lost == []
    assert longpoll.due == HOLD


def test_the_silence_counts_from_the_answer() -> None:
    longpoll, listener = transport()
    hold(longpoll, now=0.0)

    longpoll.write("answered at some time before 10")
    assert longpoll.due == 0.0
    longpoll.tick(10.0)
    assert longpoll.due == 10.0 + LOST_AFTER
    longpoll.tick(10.0 + LOST_AFTER)

    assert listener.lost == [longpoll]


def test_any_request_is_a_sign_of_life() -> None:
    longpoll, listener = transport()

    longpoll.heard(15.0)
    longpoll.tick(LOST_AFTER)
    assert listener.lost == []
    longpoll.tick(15.0 + LOST_AFTER)

    assert listener.lost == [longpoll]


def test_our_own_stall_is_not_the_peers_silence() -> None:
    longpoll, listener = transport()

    longpoll.postpone(7.0)
    longpoll.tick(LOST_AFTER)
    assert listener.lost == []
    longpoll.tick(LOST_AFTER + 7.0)

    assert listener.lost == [longpoll]


def test_a_poll_that_comes_back_after_its_answer_starts_anew() -> None:
    longpoll, listener = transport()
    hold(longpoll, now=0.0)
    longpoll.write("one")

    poll = hold(longpoll, now=3.0)
    longpoll.tick(3.0)
    longpoll.tick(LOST_AFTER + 0.1)
    longpoll.write("two")

    assert poll.answers == ["two"]
    assert listener.lost == []
