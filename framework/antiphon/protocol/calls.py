"""Calls under way to the peer: one outcome each, whatever comes first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from antiphon.errors import CallAbandoned, CallError, CallFailed, CallNotSent, CallTimeout
from antiphon.protocol.outbox import Entry
from antiphon.protocol.packets import Call, Failed, Reply
from antiphon.types import Value

__all__ = ["Calls", "Outcome", "Pending"]

Outcome: TypeAlias = Value | CallError


class Pending:
    """One call under way. `settle` is told its value, or the CallError that it ended with."""

    __slots__ = ("deadline", "entry", "id", "settle")

    def __init__(self, id: int, entry: Entry, deadline: float, settle: Callable[[Outcome], None]) -> None:
        self.id = id
        self.entry = entry
        self.deadline = deadline
        self.settle = settle

    @property
    def left(self) -> bool:
        """Whether it may have run: it has a number, or had one in a session that was lost."""
        packet = self.entry.packet
        return self.entry.number is not None or (isinstance(packet, Call) and packet.redelivered)


class Calls:
    """The calls of one session that wait for an answer."""

    __slots__ = ("_pending", "due", "late")

    def __init__(self) -> None:
        self._pending: dict[int, Pending] = {}
        self.due = float("inf")
        self.late = 0

    def __len__(self) -> int:
        return len(self._pending)

    def __iter__(self) -> Iterator[Pending]:
        return iter(tuple(self._pending.values()))

    def open(self, pending: Pending) -> None:
        """Remember a call until it is answered, expires or is given up."""
        self._pending[pending.id] = pending
        self.due = min(self.due, pending.deadline)

    def answer(self, packet: Reply | Failed) -> None:
        """The peer answered. An answer that nobody waits for any more is dropped and counted."""
        pending = self._pending.pop(packet.id, None)
        if pending is None:
            self.late += 1
        elif isinstance(packet, Reply):
            pending.settle(packet.value)
        else:
            pending.settle(CallFailed(packet.code, packet.message, packet.data))

    def give_up(self, id: int, error: CallError) -> Pending | None:
        """End one call with `error`; None when it had its outcome already."""
        pending = self._pending.pop(id, None)
        if pending is not None:
            pending.settle(error)
        return pending

    def drop(self, pending: Pending, reason: str) -> None:
        """End one call that has no answer any more: what left has an unknown outcome, what did not never ran."""
        self.give_up(pending.id, CallAbandoned(reason) if pending.left else CallNotSent(reason))

    def expire(self, now: float) -> list[Pending]:
        """End the calls whose time is over, and return them: who had a number left wants a Cancel."""
        if now < self.due:
            return []
        expired = [pending for pending in self._pending.values() if pending.deadline <= now]
        for pending in expired:
            self.give_up(pending.id, _timeout(pending))
        self.due = min((pending.deadline for pending in self._pending.values()), default=float("inf"))
        return expired

    def postpone(self, seconds: float) -> None:
        """Our own process stalled for so long: an answer may lie unread."""
        for pending in self._pending.values():
            pending.deadline += seconds
        self.due += seconds

    def abandon(self, reason: str) -> None:
        """The session ended: drop them all."""
        for pending in self:
            self.drop(pending, reason)
        self.due = float("inf")


def _timeout(pending: Pending) -> CallError:
    if pending.left:
        return CallTimeout("nobody answered in time; the handler may still run")
    return CallNotSent("the call's time was over before it could be sent; is the connection up?")
