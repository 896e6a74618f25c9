"""The seam of a dialect: HTTP requests become intents, and the gateway carries intents out.

`interpret(request)` is a pure function, so a dialect knows no host and a host knows no dialect.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol, TypeAlias

from antiphon.protocol.codec import Codec
from antiphon.types import Data

__all__ = [
    "Answer",
    "Attach",
    "Credentials",
    "Dialect",
    "Intent",
    "LeaveBeacon",
    "OpenWebSocket",
    "Poll",
    "Push",
    "Request",
    "Stream",
]


class Request(NamedTuple):
    """An HTTP request as any host can state it: `path` below where the server is mounted, header names lower case.

    `query` is what stands behind the question mark, as it came.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""
    query: str = ""

    def __repr__(self) -> str:
        return f"Request({self.method} {self.path!r}, {len(self.body)} bytes)"  # the rest may hold a key


class Credentials(NamedTuple):
    """Who an HTTP request speaks for, and which of its attach's requests it is."""

    sid: str
    key: str
    attempt: int
    request: int

    def __repr__(self) -> str:
        return f"Credentials(sid={self.sid!r}, attempt={self.attempt}, request={self.request}, key=<secret>)"


class OpenWebSocket(NamedTuple):
    """Open a WebSocket; its first message says who comes."""


class Attach(NamedTuple):
    """The body is a Hello (or a Ping); the answer is a Welcome, a Refuse or a Pong in the same form."""

    codec: Codec
    message: Data

    def __repr__(self) -> str:
        return f"Attach({self.codec.form}, {len(self.message)} bytes)"  # they hold a key


class Stream(NamedTuple):
    """The body is a Hello (or a Ping); the answer is a stream of messages, the first as that to an Attach."""

    codec: Codec
    message: Data

    def __repr__(self) -> str:
        return f"Stream({self.codec.form}, {len(self.message)} bytes)"  # they hold a key


class Poll(NamedTuple):
    """Answer with what the client has not received, now or as soon as there is something."""

    credentials: Credentials
    message: Data


class Push(NamedTuple):
    """The body is a message of the session; the answer says how far it was taken."""

    credentials: Credentials
    message: Data


class LeaveBeacon(NamedTuple):
    """A page closes: its session needs to be kept for a short time only."""

    sid: str
    key: str
    attempt: int

    def __repr__(self) -> str:
        return f"LeaveBeacon(sid={self.sid!r}, attempt={self.attempt}, key=<secret>)"


class Answer(NamedTuple):
    """Nothing to carry out: this is the answer. `reason` names the thing, the expectation and the remedy."""

    status: int
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()


Intent: TypeAlias = OpenWebSocket | Attach | Stream | Poll | Push | LeaveBeacon | Answer


class Dialect(Protocol):
    """One wire."""

    path: str

    def interpret(self, request: Request) -> Intent:
        """What an HTTP request under `path` wants. Never raises: what cannot be understood is an Answer."""
        ...

    def codec_of(self, data: Data) -> Codec:
        """A codec of its own for a session whose first message is `data`: its form is the form of the session."""
        ...
