"""What each packet of the peer does as it arrives."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.errors import PayloadError
from antiphon.protocol.codec import Broken
from antiphon.protocol.effects import take_effect
from antiphon.protocol.packets import (
    Ack,
    Call,
    Cancel,
    Close,
    Credit,
    End,
    Event,
    Failed,
    Hello,
    Item,
    Packet,
    Ping,
    Pong,
    Renew,
    Reply,
)
from antiphon.protocol.session import Session
from antiphon.protocol.streams import WINDOW
from tests.protocol.sessions import call, code, open_session


def effect(session: Session, packet: Packet, *, size: int = 10, among: int = 1) -> str | None:
    return code(take_effect(session, packet, 1.0, size, among))


@pytest.mark.parametrize(
    "answer", [Reply(1, 42), Failed(1, "busy", "", None), End(1, 0), End(1, 0, ("busy", "later", None))]
)
def test_whatever_ends_a_call_ends_it_once(answer: Packet) -> None:
    session = open_session()
    _, outcomes = call(session)
    session.take(0.0)

    assert [effect(session, answer), effect(session, answer)] == [None, None]

    assert len(outcomes) == 1


@pytest.mark.parametrize("packet", [Item(9, 1, "late"), End(9, 1), Credit(9, 0, 5)])
def test_what_is_said_of_a_stream_that_is_over_does_nothing(packet: Packet) -> None:
    session = open_session()

    assert effect(session, packet, size=1 << 17, among=2) is None
    assert session.ending is None


def test_more_items_than_were_asked_for_are_a_flood() -> None:
    session = open_session()
    session.streams.read(1, 0)
    session.call(Call(1, "/", "ticks", [], credit=WINDOW), lambda outcome: None, 30.0)
    session.take(0.0)

    for number in range(WINDOW + 1):
        effect(session, Item(1, 0, number))

    assert session.ending is not None and session.ending.code == "flood"


def test_a_cancel_of_a_call_that_nobody_knows_does_nothing() -> None:
    session = open_session()

    assert effect(session, Cancel(7)) is None
    assert session.ending is None


def test_an_ack_frees_what_it_acks() -> None:
    session = open_session()
    session.send(Event("/", "said", []))
    session.take(0.0)

    assert effect(session, Ack(1)) is None

    assert session.outbox.acked == 1


def test_pings_are_answered_sixteen_at_a_time() -> None:
    session = open_session()

    for _ in range(17):
        effect(session, Ping(1))

    assert len(session.owed.waiting) == 16
    assert session.tally.limits["pings"] == 1


def test_a_pong_tells_how_long_it_took() -> None:
    session = open_session()

    effect(session, Pong(500, 700))

    assert session.heartbeat.round_trip == pytest.approx(0.5)


@pytest.mark.parametrize(("said", "kept"), [("closed", "closed"), ("not a word\n", "closed"), ("kicked", "kicked")])
def test_a_close_ends_the_session_with_a_word(said: str, kept: str) -> None:
    session = open_session()

    assert effect(session, Close(said, "why", 500)) == "ENDED"

    assert session.ending is not None
    assert (session.ending.code, session.ending.retry_after) == (kept, 0.5)


def test_fresh_credentials_are_told_to_whoever_asked_for_them() -> None:
    session = open_session()
    told: list[Any] = []

    effect(session, Renew("nobody hears"))
    session.on_renew = told.append
    effect(session, Renew("token"))

    assert told == ["token"]


def test_a_packet_that_breaks_a_limit_is_refused_by_itself() -> None:
    session = open_session()
    _, outcomes = call(session)
    session.take(0.0)
    error = PayloadError("too deep", parameter="value", expected="something flatter")

    effect(session, Broken(Event, error, None, "/", "depth", None))
    effect(session, Broken(Reply, error, 1, None, None, None))
    effect(session, Broken(Call, error, 7, "/", None, None))

    assert session.ending is None
    assert (session.tally.broken, session.tally.limits["depth"]) == (3, 1)
    assert session.outbox.packets == 2
    assert len(outcomes) == 1


def test_an_attach_within_a_session_is_a_violation() -> None:
    session = open_session()

    effect(session, Hello(key="k", attempt=1))

    assert session.ending is not None and session.ending.code == "protocol"
