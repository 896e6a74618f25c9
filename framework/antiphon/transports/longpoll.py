"""Long-polling on the server: one answer per poll, and no poll is congestion.

What waits stays in the outbox until a poll comes, so it can still be replaced or dropped, and a lost answer loses
nothing: the next poll says what was received, and the session goes back to there (contract rule 18).
"""

from __future__ import annotations

from typing import Protocol

from antiphon.protocol.closing import Closing, TransportCode
from antiphon.transports.base import Receiver
from antiphon.transports.pushes import PushedTransport
from antiphon.types import Data

__all__ = ["LongPollTransport", "PollPort"]

# A held poll is answered within so many seconds, and without one for so long the transport is lost (contract rule 19).
HOLD = 20.0
LOST_AFTER = 20.0


class PollPort(Protocol):
    """What a host lends for one held poll."""

    def answer(self, message: Data | None) -> None:
        """Answer the poll with one message, or with nothing (204)."""
        ...

    def refuse(self, closing: Closing) -> None:
        """Answer the poll with 409: this transport is closed."""
        ...


class LongPollTransport(PushedTransport):
    """One attach over HTTP requests."""

    __slots__ = (
        "_answer_by",
        "_lost_at",
        "_newest_poll",
        "_poll",
        "_released",
        "congested",
        "receiver",
    )

    name = "longpoll"
    address = ""  # each request has its own
    single = True
    pings = False

    def __init__(self, receiver: Receiver, now: float) -> None:
        super().__init__()
        self.receiver = receiver
        self.congested = True
        self._poll: PollPort | None = None
        self._newest_poll = -1
        self._answer_by = float("inf")
        self._lost_at = now + LOST_AFTER
        self._released = False  # answered, and nobody has yet looked at the clock

    @property
    def due(self) -> float:
        """When to call `tick`."""
        return 0.0 if self._released else min(self._answer_by, self._lost_at)

    def write(self, message: Data) -> None:
        """See Transport.write."""
        if self._poll is not None:
            self._release(message)

    def close(self, closing: Closing) -> None:
        """See Transport.close."""
        if self._closed is None:
            self._closed = closing
            if self._poll is not None:
                poll, self._poll = self._poll, None
                poll.refuse(closing)

    # -- what the gateway tells

    def newest_poll(self, request: int) -> bool:
        """Whether a poll is newer than all before it; the older one is then released at once."""
        if request <= self._newest_poll:
            return False
        self._newest_poll = request
        if self._poll is not None:
            self._release(None)
        return True

    def hold(self, poll: PollPort, now: float) -> None:
        """Keep a poll open until there is something to answer."""
        self._poll = poll
        self._answer_by = now + HOLD
        self._released = False
        self._lost_at = float("inf")
        self.congested = False

    def heard(self, now: float) -> None:
        """See PushedTransport.heard."""
        if self._poll is None:
            self._lost_at = now + LOST_AFTER

    def tick(self, now: float) -> None:
        """Let time pass."""
        if self._closed is not None:
            return
        if self._poll is not None and now >= self._answer_by:
            self._release(None)
        if self._released:
            self._released = False
            self._lost_at = now + LOST_AFTER
        elif now >= self._lost_at:
            self._closed = Closing(TransportCode.SILENT, "no poll came")
            self.receiver.on_lost(self)

    def postpone(self, seconds: float) -> None:
        """Our own process stalled for so long."""
        self._lost_at += seconds

    def _release(self, message: Data | None) -> None:
        poll, self._poll = self._poll, None
        assert poll is not None  # whoever releases has looked
        self.congested = True
        self._released = True
        self._answer_by = float("inf")
        poll.answer(message)
