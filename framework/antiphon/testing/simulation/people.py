"""Who the clients of a schedule are: an authentication hook that takes its time, and credentials that expire."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

from antiphon.protocol.identity import Identity, Principal
from antiphon.server.authentication import Arrival, Authentication, Check, Verdict
from antiphon.testing.simulation.process import Process
from antiphon.testing.simulation.virtual_time import VirtualTime
from antiphon.types import Value

__all__ = ["IMPOSTOR", "OWNER", "People", "SimulatedAuthentication"]

# Whose all sessions are, and somebody who has a key of theirs and credentials of his own.
OWNER, IMPOSTOR = "owner", "impostor"


class People:
    """In some schedules a hook is asked. Their dice are of their own, so that the others go as they would without."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed ^ 0x5EED)
        self.asked = self._random.random() < 0.3
        self._lifetime = self._random.choice((None, None, 40.0, 90.0))
        self.calm = False

    def delay(self) -> float:
        """How long the hook takes."""
        return 0.0 if self.calm else self._random.choice((0.0, 0.0, 0.05, 0.5, 2.0, 4.0)) * self._random.random()

    def principal(self, auth: Value, now: float) -> Principal:
        """What the hook finds out."""
        return Principal(str(auth), None if self._lifetime is None else now + self._lifetime)


class SimulatedAuthentication(Authentication):
    """The product's, with virtual time where that one has tasks."""

    def __init__(self, time: VirtualTime, process: Process, people: People, new_incident: Callable[[], str]) -> None:
        super().__init__(time.clock, time.clock, new_incident)
        self._time = time
        self._process = process
        self._people = people

    @property
    def asks(self) -> bool:
        """See Authentication.asks."""
        return self._people.asked

    def begin(self, auth: Value, arrival: Arrival, settle: Callable[[Verdict], None]) -> Check:
        """See Authentication.begin."""
        check = Check(settle)
        self._time.after(self._people.delay(), partial(self._process.do, partial(self._answer, check, auth)))
        return check

    def _answer(self, check: Check, auth: Value) -> None:
        now = self._time.now
        check.settle(Identity(self._people.principal(auth, now), now=now, wall=now))
