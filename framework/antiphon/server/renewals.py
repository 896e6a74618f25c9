"""Fresh credentials on a living session: the hook looks into them, and the session goes on longer, or ends."""

from __future__ import annotations

from collections.abc import Callable

from antiphon.protocol.identity import Identity
from antiphon.server.authentication import RETRY, Authentication, Check, Verdict
from antiphon.server.line import Line
from antiphon.types import Value

__all__ = ["Renewals"]


class Renewals:
    """The Renews of one session: one is looked into at a time, and of those that come meanwhile the newest is next."""

    __slots__ = ("_authentication", "_check", "_clock", "_line", "_waiting")

    def __init__(self, line: Line, authentication: Authentication, clock: Callable[[], float]) -> None:
        self._line = line
        self._authentication = authentication
        self._clock = clock
        self._check: Check | None = None
        self._waiting: list[Value] = []

    def renew(self, auth: Value) -> None:
        """The client sent fresh credentials."""
        if self._check is not None and not self._check.settled:
            self._waiting = [auth]
            return
        self._check = self._authentication.begin(auth, self._line.arrival, self._settled)

    def stop(self) -> None:
        """The session has ended."""
        self._waiting.clear()
        if self._check is not None:
            self._check.cancel()

    def _settled(self, verdict: Verdict) -> None:
        line, session, now = self._line, self._line.session, self._clock()
        if session.ending is not None:
            return
        if not isinstance(verdict, Identity):
            if verdict.retry_after is None:
                line.end(verdict.code, verdict.reason)
                return
            # What has been proved before is good until it expires; there may be time to ask once more.
            session.identity.ask_again(now + RETRY / 1000)
            session.due = min(session.due, now)
        elif not session.identity.same_as(verdict):
            line.end("principal_changed", "fresh credentials of another person came")
            return
        else:
            session.renewed(verdict, now)
        if self._waiting:
            self.renew(self._waiting.pop())
