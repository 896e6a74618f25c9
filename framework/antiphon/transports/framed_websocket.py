"""A WebSocket that is given finished frames: those of a broadcast were made once, for everybody."""

from __future__ import annotations

from antiphon.protocol.closing import Closing, TransportCode
from antiphon.transports.tcp_websocket import TcpWebSocket
from antiphon.types import Data

__all__ = ["FramedWebSocket"]


class FramedWebSocket(TcpWebSocket):
    """See TcpWebSocket. What is written are whole frames, one message or several of them behind one another."""

    __slots__ = ()

    def close(self, closing: Closing) -> None:
        """See Transport.close. The wire of such clients has no last words, so the sentence is told here.

        Some of them (C++) stay away after 1000, and at the end of a drain they are to come back.
        """
        code = TransportCode.GOING_AWAY if closing.reason == "draining" else closing.code
        super().close(Closing(code, closing.sentence or closing.reason))

    def write(self, message: Data) -> None:
        """See WebSocketTransport.write: `message` is bytes, and goes out as it is."""
        if self._closed:
            return
        assert isinstance(message, bytes)
        try:  # noqa: SIM105 - as in TcpWebSocket.write, for both reasons
            self._tcp.write(message)
        except RuntimeError:
            pass
