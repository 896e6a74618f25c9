"""What was said in one schedule, and to whom: each rule is looked at where something arrives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Call", "History", "Life", "Up", "content"]


def content(serial: int) -> list[Any]:
    """What the message of this number carries besides it: text, bytes in places, nothing."""
    match serial % 7:
        case 0:
            return []
        case 1:
            return ["text"]
        case 2:
            return ["ü" * (serial % 90)]
        case 3:
            return [bytes([serial % 256]) * (serial % 50)]
        case 4:
            return [{"deep": [b"\x00\x1e", {"er": b"\xff" * 5}], "n": None}]
        case 5:
            return [[serial, -1.5, True], "12"]
    return ["x" * 300]


@dataclass(eq=False)
class Life:
    """One stay of a client in a namespace, from a CONNECT that was answered anew on: one socket of the server."""

    number: int
    client: int
    namespace: str
    engine: int  # that asked for it
    expected: list[int] = field(default_factory=list)  # events, in their order
    places: dict[int, int] = field(default_factory=dict)  # of volatile events and calls: how many events came before
    volatile: set[int] = field(default_factory=set)
    got: int = 0  # how many of `expected` came
    seen: set[int] = field(default_factory=set)  # of the others
    sent: dict[int, list[int]] = field(default_factory=dict)  # by engine: what the client said
    taken: dict[int, int] = field(default_factory=dict)  # by engine: how much of it came
    connects: int = 0
    goodbyes: list[str] = field(default_factory=list)
    dismissed: bool = False  # somebody had it leave
    left_by: Any = None  # the connection on which its client said that it leaves
    unsaid: bool = False  # its client left when it could not say so
    answered: bool = False  # the client was told, or that it goes on with another one


@dataclass(eq=False)
class Up:
    """A message of a client."""

    life: Life
    engine: int


@dataclass(eq=False)
class Call:
    """A call of either side, and its outcomes."""

    kind: str
    answers: list[Any] = field(default_factory=list)


class History:
    """Everything, by number. `violations` is empty as long as all is well."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.violations: list[str] = []
        self.names: set[str] = set()
        self.lives: dict[int, Life] = {}
        self.up: dict[int, Up] = {}
        self.calls: dict[int, Call] = {}  # of clients
        self.server_calls: dict[int, Call] = {}
        self.notes: list[str] = []
        self.ended: set[int] = set()  # clients whose session the server ended: they may not have heard why
        self.rude: set[int] = set()  # clients that may have been ended for what they did
        self.recovered = self.cuts = self.messages = 0
        self._clock = clock
        self._serial = 0

    def number(self) -> int:
        """A new one."""
        self._serial += 1
        return self._serial

    def violate(self, rule: str, text: str) -> None:
        """Something is wrong."""
        self.names.add(rule)
        self.violations.append(f"{rule}: {text}")
        self.note(f"!! {rule}: {text}")

    def note(self, text: str) -> None:
        """For whoever reads how it went."""
        self.notes.append(f"{self._clock() - 1000:8.3f}  {text}")

    def check(self, serial: int, came: list[Any]) -> None:
        """A message carries what it was sent with."""
        if came != content(serial):
            self.violate("content", f"message {serial} came with {came!r}")

    def stays(self, life: Life) -> list[Life]:
        """All of its client in its namespace."""
        mine = (life.client, life.namespace)
        return [other for other in self.lives.values() if (other.client, other.namespace) == mine]

    # -- down

    def emitted(self, serial: int, lives: list[Life], kind: str) -> None:
        """The server says something to these."""
        self.messages += len(lives)
        for life in lives:
            if kind == "event":
                life.expected.append(serial)
            else:
                life.places[serial] = len(life.expected)
            if kind == "volatile":
                life.volatile.add(serial)

    def arrived(self, serial: int, life: Life, older: list[Life]) -> None:
        """A client was handed something in `life`, or what it had kept from an older one."""
        for owner in (life, *older):
            if serial in owner.places:
                if serial in owner.seen:
                    self.violate("once", f"{serial} came twice to life {owner.number}")
                owner.seen.add(serial)
                return
            if owner.got < len(owner.expected) and owner.expected[owner.got] == serial:
                owner.got += 1
                return
        if any(serial in owner.expected and owner.left_by is not None for owner in older):
            return  # it was on its way when the client left, and came when it wanted to be in again
        if any(serial in owner.volatile for owner in self.stays(life)):
            return  # it may leave behind the answer to a CONNECT, and nobody is hurt by that
        if serial in life.expected:
            place, wanted = life.expected.index(serial), life.expected[life.got : life.got + 1]
            how = "twice" if place < life.got else f"where {wanted} was next"
            self.violate("down", f"event {serial} came {how} in life {life.number} of client {life.client}")
        else:
            self.violate("down", f"event {serial} came to client {life.client}, whose it never was")

    def called(self, serial: int, life: Life) -> None:
        """A call came: in its place among the events."""
        if serial in life.places and life.places[serial] != life.got:
            self.violate("down", f"call {serial} came behind {life.got} events, not {life.places[serial]}")

    # -- up

    def said(self, serial: int, life: Life, engine: int) -> None:
        """A client says something, on this connection."""
        self.messages += 1
        self.up[serial] = Up(life, engine)
        life.sent.setdefault(engine, []).append(serial)

    def heard(self, serial: int, life: Life) -> None:
        """The server was handed something."""
        up = self.up[serial]
        if up.life is not life:
            self.violate("up", f"{serial} was said in life {up.life.number} and came in {life.number}")
            return
        count = life.taken.get(up.engine, 0)
        wanted = life.sent[up.engine][count : count + 1]
        if wanted != [serial]:
            self.violate("up", f"{serial} came where {wanted} was next, in life {life.number} by {up.engine}")
        elif any(engine > up.engine for engine in life.taken):
            self.violate("up", f"{serial} came by connection {up.engine}, behind what a newer one brought")
        life.taken[up.engine] = count + 1
