"""Polls and POSTs as the transport of a Socket.IO client: one of each at a time, and no poll is congestion.

Neither side numbers anything on this wire, so a poll whose client is gone loses what it was answered with: it is looked
whether somebody waits for it, and if not, the transport is lost.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping

from antiphon.dialects.socketio import engine
from antiphon.dialects.socketio.engine import EngineRefusal, write_payload
from antiphon.dialects.socketio.frames import frame_of, messages_of
from antiphon.protocol.closing import Closing, Loss, TransportCode
from antiphon.protocol.pace import Pace
from antiphon.server.engine_intake import Intake
from antiphon.server.engine_port import CLOSED, TWICE, EnginePort, farewell_of, refusal_of
from antiphon.transports.base import Receiver
from antiphon.types import Data

__all__ = ["EnginePolling"]

log = logging.getLogger("antiphon.session")

# So many messages are in one answer to clients that end their session for more (python-socketio), and to others.
FEW = 16
MANY = 4096
# Last words wait so many seconds for a poll, where they say more than that it was closed.
LINGER = 10.0
# A poll that was sent before a farewell, over another connection, is late by less.
LATE = 1.0
LAST_WORDS = frozenset({TransportCode.ENDED, TransportCode.REFUSED})

LEFT = Loss("the client closed the connection")
GONE = Loss("the client went away from a poll or a POST")


class EnginePolling:
    """A Transport, for as long as a client polls. It is written finished frames, as a WebSocket is."""

    name = "polling"
    single = True
    pings = True

    def __init__(
        self,
        receiver: Receiver,
        address: str,
        headers: Mapping[str, str],
        *,
        clock: Callable[[], float],
        soon: Callable[[Callable[[], None]], object],
        pace: Pace,
        slowed: Callable[[], object],
    ) -> None:
        """See Intake for what the last three are about: what POSTs bring."""
        self.receiver = receiver
        self.address = address
        self.headers = headers
        self.congested = True
        self.over = False  # closed or lost, and nothing is left to be said
        self.loss = GONE  # how it ended, once it did so by itself
        self.farewell = CLOSED  # what is answered to who comes later
        self.probed = False  # a WebSocket is about to take over: no poll is held
        self._clock = clock
        self._intake = Intake(
            self._hand_over,
            taken=self._taken,
            broken=self.broken,
            clock=clock,
            soon=soon,
            pace=pace,
            slowed=slowed,
        )
        # What a User-Agent is for (RFC 9110, 10.1.5): to go by the limits of some.
        self._most = FEW if "python" in headers.get("user-agent", "").lower() else MANY
        self._poll: EnginePort | None = None
        self._push: EnginePort | None = None
        self._pause_at = 0.0
        self._expects = False  # the body of that is not here yet
        self._waiting: deque[Data] = deque()  # what no poll has taken
        self._then: Callable[[], None] | None = None  # called once, when a POST is answered
        self._closed = False
        self._linger_until = float("inf")

    # -- Transport

    def write(self, message: Data) -> None:
        """See Transport.write: `message` is frames."""
        assert isinstance(message, bytes)
        if not self._closed:
            self._waiting += messages_of(message)
            self._release()

    def close(self, closing: Closing) -> None:
        """See Transport.close. What was written and not polled waits a while for a poll."""
        if self._closed:
            return
        log.debug("the polling of %s is closed: %s", self.address, closing.word)
        self._closed, self.farewell = True, farewell_of(closing)
        refusal = None if closing.code in LAST_WORDS else refusal_of(closing)
        self._give_back(refusal)
        if self._waiting and not self._release() and closing.code not in LAST_WORDS:
            self._waiting.clear()
        if self._waiting:
            self._linger_until = self._clock() + LINGER
        else:
            self._end()

    def hold(self, until: Callable[[], bool]) -> None:
        """Hand over nothing more, and leave a POST unanswered, until `until` is true; it is asked at each tick."""
        self._intake.hold(until)

    @property
    def closed(self) -> bool:
        """Whether nothing more is taken in; last words may wait for a poll."""
        return self._closed

    @property
    def pushed(self) -> bool:
        """Whether a POST is under way."""
        return self._push is not None

    # -- requests

    def poll(self, port: EnginePort) -> None:
        """Answer with what is there, now or as soon as there is something."""
        if self._poll is not None and self._poll.gone:
            self.lost()
        if self.over:
            port.refuse(self.farewell)
        elif self._poll is not None:
            self._answer(engine.CLOSE)
            self.broken(Loss("two polls at a time"))
            port.refuse(TWICE)
        else:
            self._poll = port
            if not self._release():
                self.congested = False
                self.receiver.on_drained(self)

    def expect_push(self, port: EnginePort) -> bool:
        """The head of a POST came, and its body may take a while; false when it is refused."""
        if self._closed and not self.over:
            port.answer("ok")  # its last words are still to be heard; a refusal would end the client before
        elif self._closed:
            port.refuse(self.farewell)
        elif self._push is not None:
            self.broken(Loss("two POSTs at a time"))
            port.refuse(TWICE)
        else:
            self._push, self._expects = port, True
            return True
        return False

    def push(self, messages: Iterator[Data]) -> None:
        """Take in what the POST brought that is expected; it is answered when all of it was handed over.

        An iterator that raises RemoteProtocolError ends the session.
        """
        self._expects = False
        if self._push is not None:
            self._intake.begin(messages)

    def broken(self, loss: Loss) -> None:
        """What was sent cannot be taken, so what is behind it cannot be taken either.

        Two requests at a time are no violation: the client may have given one up that the network still has.
        """
        if not self._closed:
            self.loss = loss
            self.receiver.on_lost(self)
            self.close(Closing(TransportCode.PROTOCOL, loss.reason))

    def when_taken(self, callback: Callable[[], None]) -> None:
        """Call it when no POST is under way: now, or as soon as this one is answered."""
        if self._push is None:
            callback()
        else:
            self._then = callback

    def probe(self) -> None:
        """Let the poll that is held go: the client takes to a WebSocket once it has none."""
        self.probed = True
        if self._poll is not None:
            self._answer(engine.NOOP)

    def pause(self) -> None:
        """A poll came behind `probe`, and there is nothing for it."""
        if self.probed and self._poll is not None and self._clock() >= self._pause_at:
            self._pause_at = self._clock() + 0.1
            self._answer(engine.NOOP)

    def leave(self) -> bytes:
        """The client goes to a WebSocket. Returns the frames that no poll has taken."""
        waiting, self._closed = b"".join(map(frame_of, self._waiting)), True
        self._give_back()
        if self._poll is not None:
            self._answer(engine.NOOP)
        self._end()
        return waiting

    # -- time

    def tick(self, now: float) -> None:
        """Let time pass."""
        if any(port is not None and port.gone for port in (self._poll, self._push)):
            self.lost()
        elif now >= self._linger_until:
            self._end()
        else:
            self.pause()
            self._intake.tick()

    def lost(self, loss: Loss = GONE) -> None:
        """Nobody is there any more."""
        closed, self._closed = self._closed, True
        self._give_back(CLOSED)
        self._end()
        if not closed:
            self.loss = loss
            self.receiver.on_lost(self)

    # -- within

    def _taken(self) -> None:
        if not self._closed and not self._expects:
            self._give_back()

    def _hand_over(self, message: Data) -> None:
        if message == engine.CLOSE:
            # On this transport it is all that a client can say of its end, and not that it does not come back.
            self._leave()
            return
        try:
            self.receiver.on_message(self, message)
        except Exception:
            # As on a WebSocket: whoever receives is ours, and does not raise.
            log.exception("a message from %s was not taken in: its session is closed", self.address)
            self.lost(Loss("the server failed"))

    def _leave(self) -> None:
        self._closed = True
        self.loss = LEFT
        self._give_back()
        self._waiting.clear()
        if self._poll is not None:
            self._answer(engine.NOOP)
            self._end()
        else:
            # It may be on its way: who leaves is not told that there is nobody like that.
            self._waiting.append(engine.NOOP)
            self._linger_until = self._clock() + LATE
        self.receiver.on_lost(self)

    def _release(self) -> bool:
        """Answer the poll with what waits; False: there is none, or nothing."""
        if self._poll is None or not self._waiting:
            return False
        if self._poll.gone:
            self.lost()
            return True
        waiting = self._waiting
        messages = [waiting.popleft() for _ in range(min(self._most, len(waiting)))]
        if len(messages) > 1 and messages[-1] == engine.CLOSE:
            # Clients look into a DISCONNECT a turn later than into this: in one answer it would come too late.
            waiting.append(messages.pop())
        self._answer(write_payload(messages))
        if self._closed and not waiting:
            self._end()
        return True

    def _answer(self, text: str) -> None:
        poll, self._poll = self._poll, None
        assert poll is not None  # whoever answers has looked
        self.congested = True
        poll.answer(text)

    def _give_back(self, refusal: EngineRefusal | None = None) -> None:
        """Answer the POST that is under way."""
        push, self._push = self._push, None
        self._intake.stop()
        if push is None:
            return
        if refusal is None:
            push.answer("ok")
        else:
            push.refuse(refusal)
        then, self._then = self._then, None
        if then is not None:
            then()

    def _end(self) -> None:
        """Nothing more is said. Not `1`, which some clients take for a word that they are not to come back."""
        self.over, self._linger_until = True, float("inf")
        self._waiting.clear()
        if self._poll is not None:
            poll, self._poll = self._poll, None
            self.congested = True
            poll.refuse(self.farewell)
