"""What the client's end lends its connector: a stream or HTTP requests, as thin as client/transports.py."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from antiphon.client.connector import Link
from antiphon.client.polling import HttpRequest, PollingPort, Told
from antiphon.testing.simulation import invariants
from antiphon.testing.simulation.exchanges import Exchange, Reply
from antiphon.testing.simulation.streams import Close, Stream
from antiphon.types import Data

if TYPE_CHECKING:
    from antiphon.testing.simulation.client_end import ClientEnd

__all__ = ["PollingAdapter", "StreamPort"]


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
        client.time.soon(partial(client.process.do, partial(client.on_opened, link)))

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
