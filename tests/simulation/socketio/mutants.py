"""Planted one-line changes of the product, on the way of Socket.IO clients: the simulation has to see each.

`python -m tests.simulation.socketio.mutants NAME` plays schedules against one of them, in a process of its own.
"""

from __future__ import annotations

import sys
from itertools import count

from tests.simulation.mutants import Finder, Mutant

__all__ = ["MUTANTS"]

SERVER, DIALECT = "antiphon.server", "antiphon.dialects.socketio"

MUTANTS = (
    Mutant(
        "the last event that was seen is sent again",
        "down",
        f"{DIALECT}.recovery",
        "(sent.offset or 0) > offset]",
        "(sent.offset or 0) >= offset]",
    ),
    Mutant(
        "the next event is skipped",
        "down",
        f"{DIALECT}.recovery",
        "(sent.offset or 0) > offset]",
        "(sent.offset or 0) > offset + 1]",
    ),
    Mutant(
        "what is held back is forgotten",
        "down",
        f"{DIALECT}.recovery",
        "held = self._held.pop(namespace, [])",
        "self._held.pop(namespace, [])\n        held: list[Sent] = []",
    ),
    Mutant(
        "nothing is held back",
        "down",
        f"{DIALECT}.recovery",
        "            self._held.setdefault(namespace, [])",
        "            pass",
    ),
    Mutant(
        "what leaves is not kept",
        "down",
        f"{DIALECT}.speaking",
        "recovery.keep(part)",
        "pass",
    ),
    Mutant(
        "nobody can come back",
        "kept",
        f"{DIALECT}.codec",
        "return self._recovery.missed(place)",
        "return None",
    ),
    Mutant(
        "what waited for a poll is lost in the upgrade",
        "down",
        f"{SERVER}.engine_upgrade",
        "frames = polling.leave()",
        "polling.leave()\n            frames = b''",
        start=278,
    ),
    Mutant(
        "the upgrade leaves the session with its polls",
        "disturbed",
        f"{SERVER}.engine_session",
        "transport.receiver = Windowless(self.line, transport, self._gateway.clock)\n"
        "            self.line.move(transport)",
        "self.line.move(transport)",
    ),
    Mutant(
        "an upgrade that fails takes the session along",
        "disturbed",
        f"{SERVER}.engine_upgrade",
        "            self._polling.probed = False\n",
        "            self._polling.probed = False\n            self._polling.lost()\n",
        start=352,
    ),
    Mutant(
        "what is taken over stays open",
        "left",
        f"{SERVER}.line",
        "self._close(fenced, Closing(TransportCode.FENCED, str(self.session.attempt)))",
        "pass",
    ),
    Mutant(
        "nobody is told to wait",
        "goodbye",
        f"{SERVER}.windowless",
        "            self._transport.hold(self._has_room)",
        "            pass",
    ),
    Mutant(
        "a payload loses what is behind its sixteenth packet",
        "up",
        f"{SERVER}.engine_intake",
        "                self._soon(self._go_on)\n                return",
        "                break",
    ),
    Mutant(
        "pings come too late",
        "disturbed",
        "antiphon.protocol.heartbeat",
        "        if now < self.next_ping:",
        "        if now < self.next_ping + self.settings.timeout:",
    ),
    Mutant(
        "volatile events stay for who is away",
        "once",
        f"{DIALECT}.recovery",
        "        if not sent.volatile:\n            held.append(sent)",
        "        if True:\n            held += [sent] * (1 + sent.volatile)",
        start=485,
    ),
    Mutant(
        "an acknowledgement is given to the call before",
        "ack",
        f"{DIALECT}.calls",
        "self._asked[self._last] = namespace, id",
        "self._asked[self._last] = namespace, max(id - 1, 0)",
    ),
    Mutant(
        "an unanswered CONNECT of before a cut is answered to the next one",
        "recovered",
        f"{DIALECT}.members",
        "self._stale[namespace] = self._stale.get(namespace, 0) + 1",
        "pass",
        start=194,
    ),
)

# A mutant that lives longer is not seen.
MOST_SCHEDULES = 3000


def hunt(mutant: Mutant, most: int = MOST_SCHEDULES) -> int:
    """Play schedules until one breaks the rule; returns how many that took, 0 if none did."""
    sys.meta_path.insert(0, Finder(mutant))
    from tests.simulation.socketio.playing import play

    for took in count(1):
        failure = play(mutant.start + took - 1).failure
        if failure is not None and mutant.breaks in failure.names:
            return took
        if took == most:
            break
    return 0


if __name__ == "__main__":
    found = next(mutant for mutant in MUTANTS if mutant.name == sys.argv[1])
    took = hunt(found)
    print(f"{found.breaks} fell after {took} schedules" if took else f"{found.breaks} held for {MOST_SCHEDULES}")
    sys.exit(0 if took else 1)
