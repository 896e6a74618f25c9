"""How a session stands, as a frozen record; the numbers are added up only when somebody asks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from antiphon.protocol.session import Session

__all__ = ["Amount", "Befallen", "SessionStatistics", "befallen", "describe", "total"]


class Amount(NamedTuple):
    """So many packets, and their bytes."""

    packets: int = 0
    size: int = 0


NOTHING = Amount()


class Befallen(NamedTuple):
    """What can be added up over sessions, living ones and others."""

    attaches: int = 0
    resumes: int = 0
    duplicates: int = 0
    gaps: int = 0
    late_replies: int = 0
    late_items: int = 0
    broken: int = 0
    dropped: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionStatistics:
    """One moment of one session; times are in seconds.

    `state`: "attached", "detached", "closing" or "ended", for `since` seconds; "fresh" before the first attach, which
    was `age` seconds ago. `transport`: the one in use. `round_trip` and `clock_offset` (their clock minus ours) are
    those of the last ping, None before it, and where the other side pings. To the peer: `waiting` has not left,
    `unacked` has, and is kept until it is acked. From the peer: `unhandled` waits for its handler, `unconfirmed` was
    handed over, and no ack says so yet. `calls`: ours that have no answer; `answering`: the peer's. `streams`: open
    ones, both ways. `handlers`: tasks that are at work for the session.

    Since its beginning: `attaches`, and `resumes` among them; `duplicates` dropped; `gaps` found; `late_replies` and
    `late_items` of a stream, that nobody waited for any more; `broken` packets, which were over a limit; volatile
    events `dropped`.
    """

    sid: str | None
    state: str
    transport: str | None
    age: float
    since: float
    round_trip: float | None
    clock_offset: float | None
    waiting: Amount
    unacked: Amount
    unhandled: Amount
    unconfirmed: Amount
    calls: int
    answering: int
    streams: int
    handlers: int
    attaches: int
    resumes: int
    duplicates: int
    gaps: int
    late_replies: int
    late_items: int
    broken: int
    dropped: int


def befallen(session: Session) -> Befallen:
    """What happened to a session up to now."""
    tally = session.tally
    return Befallen(
        tally.attaches,
        tally.resumes,
        session.inbox.duplicates,
        tally.gaps,
        session.calls.late,
        session.streams.late,
        tally.broken,
        session.outbox.dropped,
    )


def total(several: Iterable[Befallen]) -> Befallen:
    """The sums of at least one."""
    return Befallen(*map(sum, zip(*several, strict=True)))


def describe(
    session: Session, now: float, *, sid: str | None, transport: str | None, handlers: int, held: Amount = NOTHING
) -> SessionStatistics:
    """The record of a session. What it cannot know is told by whoever asks; `held` waits elsewhere to be sent."""
    tally, outbox = session.tally, session.outbox
    packets, size = outbox.waiting
    return SessionStatistics(
        sid=sid,
        state=session.state.name.lower(),
        transport=transport,
        age=0.0 if tally.began is None else now - tally.began,
        since=0.0 if tally.began is None else now - tally.changed,
        round_trip=session.heartbeat.round_trip,
        clock_offset=session.heartbeat.clock_offset,
        waiting=Amount(packets + held.packets, size + held.size),
        unacked=Amount(outbox.packets - packets, outbox.size - size),
        unhandled=Amount(*session.inbox.waiting),
        unconfirmed=Amount(*session.inbox.owed),
        calls=len(session.calls),
        answering=len(session.answering),
        streams=len(session.streams),
        handlers=handlers,
        **befallen(session)._asdict(),
    )
