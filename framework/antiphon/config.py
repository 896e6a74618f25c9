"""What can be set: frozen, keyword-only records that validate themselves with a sentence."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Backoff", "Heartbeat", "Inbox", "Limits", "Outbox", "Resume"]


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
    """Bounds on what a peer may send.

    `message`: bytes of one message; `hello`: bytes before admission; `fragments`: frames that a message on a WebSocket
    may come in; `depth`: nesting of values; `keys`: keys of one map; `name`: characters of a namespace's or event's
    name; `namespaces`: per session; `hello_timeout`: seconds until Hello must have come.
    """

    message: int = 1 << 20
    hello: int = 16 << 10
    fragments: int = 1024
    depth: int = 32
    keys: int = 1024
    name: int = 128
    namespaces: int = 16
    hello_timeout: float = 10.0

    def __post_init__(self) -> None:
        _positive("Limits", **{name: getattr(self, name) for name in self.__slots__})


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
