"""What happened on one server since its start, counted where it happens, which is nowhere on a hot path."""

from __future__ import annotations

from collections import Counter
from typing import Literal, TypeAlias

from antiphon.protocol.closing import Closing
from antiphon.protocol.disconnects import Disconnected
from antiphon.protocol.session import Session
from antiphon.protocol.statistics import Befallen, befallen, total

__all__ = ["Counters", "Limit", "word"]

# Each is a field of LimitsHit, which says what it means.
Limit: TypeAlias = Literal[
    "message",
    "hello",
    "fragments",
    "hello_timeout",
    "depth",
    "keys",
    "values",
    "name",
    "rate",
    "messages",
    "streaming",
    "concurrent",
    "namespaces",
    "rooms",
    "body_timeout",
    "connections",
    "connections_per_address",
    "connections_per_principal",
    "detached",
    "detached_per_principal",
    "attaches",
    "authenticating",
    "packet",
    "pings",
    "wrong_keys",
    "check_time",
    "origins",
    "tombstones",
]


class Counters:
    """What is seen nowhere afterwards. The counts of a session are its own until it is over; then they are added."""

    __slots__ = (
        "befallen",
        "closed",
        "ended",
        "handlers_cancelled",
        "limits",
        "misfits",
        "refused",
        "requests_refused",
        "sessions_made",
        "unhandled",
    )

    def __init__(self) -> None:
        self.sessions_made = 0
        self.unhandled = 0
        self.misfits = 0
        self.handlers_cancelled = 0
        self.ended: Counter[str] = Counter()  # sessions, by the word of their ending
        self.closed: Counter[str] = Counter()  # transports, by `word`
        self.refused: Counter[str] = Counter()  # Hellos, by the code of the Refuse
        self.requests_refused: Counter[int] = Counter()  # HTTP requests, by status
        self.limits: Counter[str] = Counter()
        self.befallen = Befallen()  # of the sessions that are over

    def hit(self, limit: Limit) -> None:
        """Somebody met a limit."""
        self.limits[limit] += 1

    def bury(self, session: Session) -> None:
        """A session is over: what befell it is added to the sums."""
        # One of our words: a client may end its session with any, and they are kept for ever.
        self.ended[Disconnected.with_session(session.ending).code.value] += 1
        self.befallen = total((self.befallen, befallen(session)))
        self.limits.update(session.tally.limits)


def word(closing: Closing | None) -> str:
    """Why a transport is gone, as a word: that of its close code, or "lost" when it ended by itself."""
    return "lost" if closing is None else closing.word
