"""The client's namespaces: which are wanted, which are joined, and what waits at the gate until they are.

    state      join      sent      joined    refused    left      lost
    OUT        WANTED    -         -         -          OUT       OUT       not asked for
    WANTED     WANTED    JOINING   -         -          OUT       WANTED    asked for, not yet on its way
    JOINING    JOINING   -         IN        REFUSED    OUT       WANTED    on its way, in a Hello or a Join
    IN         IN        -         -         -          OUT       WANTED    the gate opens after the connect handler
    REFUSED    WANTED    -         -         -          OUT       REFUSED   the server said no

What is emitted to a namespace before its gate is open waits here in order, within the bounds of the outbox. So it is
known of all of it that it was not sent, should the server refuse (contract rules 16, 23).
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto

from antiphon.protocol.outbox import Entry
from antiphon.types import Value

__all__ = ["Member", "Membership", "Place"]


class Place(Enum):
    """Where the client stands with one namespace."""

    OUT = auto()
    WANTED = auto()
    JOINING = auto()
    IN = auto()
    REFUSED = auto()


class Member:
    """One namespace of the client."""

    __slots__ = ("answers", "auth", "gate", "held", "namespace", "place", "socket")

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.place = Place.OUT
        self.auth: Value = None
        self.socket: str | None = None
        self.gate = False
        self.answers = 0  # joins that are not answered yet; only the answer to the last of them counts
        self.held: deque[Entry] = deque()


class Membership:
    """All namespaces of one client, and how much waits at their gates."""

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}
        self.packets = 0
        self.size = 0

    def __getitem__(self, namespace: str) -> Member:
        member = self._members.get(namespace)
        if member is None:
            member = self._members[namespace] = Member(namespace)
        return member

    def __contains__(self, namespace: str) -> bool:
        return namespace in self._members

    def want(self, namespace: str, auth: Value) -> Member:
        """The application asks for a namespace; nothing changes when it is joined or on its way."""
        member = self[namespace]
        if member.place in (Place.OUT, Place.REFUSED):
            member.place = Place.WANTED
            member.auth = auth
        return member

    def wanted(self) -> list[Member]:
        """All that a new session is to join, in the order in which they were asked for."""
        return [member for member in self._members.values() if member.place not in (Place.OUT, Place.REFUSED)]

    def waiting(self) -> list[Member]:
        """What is asked for and not yet on its way."""
        return [member for member in self._members.values() if member.place is Place.WANTED]

    def sent(self, member: Member) -> None:
        """A join of it is on its way."""
        member.place = Place.JOINING
        member.answers += 1

    def joined(self, namespace: str, socket: str) -> Member | None:
        """The server let us in; None when it is not wanted any more. The gate stays shut until `open`."""
        member = self[namespace]
        if not self._answered(member):
            return None
        member.place = Place.IN
        member.socket = socket
        return member

    def refused(self, namespace: str) -> tuple[Member, list[Entry]] | None:
        """The server said no: what waited at the gate is given back, certainly not sent."""
        member = self[namespace]
        if not self._answered(member):
            return None
        member.place = Place.REFUSED
        return member, self._empty(member)

    def left(self, namespace: str) -> list[Entry]:
        """We left, or were put out: what waited at the gate is given back."""
        member = self[namespace]
        member.place = Place.OUT
        member.gate = False
        return self._empty(member)

    def lost(self) -> None:
        """The session is lost: what was joined has to be joined again, and every gate is shut until then."""
        for member in self._members.values():
            member.gate = False
            member.answers = 0
            if member.place in (Place.JOINING, Place.IN):
                member.place = Place.WANTED

    def hold(self, member: Member, entry: Entry) -> None:
        """Let a packet wait at the gate."""
        entry.held = True
        member.held.append(entry)
        self.packets += 1
        self.size += len(entry.encoded)

    def open(self, member: Member) -> list[Entry]:
        """The connect handler is done: what waited may go, in its order."""
        member.gate = True
        return self._empty(member)

    def clear(self, namespace: str) -> list[Entry]:
        """The application does not want to send any more what waits at the gate."""
        return self._empty(self[namespace])

    def withdraw(self, entry: Entry) -> None:
        """Take one packet out that waits at some gate."""
        for member in self._members.values():
            if entry in member.held:
                member.held.remove(entry)
                self._release(entry)
                entry.withdrawn = True
                return

    def expire(self, now: float) -> tuple[list[Entry], float]:
        """Withdraw what has passed its deadline; return it, and when to ask again."""
        dated = [e for member in self._members.values() for e in member.held if e.deadline is not None]
        expired = [e for e in dated if e.deadline is not None and e.deadline <= now]
        for entry in expired:
            self.withdraw(entry)
        return expired, min((e.deadline for e in dated if e.deadline is not None and e.held), default=float("inf"))

    def _answered(self, member: Member) -> bool:
        member.answers = max(0, member.answers - 1)
        return member.place is Place.JOINING and not member.answers

    def _empty(self, member: Member) -> list[Entry]:
        entries = list(member.held)
        member.held.clear()
        for entry in entries:
            self._release(entry)
        return entries

    def _release(self, entry: Entry) -> None:
        entry.held = False
        self.packets -= 1
        self.size -= len(entry.encoded)
