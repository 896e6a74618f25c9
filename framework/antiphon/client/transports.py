"""The client's transports over aiohttp: thin shells, what they mean is the connector's affair."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeAlias

import aiohttp

from antiphon.client.connector import Link, Port
from antiphon.client.polling import PollingPort
from antiphon.client.requests import HttpRequest, Told
from antiphon.client.streaming import StreamingPort
from antiphon.protocol.client_session import ClientSession
from antiphon.types import Data

__all__ = ["EventStream", "Events", "LongPoll", "Opener", "WebSocket"]

HIGH_WATER = 64 << 10
CLOSE_WAIT = 2.0
REASON = "Antiphon-Reason"


class Events(Protocol):
    """Who is told what happens to a transport."""

    def on_opened(self, link: Link) -> None: ...

    def on_message(self, link: Link, message: Data) -> None: ...

    def on_drained(self, link: Link) -> None: ...

    def on_lost(self, link: Link, code: int, reason: str) -> None: ...

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]: ...


# Begins to open a transport of a kind and returns; what becomes of the link is told to the events.
Opener: TypeAlias = Callable[[str, Link, Events], Port]


class WebSocket:
    """One WebSocket connection to the server."""

    single = False
    pings = True

    def __init__(self, events: Events, link: Link, http: aiohttp.ClientSession, url: str, limit: int) -> None:
        self.congested = False
        self._events = events
        self._link = link
        self._queue: deque[Data] = deque()
        self._buffered = 0
        self._something = asyncio.Event()
        self._closed = False
        self._task = events.spawn(self._run(http, url, limit))

    def write(self, message: Data) -> None:
        """See Port.write."""
        self._queue.append(message)
        self._buffered += len(message)
        self.congested = self._buffered > HIGH_WATER
        self._something.set()

    def close(self) -> None:
        """See Port.close: what was written still goes, for 2 s."""
        if not self._closed:
            self._closed = True
            self._something.set()
            asyncio.get_running_loop().call_later(CLOSE_WAIT, self._task.cancel)

    async def _run(self, http: aiohttp.ClientSession, url: str, limit: int) -> None:
        code, reason = 0, ""
        try:
            async with http.ws_connect(url, compress=0, max_msg_size=limit) as socket:
                if self._closed:
                    return
                self._events.on_opened(self._link)
                writer = asyncio.get_running_loop().create_task(self._write_all(socket))
                try:
                    while not self._closed:
                        message = await socket.receive()
                        if message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT):
                            self._events.on_message(self._link, message.data)
                        else:
                            # Not `async for`: it swallows the reason of a close, which says who took over.
                            code, reason = socket.close_code or 0, str(message.extra or "")
                            break
                    if self._closed:
                        await writer
                finally:
                    writer.cancel()
        except (aiohttp.ClientError, OSError) as error:
            reason = str(error)
        if not self._closed:
            self._closed = True
            self._events.on_lost(self._link, code, reason)

    async def _write_all(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        with contextlib.suppress(ConnectionError, aiohttp.ClientError):
            while True:
                while self._queue:
                    message = self._queue.popleft()
                    await (socket.send_bytes(message) if isinstance(message, bytes) else socket.send_str(message))
                    self._buffered -= len(message)
                    if self.congested and self._buffered <= HIGH_WATER // 2:
                        self.congested = False
                        self._events.on_drained(self._link)
                if self._closed:
                    await socket.close()
                    return
                self._something.clear()
                await self._something.wait()


class _OverHttp(ABC):
    """One attach over HTTP: its port says which requests, here they are made. No answer has more than `limit` bytes."""

    single = True
    _port: StreamingPort | PollingPort

    def __init__(
        self, events: Events, link: Link, http: aiohttp.ClientSession, url: str, session: ClientSession, limit: int
    ) -> None:
        self._events = events
        self._link = link
        self._http = http
        self._url = url
        self._form = session.codec.form
        self._limit = limit
        # HTTP has nothing to open.
        asyncio.get_running_loop().call_soon(lambda: events.on_opened(link))

    @property
    def congested(self) -> bool:
        """See Port."""
        return self._port.congested

    def write(self, message: Data) -> None:
        """See Port.write."""
        self._port.write(message)

    @abstractmethod
    def close(self) -> None:
        """See Port.close."""

    def _post(
        self, request: HttpRequest, timeout: float | None
    ) -> contextlib.AbstractAsyncContextManager[aiohttp.ClientResponse]:
        headers = dict([*request.headers, ("Content-Type", f"application/{self._form}")])
        wait = aiohttp.ClientTimeout(total=timeout)
        return self._http.post(f"{self._url}/{request.verb}", data=request.body, headers=headers, timeout=wait)

    def _tell(self, told: Told) -> None:
        if told.lost:
            self._events.on_lost(self._link, told.code, told.reason)
        elif told.message is not None:
            self._events.on_message(self._link, told.message)


class EventStream(_OverHttp):
    """An event stream and pushes, as StreamingPort asks for them."""

    pings = True
    _port: StreamingPort

    def __init__(
        self, events: Events, link: Link, http: aiohttp.ClientSession, url: str, session: ClientSession, limit: int
    ) -> None:
        super().__init__(events, link, http, url, session, limit)
        self._port = StreamingPort(session.codec, session, self._begin, limit=limit)
        self._stream: asyncio.Task[None] | None = None
        self._pushing: asyncio.Task[None] | None = None
        self._closed = False

    def close(self) -> None:
        """See Port.close: a push on its way goes on, and the stream ends behind it.

        It may hold the goodbye, and the server takes the end of the stream for the end of the transport.
        """
        self._port.close()
        self._closed = True
        if self._pushing is None:
            self._end_stream()

    def _end_stream(self) -> None:
        if self._stream is not None:
            self._stream.cancel()

    def _begin(self, request: HttpRequest) -> None:
        streams = request.verb == "stream"
        task = self._events.spawn(self._read(request) if streams else self._push(request))
        if streams:
            self._end_stream()  # the probe's, which would stay open
            self._stream = task
        else:
            self._pushing = task
            task.add_done_callback(self._pushed)

    def _pushed(self, task: asyncio.Task[None]) -> None:
        if task is self._pushing:
            self._pushing = None
            if self._closed:
                self._end_stream()

    async def _read(self, request: HttpRequest) -> None:
        with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
            # However long it is open and says nothing: the connector looks at the clock.
            async with self._post(request, timeout=None) as response:
                self._tell(self._port.opened(request.token, response.status, response.content_type))
                async for chunk in response.content.iter_any():
                    for told in self._port.came(request.token, chunk):
                        self._tell(told)
        self._tell(self._port.failed(request.token))

    async def _push(self, request: HttpRequest) -> None:
        try:
            async with self._post(request, request.timeout) as response:
                await _body(response, self._limit)
                told = self._port.answered(request.token, response.status, response.headers.get(REASON, ""))
        except (aiohttp.ClientError, OSError, TimeoutError):
            told = self._port.failed(request.token)
        self._tell(told)
        if not told.lost:
            self._events.on_drained(self._link)


class LongPoll(_OverHttp):
    """Polls and pushes, as PollingPort asks for them."""

    pings = False
    _port: PollingPort

    def __init__(
        self, events: Events, link: Link, http: aiohttp.ClientSession, url: str, session: ClientSession, limit: int
    ) -> None:
        super().__init__(events, link, http, url, session, limit)
        self._port = PollingPort(session.codec, session, self._begin)
        self._polls: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        """See Port.close: a push on its way goes on, a poll is not waited for."""
        self._port.close()
        for task in tuple(self._polls):
            task.cancel()

    def _begin(self, request: HttpRequest) -> None:
        task = self._events.spawn(self._make(request))
        if request.verb == "poll":
            self._polls.add(task)
            task.add_done_callback(self._polls.discard)

    async def _make(self, request: HttpRequest) -> None:
        try:
            async with self._post(request, request.timeout) as response:
                raw = await _body(response, self._limit)
                body: Data = raw if self._form == "msgpack" else raw.decode()
                reason = response.headers.get(REASON, "")
                told = self._port.answered(request.token, response.status, body, reason)
        except (aiohttp.ClientError, OSError, TimeoutError, UnicodeDecodeError):
            told = self._port.failed(request.token)
        self._tell(told)
        if not told.lost:
            self._port.poll()
            self._events.on_drained(self._link)


async def _body(response: aiohttp.ClientResponse, most: int) -> bytes:
    """All of an answer. Raises ClientPayloadError for one that is too large: its server is not to fill our memory."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > most:
            raise aiohttp.ClientPayloadError(f"an answer has at most {most} bytes; this one has more")
    return bytes(body)
