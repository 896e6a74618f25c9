"""Servers and clients around the proxy under test, real ones on the loopback."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from antiphon.testing.proxy import FaultProxy

PATIENCE = 5.0


@dataclass
class Echo:
    """A TCP server that sends back what it gets, and keeps how each connection ended."""

    port: int = 0
    received: bytearray = field(default_factory=bytearray)
    endings: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, received: bytes) -> None:
        async with asyncio.timeout(PATIENCE):
            while bytes(self.received) != received:
                self.arrived.clear()
                await self.arrived.wait()

    async def ending(self) -> str:
        async with asyncio.timeout(PATIENCE):
            return await self.endings.get()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ending = "close"
        try:
            while received := await reader.read(65_536):
                self.received += received
                self.arrived.set()
                writer.write(received)
                await writer.drain()
        except ConnectionError:
            ending = "reset"
        writer.close()
        self.endings.put_nowait(ending)


@asynccontextmanager
async def echo_server() -> AsyncIterator[Echo]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    echo.port = server.sockets[0].getsockname()[1]
    try:
        yield echo
    finally:
        server.close()


@asynccontextmanager
async def answering_server(answer: bytes) -> AsyncIterator[int]:
    """The port of a server that says `answer` after the head of the first request, and echoes what follows."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        while received := await reader.read(65_536):
            writer.write(received)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


class Client:
    """A plain TCP client; all its reading has an end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, message: bytes) -> None:
        self.writer.write(message)
        await self.writer.drain()

    async def receive(self, size: int) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await self.reader.readexactly(size)

    async def rest(self) -> bytes:
        """Everything until the end of the connection, or its reset."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read()

    def reset(self) -> None:
        kernel = self.writer.get_extra_info("socket")
        kernel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def silent(self, seconds: float = 0.05) -> bool:
        """Whether nothing comes for this long, not even an end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.reader.read(1)
            return False
        return True


@asynccontextmanager
async def connected(proxy: FaultProxy) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


class Web:
    """An HTTP server that remembers the bodies posted to it, and echoes over WebSocket."""

    def __init__(self) -> None:
        self.port = 0
        self.posted: list[str] = []
        self.websockets = 0
        self.sites: set[web.BaseSite] = set()
        self._changed = asyncio.Event()

    async def until_posted(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while len(self.posted) < count:
                self._changed.clear()
                await self._changed.wait()

    async def stop_listening(self) -> None:
        for site in list(self.sites):
            await site.stop()

    async def post(self, request: web.Request) -> web.StreamResponse:
        self.posted.append(await request.text())
        self._changed.set()
        content = json.dumps({"number": len(self.posted), "posted": self.posted[-1]}).encode()
        if "streamed" not in request.query:
            return web.Response(body=content, content_type="application/json")
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(content[:5])
        await response.write(content[5:])
        await response.write_eof()
        return response

    async def get(self, request: web.Request) -> web.Response:
        return web.Response(body=b"x" * int(request.query.get("size", "10")))

    async def websocket(self, request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse()
        await response.prepare(request)
        self.websockets += 1
        async for message in response:
            if message.type is WSMsgType.BINARY:
                await response.send_bytes(message.data)
        return response


@asynccontextmanager
async def web_server() -> AsyncIterator[Web]:
    pages = Web()
    app = web.Application(client_max_size=16 << 20)
    app.router.add_post("/push", pages.post)
    app.router.add_post("/other", pages.post)
    app.router.add_get("/page", pages.get)
    app.router.add_get("/ws", pages.websocket)
    async with TestServer(app, host="127.0.0.1") as server:
        assert server.port is not None
        assert server.runner is not None
        pages.port = server.port
        pages.sites = server.runner.sites
        yield pages
