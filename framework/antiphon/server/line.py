"""A session and the transport under it: attach, fence, write, give up. The synchronous half of a connection.

It knows the time only through `clock`, and tasks not at all, so a simulation runs it as it is.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable

from antiphon.protocol.closing import DELIBERATE, Closing, Ending, TransportCode
from antiphon.protocol.loglines import one_line
from antiphon.protocol.pace import Pace, burst
from antiphon.protocol.server_session import ServerSession
from antiphon.server.authentication import Arrival
from antiphon.server.counters import Counters, word
from antiphon.transports.base import Transport
from antiphon.types import Data

__all__ = ["Line"]

# What may be made up for of `Limits.attaches`, in seconds.
ATTACH_BURST = 10.0

# What becomes of sessions, by sid and by the words of the protocol: no key, no payload, and nothing a client wrote.
log = logging.getLogger("antiphon.session")
server_log = logging.getLogger("antiphon.server")


class Line(ABC):
    """One session with, at times, a transport. Subclasses hand over what arrives and clean up at the end."""

    def __init__(
        self,
        session: ServerSession,
        clock: Callable[[], float],
        soon: Callable[[], None],
        counters: Counters | None = None,
    ) -> None:
        """`soon` has the line flushed at the end of this turn; it is called after whatever may have left something."""
        self.session = session
        self.transport: Transport | None = None
        self.on_room: Callable[[], None] | None = None  # called once, when the outbox is less than half full again
        self.working = False  # somebody is handing over what is in the inbox already
        self.arrival = Arrival()  # how the client came last
        self._clock = clock
        self._soon = soon
        self._counters = counters or Counters()
        self._attaches: Pace | None = None
        self.ended = False  # its last words were said, and it was cleaned up

    # -- attach and detach

    def too_soon(self, rate: float, now: float) -> float:
        """Its client wants to attach again, which it may do `rate` times a second: in how many seconds it may."""
        if self._attaches is None:
            self._attaches = Pace(rate, burst(rate, ATTACH_BURST), now)
        return self._attaches.take(now)

    def attach(self, transport: Transport, welcome: Data) -> None:
        """The session was attached anew: fence what it had, answer, and write what the client has not received."""
        fenced, self.transport = self.transport, transport
        if fenced is not None and fenced is not transport:
            log.debug("session %s: its %s was fenced", self.session.sid, fenced.name)
            self._close(fenced, Closing(TransportCode.FENCED, str(self.session.attempt)))
        if welcome:
            transport.write(welcome)
        self.session.outbox.mark()
        self._soon()

    def move(self, transport: Transport) -> None:
        """The client goes on by another transport, and nothing is on its way by the old one: nothing is lost."""
        log.debug("session %s goes on by %s", self.session.sid, transport.name)
        self.transport = transport
        self.session.outbox.mark()
        self._soon()

    def detach(self, closing: Closing | None) -> None:
        """The transport is gone, or is to be closed."""
        transport, self.transport = self.transport, None
        log.debug("session %s detached: %s", self.session.sid, word(closing))
        if closing is not None and transport is not None:
            self._close(transport, closing)
        elif transport is not None:
            self._counters.closed[word(None)] += 1
        self.session.detach(self._clock(), closing.reason if closing is not None else "")
        if self.session.ending is not None:
            self.finish()  # it was saying goodbye, and nobody hears it any more
        else:
            self._let_in()

    # -- Receiver

    def on_message(self, transport: Transport, message: Data, *, volatile: bool = True) -> None:
        """A message came. On a fenced transport nothing has an effect (contract rule 14)."""
        if transport is not self.transport:
            return
        session = self.session
        closing = session.receive(message, self._clock(), volatile=volatile)
        if closing is not None:
            self.close_after(closing)
        if session.inbox.queue and not self.working:
            self._hand_over()
        if session.outbox.dirty:
            self._soon()
        if self.on_room is not None:
            self.look_for_room()

    def hand_over(self) -> None:
        """Something may have come by another way than `on_message`."""
        if self.session.inbox.queue and not self.working:
            self._hand_over()

    def on_drained(self, transport: Transport) -> None:
        """The transport takes more."""
        self.session.outbox.mark()
        self._soon()

    def on_lost(self, transport: Transport) -> None:
        """The transport ended by itself."""
        if transport is self.transport:
            self.detach(None)

    # -- time and writing

    def flush(self, now: float) -> None:
        """Write what may leave now. The server's flusher does the same without a call per receiver."""
        session, transport = self.session, self.transport
        if transport is not None and transport.congested:
            session.stalled(now)
            if session.ending is None:
                return
        for message in session.take(now, single=transport is not None and transport.single):
            if transport is not None:
                transport.write(message)
        if session.ending is not None:
            self.finish()
        elif self.on_room is not None:
            self.look_for_room()

    def tick(self, now: float) -> None:
        """Let time pass."""
        closing = self.session.tick(now)
        if closing is not None:
            self.close_after(closing)
        elif self.session.ending is not None:
            self.flush(now)
        if self.session.outbox.dirty:
            self._soon()

    def close_after(self, closing: Closing) -> None:
        """Close the transport behind the last words, if the session has any; a session that goes on is detached."""
        if self.session.ending is not None:
            if closing.code is TransportCode.PROTOCOL:
                self.tell_violation(self.session.ending)
            self.flush(self._clock())
        elif self.transport is not None:
            self.detach(closing)

    def end(self, code: str, reason: str, retry_after: float | None = None) -> None:
        """End the session now, and say so. Its client comes back after `retry_after` seconds, or not by itself."""
        self.session.end(code, reason, retry_after)
        self.flush(self._clock())

    def tell_violation(self, ending: Ending) -> None:
        """Its client broke a rule, and whoever runs the server may want to know which."""
        told = one_line(f"{ending.code}: {ending.reason}")
        server_log.info("a session from %s was ended for a violation: %s", self.arrival.address, told)

    def abandon(self, code: str, reason: str) -> None:
        """End the session without a word: its client is to come back, and learns by itself what became of it."""
        transport, self.transport = self.transport, None
        if transport is not None:
            self._close(transport, Closing(TransportCode.GOING_AWAY, reason))
        self.session.end(code, reason, tell=False)
        self.finish()

    def finish(self) -> None:
        """The session has ended and its last words were said: close the transport and clean up, once."""
        if self.ended:
            return
        self.ended = True
        transport, self.transport = self.transport, None
        ending = self.session.ending
        log.debug("session %s ended: %s", self.session.sid, ending.code if ending else "")
        if transport is not None:
            wanted = ending is None or ending.code in DELIBERATE
            code = TransportCode.ENDED if wanted else TransportCode.PROTOCOL
            self._close(transport, Closing(code, *(ending[:2] if ending else ())))
        self._let_in()
        self._clean_up()

    def _close(self, transport: Transport, closing: Closing) -> None:
        self._counters.closed[word(closing)] += 1
        transport.close(closing)

    @property
    def handlers(self) -> int:
        """How many tasks are at work for the session."""
        return 0

    def look_for_room(self) -> None:
        """Somebody waits for room, and the peer may have taken something."""
        if not self.session.outbox.above(0.5):
            self._let_in()

    def _let_in(self) -> None:
        """Nobody has to wait for room any more: there is some, or nobody takes anything."""
        on_room, self.on_room = self.on_room, None
        if on_room is not None:
            on_room()

    @abstractmethod
    def _hand_over(self) -> None:
        """Something waits in the inbox."""

    @abstractmethod
    def _clean_up(self) -> None:
        """The session is over; nothing more will come."""
