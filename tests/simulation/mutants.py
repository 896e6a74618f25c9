"""Planted one-line changes of the product: each breaks an invariant, and the simulation has to see it.

`python -m tests.simulation.mutants NAME` plays schedules against one of them, in a process of its own: the change is
made in the text of the module while it is imported, so it must be in place before anything imports the module. For the
same reason nothing of antiphon is imported up here.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

__all__ = ["MOST_SCHEDULES", "MUTANTS", "Mutant"]

# A mutant that lives longer is not seen.
MOST_SCHEDULES = 2_000


class Mutant(NamedTuple):
    """In `module`, the one place that says `old` says `new`: `breaks` is the invariant that must fall.

    `start` is a seed from which on it falls soon, for what few schedules lead to.
    """

    name: str
    breaks: str
    module: str
    old: str
    new: str
    start: int = 0


MUTANTS = (
    Mutant(
        "what was received before is handed over again",
        "I1",
        "antiphon.protocol.inbox",
        "repeated = min(received - message.number + 1, counted) if counted else 0",
        "repeated = 0",
    ),
    Mutant(
        "what waits at a gate leaves in the wrong order",
        "I2",
        "antiphon.protocol.membership",
        "entries = list(member.held)",
        "entries = list(reversed(member.held))",
    ),
    Mutant(
        "a lost transport is the end",
        "I3",
        "antiphon.client.connector",
        "self._come_back(now, max(self._backoff.next(), wait))",
        "pass",
    ),
    Mutant(
        "an ack says what was received",
        "I4",
        "antiphon.protocol.owed",
        "handed, received = inbox.handed, inbox.received",
        "handed = received = inbox.received",
    ),
    Mutant(
        "a broadcast knows no bound",
        "I5",
        "antiphon.protocol.outbox",
        "if self.size > self.bounds.size or kept > self.bounds.packets:",
        "if False:",
    ),
    Mutant(
        "what is taken over stays open",
        "I6",
        "antiphon.server.line",
        "self._close(fenced, Closing(TransportCode.FENCED, str(self.session.attempt)))",
        "pass",
    ),
    Mutant(
        "the same attempt attaches twice",
        "I7",
        "antiphon.protocol.server_session",
        "if hello.attempt <= self.attempt:",
        "if hello.attempt < self.attempt:",
    ),
    Mutant(
        "an attach does not stop the window",
        "I8",
        "antiphon.protocol.server_session",
        "self.expires_at = NEVER",
        "pass",
    ),
    Mutant(
        "any key opens",
        "I9",
        "antiphon.server.registry",
        "if line is None or not hmac.compare_digest(line.session.proof, prove(key)):",
        "if line is None:",
    ),
    Mutant(
        "credentials are asked for, and nobody looks whose they are",
        "I10",
        "antiphon.server.registry",
        "if not line.session.identity.same_as(identity):",
        "if False:",
    ),
    Mutant(
        "a transport takes over before it has proved to carry",
        "I11",
        "antiphon.client.connector",
        "if self.live is None:\n            self._greet(link, now)",
        "if True:\n            self._greet(link, now)",
    ),
    Mutant(
        "a late request brings its volatile events",
        "I12",
        "antiphon.transports.pushes",
        "newest = request > self._newest_push",
        "newest = True",
        start=425,
    ),
    Mutant(
        "a room makes its socket forget the others",
        "I13",
        "antiphon.server.rooms",
        "self._rooms.setdefault(socket, set()).add(room)",
        "self._rooms[socket] = {room}",
    ),
    Mutant(
        "an answered call still waits",
        "I14",
        "antiphon.protocol.calls",
        "pending = self._pending.pop(packet.id, None)\n        if pending is None:\n            self.late",
        "pending = self._pending.get(packet.id, None)\n        if pending is None:\n            self.late",
    ),
    Mutant(
        "who left is seen off again in the end",
        "I15",
        "antiphon.server.joining",
        "socket = self._connection.sockets.pop(packet.namespace, None)",
        "socket = self._connection.sockets.get(packet.namespace, None)",
    ),
    Mutant(
        "volatile events never grow stale",
        "I16",
        "antiphon.protocol.volatile",
        "if now > stale:",
        "if False:",
    ),
    Mutant(
        "a newer value leaves the older one",
        "I16",
        "antiphon.protocol.outbox",
        "self.withdraw(older)",
        "pass",
    ),
    Mutant(
        "an ended session keeps what was not acked",
        "I17",
        "antiphon.protocol.outbox",
        "self.unacked = deque(maxlen=0)",
        "pass",
    ),
    Mutant(
        "the window is always open",
        "I3",
        "antiphon.protocol.outbox",
        "return self.flow_packets < self.window.packets and self.flow_size + size <= self.window.size",
        "return True",
    ),
    Mutant(
        "silence is no news",
        "I3",
        "antiphon.protocol.heartbeat",
        "return self.heard + self.settings.interval + self.settings.timeout",
        'return float("inf")',
    ),
    Mutant(
        "a new transport carries only what is new",
        "I3",
        "antiphon.protocol.outbox",
        "self.cursor = max(received, self.acked, self._arrived) + 1",
        "self.cursor = self.acked + len(self.unacked) + 1",
    ),
    Mutant(
        "why a session ended is not remembered",
        "I17",
        "antiphon.server.registry",
        "return tombstone.reason, tombstone.received",
        'return "unknown", 0',
    ),
    Mutant(
        "a goodbye that nobody hears is never over",
        "I17",
        "antiphon.server.line",
        "self.finish()  # it was saying goodbye, and nobody hears it any more",
        "pass",
    ),
    Mutant(
        "credit is not looked at",
        "I5",
        "antiphon.protocol.streams",
        "return self.sent < self.limit and (self._ahead",
        "return (self._ahead",
    ),
    Mutant(
        "the bytes that a reader has not taken are not counted",
        "I5",
        "antiphon.protocol.streams",
        "self._ahead += size",
        "pass",
    ),
    Mutant(
        "an item is given twice after a rewind",
        "I1",
        "antiphon.protocol.inbox",
        "repeated -= 1\n",
        "repeated -= 1\n                    at_once += [packet] * (kind.__name__ == 'Item')\n",
    ),
    Mutant(
        "the end of a stream overtakes what waits for its reader",
        "I3",
        "antiphon.dispatch.streams",
        "while not len(inflow):",
        "while inflow.ended or not len(inflow):",
    ),
    Mutant(
        "a reader gives credit once",
        "I14",
        "antiphon.protocol.streams",
        "if self.ended or not wanted:",
        "if True:",
    ),
    Mutant(
        "a source goes on when its call is over",
        "I14",
        "antiphon.protocol.streams",
        "self._outflows.pop(key).stop()",
        "self._outflows.pop(key)",
    ),
    Mutant(
        "the streams of a lost session are never over",
        "I18",
        "antiphon.protocol.client_session",
        "self.streams.abandon(ConnectionClosed(ending.code, ending.reason))",
        "pass",
        start=85,
    ),
    Mutant(
        "who leaves a stream keeps it to himself",
        "I18",
        "antiphon.dispatch.streams",
        "if not ended:\n        leave()",
        "pass",
    ),
    Mutant(
        "a cancel is lost for a call that waits",
        "I14",
        "antiphon.protocol.answering",
        "elif waits or call in self._expected:",
        "elif call in self._expected:",
    ),
    Mutant(
        "what has a number is taken back all the same",
        "I14",
        "antiphon.protocol.unsent",
        "if entry.number is not None or entry.withdrawn:",
        "if entry.withdrawn:",
    ),
    Mutant(
        "a handler knows no deadline",
        "I14",
        "antiphon.protocol.answering",
        "if now < self.due:",
        "if True:",
    ),
    Mutant(
        "of two latest values the newer one goes",
        "I16",
        "antiphon.protocol.outbox",
        "self.withdraw(older)",
        "self.withdraw(entry)",
    ),
    Mutant(
        "a client tries again at once, for ever",
        "busy",
        "antiphon.client.backoff",
        "return self._random() * min(most, settings.ceiling)",
        "return 0.0",
        start=880,
    ),
)


class _Patched(SourceFileLoader):
    """Loads one module with one place changed."""

    mutant: Mutant

    def get_data(self, path: str) -> bytes:
        """The source as it is changed; compiled files are ignored, since they are of the true one."""
        if not path.endswith(".py"):
            raise OSError("only the source is changed")
        source = super().get_data(path).decode()
        if source.count(self.mutant.old) != 1:
            raise SystemExit(f"mutant {self.mutant.name!r} is out of date: {self.mutant.old!r} is not there once")
        return source.replace(self.mutant.old, self.mutant.new).encode()

    def set_data(self, path: str, data: Buffer, *, _mode: int = 0o666) -> None:
        """Nothing of it is written to disk."""


class Finder(MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(self, name: str, path: object, target: ModuleType | None = None) -> ModuleSpec | None:
        """See MetaPathFinder."""
        if name != self._mutant.module:
            return None
        spec = PathFinder.find_spec(name, path)  # type: ignore[arg-type]
        assert spec is not None and spec.origin is not None
        loader = _Patched(name, spec.origin)
        loader.mutant = self._mutant
        spec.loader = loader
        return spec


def hunt(mutant: Mutant, most: int) -> int:
    """Play schedules until one breaks the invariant; returns how many that took, 0 if none did."""
    sys.meta_path.insert(0, Finder(mutant))
    from antiphon.testing.simulation.runner import play

    for seed in range(mutant.start, mutant.start + most):
        failure = play(seed).failure
        if failure is not None and mutant.breaks in failure.names:
            return seed + 1 - mutant.start
    return 0


if __name__ == "__main__":
    found = next(mutant for mutant in MUTANTS if mutant.name == sys.argv[1])
    took = hunt(found, MOST_SCHEDULES)
    print(f"{found.breaks} fell after {took} schedules" if took else f"{found.breaks} held for {MOST_SCHEDULES}")
    sys.exit(0 if took else 1)
