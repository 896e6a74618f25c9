"""A WebSocket on the server: a message is a message, and a full send buffer is congestion."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from antiphon.protocol.closing import Closing, Loss
from antiphon.transports.base import Receiver
from antiphon.types import NOTHING, Data

__all__ = ["WebSocketTransport"]

BROKEN = Loss("the connection broke off")

# Above so many bytes not yet taken by the network the outbox is left alone, below half of it goes on.
HIGH_WATER = 64 << 10


class WebSocketTransport(ABC):
    """Between what carries frames and whoever receives: the gateway until Hello, then a connection.

    Subclasses write: `write`, which also keeps `congested` (one call per receiver of a broadcast, so there is no port
    behind it to call once more), and `_shut`. Both are synchronous.
    """

    __slots__ = ("_closed", "congested", "loss", "receiver")

    name = "websocket"
    address = ""
    headers: Mapping[str, str] = NOTHING
    single = False
    pings = True

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.congested = False
        self.loss = BROKEN  # how it ended, once it did so by itself
        self._closed = False

    @abstractmethod
    def write(self, message: Data) -> None:
        """See Transport.write: binary for bytes and text for str; nothing after `close`."""

    @abstractmethod
    def _shut(self, code: int, reason: str) -> None:
        """Close with the handshake after what was written."""

    def close(self, closing: Closing) -> None:
        """See Transport.close."""
        if not self._closed:
            self._closed = True
            # A reason has at most 123 bytes (RFC 6455, 5.5.1).
            self._shut(closing.code, closing.reason.encode()[:120].decode(errors="ignore"))

    # -- what happens to it

    def received(self, message: Data) -> None:
        """One message came."""
        if not self._closed:
            self.receiver.on_message(self, message)

    def drained(self) -> None:
        """The network took enough of what waited."""
        if self.congested:
            self.congested = False
            if not self._closed:
                self.receiver.on_drained(self)

    def lost(self, loss: Loss = BROKEN) -> None:
        """The WebSocket is closed, by the peer or by the network."""
        if not self._closed:
            self._closed = True
            self.loss = loss
            self.receiver.on_lost(self)
