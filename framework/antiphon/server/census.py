"""How many sessions there are, of whom and from where: one too many is not begun, or the oldest detached one ends."""

from __future__ import annotations

import ipaddress
import logging
from collections import Counter
from collections.abc import Callable

from antiphon.config import Limits
from antiphon.protocol.loglines import one_line
from antiphon.protocol.packets import Refuse
from antiphon.server.counters import Counters, Limit
from antiphon.server.line import Line

__all__ = ["Census", "source"]

log = logging.getLogger("antiphon.session")

# Who is one too many comes back after so many seconds, or up to twice as many, so that not all do at once.
RETRY = 5.0
# The log tells of one address that often, in seconds, and remembers so many of them.
QUIET = 60.0
TOLD = 1_000


class Census:
    """The sessions of one node, by address and by person. Everything here takes the same time, however many there are.

    Neither an address of this machine nor an unknown one is counted by itself: behind it is a proxy, or a test.
    """

    def __init__(self, limits: Limits, counters: Counters, random: Callable[[], float]) -> None:
        self._limits = limits
        self._counters = counters
        self._random = random
        self._sources: dict[Line, str] = {}  # every session
        self._by_source: Counter[str] = Counter()
        self._by_owner: dict[str, dict[Line, None]] = {}
        # In the order in which they were detached: a dict is one, and the oldest is its first.
        self._detached: dict[Line, None] = {}
        self._detached_by_owner: dict[str, dict[Line, None]] = {}
        self._told: dict[str, float] = {}

    def of(self, owner: str) -> tuple[Line, ...]:
        """The sessions of one person, attached or not."""
        return tuple(self._by_owner.get(owner, ()))

    # -- one more

    def refusal(self, address: str, owner: str | None, now: float) -> Refuse | None:
        """Why there cannot be one session more; `owner` is None for nobody in particular, or who is not known yet."""
        limits, here = self._limits, source(address)
        if len(self._sources) >= limits.connections:
            return self._refuse("connections", f"this server has {limits.connections} sessions", address, now)
        if here and self._by_source[here] >= limits.connections_per_address:
            most = limits.connections_per_address
            return self._refuse("connections_per_address", f"there are {most} sessions from your address", address, now)
        if owner is not None and len(self._by_owner.get(owner, ())) >= limits.connections_per_principal:
            most = limits.connections_per_principal
            return self._refuse("connections_per_principal", f"there are {most} sessions of yours", address, now)
        return None

    def enter(self, line: Line, address: str, owner: str | None) -> None:
        """A session was made."""
        here = self._sources[line] = source(address)
        if here:
            self._by_source[here] += 1
        if owner is not None:
            self._by_owner.setdefault(owner, {})[line] = None

    def attached(self, line: Line, address: str) -> None:
        """It is attached, and counts for the address that it comes from now."""
        self._forget_detached(line)
        before, here = self._sources.get(line, ""), source(address)
        if here != before and line in self._sources:
            self._leave(before)
            self._sources[line] = here
            if here:
                self._by_source[here] += 1

    def leave(self, line: Line) -> None:
        """A session is over."""
        self._leave(self._sources.pop(line))
        self._forget_detached(line)
        owner = line.session.identity.id
        if owner is not None:
            _drop(self._by_owner, owner, line)

    # -- one without a transport more

    def detached(self, line: Line) -> None:
        """It has no transport any more. Should too many have none, the one that has had none for longest ends."""
        owner = line.session.identity.id
        self._detached[line] = None
        if len(self._detached) > self._limits.detached:
            self._evict(self._detached, "detached")
        if owner is None or line not in self._detached:
            return
        theirs = self._detached_by_owner.setdefault(owner, {})
        theirs[line] = None
        if len(theirs) > self._limits.detached_per_principal:
            self._evict(theirs, "detached_per_principal")

    def _evict(self, detached: dict[Line, None], limit: Limit) -> None:
        # Not one that is about to come back: its client has proved the key, and the hook has not spoken yet.
        oldest = next((line for line in detached if not line.session.held), None)
        if oldest is not None:
            self._counters.hit(limit)
            oldest.end("evicted", "too many sessions waited for their clients")

    # -- within

    def _forget_detached(self, line: Line) -> None:
        if line in self._detached:
            del self._detached[line]
            owner = line.session.identity.id
            if owner is not None:
                _drop(self._detached_by_owner, owner, line)

    def _leave(self, before: str) -> None:
        if before:
            self._by_source[before] -= 1
            if not self._by_source[before]:
                del self._by_source[before]

    def _refuse(self, limit: Limit, reason: str, address: str, now: float) -> Refuse:
        self._counters.hit(limit)
        if now >= self._told.get(address, now):
            self._told.pop(address, None)
            self._told[address] = now + QUIET
            if len(self._told) > TOLD:
                del self._told[next(iter(self._told))]
            most = getattr(self._limits, limit)
            log.warning(
                "a client from %s was refused: Limits(%s=%d) is reached; if that address is a proxy's, list it in "
                "Server(trusted_proxies=...), so that its clients are told apart",
                one_line(address) or "an unknown address",
                limit,
                most,
            )
        return Refuse("try_later", reason, round(RETRY * (1.0 + self._random()) * 1000))


def source(address: str) -> str:
    """Whom an address stands for: "" for nobody who is to be counted, and of IPv6 the network that one is given."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is None:
            return "" if known.is_loopback else str(ipaddress.IPv6Network((known, 64), strict=False))
        known = known.ipv4_mapped
    return "" if known.is_loopback else str(known)


def _drop(by_owner: dict[str, dict[Line, None]], owner: str, line: Line) -> None:
    theirs = by_owner.get(owner)
    if theirs is not None:
        theirs.pop(line, None)
        if not theirs:
            del by_owner[owner]
