"""What happened, as both applications saw it: what was sent, handed over, answered, lost and reported."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

from antiphon.errors import CallError, CallTimeout
from antiphon.protocol.closing import Ending
from antiphon.protocol.outbox import Outbox
from antiphon.protocol.packets import Call
from antiphon.testing.simulation.flows import Flow

__all__ = ["History", "Sent", "SessionLog", "Violation", "kind_of"]


class Violation(NamedTuple):
    """Invariants of the contract that were broken, by name, and how."""

    names: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{', '.join(self.names)}: {self.text}"


class EntrySide(Protocol):
    """What is looked at of a packet in an outbox."""

    @property
    def held(self) -> bool: ...

    @property
    def number(self) -> int | None: ...

    @property
    def withdrawn(self) -> bool: ...


class Asker(Protocol):
    """Who made a call."""

    @property
    def gone(self) -> bool:
        """Whether nobody there knows of it any more, though the other side may not have noticed that yet."""
        ...


class Sent:
    """One event or call of either side. Serial numbers are given once per schedule, in the order of emission."""

    __slots__ = (
        "at",
        "delivered",
        "entry",
        "fate",
        "held",
        "key",
        "kind",
        "lost_with",
        "namespace",
        "outcomes",
        "repeatable",
        "serial",
        "sid",
    )

    def __init__(
        self,
        serial: int,
        kind: str,
        namespace: str,
        at: float,
        *,
        sid: str = "",
        key: str = "",
        repeatable: bool = False,
    ) -> None:
        self.serial = serial
        self.kind = kind  # event, latest, call, stream
        self.namespace = namespace
        self.at = at
        self.sid = sid  # downwards: the session it was emitted to
        self.key = key
        self.repeatable = repeatable
        self.entry: EntrySide | None = None
        self.held = False  # it waited at a gate, so it keeps its order within its namespace only
        self.lost_with = ""  # upwards: the session that it was lost with
        self.fate = ""  # what its sender was told: unconfirmed, unsent, expired, returned
        self.delivered: list[str] = []  # the sessions in which it was handed over
        self.outcomes: list[Any] = []  # of a call

    def __repr__(self) -> str:
        return f"<{self.kind} {self.serial} {self.namespace} fate={self.fate!r} delivered={self.delivered}>"

    @property
    def withdrawn(self) -> bool:
        """Replaced by a newer value, or out of time, before it had a number."""
        return self.entry is not None and self.entry.withdrawn

    @property
    def given_up(self) -> bool:
        """A call that its caller does not wait for any more: it need not be started."""
        return bool(self.outcomes) and type(self.outcomes[0]) in (CallTimeout, CallError)


def kind_of(call: Call) -> str:
    """A call with streams is run beside the others: it has no place in their order."""
    return "stream" if call.streams or call.credit else "call"


class SessionLog:
    """One session, as its server saw it."""

    def __init__(self, sid: str, now: float) -> None:
        self.sid = sid
        self.http_only = True
        self.expected: deque[Sent] = deque()  # what the client is to be handed, in this order
        self.last_up: dict[str, int] = {}
        self.last_direct = 0
        self.last_volatile_up = 0
        self.last_volatile_down = 0
        self.volatile: dict[int, tuple[float, int]] = {}
        self.attempt = 0
        self.ending: Ending | None = None
        self.ended_at = 0.0
        self.detached_at: float | None = now
        self.detaches = 0
        self.leaving_at: float | None = None
        self.abused = False
        self.overfull = False
        self.closing = False
        self.restarted = False
        self.rooms: dict[str, set[str]] = {}
        self.data: dict[str, dict[str, Any]] = {}
        self.entered: dict[str, int] = {}
        self.left: dict[str, int] = {}

    def note_bounds(self, outbox: Outbox) -> None:
        """Something was queued: remember whether that was too much."""
        if outbox.packets > outbox.bounds.packets or outbox.size > outbox.bounds.size:
            self.overfull = True


class History:
    """Everything that the invariants are judged by."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []
        self.sessions: dict[str, SessionLog] = {}
        self.up: dict[int, Sent] = {}
        self.down: dict[int, Sent] = {}
        self.open_up: dict[int, Sent] = {}  # not handed over, and nothing was told of it
        self.volatile_up: dict[int, tuple[float, int]] = {}  # when, and after how many detachments
        self.losses: dict[str, str] = {}  # sessions that the client was told are lost, and why
        self.calls: list[Sent] = []
        # The last of the latest values, by session, namespace and key.
        self.newest: dict[tuple[str, str, str], Sent] = {}
        self.flows: dict[tuple[int, int], Flow] = {}
        self.askers: dict[int, Asker] = {}  # whose calls with streams these are
        self.items = 0  # of all streams
        self.last_serial = 0

    @property
    def sent(self) -> int:
        """How many things were sent so far."""
        return self.last_serial + self.items

    def serial(self) -> int:
        """A number for the next thing sent."""
        self.last_serial += 1
        return self.last_serial

    def flow(self, serial: int, number: int, *, up: bool) -> Flow:
        """A stream of a call, known by both of its ends."""
        flow = self.flows.get((serial, number))
        if flow is None:
            flow = self.flows[serial, number] = Flow(serial, number, up=up)
        return flow

    def open_flows(self, *, living: bool = False) -> list[Flow]:
        """The streams that somebody still works on; `living`: but for those of a page that was closed."""
        return [flow for flow in self.flows.values() if flow.open and not (living and self._unnoticed(flow.serial))]

    def _unnoticed(self, serial: int) -> bool:
        sent = self.down.get(serial)
        return self.askers[serial].gone or (sent is not None and self.unnoticed(sent))

    def unnoticed(self, sent: Sent) -> bool:
        """It was sent down to a page that was closed, and the server does not know that yet."""
        return sent.sid in self.losses and self.sessions[sent.sid].ending is None

    def lines(self) -> Iterator[str]:
        """What became of everything, in words."""
        for log in self.sessions.values():
            how = "lives" if log.ending is None else f"ended with {log.ending.code} at {log.ended_at:.3f}"
            yield f"session {log.sid} {how}; its client was told {self.losses.get(log.sid)}"
        for direction, all_sent in (("up", self.up), ("down", self.down)):
            for sent in all_sent.values():
                yield f"{sent.at:.3f} {direction} {sent} outcomes={sent.outcomes}"
        for flow in self.flows.values():
            yield repr(flow)

    def violated(self, text: str, *names: str) -> None:
        """An invariant does not hold."""
        self.violations.append(Violation(names, text))

    def log(self, sid: str) -> SessionLog:
        """The log of a session."""
        return self.sessions[sid]
