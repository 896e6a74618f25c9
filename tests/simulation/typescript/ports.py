"""What carries the sockets and requests of a TypeScript client through the simulated network."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from antiphon.client.requests import HttpRequest
from antiphon.testing.simulation import invariants
from antiphon.testing.simulation.exchanges import Exchange, Reply
from antiphon.testing.simulation.streams import Close, Stream
from antiphon.types import Data

if TYPE_CHECKING:
    from tests.simulation.typescript.end import Traffic

__all__ = ["EventsPort", "PushPort", "SocketPort"]


class SocketPort:
    """A WebSocket."""

    def __init__(self, traffic: Traffic, number: int) -> None:
        self._traffic = traffic
        self._number = number
        self._stream: Stream | None = None
        self._closed = False
        traffic.network.open_stream(self, self._opened)

    def _opened(self, stream: Stream) -> None:
        self._stream = stream
        if self._closed:
            stream.up.send(Close())
        else:
            self._traffic.tell("socketOpened", self._number)

    def write(self, message: Data) -> None:
        """The client sends a message."""
        assert self._stream is not None
        invariants.i16_volatile_leaves_soon_upwards(self._traffic.client, message)
        self._stream.up.send(message)

    def close(self) -> None:
        """The client closes it."""
        if not self._closed:
            self._closed = True
            if self._stream is not None:
                self._stream.up.send(Close())

    def arrived(self, item: Data | Close) -> None:
        """See StreamEnd."""
        self._traffic.do(partial(self._arrived, item))

    def _arrived(self, item: Data | Close) -> None:
        if self._closed:
            return
        if isinstance(item, Close):
            self._closed = True
            self._traffic.tell("socketClosed", self._number, item.code, item.reason)
        else:
            self._traffic.tell("socketReceived", self._number, item)

    def taken(self, size: int) -> None:
        """See StreamEnd. A WebSocket does not tell: the client looks when it wants to know."""
        self._traffic.taken.append((self._number, size))

    def broken(self) -> None:
        """See StreamEnd."""
        self.arrived(Close(1006))


class PushPort:
    """A request that is answered once."""

    def __init__(self, traffic: Traffic, number: int, request: HttpRequest) -> None:
        self._traffic = traffic
        self._number = number
        invariants.i16_volatile_leaves_soon_upwards(traffic.client, request.body)
        self._exchange: Exchange = traffic.network.post(request, traffic.form, self._ended)

    def _ended(self, reply: Reply | None) -> None:
        if reply is None:
            self._traffic.tell("failed", self._number)
        else:
            self._traffic.tell("answered", self._number, reply.status, reply.body, reply.reason)

    def abandon(self) -> None:
        """The client does not wait for the answer any more."""
        self._exchange.abandon()


class EventsPort:
    """A request whose answer is a stream."""

    def __init__(self, traffic: Traffic, number: int, request: HttpRequest) -> None:
        self._traffic = traffic
        self._number = number
        self._stream: Stream | None = None
        self._ended = False
        traffic.network.open_events(self, request, traffic.form)

    def opened(self, stream: Stream) -> None:
        """The request has reached the server."""
        self._stream = stream
        if self._ended:
            stream.up.send(Close())

    def abandon(self) -> None:
        """The client reads no more of it."""
        if not self._ended:
            self._ended = True
            if self._stream is not None:
                self._stream.up.send(Close())

    def arrived(self, item: Data | Close) -> None:
        """See StreamEnd."""
        self._traffic.do(partial(self._arrived, item))

    def _arrived(self, item: Data | Close) -> None:
        if self._ended:
            return
        if isinstance(item, Close):
            self._ended = True
            self._traffic.tell("streamEnded" if item.code == 1000 else "failed", self._number)
        else:
            self._traffic.tell("streamed", self._number, item)

    def taken(self, size: int) -> None:
        """See StreamEnd."""

    def broken(self) -> None:
        """See StreamEnd."""
        self.arrived(Close(1006))
