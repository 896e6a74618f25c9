"""A WebSocket that is to take over from polls: it says `2probe`, hears `3probe`, and then says `5`.

Until then the polls carry everything. Before a client says `5` it waits for its poll and its POST to be answered, so
nothing is on its way by the one when the other begins. Meanwhile it does not poll, and hears no ping; so it is not made
to wait for a long POST.
"""

from __future__ import annotations

from collections.abc import Callable

from antiphon.dialects.socketio import engine
from antiphon.dialects.socketio.frames import text_frame
from antiphon.protocol.closing import Closing, TransportCode
from antiphon.server.engine_polling import EnginePolling
from antiphon.server.engine_session import EngineSession
from antiphon.server.windowless import EngineTransport
from antiphon.transports.base import Transport
from antiphon.types import Data

__all__ = ["TooLate", "Upgrade"]

# It has to be through within so many seconds.
PATIENCE = 10.0

PROBED = text_frame(engine.PROBED.encode())


class Upgrade:
    """The receiver of the WebSocket until it takes over."""

    def __init__(
        self, session: EngineSession, polling: EnginePolling, now: float, *, ended: Callable[[Upgrade], None]
    ) -> None:
        """`ended(upgrade)` is told once, however it ended."""
        self.session = session
        self._polling = polling
        self._until = now + PATIENCE
        self._ended = ended
        self._transport: EngineTransport | None = None
        self._probed = False  # it said `2probe`
        self._over = False

    def begin(self, transport: EngineTransport) -> None:
        """The WebSocket is there; it is the client's to speak first."""
        self._transport = transport

    def give_up(self) -> None:
        """There was to be a WebSocket, and its client is gone."""
        self._end()

    def postpone(self, seconds: float) -> None:
        """Our own process stalled for so long."""
        self._until += seconds

    def tick(self, now: float) -> None:
        """Let time pass."""
        if self._polling.closed:
            self.fail("the session is over")
        elif self._polling.pushed:
            self._until = now + PATIENCE  # the client waits for us
        elif now >= self._until:
            self.fail("it was not through in time")

    def fail(self, reason: str) -> None:
        """The WebSocket is given up; the session stays with its polls."""
        self._end()
        if self._transport is not None:
            self._transport.close(Closing(TransportCode.PROTOCOL, reason))

    # -- Receiver

    def on_message(self, transport: Transport, message: Data) -> None:
        """`2probe`, then `5`."""
        polling = self._polling
        if polling.closed:
            self.fail("the session is over")
        elif message == engine.UPGRADE and polling.pushed:
            # What it brings would come too late, or never.
            self.fail("a POST is under way")
        elif message == engine.PROBE and not self._probed:
            self._probed = True
            polling.when_taken(self._answer)
        elif message == engine.UPGRADE and polling.probed and self._transport is not None:
            frames = polling.leave()
            if frames:
                transport.write(frames)
            self.session.move(self._transport)
            self._end()
        else:
            self.fail("an upgrade says 2probe, and then 5")

    def on_drained(self, transport: Transport) -> None:
        """Nothing waits for it."""

    def on_lost(self, transport: Transport) -> None:
        """It ended by itself."""
        self._end()

    def _answer(self) -> None:
        if self._transport is not None and not (self._over or self._polling.closed):
            self._transport.write(PROBED)
            self._polling.probe()

    def _end(self) -> None:
        if not self._over:
            self._over = True
            self._polling.probed = False
            self._ended(self)


class TooLate:
    """The receiver of a WebSocket for a session that has one, or is about to: it is opened and closed at once.

    Clients make nothing of an HTTP status in its place, and some of them stumble over it.
    """

    def begin(self, transport: EngineTransport) -> None:
        """The WebSocket is there."""
        transport.close(Closing(TransportCode.FENCED, "this session has a WebSocket"))

    def give_up(self) -> None:
        """There was to be one, and its client is gone."""

    def on_message(self, transport: Transport, message: Data) -> None:
        """See Receiver."""

    def on_drained(self, transport: Transport) -> None:
        """See Receiver."""

    def on_lost(self, transport: Transport) -> None:
        """See Receiver."""
