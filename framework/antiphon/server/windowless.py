"""Between a transport and a line whose wire has no window: what there is no room for is left in the network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from antiphon.dialects.socketio.codec import SocketioCodec
from antiphon.protocol.closing import Ending, Loss
from antiphon.server.line import Line
from antiphon.transports.base import Transport
from antiphon.types import Data

__all__ = ["EngineTransport", "Windowless"]


class EngineTransport(Transport, Protocol):
    """A transport that can be told to wait before it brings more. `loss`: how it ended, once it did so by itself."""

    loss: Loss

    def hold(self, until: Callable[[], bool]) -> None:
        """Bring nothing more until `until` is true, which is asked several times a second."""
        ...


class Windowless:
    """The receiver of a transport that carries the session of `line`.

    While a handler waits for an answer of its client, that is looked for behind four times as much as may wait.
    """

    __slots__ = ("_clock", "_line", "_transport")

    def __init__(self, line: Line, transport: EngineTransport, clock: Callable[[], float]) -> None:
        self._line = line
        self._transport = transport
        self._clock = clock
        if line.session.inbox.full:
            transport.hold(self._has_room)  # as it was on the transport before

    def on_message(self, transport: Transport, message: Data) -> None:
        """See Receiver.on_message."""
        self._line.on_message(transport, message)
        if self._line.session.inbox.full and not self._has_room():
            self._transport.hold(self._has_room)

    def on_drained(self, transport: Transport) -> None:
        """See Receiver.on_drained."""
        self._line.on_drained(transport)

    def on_lost(self, transport: Transport) -> None:
        """See Receiver.on_lost. Who is nowhere has nowhere to come back to."""
        line, loss = self._line, self._transport.loss
        session = line.session
        joined = isinstance(session.codec, SocketioCodec) and session.codec.joined
        if transport is line.transport and not (session.parting is None and joined):
            session.parting = Ending("protocol" if loss.violation else "expired", loss.reason)
            if loss.violation and session.ending is None:
                line.tell_violation(session.parting)
        line.on_lost(transport)

    def _has_room(self) -> bool:
        session = self._line.session
        inbox = session.inbox
        if not inbox.full or (len(session.calls) and not inbox.overfull):
            return True
        # Its Pongs are not read either: it is not to be called silent for that.
        session.heartbeat.heard = self._clock()
        return False
