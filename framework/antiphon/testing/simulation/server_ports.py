"""What the server's end lends the product: a WebSocket over a stream, and the answer to a request."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from antiphon.dialects.base import Answer
from antiphon.protocol.closing import Closing, TransportCode
from antiphon.testing.simulation import invariants
from antiphon.testing.simulation.exchanges import Exchange, Reply
from antiphon.testing.simulation.streams import Close, Stream
from antiphon.transports.sse import PROBE_HOLD, EventStreamTransport
from antiphon.transports.websocket import WebSocketTransport
from antiphon.types import Data

if TYPE_CHECKING:
    from antiphon.testing.simulation.server_end import ServerEnd

__all__ = ["EventsAnswer", "EventsTransport", "HttpAnswer", "StreamTransport"]


class StreamTransport(WebSocketTransport):
    """The server's end of a stream."""

    def __init__(self, server: ServerEnd, stream: Stream, high_water: int) -> None:
        super().__init__(server.gateway)
        self._server = server
        self._stream = stream
        self._high_water = high_water
        self._buffered = 0

    def write(self, message: Data) -> None:
        """See WebSocketTransport.write."""
        if not self._closed:
            self._buffered += len(message)
            if self._buffered > self._high_water:
                self.congested = True
            invariants.i16_volatile_leaves_soon(self._server.history, message, self._server.time.now)
            self._stream.down.send(message)

    def _shut(self, code: int, reason: str) -> None:
        self._stream.down.send(Close(code, reason))

    def _sent(self, size: int) -> None:
        self._buffered -= size
        if self._buffered <= self._high_water // 2:
            self.drained()

    def expect_hello(self) -> None:
        """The host's timer for silence."""
        if self.receiver is self._server.gateway:
            self.close(Closing(TransportCode.HELLO_TIMEOUT, "no Hello came in time"))

    @property
    def closed(self) -> bool:
        """Whether nothing is received from it any more."""
        return self._closed

    def arrived(self, item: Data | Close) -> None:
        """See StreamEnd."""
        self._server.process.do(self.lost if isinstance(item, Close) else partial(self.received, item))

    def taken(self, size: int) -> None:
        """See StreamEnd."""
        self._server.process.do(partial(self._sent, size))

    def broken(self) -> None:
        """See StreamEnd."""
        self._server.process.do(self.lost)


class EventsTransport(EventStreamTransport):
    """The server's end of a response that is a stream of events."""

    def __init__(self, server: ServerEnd, stream: Stream) -> None:
        super().__init__(server.gateway)
        self._server = server
        self._stream = stream

    def write(self, message: Data) -> None:
        """See EventStreamTransport.write."""
        if not self.closed:
            invariants.i16_volatile_leaves_soon(self._server.history, message, self._server.time.now)
        super().write(message)

    def _send(self, event: bytes) -> None:
        self._stream.down.send(event)

    def _shut(self) -> None:
        self._stream.down.send(Close())

    def probed(self) -> None:
        """See EventStreamTransport.probed."""
        self._server.time.after(PROBE_HOLD, partial(self._server.process.do, self.end))

    def arrived(self, item: Data | Close) -> None:
        """See StreamEnd. Nothing comes up but the end."""
        self._server.process.do(self.lost)

    def taken(self, size: int) -> None:
        """See StreamEnd."""
        self._server.process.do(partial(self.sent, size))

    def broken(self) -> None:
        """See StreamEnd."""
        self._server.process.do(self.lost)


class EventsAnswer:
    """One HTTP request that asks for a stream, as the gateway answers it."""

    def __init__(self, transport: EventsTransport) -> None:
        self._transport = transport

    def open(self) -> EventStreamTransport:
        """See gateway.StreamPort."""
        return self._transport

    def status(self, answer: Answer) -> None:
        """See gateway.StreamPort."""
        self._transport.end()


class HttpAnswer:
    """One HTTP request, as the gateway answers it."""

    def __init__(self, server: ServerEnd, exchange: Exchange) -> None:
        self._server = server
        self._exchange = exchange
        self._answered = False

    def answer(self, message: Data | None) -> None:
        """See HttpPort.answer."""
        if message is None:
            self._reply(Reply(204))
        else:
            invariants.i16_volatile_leaves_soon(self._server.history, message, self._server.time.now)
            self._reply(Reply(200, message))

    def refuse(self, closing: Closing) -> None:
        """See HttpPort.refuse."""
        self._reply(Reply(409, reason=closing.line))

    def status(self, answer: Answer) -> None:
        """See HttpPort.status."""
        self._reply(Reply(answer.status))

    def _reply(self, reply: Reply) -> None:
        verb = self._exchange.request.verb
        invariants.i12_each_request_is_answered_once(self._server.history, verb, before=self._answered)
        if not self._answered and not self._server.process.gone:
            self._answered = True
            self._exchange.answered(reply)
