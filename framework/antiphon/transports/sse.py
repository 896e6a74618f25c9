"""An event stream on the server: one response that does not end carries messages down, pushes bring them up.

The stream is the transport: it ends with it, whichever requests still come (contract, words).
"""

from __future__ import annotations

from abc import abstractmethod
from binascii import b2a_base64

from antiphon.protocol.closing import Closing, TransportCode
from antiphon.transports.base import Receiver
from antiphon.transports.pushes import PushedTransport
from antiphon.transports.websocket import HIGH_WATER
from antiphon.types import Data

__all__ = ["PROBE_HOLD", "EventStreamTransport"]

# A stream that answered a Ping stays open for so long, unless its client ends it. With an end behind the Pong, a proxy
# that keeps back what it is sent until the end would pass the probe, and then swallow the Welcome.
PROBE_HOLD = 10.0


class EventStreamTransport(PushedTransport):
    """Between a host's streamed response and whoever receives: the gateway until it is attached, then a connection.

    A host lends its response by subclassing, as with a WebSocket: `_send`, `_shut`, and `probed`.
    """

    name = "sse"
    single = False
    pings = True

    def __init__(self, receiver: Receiver) -> None:
        super().__init__()
        self.receiver = receiver
        self.address = ""
        self.congested = False
        self.buffered = 0

    @abstractmethod
    def _send(self, event: bytes) -> None:
        """Write one event, now or soon, behind what was sent before; `sent` is told when the network took it."""

    @abstractmethod
    def _shut(self) -> None:
        """End the response after what was sent; a peer that does not read is cut off."""

    @abstractmethod
    def probed(self) -> None:
        """It answered a Ping and is of no more use: end it when the client does, or after PROBE_HOLD seconds."""

    def write(self, message: Data) -> None:
        """See Transport.write. No JSON holds a raw line break, and no base64."""
        if self._closed is None:
            text = message.encode() if isinstance(message, str) else b2a_base64(message, newline=False)
            event = b"data: %b\n\n" % text
            self.buffered += len(event)
            if self.buffered > HIGH_WATER:
                self.congested = True
            self._send(event)

    def close(self, closing: Closing) -> None:
        """See Transport.close: the last event says how, in the words of a 409. A Refuse has said it already."""
        if self._closed is None:
            self._closed = closing
            if closing.code is not TransportCode.REFUSED:
                event = f"event: close\ndata: {closing.line}\n\n".encode()
                self.buffered += len(event)
                self._send(event)
            self._shut()

    def end(self) -> None:
        """End the response without a word."""
        if self._closed is None:
            self._closed = Closing(TransportCode.ENDED)
            self._shut()

    # -- what the host tells

    def sent(self, size: int) -> None:
        """The network took `size` bytes."""
        self.buffered -= size
        if self.congested and self.buffered <= HIGH_WATER // 2:
            self.congested = False
            if self._closed is None:
                self.receiver.on_drained(self)

    def lost(self) -> None:
        """The response ended, by the peer or by the network."""
        if self._closed is None:
            self._closed = Closing(TransportCode.SILENT, "the stream ended")
            self.receiver.on_lost(self)
