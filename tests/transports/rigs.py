"""The server's transports, each open and with a peer that a check drives."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from aiohttp import ClientError, ClientResponse, ClientSession, ClientWebSocketResponse, WSMsgType, web
from aiohttp.test_utils import TestServer

from antiphon.config import Limits
from antiphon.hosts.aiohttp_stream import AiohttpEventStream
from antiphon.hosts.aiohttp_websocket import handshake, take_over
from antiphon.protocol.closing import Closing
from antiphon.server.counters import Counters
from antiphon.testing import FaultProxy, TransportRig
from antiphon.transports.base import Receiver, Transport
from antiphon.transports.longpoll import LongPollTransport
from antiphon.transports.memory import memory_pair
from antiphon.transports.tcp_websocket import TcpWebSocket
from antiphon.transports.websocket_group import WebSocketGroup
from antiphon.types import Data

__all__ = ["event_stream", "longpoll", "memory", "websocket"]


class MemoryRig:
    """The peer's end holds back what comes while nobody asks."""

    receives = True

    def __init__(self, receiver: Receiver) -> None:
        self._arrived: asyncio.Queue[Data | None] = asyncio.Queue()
        self.sound, self._peer = memory_pair(receiver, self)
        self.sound.stall()
        self.transport: Transport = self.sound

    async def send(self, message: Data) -> None:
        self._peer.write(message)

    async def receive(self) -> Data | None:
        self.sound.release()
        message = await self._arrived.get()
        self.sound.stall()
        return message

    async def vanish(self) -> None:
        self._peer.cut()

    def on_message(self, transport: Transport, message: Data) -> None:
        self._arrived.put_nowait(message)

    def on_drained(self, transport: Transport) -> None:
        """The peer writes as it likes."""

    def on_lost(self, transport: Transport) -> None:
        self._arrived.put_nowait(None)


@asynccontextmanager
async def memory(receiver: Receiver) -> AsyncIterator[MemoryRig]:
    """The transport without a socket."""
    yield MemoryRig(receiver)


class LongPollRig:
    """The peer polls when it is asked, one poll after another."""

    receives = False  # messages come up by pushes, which the gateway takes

    def __init__(self, receiver: Receiver) -> None:
        self.transport = LongPollTransport(receiver, now=0.0)
        self._answers: asyncio.Queue[Data | None] = asyncio.Queue()

    async def send(self, message: Data) -> None:
        raise AssertionError("a poll carries nothing upwards")

    async def receive(self) -> Data | None:
        if self.transport.closed is not None:
            return None  # the gateway answers such a poll with 409
        self.transport.hold(self, now=0.0)
        return await self._answers.get()

    async def vanish(self) -> None:
        self.transport.tick(now=1000.0)

    # -- PollPort

    def answer(self, message: Data | None) -> None:
        self._answers.put_nowait(message)

    def refuse(self, closing: Closing) -> None:
        self._answers.put_nowait(None)


@asynccontextmanager
async def longpoll(receiver: Receiver) -> AsyncIterator[LongPollRig]:
    """Long-polling, as the gateway sees it."""
    yield LongPollRig(receiver)


@asynccontextmanager
async def _served(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[FaultProxy]:
    app = web.Application()
    app.router.add_get("/", handler)
    async with TestServer(app) as server, FaultProxy(str(server.make_url("/"))) as proxy:
        yield proxy


class WebSocketRig:
    """Ours at one end, aiohttp at the other, and a proxy between them."""

    receives = True

    def __init__(self, transport: Transport, socket: ClientWebSocketResponse, proxy: FaultProxy) -> None:
        self.transport = transport
        self._socket = socket
        self._proxy = proxy

    async def send(self, message: Data) -> None:
        with suppress(ClientError):  # the transport may be closed already
            await (self._socket.send_bytes(message) if isinstance(message, bytes) else self._socket.send_str(message))

    async def receive(self) -> Data | None:
        message = await self._socket.receive()
        if message.type not in (WSMsgType.BINARY, WSMsgType.TEXT):
            return None
        assert isinstance(message.data, bytes | str)
        return message.data

    async def vanish(self) -> None:
        self._proxy.cut()


@asynccontextmanager
async def websocket(receiver: Receiver) -> AsyncIterator[TransportRig]:
    """Our WebSocket, taken over from aiohttp on the loopback."""
    opened: asyncio.Future[TcpWebSocket] = asyncio.get_running_loop().create_future()
    group = WebSocketGroup(Limits(hello=1 << 20), hit=Counters().hit)

    def open_on(tcp: asyncio.Transport) -> TcpWebSocket:
        opened.set_result(TcpWebSocket(group, receiver, tcp))
        return opened.result()

    async def serve(request: web.Request) -> web.StreamResponse:
        accept = handshake(request)
        assert isinstance(accept, str)
        response = take_over(request, accept, open_on)
        assert response is not None
        return response

    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(_served(serve))
        client = await stack.enter_async_context(ClientSession())
        socket = await stack.enter_async_context(client.ws_connect(proxy.url))
        yield WebSocketRig(await opened, socket, proxy)
        await socket.close()


class EventStreamRig:
    """Ours at one end, aiohttp at the other, and a proxy between them."""

    receives = False  # messages come up by pushes, which the gateway takes

    def __init__(self, transport: Transport, response: ClientResponse, proxy: FaultProxy) -> None:
        self.transport = transport
        self._response = response
        self._proxy = proxy

    async def send(self, message: Data) -> None:
        raise AssertionError("an event stream carries nothing upwards")

    async def receive(self) -> Data | None:
        line = await self._next_line()
        if not line.startswith(b"data: "):
            return None  # the event that says how the stream was closed, or its end
        data = line.removeprefix(b"data: ")
        # JSON begins with a bracket, which base64 does not know.
        return data.decode() if data.startswith(b"[") else b64decode(data)

    async def _next_line(self) -> bytes:
        while (line := await self._response.content.readuntil(b"\n")) == b"\n":
            pass
        return line.rstrip()

    async def vanish(self) -> None:
        self._proxy.cut()


@asynccontextmanager
async def event_stream(receiver: Receiver) -> AsyncIterator[TransportRig]:
    """aiohttp's streamed response on the loopback."""
    opened: asyncio.Future[AiohttpEventStream] = asyncio.get_running_loop().create_future()

    async def serve(request: web.Request) -> web.StreamResponse:
        transport = AiohttpEventStream(receiver, request)
        opened.set_result(transport)
        return await transport.run(labelled=lambda response: None, plain=lambda answer: web.Response())

    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(_served(serve))
        client = await stack.enter_async_context(ClientSession())
        response = await stack.enter_async_context(client.get(proxy.url))
        yield EventStreamRig(await opened, response, proxy)
