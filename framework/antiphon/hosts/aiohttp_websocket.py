"""aiohttp's WebSocket as a transport: one reader and one writer task per connection."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque

from aiohttp import WebSocketError, WSMsgType, web

from antiphon.protocol.closing import Closing, TransportCode
from antiphon.server.counters import Counters
from antiphon.transports.base import Receiver
from antiphon.transports.websocket import HIGH_WATER, WebSocketTransport
from antiphon.types import Data

__all__ = ["AiohttpWebSocket"]

# A peer that does not finish the closing handshake, or does not read, is cut off after so long.
CLOSE_WAIT = 2.0


class AiohttpWebSocket(WebSocketTransport):
    """One WebSocketResponse. `run` is the life of the request."""

    def __init__(self, receiver: Receiver, socket: web.WebSocketResponse, tcp: asyncio.Transport | None) -> None:
        super().__init__(receiver)
        self._first_receiver = receiver
        self._socket = socket
        self._tcp = tcp
        self._queue: deque[Data] = deque()
        self._something = asyncio.Event()
        self._closing: tuple[int, str] | None = None

    def write(self, message: Data) -> None:
        """See WebSocketTransport.write."""
        if not self._closed:
            self._queue.append(message)
            self.buffered += len(message)
            if self.buffered > HIGH_WATER:
                self.congested = True
            self._something.set()

    def _shut(self, code: int, reason: str) -> None:
        self._closing = (code, reason)
        self._something.set()
        if self._tcp is not None:
            asyncio.get_running_loop().call_later(CLOSE_WAIT, self._tcp.abort)

    async def run(self, hello_timeout: float, counters: Counters) -> None:
        """Read until the end; write beside it. The limits that a peer meets here are counted."""
        loop = asyncio.get_running_loop()
        hello = loop.call_later(hello_timeout, self._expect_hello, counters)
        writer = loop.create_task(self._write_all())
        try:
            async for message in self._socket:
                if message.type is WSMsgType.BINARY or message.type is WSMsgType.TEXT:
                    self.received(message.data)
                elif message.type is WSMsgType.ERROR:
                    # aiohttp has closed with the right code: 1009 for too large, 1002 for no WebSocket.
                    if isinstance(message.data, WebSocketError) and message.data.code == TransportCode.TOO_LARGE:
                        counters.hit("message")
                    break
        finally:
            hello.cancel()
            self.lost()
            if self._closing is None:
                writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer

    def _expect_hello(self, counters: Counters) -> None:
        if self.receiver is self._first_receiver:
            counters.hit("hello_timeout")
            self.close(Closing(TransportCode.HELLO_TIMEOUT, "no Hello came in time"))

    async def _write_all(self) -> None:
        queue, socket = self._queue, self._socket
        try:
            while True:
                while queue:
                    message = queue.popleft()
                    if isinstance(message, bytes):
                        await socket.send_bytes(message)
                    else:
                        await socket.send_str(message)
                    self.sent(len(message))
                if self._closing is not None:
                    code, reason = self._closing
                    await socket.close(code=code, message=reason.encode())
                    return
                self._something.clear()
                await self._something.wait()
        except (ConnectionError, RuntimeError):
            # The peer is gone (RuntimeError: aiohttp's word for a socket that is closing). The reader sees it too.
            self.lost()
