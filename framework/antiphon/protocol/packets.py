"""What can be said: one frozen record per packet. How it is spelled is a dialect's affair.

Counted packets change something and have a number in their direction; the others are about the conversation itself.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Struct

__all__ = [
    "COUNTED",
    "FLOW",
    "MAX_NUMBER",
    "Ack",
    "Call",
    "Cancel",
    "Close",
    "Credit",
    "End",
    "Event",
    "Failed",
    "Hello",
    "Item",
    "Join",
    "Joined",
    "Leave",
    "Packet",
    "Ping",
    "Pong",
    "Refuse",
    "Refused",
    "Renew",
    "Reply",
    "Volatile",
    "Welcome",
]

# Integers of the wire end where JavaScript's exact ones do.
MAX_NUMBER = 2**53 - 1

Number: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_NUMBER)]
CallId: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_NUMBER)]
Milliseconds: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_NUMBER)]


class Packet(Struct, frozen=True, array_like=True):
    """The root of all packets. `array_like`: fields have an order, and later ones may be missing."""


class Join(Packet, frozen=True):
    """Let me into a namespace."""

    namespace: str
    auth: Any = None


class Joined(Packet, frozen=True):
    """You are in; `socket` is the public id of your socket there."""

    namespace: str
    socket: str


class Refused(Packet, frozen=True):
    """You are not in, and why."""

    namespace: str
    reason: str
    data: Any = None


class Leave(Packet, frozen=True):
    """I leave the namespace, or you are put out of it."""

    namespace: str
    reason: str = ""


class Event(Packet, frozen=True):
    """Something happened; no answer is wanted. `redelivered`: it may have been handled before (contract rule 23)."""

    namespace: str
    name: str
    args: list[Any]
    redelivered: bool = False


class Call(Packet, frozen=True):
    """An event that wants an answer within `timeout` milliseconds.

    `streams`: stream n stands in place of the n-th argument, which is nil. `credit`: the answer is wanted as a stream,
    of which so many items are taken for a start.
    """

    id: CallId
    namespace: str
    name: str
    args: list[Any]
    timeout: Milliseconds | None = None
    redelivered: bool = False
    streams: tuple[CallId, ...] | None = None
    credit: CallId | None = None


class Reply(Packet, frozen=True):
    """The answer to call `id`."""

    id: CallId
    value: Any = None


class Failed(Packet, frozen=True):
    """Call `id` has no answer, and why."""

    id: CallId
    code: str
    message: str = ""
    data: Any = None


class Cancel(Packet, frozen=True):
    """The answer to call `id` is no longer wanted: its handler is cancelled."""

    id: CallId


class Item(Packet, frozen=True):
    """One value of a stream of call `id`: stream 0 is its answer, stream n stands in place of its n-th argument."""

    id: CallId
    stream: Number
    value: Any = None


class End(Packet, frozen=True):
    """A stream of call `id` is over: by itself, or for an `error`, which is [code, message, data] as in Failed."""

    id: CallId
    stream: Number
    error: Any = None


class Credit(Packet, frozen=True):
    """Items of a stream may be sent up to this count (absolute, so a repeat is harmless); 0: no more is wanted."""

    id: CallId
    stream: Number
    limit: Number


class Renew(Packet, frozen=True):
    """Fresh credentials for the living session."""

    auth: Any = None


class Hello(Packet, frozen=True, kw_only=True):
    """The client's half of an attach (contract rules 1, 12). `key` proves who owns the session."""

    key: str
    attempt: Annotated[int, Meta(ge=1, le=MAX_NUMBER)]
    version: int = 1
    epoch: str | None = None
    sid: str | None = None
    received: Number = 0
    auth: Any = None
    joins: tuple[tuple[str, Any], ...] = ()

    def __repr__(self) -> str:
        # The key is a secret: it never shows in a log, an error or a repr (contract rule 1).
        return f"Hello(sid={self.sid!r}, attempt={self.attempt}, received={self.received}, key=<secret>)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        # The pretty printers of tracebacks and logs ask for this one.
        return [("sid", self.sid), ("attempt", self.attempt), ("received", self.received)]


class Welcome(Packet, frozen=True, kw_only=True):
    """The server's half of an attach. Times in milliseconds; `inbox` and `heartbeat` are pairs."""

    epoch: str
    sid: str
    received: Number
    next: Number
    resumed: bool
    version: int = 1
    reason: str | None = None
    heartbeat: tuple[Milliseconds, Milliseconds] = (20_000, 20_000)
    window: Milliseconds = 120_000
    inbox: tuple[Number, Number] = (256, 1 << 20)
    message: Number = 1 << 20


class Refuse(Packet, frozen=True):
    """No attach. `retry_after` in milliseconds says when to come back (None: not by yourself)."""

    code: str
    reason: str = ""
    retry_after: Milliseconds | None = None
    attempt: Number | None = None


class Ack(Packet, frozen=True):
    """All up to `handed` was handed over; all up to `received` arrived (None: the same)."""

    handed: Number
    received: Number | None = None


class Ping(Packet, frozen=True):
    """Are you there? `time` comes back in the Pong."""

    time: int | float


class Pong(Packet, frozen=True):
    """Yes. `time` is the Ping's, `now` the clock of the one who answers, both in milliseconds."""

    time: int | float
    now: int | float


class Close(Packet, frozen=True):
    """The session ends here. `retry_after` in milliseconds says when a new one is welcome (None: not by yourself)."""

    code: str
    reason: str = ""
    retry_after: Milliseconds | None = None


class Volatile(Packet, frozen=True):
    """An event that may be dropped, never kept, never twice."""

    namespace: str
    name: str
    args: list[Any]


COUNTED: frozenset[type[Packet]] = frozenset(
    {Join, Joined, Refused, Leave, Event, Call, Reply, Failed, Cancel, Item, End, Credit, Renew}
)

# What the receiver's inbox must hold until it is handed over, and what the sender's window therefore counts (rule 8).
FLOW: frozenset[type[Packet]] = frozenset({Event, Call})

# They take effect as they arrive, whatever waits for its turn there. So the window never holds them back, and they may
# overtake the events that it does.
URGENT: frozenset[type[Packet]] = frozenset({Reply, Failed, Cancel, Item, End, Credit, Renew})
