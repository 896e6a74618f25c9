"""What the client's end lends its connector: a stream or HTTP requests, as thin as client/transports.py."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from antiphon.client.connector import Link
from antiphon.client.polling import PollingPort
from antiphon.client.requests import HttpRequest, Told
from antiphon.client.streaming import StreamingPort
from antiphon.testing.simulation import invariants
from antiphon.testing.simulation.exchanges import Exchange, Reply
from antiphon.testing.simulation.streams import Close, Stream
from antiphon.types import Data

if TYPE_CHECKING:
    from antiphon.testing.simulation.client_end import ClientEnd

__all__ = ["EventStreamAdapter", "PollingAdapter", "StreamPort"]


class StreamPort:
    """The client's end of a stream, as client/transports.WebSocket."""

    single = False
    pings = True

    def __init__(self, client: ClientEnd, link: Link) -> None:
        self.congested = False
        self.stream: Stream | None = None
        self._client = client
        self._link = link
        self._buffered = 0
        self._closed = False
        client.network.open_stream(self, self._opened)

    def _opened(self, stream: Stream) -> None:
        self._client.process.do(partial(self._use, stream))

    def _use(self, stream: Stream) -> None:
        self.stream = stream
        if self._closed:
            stream.up.send(Close())
        else:
            self._client.on_opened(self._link)

    def write(self, message: Data) -> None:
        """See Port.write."""
        assert self.stream is not None
        self._buffered += len(message)
        self.congested = self._buffered > self._client.high_water
        invariants.i16_volatile_leaves_soon_upwards(self._client, message)
        self.stream.up.send(message)

    def close(self) -> None:
        """See Port.close."""
        if not self._closed:
            self._closed = True
            if self.stream is not None:
                self.stream.up.send(Close())

    def arrived(self, item: Data | Close) -> None:
        """See StreamEnd."""
        self._client.process.do(partial(self._arrived, item))

    def _arrived(self, item: Data | Close) -> None:
        if self._closed:
            return
        if isinstance(item, Close):
            self._closed = True
            self._client.on_lost(self._link, item.code, item.reason)
        else:
            self._client.on_message(self._link, item)

    def taken(self, size: int) -> None:
        """See StreamEnd."""
        self._client.process.do(partial(self._taken, size))

    def _taken(self, size: int) -> None:
        self._buffered -= size
        if self.congested and self._buffered <= self._client.high_water // 2:
            self.congested = False
            if not self._closed:
                self._client.on_drained(self._link)

    def broken(self) -> None:
        """See StreamEnd."""
        self._client.process.do(partial(self._arrived, Close(1006)))


class PollingAdapter:
    """One attach over HTTP requests, as client/transports.LongPoll."""

    single = True
    pings = False

    def __init__(self, client: ClientEnd, link: Link) -> None:
        self._client = client
        self._link = link
        self._port = PollingPort(client.session.codec, client.session, self._begin)
        self._polls: list[Exchange] = []
        client.later(client.on_opened, link)

    @property
    def congested(self) -> bool:
        """See Port."""
        return self._port.congested

    def write(self, message: Data) -> None:
        """See Port.write."""
        invariants.i16_volatile_leaves_soon_upwards(self._client, message)
        self._port.write(message)

    def close(self) -> None:
        """See Port.close."""
        self._port.close()
        for exchange in self._polls:
            exchange.abandon()

    def _begin(self, request: HttpRequest) -> None:
        client = self._client
        end = partial(self._ended, request.token)
        exchange = client.network.post(
            request, client.session.codec.form, lambda reply: client.process.do(partial(end, reply))
        )
        if request.verb == "poll":
            self._polls = [old for old in self._polls if not old.over]
            self._polls.append(exchange)

    def _ended(self, token: int, reply: Reply | None) -> None:
        port = self._port
        self._tell(
            port.failed(token) if reply is None else port.answered(token, reply.status, reply.body, reply.reason)
        )

    def _tell(self, told: Told) -> None:
        if told.lost:
            self._client.on_lost(self._link, told.code, told.reason)
            return
        if told.message is not None:
            self._client.on_message(self._link, told.message)
        self._port.poll()
        self._client.on_drained(self._link)


class EventStreamAdapter:
    """One attach over an event stream and pushes, as client/transports.EventStream."""

    single = True
    pings = True

    def __init__(self, client: ClientEnd, link: Link) -> None:
        self._client = client
        self._link = link
        self._port = StreamingPort(client.session.codec, client.session, self._begin, limit=client.limits.message)
        self._response: _Response | None = None
        self._pushing = 0  # the token of the push in flight
        self._closed = False
        client.later(client.on_opened, link)

    @property
    def congested(self) -> bool:
        """See Port."""
        return self._port.congested

    def write(self, message: Data) -> None:
        """See Port.write."""
        invariants.i16_volatile_leaves_soon_upwards(self._client, message)
        self._port.write(message)

    def close(self) -> None:
        """See Port.close: as there, the stream ends behind a push on its way, which may hold the goodbye."""
        self._port.close()
        self._closed = True
        if not self._pushing:
            self._end_stream()

    def _end_stream(self) -> None:
        if self._response is not None:
            self._response.end()

    def _begin(self, request: HttpRequest) -> None:
        client, form = self._client, self._client.session.codec.form
        if request.verb == "stream":
            self._end_stream()  # the probe's, which would stay open
            self._response = _Response(self, client, request.token)
            client.network.open_events(self._response, request, form)
        else:
            self._pushing = request.token
            pushed = partial(self._pushed, request.token)
            client.network.post(request, form, lambda reply: client.process.do(partial(pushed, reply)))

    def _pushed(self, token: int, reply: Reply | None) -> None:
        if token == self._pushing:
            self._pushing = 0
            if self._closed:
                self._end_stream()
        told = self._port.failed(token) if reply is None else self._port.answered(token, reply.status, reply.reason)
        self._tell(told)
        if not told.lost:
            self._client.on_drained(self._link)

    def came(self, token: int, item: Data | Close) -> None:
        """A response brings something, or ends."""
        if isinstance(item, Close):
            self._tell(self._port.failed(token))
            return
        assert isinstance(item, bytes)
        for told in self._port.came(token, item):
            self._tell(told)

    def _tell(self, told: Told) -> None:
        if told.lost:
            self._client.on_lost(self._link, told.code, told.reason)
        elif told.message is not None:
            self._client.on_message(self._link, told.message)


class _Response:
    """The client's end of one response that is a stream. Nothing goes up but that it was ended."""

    def __init__(self, adapter: EventStreamAdapter, client: ClientEnd, token: int) -> None:
        self._adapter = adapter
        self._client = client
        self._token = token
        self._stream: Stream | None = None
        self._ended = False

    def opened(self, stream: Stream) -> None:
        """The request has reached the server."""
        self._stream = stream
        if self._ended:
            stream.up.send(Close())

    def end(self) -> None:
        """The client reads no more of it."""
        if not self._ended:
            self._ended = True
            if self._stream is not None:
                self._stream.up.send(Close())

    def arrived(self, item: Data | Close) -> None:
        """See StreamEnd."""
        self._client.process.do(partial(self._arrived, item))

    def _arrived(self, item: Data | Close) -> None:
        if not self._ended:
            self._adapter.came(self._token, item)

    def taken(self, size: int) -> None:
        """See StreamEnd."""

    def broken(self) -> None:
        """See StreamEnd."""
        self.arrived(Close(1006))
