"""Why things end: reasons a session ends with, and codes a transport is closed with.

Only a session's Close ends a session; the end of a transport never does (contract rule 26). So the two have tables of
their own. docs/protocol.md lists both for strangers.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

__all__ = ["DELIBERATE", "Closing", "Ending", "Loss", "TransportCode"]


class Ending(NamedTuple):
    """Why a session ended. `retry_after` in seconds says when a new session is welcome; None: not by yourself."""

    code: str
    reason: str = ""
    retry_after: float | None = None


class TransportCode(IntEnum):
    """Close codes of the WebSocket; an HTTP transport answers 409 and names the same word."""

    ENDED = 1000  # the session's Close was said before
    GOING_AWAY = 1001  # the server process stops
    TOO_LARGE = 1009  # a message above the limit
    HELLO_TIMEOUT = 4000  # no Hello in time
    BAD_HELLO = 4001  # the first message was neither Ping nor a Hello that can be read
    REFUSED = 4002  # a Refuse was said before
    FENCED = 4003  # a newer attach took over; the reason is its attempt
    GAP = 4004  # a number beyond the next: something was lost on the way
    SILENT = 4005  # nothing was heard for interval + timeout
    SLOW = 4006  # the outbox stayed above three quarters for 5 s
    PROTOCOL = 4007  # the session ended for a violation; its Close was said before
    EXPIRED = 4008  # the credentials expired; attach again with fresh ones


# A session that ended with one of these was ended on purpose, and not because somebody broke a rule.
DELIBERATE = frozenset({"closed", "draining", "revoked", "unauthorized", "principal_changed"})


class Loss(NamedTuple):
    """How a transport ended by itself, for humans. `violation`: its peer broke a rule of it."""

    reason: str
    violation: bool = False


class Closing(NamedTuple):
    """How a transport is to be closed. `sentence`: more than `reason`, for wires on which no Close was said before."""

    code: TransportCode
    reason: str = ""
    sentence: str = ""

    @property
    def word(self) -> str:
        """Its code, as HTTP and the statistics name it."""
        return self.code.name.lower()

    @property
    def line(self) -> str:
        """How an HTTP transport says it, `<word>:<reason>`: in a header or an event, so without a line break."""
        return f"{self.word}:{' '.join(self.reason.split())}"
