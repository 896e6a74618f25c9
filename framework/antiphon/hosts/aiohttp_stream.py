"""aiohttp's streamed response as a transport: the request's own task writes, and there is no other."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from aiohttp import web

from antiphon.dialects.base import Answer
from antiphon.transports.base import Receiver
from antiphon.transports.sse import PROBE_HOLD, EventStreamTransport
from antiphon.transports.websocket_group import CLOSE_WAIT

__all__ = ["AiohttpEventStream"]

HEADERS = {
    "Content-Type": "text/event-stream",
    # What nginx has to be told, so that it passes each event on at once.
    "X-Accel-Buffering": "no",
}
# A proxy that compresses would keep back what it has not yet enough of.
CACHING = "no-store, no-transform"


class AiohttpEventStream(EventStreamTransport):
    """One request that may become a stream; `run` is its life."""

    def __init__(self, receiver: Receiver, request: web.Request) -> None:
        super().__init__(receiver)
        self._request = request
        self._tcp = request.transport
        self._answer: Answer | None = None
        self._queue: deque[bytes] = deque()
        self._something = asyncio.Event()
        self._gone = False
        self._ended = False
        self._timers: list[asyncio.TimerHandle] = []

    # -- StreamPort, for the gateway

    def open(self) -> AiohttpEventStream:
        """See StreamPort.open."""
        return self

    def status(self, answer: Answer) -> None:
        """See StreamPort.status."""
        self._answer = answer

    # -- EventStreamTransport

    def probed(self) -> None:
        """See EventStreamTransport.probed."""
        self._timers.append(asyncio.get_running_loop().call_later(PROBE_HOLD, self.end))

    def _send(self, event: bytes) -> None:
        self._queue.append(event)
        self._something.set()

    def _shut(self) -> None:
        self._ended = True
        self._something.set()
        if self._tcp is not None:
            # The writer may be waiting for a peer that does not read.
            self._timers.append(asyncio.get_running_loop().call_later(CLOSE_WAIT, self._tcp.abort))

    # -- the life of the request

    async def run(
        self, labelled: Callable[[web.StreamResponse], None], plain: Callable[[Answer], web.Response]
    ) -> web.StreamResponse:
        """Write until the end. `labelled` adds what every answer has, `plain` makes the one to no stream."""
        if self._answer is not None:
            response = plain(self._answer)
            labelled(response)
            return response
        stream = web.StreamResponse(headers=HEADERS)
        labelled(stream)
        stream.headers["Cache-Control"] = CACHING
        watch = _Watch(self._tcp, self._vanished)
        try:
            await stream.prepare(self._request)
            await self._write_all(stream)
        except ConnectionError:
            # The client is gone. Before the first byte, aiohttp would log it as a fault of this handler.
            if not stream.prepared:
                return plain(Answer(400, "the client is gone"))
        finally:
            self.lost()
            for timer in self._timers:
                timer.cancel()
            watch.end()
        return stream

    async def _write_all(self, stream: web.StreamResponse) -> None:
        while True:
            while self._queue:
                event = self._queue.popleft()
                await stream.write(event)
                self.sent(len(event))
            if self._ended:
                await stream.write_eof()
                return
            if self._gone:
                return
            self._something.clear()
            await self._something.wait()

    def _vanished(self) -> None:
        self._gone = True
        self._something.set()


class _Watch(asyncio.Protocol):
    """Stands before aiohttp's protocol and tells when the client is gone: aiohttp tells nobody who only writes."""

    def __init__(self, tcp: asyncio.Transport | None, vanished: Callable[[], None]) -> None:
        self._tcp = tcp
        self._vanished = vanished
        if tcp is None or tcp.is_closing():
            vanished()
            return
        protocol = tcp.get_protocol()
        assert isinstance(protocol, asyncio.Protocol)
        self._protocol = protocol
        tcp.set_protocol(self)

    def end(self) -> None:
        """The connection is aiohttp's alone again: the next request may come on it."""
        # One that is closing has still to tell aiohttp of its end, through us; and with TLS it has no protocol to set.
        if self._tcp is not None and not self._tcp.is_closing():
            self._tcp.set_protocol(self._protocol)

    def data_received(self, data: bytes) -> None:
        self._protocol.data_received(data)

    def eof_received(self) -> bool | None:
        return self._protocol.eof_received()

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.connection_lost(exc)
        self._vanished()
