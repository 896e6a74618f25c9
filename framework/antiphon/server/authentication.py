"""The application's hook that says who comes: asked for every attach, in a task of its own, for a bounded time."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from antiphon.dispatch.binding import Plan, bind
from antiphon.dispatch.outcomes import cancelled_by_us, tellable
from antiphon.errors import LocalProtocolError, PayloadError
from antiphon.errors import Refused as RefusedError
from antiphon.protocol.identity import Identity, Principal
from antiphon.protocol.packets import Refuse
from antiphon.server.counters import Counters
from antiphon.types import NOTHING, Value

__all__ = ["STOPPING", "Arrival", "Authentication", "Check", "Verdict", "arrival"]

log = logging.getLogger("antiphon.server")

F = TypeVar("F", bound=Callable[..., Any])

# A check may take so many seconds (contract rule 13), its turn included, which so many times as many wait for as run.
HOOK_WAIT = 5.0
QUEUE = 4
# Whoever could not be looked into comes back after so many milliseconds.
RETRY = 2000

STOPPING = Refuse("draining", "the server stops", 1000)


@dataclass(frozen=True, slots=True)
class Arrival:
    """How somebody came: from which network address, with which headers (names in lower case), over which transport.

    `origin` is the page's, None for what is no browser. `query` is what the application of a Socket.IO client said in
    its URL, which every proxy on the way may have logged: secrets belong into `auth`; native clients have only that.
    A repr shows neither headers nor query.
    """

    address: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    origin: str | None = None
    transport: str = ""
    query: Mapping[str, str] = field(default_factory=dict, repr=False)


def arrival(address: str, headers: Mapping[str, str], transport: str, query: Mapping[str, str] = NOTHING) -> Arrival:
    """What a hook is told of a request; of its own secrets the wire tells nobody."""
    if "antiphon-key" in headers:
        # A copy only then: the transport of an idle session keeps its headers as well, and they are the larger half.
        headers = {name: value for name, value in headers.items() if name != "antiphon-key"}
    return Arrival(address, headers, headers.get("origin"), transport, dict(query))


# What became of a check: whose the credentials are, or why nobody is let in.
Verdict: TypeAlias = Identity | Refuse


class Check:
    """One run of the hook, or who waits for one. `settle` is told its one verdict, unless it is cancelled before."""

    __slots__ = ("_given_up", "_settle", "revoked", "task", "timer")

    def __init__(self, settle: Callable[[Verdict], None], given_up: Callable[[Check], None] | None = None) -> None:
        """`given_up` is told when it is cancelled before it ran."""
        self._settle: Callable[[Verdict], None] | None = settle
        self._given_up = given_up
        self.revoked: dict[str, str] = {}  # whose credentials were revoked meanwhile, and why
        self.task: asyncio.Task[None] | None = None
        self.timer: asyncio.TimerHandle | None = None

    def settle(self, verdict: Verdict) -> None:
        """Tell the verdict, if somebody still waits for one."""
        settle, self._settle = self._settle, None
        if isinstance(verdict, Identity) and verdict.id in self.revoked:
            verdict = Refuse("revoked", self.revoked[verdict.id])
        if settle is not None:
            settle(verdict)

    @property
    def settled(self) -> bool:
        """Whether nobody waits for a verdict any more."""
        return self._settle is None

    def cancel(self) -> None:
        """Nobody waits for it any more."""
        self._settle = None
        if self.task is not None:
            self.task.cancel()
        elif self._given_up is not None:
            self._given_up(self)


class Authentication:
    """The hook of one server, and its runs that are under way."""

    def __init__(
        self,
        clock: Callable[[], float],
        wall: Callable[[], float],
        new_incident: Callable[[], str],
        counters: Counters | None = None,
        most: int = 64,
    ) -> None:
        """`wall` gives unix seconds: it is what the expiry of credentials is told in. `most` run at a time."""
        self._clock = clock
        self._wall = wall
        self._new_incident = new_incident
        self._counters = counters or Counters()
        self._hook: _Hook | None = None
        self._most = most
        self._checks: set[Check] = set()
        self._queue: dict[Check, tuple[Value, Arrival]] = {}

    def __len__(self) -> int:
        return len(self._checks) + len(self._queue)

    @property
    def asks(self) -> bool:
        """Whether there is a hook; without one everybody is nobody in particular."""
        return self._hook is not None

    def register(self, function: F) -> F:
        """Make `function` the hook."""
        if self._hook is not None:
            raise LocalProtocolError("a server has one authentication hook; let one of them call the other")
        self._hook = _Hook(function)
        return function

    def begin(self, auth: Value, arrival: Arrival, settle: Callable[[Verdict], None]) -> Check:
        """Ask the hook; `settle` is told what it says, perhaps before this returns."""
        check = Check(settle, self._done)
        if len(self._queue) >= QUEUE * self._most:
            self._counters.hit("authenticating")
            check.settle(Refuse("try_later", f"{len(self)} clients are being looked into already", RETRY))
            return check
        check.timer = asyncio.get_running_loop().call_later(HOOK_WAIT, self._too_late, check)
        if len(self._checks) < self._most:
            self._start(check, auth, arrival)
        else:
            self._queue[check] = auth, arrival
        return check

    def _start(self, check: Check, auth: Value, arrival: Arrival) -> None:
        self._checks.add(check)
        check.task = asyncio.get_running_loop().create_task(self._run(check, auth, arrival))
        check.task.add_done_callback(lambda task: self._done(check))

    def revoke(self, id: str, reason: str) -> None:
        """Whoever is just proving to be `id` is turned away: the hook may have looked before this."""
        for check in self._checks:  # for who still waits it has not looked yet
            check.revoked[id] = reason

    async def close(self, patience: float) -> None:
        """The process stops: everybody is told to come back, and no hook is left."""
        for check in (*self._queue, *self._checks):
            check.settle(STOPPING)
            check.cancel()
        tasks = [check.task for check in self._checks if check.task is not None]
        if tasks:
            _, running = await asyncio.wait(tasks, timeout=patience)
            if running:
                log.warning("%d authentication hooks were cancelled and go on all the same", len(running))

    def _done(self, check: Check) -> None:
        self._checks.discard(check)
        self._queue.pop(check, None)
        if check.timer is not None:
            check.timer.cancel()
        while self._queue and len(self._checks) < self._most:
            first = next(iter(self._queue))
            self._start(first, *self._queue.pop(first))

    def _too_late(self, check: Check) -> None:
        if check in self._queue:
            self._counters.hit("authenticating")
            check.settle(Refuse("try_later", "too many clients are being looked into before you", RETRY))
        elif not check.settled:
            # Answered here: a hook that does not let itself be cancelled is not to keep anybody waiting.
            self._counters.hit("check_time")
            incident = self._new_incident()
            log.error("the authentication hook took longer than %g s [%s]", HOOK_WAIT, incident)
            check.settle(Refuse("try_later", f"authentication took too long [{incident}]", RETRY))
        check.cancel()

    async def _run(self, check: Check, auth: Value, arrival: Arrival) -> None:
        hook = self._hook
        assert hook is not None
        try:
            args = hook.arguments(auth, arrival)
        except PayloadError as error:
            check.settle(Refuse("unauthorized", str(error)[:1000]))
            return
        try:
            result = hook.function(*args)
            if hook.is_async:
                result = await result
            verdict = self._verdict(result)
        except RefusedError as error:
            try:
                reason, _, _ = tellable(error.reason, "", error.data)
            except PayloadError:
                reason = self._incident("the Refused of the authentication hook cannot be told")
            verdict = Refuse("unauthorized", reason[:1000])
        except (Exception, asyncio.CancelledError) as error:
            if cancelled_by_us(error):
                raise
            verdict = Refuse("try_later", self._incident("the authentication hook raised"), RETRY)
        check.settle(verdict)

    def _verdict(self, result: Any) -> Verdict:
        """Raises TypeError or ValueError for what is no principal."""
        if isinstance(result, str):
            result = Principal(result)
        if result is not None and not isinstance(result, Principal):
            raise TypeError(f"an authentication hook returns a Principal, a str or None, not {type(result).__name__}")
        now = self._clock()
        identity = Identity(result, now=now, wall=self._wall())
        return Refuse("unauthorized", "the credentials have expired") if identity.expired(now) else identity

    def _incident(self, what: str) -> str:
        """Log the exception that is being handled; what it was stays here, its id may be told."""
        incident = self._new_incident()
        log.exception(f"{what} [%s]", incident)
        return f"authentication failed [{incident}]"


class _Hook:
    """The function and how it is called: with the credentials, and with the arrival if it takes a second argument."""

    __slots__ = ("_knows_arrival", "_plan", "function", "is_async")

    def __init__(self, function: Callable[..., Any]) -> None:
        positional = [
            parameter.name
            for parameter in inspect.signature(function).parameters.values()
            if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        ]
        self.function = function
        self._knows_arrival = len(positional) > 1
        # Only the first is bound to what the client sent, so the plan is not to see the second.
        bound = functools.partial(function, **{positional[1]: None}) if self._knows_arrival else function
        self._plan: Plan = bind(bound, "the authentication hook", leading=(), offered=["auth"])
        self.is_async = self._plan.is_async

    def arguments(self, auth: Value, arrival: Arrival) -> list[Any]:
        """Raises PayloadError when the credentials do not fit."""
        args = [*self._plan.arguments([auth])]
        return [*args, arrival] if self._knows_arrival else args
