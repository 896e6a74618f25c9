"""Which transport to open when, and which of them speaks for the session. Pure: it is told the time and what happened.

At most two links exist: the live one, and a candidate that is to replace it. A link goes through

    ASKING    -> OPENING                the application gives fresh credentials, within 30 s
    OPENING   -> PROBING | GREETING     open within 2 s (10 s when it is the last choice, or another link lives)
    PROBING   -> GREETING               only beside a live link: a Ping came back, so both directions carry (rule 15)
    GREETING  -> LIVE                   Hello is said; Welcome within 10 s (3 s beside a live link, 4 s on a stream)
    LIVE                                the session's packets go over it
    any       -> gone                   closed by us, or lost

The kinds are in order of choice. When one fails the next is tried at once; when the last fails, backoff. While a later
kind lives, the better ones are tried beside it, one after another from the first, and the session moves over by an
attach like any other. What worked last is tried first when the application starts again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Protocol

from antiphon.client.backoff import Backoff
from antiphon.errors import RemoteProtocolError
from antiphon.protocol.client_session import ClientSession
from antiphon.protocol.closing import TransportCode
from antiphon.protocol.packets import Packet, Ping, Pong, Refuse, Welcome
from antiphon.protocol.session import NEVER
from antiphon.types import Data, Value

__all__ = ["Connector", "Link", "Port", "Stopped"]

ASK_WAIT = 30.0
OPEN_WAIT = 2.0
LAST_WAIT = 10.0
PROBE_WAIT = 5.0
WELCOME_WAIT = 10.0
TAKEOVER_WAIT = 3.0
# A proxy may keep back what it is sent until the answer is complete, and a stream never is.
STREAM_WAIT = 4.0
UPGRADE_FIRST = 1.0
UPGRADE_MOST = 30.0

# A Refuse with one of these will not change by itself. Should the application connect again, with other credentials,
# the session is still there.
_FINAL = frozenset({"unauthorized", "version"})
# With one of these the session is over: what waits in it was said by somebody who we are not any more, or may not be.
_OVER = frozenset({"principal_changed", "revoked", "closed"})


class Port(Protocol):
    """One transport as the shell lends it."""

    single: bool
    pings: bool

    @property
    def congested(self) -> bool:
        """Whether nothing more should be written now."""
        ...

    def write(self, message: Data) -> None:
        """Send one message; the first is a Ping or a Hello."""
        ...

    def close(self) -> None:
        """Close it; nothing is told of it any more."""
        ...


class Phase(Enum):
    """How far a link is."""

    ASKING = auto()
    OPENING = auto()
    PROBING = auto()
    GREETING = auto()
    LIVE = auto()


class Link:
    """One transport on its way to carry the session."""

    __slots__ = ("auth", "deadline", "kind", "phase", "port", "since", "takes_over", "wait")

    def __init__(self, kind: str, deadline: float, wait: float) -> None:
        self.kind = kind
        self.phase = Phase.ASKING
        self.deadline = deadline
        self.wait = wait  # seconds in which it has to open
        self.auth: Value = None
        self.since = 0.0
        self.takes_over = False  # its Hello was said beside a live link
        self.port: Port | None = None


class Stopped:
    """Why the connector does not try any more: `code`, and `reason` for humans."""

    __slots__ = ("code", "reason")

    def __init__(self, code: str, reason: str) -> None:
        self.code = code
        self.reason = reason


class Connector:
    """Keeps one session attached while it is started. The shell looks at `live` and `stopped` after each call."""

    def __init__(
        self,
        session: ClientSession,
        open_port: Callable[[str, Link], Port],
        *,
        kinds: Sequence[str],
        backoff: Backoff,
        ask: Callable[[Link], object] | None = None,
    ) -> None:
        """`open_port(kind, link)` begins to open a transport and returns; what happens to it is told by `link`.

        `ask(link)` has the application give credentials for one attach: `authorized`, or `unauthorized`, at once or
        later. Without it there are none.
        """
        self.session = session
        self.live: Link | None = None
        self.candidate: Link | None = None
        self.stopped: Stopped | None = Stopped("idle", "not started")
        self.retry_at = NEVER
        self._open_port = open_port
        self._kinds = tuple(kinds)
        self._backoff = backoff
        self._ask = ask
        self._choice = 0
        self._worked = 0
        self._upgrade_at = NEVER
        self._upgrade_wait = UPGRADE_FIRST
        self._offline = False

    @property
    def carrier(self) -> Link | None:
        """The live link, or the one that is just taking over from it: then the old one may be fenced already."""
        if self.live is None and self.candidate is not None and self.candidate.takes_over:
            return self.candidate
        return self.live

    # -- what the application wants

    def start(self, now: float) -> None:
        """Attach, and stay attached."""
        if self.stopped is not None:
            self.stopped = None
            self._choice = self._worked
            self._try(now)

    def stop(self, code: str, reason: str = "") -> None:
        """Close every link and try no more."""
        self.stopped = Stopped(code, reason)
        self.retry_at = self._upgrade_at = NEVER
        for link in (self.candidate, self.live):
            self._shut(link)
        self.candidate = self.live = None

    def offline(self, now: float) -> None:
        """The machine says that it has no network: waiting for a timeout would only lose time."""
        self._offline = True
        self._drop_candidate()
        if self.live is not None:
            self._lose_live(now)
        self.retry_at = NEVER

    def online(self, now: float, delay: float = 0.0) -> None:
        """The network is back; come back within `delay` seconds."""
        self._offline = False
        if self.stopped is None and self.live is None and self.candidate is None:
            self.retry_at = min(self.retry_at, now + delay)

    # -- what the application says to each attach

    def authorized(self, link: Link, auth: Value, now: float) -> None:
        """These are the credentials: now the transport is opened."""
        if link is self.candidate and link.phase is Phase.ASKING:
            link.auth = auth
            self._begin(link, now)

    def unauthorized(self, link: Link, now: float) -> None:
        """There are none at the moment. That says nothing about the transport, so it is not given up for another."""
        if link is self.candidate and link.phase is Phase.ASKING:
            self._drop_candidate()
            if self.live is None:
                self._come_back(now, self._backoff.next())
            else:
                self._upgrade_at = now + UPGRADE_MOST

    # -- what happens to links

    def opened(self, link: Link, now: float) -> None:
        """The transport is open."""
        if link is not self.candidate or link.phase is not Phase.OPENING:
            return
        if self.live is None:
            self._greet(link, now)
        else:
            link.phase = Phase.PROBING
            link.deadline = now + PROBE_WAIT
            self._write(link, self._alone(Ping(round(now * 1000))))

    def received(self, link: Link, message: Data, now: float) -> None:
        """A message came. From a link that does not count any more it is not read (rule 18)."""
        if link is self.live:
            closing = self.session.receive(message, now)
            if closing is not None:
                self.flush(now)
            if closing is not None or not self.session.attached:
                self._end_live(now)
        elif link is self.candidate and link.phase in (Phase.PROBING, Phase.GREETING):
            self._answered(link, message, now)

    def lost(self, link: Link, now: float, code: int = 0, reason: str = "") -> None:
        """The transport ended by itself, or was closed by the peer with `code` and `reason`."""
        if link is self.candidate:
            self._candidate_failed(now)
        elif link is self.live:
            session = self.session
            # At most 15 digits: no attempt has more, and what a server makes up is not computed.
            if code == TransportCode.FENCED and re.fullmatch("[0-9]{1,15}", reason) and int(reason) > session.attempt:
                # An attempt that is not ours: somebody else holds our key (rule 2).
                self.stop("replaced", "another client attached with this session's key")
                session.detach(now)
                return
            self._lose_live(now)

    # -- time and writing

    @property
    def due(self) -> float:
        """When to call `tick`."""
        deadline = self.candidate.deadline if self.candidate is not None else NEVER
        return min(deadline, self.retry_at, self._upgrade_at, self.session.due)

    def tick(self, now: float) -> None:
        """Let time pass."""
        if self.stopped is not None:
            self.session.tick(now)
            return
        closing = self.session.tick(now)
        if self.live is not None and (closing is not None or not self.session.attached):
            self.flush(now)
            self._end_live(now)
        if self.candidate is not None and now >= self.candidate.deadline:
            if self.candidate.phase is Phase.ASKING:
                self.unauthorized(self.candidate, now)
            else:
                self._candidate_failed(now)
        if now >= self.retry_at:
            self._try(now)
        if now >= self._upgrade_at and self.candidate is None and self.live is not None:
            self._upgrade_at = NEVER
            self._open(self._kinds[0], now, LAST_WAIT)

    def flush(self, now: float) -> None:
        """Write what may leave. Nothing is taken while the link is congested: there it can still be replaced."""
        link = self.live
        if link is None or link.port is None:
            self.session.outbox.dirty = False
            return
        if link.port.congested:
            self.session.stalled(now)
        else:
            for message in self.session.take(now, single=link.port.single):
                link.port.write(message)
        if not self.session.attached:
            self._end_live(now)

    # -- within

    def _try(self, now: float) -> None:
        self.retry_at = NEVER
        if self.candidate is None and self.live is None and not self._offline:
            last = self._choice == len(self._kinds) - 1
            self._open(self._kinds[self._choice], now, LAST_WAIT if last else OPEN_WAIT)

    def _open(self, kind: str, now: float, wait: float) -> None:
        link = self.candidate = Link(kind, now + ASK_WAIT, wait)
        if self._ask is None:
            self._begin(link, now)
        else:
            self._ask(link)

    def _begin(self, link: Link, now: float) -> None:
        link.phase = Phase.OPENING
        link.deadline = now + link.wait
        link.port = self._open_port(link.kind, link)

    def _greet(self, link: Link, now: float) -> None:
        link.phase = Phase.GREETING
        link.takes_over = self.live is not None
        link.deadline = now + (self._welcome_wait(link) if self.live is None else TAKEOVER_WAIT)
        self._write(link, self._alone(self.session.greet(link.auth)))

    def _welcome_wait(self, link: Link) -> float:
        return STREAM_WAIT if link.kind == "sse" and link.kind != self._kinds[-1] else WELCOME_WAIT

    def _alone(self, packet: Packet) -> Data:
        codec = self.session.codec
        return codec.pack(0, 0, [codec.encode(packet)])

    def _answered(self, link: Link, message: Data, now: float) -> None:
        try:
            packets = self.session.codec.decode(message).packets
        except RemoteProtocolError:
            self._candidate_failed(now)
            return
        match packets[0] if packets else None:
            case Pong() if link.phase is Phase.PROBING:
                self._greet(link, now)
            case Welcome() as welcome if link.phase is Phase.GREETING:
                self._welcomed(link, welcome, now)
            case Refuse() as refuse if link.phase is Phase.GREETING:
                self._refused(refuse, now)
            case _:
                self._candidate_failed(now)

    def _welcomed(self, link: Link, welcome: Welcome, now: float) -> None:
        assert link.port is not None
        self.candidate = None
        if not self.session.welcomed(welcome, now, pings=link.port.pings):
            self._shut(link)
            self._shut(self.live)
            self.live = None
            if self.session.ending is not None:
                self.stop(self.session.ending.code, self.session.ending.reason)
            else:
                self._come_back(now, 0.0)
            return
        self._shut(self.live)
        link.phase = Phase.LIVE
        link.since = now
        self.live = link
        self._choice = self._worked = self._kinds.index(link.kind)
        self._upgrade_wait = UPGRADE_FIRST if self._choice == 0 else self._upgrade_wait
        self._upgrade_at = NEVER if self._choice == 0 else now + self._upgrade_wait
        self.flush(now)

    def _refused(self, refuse: Refuse, now: float) -> None:
        self._drop_candidate()
        if refuse.code == "stale":
            self.session.stale(refuse.attempt or 0)
            if self.live is None:
                self._come_back(now, 0.0)
            else:
                self._upgrade_at = now
        elif refuse.code in _OVER:
            self.session.end(refuse.code, refuse.reason)
            self.flush(now)  # a living transport carries the goodbye
            self.stop(refuse.code, refuse.reason)
        elif refuse.code in _FINAL:
            if self.live is None:
                self.stop(refuse.code, refuse.reason)
        elif self.live is None:
            wait = self._backoff.next()
            self._come_back(now, max(wait, (refuse.retry_after or 0) / 1000))
        else:
            self._upgrade_at = now + max(UPGRADE_MOST, (refuse.retry_after or 0) / 1000)

    def _candidate_failed(self, now: float) -> None:
        assert self.candidate is not None
        after = self._kinds.index(self.candidate.kind) + 1
        self._drop_candidate()
        if self.live is not None and after < self._choice:
            self._open(self._kinds[after], now, LAST_WAIT)
        elif self.live is not None:
            self._upgrade_wait = min(self._upgrade_wait * 2, UPGRADE_MOST)
            self._upgrade_at = now + self._upgrade_wait
        elif self._choice < len(self._kinds) - 1:
            self._choice += 1
            self._try(now)
        else:
            self._choice = 0
            self._come_back(now, self._backoff.next())

    def _lose_live(self, now: float) -> None:
        """The live link is gone; the session waits for another."""
        assert self.live is not None
        link, self.live = self.live, None
        self._shut(link)
        self._backoff.attached_for(now - link.since)
        self._upgrade_at = NEVER
        if self.session.attached:
            self.session.detach(now)
        if self.session.ending is not None:
            # A goodbye was under way: nobody is to be attached any more.
            self.stop(self.session.ending.code, self.session.ending.reason)
        else:
            self._continue(now)

    def _end_live(self, now: float) -> None:
        """The session ended, or wants this transport closed."""
        if self.live is None:
            return
        if self.session.ending is not None:
            self.stop(self.session.ending.code, self.session.ending.reason)
        else:
            self._lose_live(now)

    def _continue(self, now: float) -> None:
        link = self.candidate
        if link is None:
            wait, self.session.retry_after = self.session.retry_after, 0.0
            self._come_back(now, max(self._backoff.next(), wait))
        elif link.phase is Phase.PROBING:
            self._greet(link, now)
        elif link.phase in (Phase.ASKING, Phase.OPENING):
            # It may hang for long; what worked a moment ago comes first.
            self._drop_candidate()
            self._continue(now)
        # An attach that is under way goes on alone; no second one is started beside it (rule 15).

    def _come_back(self, now: float, wait: float) -> None:
        if not self._offline and self.stopped is None:
            self.retry_at = now + wait

    def _drop_candidate(self) -> None:
        link, self.candidate = self.candidate, None
        self._shut(link)

    def _write(self, link: Link, message: Data) -> None:
        assert link.port is not None
        link.port.write(message)

    def _shut(self, link: Link | None) -> None:
        if link is not None and link.port is not None:
            link.port.close()
