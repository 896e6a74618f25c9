"""The server's half of a session: it accepts attaches, fences what they replace, and is kept for a window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from antiphon.config import Heartbeat, Inbox, Limits, Outbox, Resume
from antiphon.protocol.closing import Closing, Ending, TransportCode
from antiphon.protocol.codec import Codec
from antiphon.protocol.identity import Identity
from antiphon.protocol.packets import Hello, Refuse, Renew, Welcome
from antiphon.protocol.session import NEVER, Session, State

__all__ = ["ServerSession", "Settings"]


# What a client takes in unacked; it has no word for it in Hello (contract rule 8).
CLIENT_INBOX = Inbox(packets=1024)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What every session of one server has in common."""

    epoch: str
    heartbeat: Heartbeat = Heartbeat()
    resume: Resume = Resume()
    limits: Limits = Limits()
    outbox: Outbox = Outbox()


class ServerSession(Session):
    """One client, as the server sees it."""

    def __init__(
        self,
        sid: str,
        proof: bytes,
        codec: Codec,
        settings: Settings,
        now: float,
        *,
        wake: Callable[[], object],
        spread: float = 0.0,
    ) -> None:
        """`proof` is the hash of the client's key; the key itself is kept nowhere (contract rule 1)."""
        super().__init__(
            codec,
            heartbeat=settings.heartbeat,
            inbox=settings.limits.inbox,
            outbox=settings.outbox,
            message=settings.limits.message,
            pings=True,
            wake=wake,
            spread=spread,
        )
        self.outbox.window = CLIENT_INBOX
        self.outbox.largest = self.largest
        self.sid = sid
        self.proof = proof
        self.attempt = 0
        # How it ends with its transport, where the wire has no way to come back.
        self.parting: Ending | None = None
        self.expires_at = now + settings.resume.window
        self.identity = Identity()
        self._holds = 0
        self._settings = settings

    def accept(
        self,
        hello: Hello,
        now: float,
        *,
        pings: bool = True,
        made: str | None = None,
        arrived: int = 0,
        identity: Identity | None = None,
    ) -> Welcome | Refuse:
        """Attach the transport that `hello` came on. Whoever holds the older transport closes it: it is fenced.

        `made` is None when the session goes on, else the reason why it is a new one; `arrived` is then how much of the
        lost one had been received. `identity` is what this attach has proved. A Hello that cannot go on from what both
        sides know ends the session (`mismatch`) and is to be answered by a new one: that is the one case in which
        `ending` is set afterwards.
        """
        if hello.attempt <= self.attempt:
            return Refuse("stale", "a newer attach of this session came first", None, self.attempt)
        received = hello.received if hello.sid == self.sid else 0  # else it speaks of the session that was lost
        if received > self.outbox.numbered:
            self.end("mismatch", f"{received} received, but only {self.outbox.numbered} were sent", tell=False)
            return Refuse("mismatch", "the session has ended", 0)
        self.attempt = hello.attempt
        self.identity = identity or self.identity
        self.attach(received, now, pings=pings)
        self.tally.resumes += made is None
        self.expires_at = NEVER
        settings = self._settings
        return Welcome(
            epoch=settings.epoch,
            sid=self.sid,
            received=self.inbox.received if made is None else arrived,
            next=self.outbox.cursor,
            resumed=made is None,
            reason=made or None,
            heartbeat=(_milliseconds(settings.heartbeat.interval), _milliseconds(settings.heartbeat.timeout)),
            window=_milliseconds(settings.resume.window),
            inbox=(settings.limits.inbox.packets, settings.limits.inbox.size),
            message=settings.limits.message,
        )

    def detach(self, now: float, reason: str = "") -> None:
        """The transport is gone: the window begins. `reason`: why we have closed it, for humans."""
        super().detach(now)
        if self.state is State.DETACHED and self.parting is not None:
            self.end(self.parting.code, reason or self.parting.reason, tell=False)
        elif self.state is State.DETACHED:
            self.expires_at = min(self.expires_at, now + self._settings.resume.window)
            self.due = min(self.due, self.expires_at)

    def leave(self, now: float) -> None:
        """Its page said that it closes: should that have been a mistake, the window is short (contract rule 21)."""
        self.expires_at = min(self.expires_at, now + self._settings.resume.leaving)
        self.due = now

    def hold(self) -> None:
        """Somebody with the key is being looked into: until `release` the window does not close (contract rule 13)."""
        self._holds += 1

    @property
    def held(self) -> bool:
        """Whether somebody with the key is being looked into."""
        return self._holds > 0

    def release(self, now: float) -> None:
        """It was answered."""
        self._holds -= 1
        self.due = min(self.due, now)

    def renewed(self, identity: Identity, now: float) -> None:
        """Fresh credentials have proved who it is."""
        identity.follow(self.identity)
        self.identity = identity
        self.due = min(self.due, now)

    def tick(self, now: float) -> Closing | None:
        """See Session.tick; a detached session ends when its window is over.

        While attached, it asks for fresh credentials in time, and closes the transport when the old ones expire.
        """
        if self.state in (State.DETACHED, State.FRESH) and now >= self.expires_at and not self._holds:
            self.end("expired", "the client did not come back in time")
        expired = self.state is State.ATTACHED and self.identity.expired(now)
        if not expired and self.state is State.ATTACHED and self.identity.asks(now):
            self.send(Renew())
        closing = super().tick(now)
        return Closing(TransportCode.EXPIRED, "the credentials have expired") if expired else closing

    def postpone(self, seconds: float) -> None:
        """See Session.postpone."""
        super().postpone(seconds)
        self.expires_at += seconds
        self.identity.postpone(seconds)

    def _next_due(self, now: float) -> float:
        if self.state is State.ATTACHED:
            return min(super()._next_due(now), self.identity.due)
        held = self.attached or self.held
        return min(super()._next_due(now), NEVER if held else self.expires_at)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
