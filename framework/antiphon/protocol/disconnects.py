"""Why a socket is gone: the words that server and client share for it, and the record that tells one of them.

The end of a session is the end of all its sockets, so the words of Ending are among these. docs/protocol.md lists them
for strangers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from antiphon.protocol.closing import Ending

__all__ = ["DisconnectCode", "Disconnected"]


class DisconnectCode(StrEnum):
    """The words, each with who ends what by it. They compare equal to strings: `reason.code == "draining"`."""

    # The session has ended, and with it all of its sockets.
    CLOSED = "closed"  # somebody said goodbye
    DRAINING = "draining"  # the server stops, and told when to come back
    SHUTDOWN = "shutdown"  # the server stopped without a word; its clients learn server_restart
    SERVER_RESTART = "server_restart"  # the process that had the session is gone
    EXPIRED = "expired"  # the client did not come back within the window
    EVICTED = "evicted"  # its client was away, and the server kept too many of such sessions
    OVERFLOW = "overflow"  # one side did not take what the other kept for it
    UNKNOWN = "unknown"  # the other side does not know the session any more
    MISMATCH = "mismatch"  # both sides know different things of what was sent
    FLOOD = "flood"  # a violation: more was sent than may be
    PROTOCOL = "protocol"  # a violation
    MISCOUNTED = "miscounted"  # a violation
    UNSUPPORTED = "unsupported"  # a packet that one side does not know
    REVOKED = "revoked"  # the person was sent away
    UNAUTHORIZED = "unauthorized"  # the credentials were refused
    PRINCIPAL_CHANGED = "principal_changed"  # the credentials are another person's

    # The client has stopped, and its session may still be there.
    REPLACED = "replaced"  # somebody else holds its key
    VERSION = "version"  # the server does not speak its version

    # Only this socket is gone, the session goes on.
    LEFT = "left"  # the client left the namespace
    PUT_OUT = "put_out"  # the server put it out

    OTHER = "other"  # a word of a newer peer; it begins the reason


@dataclass(frozen=True, slots=True)
class Disconnected:
    """Why a socket is gone: one of the words, and for humans `reason`, which may be empty."""

    code: DisconnectCode
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}" if self.reason else str(self.code)

    @classmethod
    def by(cls, word: str, reason: str = "") -> Disconnected:
        """From a word of the wire; one that is not known here stays readable."""
        try:
            return cls(DisconnectCode(word), reason)
        except ValueError:
            return cls(DisconnectCode.OTHER, f"{word}: {reason}" if reason else word)

    @classmethod
    def with_session(cls, ending: Ending | None) -> Disconnected:
        """Gone with its session."""
        return cls.by(ending.code, ending.reason) if ending is not None else cls(DisconnectCode.CLOSED)
