"""What can be set: frozen, keyword-only records that validate themselves with a sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Backoff", "Heartbeat", "Inbox", "Limits", "Outbox", "Resume", "Socketio"]


def _positive(owner: str, **values: float) -> None:
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise ValueError(f"{owner}({name}=...) must be a number above 0, but is {value!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Heartbeat:
    """How silence is noticed: a ping every `interval` seconds, a transport given up after `interval + timeout`."""

    interval: float = 20.0
    timeout: float = 20.0

    def __post_init__(self) -> None:
        _positive("Heartbeat", interval=self.interval, timeout=self.timeout)


@dataclass(frozen=True, kw_only=True, slots=True)
class Resume:
    """How long a detached session is kept: `window` seconds, or `leaving` when its page said that it closes."""

    window: float = 120.0
    leaving: float = 10.0

    def __post_init__(self) -> None:
        _positive("Resume", window=self.window, leaving=self.leaving)


@dataclass(frozen=True, kw_only=True, slots=True)
class Inbox:
    """What this side takes in unacked (contract rule 8); the peer is told and holds back the rest."""

    packets: int = 256
    size: int = 1 << 20

    def __post_init__(self) -> None:
        _positive("Inbox", packets=self.packets, size=self.size)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outbox:
    """What one session may keep for its peer, waiting plus unacked (contract rule 10)."""

    packets: int = 4096
    size: int = 4 << 20

    def __post_init__(self) -> None:
        _positive("Outbox", packets=self.packets, size=self.size)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Bounds on what a peer may do. docs/operations.md has a table of them: what happens at each, and who is told.

    What one may send: `message`: bytes of one message; `hello`: bytes before admission; `fragments`: frames that a
    message on a WebSocket may come in; `depth`: nesting of values; `keys`: keys of one map; `values`: members of all
    lists and maps in one packet; `name`: characters of a namespace's or event's name.

    How much of it, and how fast: `inbox`: see Inbox; `rate`: events, calls and joins a second that are handed over in
    one session, after a burst of two seconds' worth; `messages`: the same of the messages on one WebSocket;
    `streaming`: handlers with streams that run beside the others in one session; `concurrent`: those that are
    `concurrent=True` or read events in a loop.

    Where one may be: `namespaces`: per session; `rooms`: per socket, joined by the code of the server.

    How long one may take, in seconds: `headers_timeout`, `body_timeout`: until the head, and the body, of a request
    must be there; `hello_timeout`: until Hello must be.

    How many there may be: `connections`: sessions of one server; `connections_per_address` and
    `connections_per_principal`: those that come from one network address, or belong to one person; `detached`: of all
    sessions, those without a transport; `detached_per_principal`: the same of one person; `attaches`: a second, of one
    session, after a burst of ten seconds' worth; `authenticating`: runs of the authentication hook at a time; four
    times as many clients wait for theirs.
    """

    message: int = 1 << 20
    hello: int = 16 << 10
    fragments: int = 1024
    depth: int = 32
    keys: int = 1024
    values: int = 131_072
    name: int = 128
    inbox: Inbox = Inbox()
    rate: float = 1000.0
    messages: float = 5000.0
    streaming: int = 64
    concurrent: int = 64
    namespaces: int = 16
    rooms: int = 10_000
    headers_timeout: float = 10.0
    body_timeout: float = 15.0
    hello_timeout: float = 10.0
    connections: int = 10_000
    connections_per_address: int = 256
    connections_per_principal: int = 32
    detached: int = 10_000
    detached_per_principal: int = 8
    attaches: float = 3.0
    authenticating: int = 64

    def __post_init__(self) -> None:
        _positive("Limits", **{name: getattr(self, name) for name in self.__slots__ if name != "inbox"})
        if not isinstance(self.inbox, Inbox):
            raise ValueError(f"Limits(inbox=...) must be an Inbox, but is {self.inbox!r}")

    @property
    def calls(self) -> int:
        """How many calls of one client are accepted and not answered yet, at most: there is no way to have more.

        Those that wait in the inbox, the one whose turn it is, and those whose handlers run beside the others.
        """
        return self.inbox.packets + 1 + self.concurrent + self.streaming


@dataclass(frozen=True, kw_only=True, slots=True)
class Backoff:
    """When a client tries again: full jitter over `base * 2**n` seconds, at most `ceiling`; the first within `first`.

    The count starts anew once a session has been attached for `stable` seconds.
    """

    first: float = 1.0
    base: float = 0.5
    ceiling: float = 30.0
    stable: float = 30.0

    def __post_init__(self) -> None:
        _positive("Backoff", first=self.first, base=self.base, ceiling=self.ceiling, stable=self.stable)


@dataclass(frozen=True, kw_only=True, slots=True)
class Socketio:
    """How clients of Socket.IO are served: `mount(app, server, socketio=Socketio(...))`. Its users know the names.

    `path`: where, with a slash at both ends. `transports`: what they may come by; with both of them a client that began
    with polling may go on by WebSocket. `ping_interval` and `ping_timeout`, in seconds: a ping that often, and a
    client that says nothing for both together is gone. `max_http_buffer_size`: bytes of one message, with its
    attachments, and of one POST. `connect_timeout`: seconds that a client has to ask for its first namespace.
    `cookie`: the name of a cookie with the id of the connection, for proxies that send a client always to the same
    process. `recovery`: a client that comes back goes on where it was, for as long as `Resume` says; each event then
    has an offset for its last argument, which the handlers of these clients see (docs/from-socketio.md).
    """

    path: str = "/socket.io/"
    transports: tuple[str, ...] = ("polling", "websocket")
    ping_interval: float = 25.0
    ping_timeout: float = 20.0
    max_http_buffer_size: int = 1_000_000
    connect_timeout: float = 45.0
    cookie: str | None = None
    recovery: bool = False

    def __post_init__(self) -> None:
        _positive(
            "Socketio",
            ping_interval=self.ping_interval,
            ping_timeout=self.ping_timeout,
            max_http_buffer_size=self.max_http_buffer_size,
            connect_timeout=self.connect_timeout,
        )
        if not self.path.startswith("/") or not self.path.endswith("/"):
            raise ValueError(
                f"Socketio(path=...) must begin and end with a slash, as '/socket.io/' does: {self.path!r}"
            )
        if not self.transports or not {"polling", "websocket"}.issuperset(self.transports):
            raise ValueError(
                f"Socketio(transports=...) are 'polling' and 'websocket', or one of them: {self.transports!r}"
            )
        if self.cookie is not None and not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", self.cookie):
            raise ValueError(f"Socketio(cookie=...) must be the name of a cookie, letters and digits: {self.cookie!r}")
