"""A client that puts any bytes on a TCP connection to an endpoint, and reads the frames that come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.hosts.rig import Site
from tests.wire.endpoints import Endpoint
from tests.wire.frames import CLOSE, PING, PONG, Frame, frame, server_frame, upgrade

__all__ = ["Peer", "connected", "opened"]

PATIENCE = 5.0


class Peer:
    """One TCP connection."""

    def __init__(self, endpoint: Endpoint, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.endpoint = endpoint
        self._reader = reader
        self._writer = writer
        self._received = b""
        self._asked = 0
        self._half_closed = False
        self._admitted = False

    def send(self, *pieces: bytes) -> None:
        """Put bytes on the wire."""
        self._writer.write(b"".join(pieces))

    async def trickle(self, data: bytes) -> None:
        """Put each byte on the wire in a segment of its own, or nearly so."""
        for place in range(len(data)):
            self._writer.write(data[place : place + 1])
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    def half_close(self) -> None:
        """Say that nothing more comes, and go on reading."""
        self._writer.write_eof()
        self._half_closed = True

    async def head(self) -> str:
        """The answer to a request, without what is behind it."""
        async with asyncio.timeout(PATIENCE):
            return (await self._reader.readuntil(b"\r\n\r\n")).decode()

    async def rest(self) -> bytes:
        """Everything until the server closes the connection."""
        async with asyncio.timeout(PATIENCE):
            return await self._reader.read()

    async def next(self) -> Frame | None:
        """The next frame; None: the server has closed the connection."""
        async with asyncio.timeout(PATIENCE):
            while (found := server_frame(self._received)) is None:
                with suppress(ConnectionResetError):
                    if more := await self._reader.read(1 << 16):
                        self._received += more
                        continue
                assert not self._received, "the connection ends inside of a frame"
                return None
        frame, self._received = found
        self._admitted = self._admitted or self.endpoint.admitted.encode() in frame.payload
        return frame

    async def next_of(self, *opcodes: int) -> Frame:
        """The next frame of a kind; messages in between are read over."""
        while True:
            frame = await self.next()
            assert frame is not None, "the server closed the connection"
            if frame.opcode in opcodes:
                return frame

    def asking(self, text: str) -> bytes:
        """A message that wants `text` back."""
        self._asked += 1
        return self.endpoint.ask(self._asked, text)

    def asking_with(self, size: int) -> bytes:
        """One of exactly `size` bytes."""
        self._asked += 1
        return self.endpoint.asking(self._asked, size)

    async def answered(self, text: str) -> None:
        """Wait for the answer to a message that wanted `text` back."""
        while text.encode() not in (await self.next_of(self.endpoint.opcode)).payload:
            pass

    async def is_alive(self) -> None:
        """A message is answered, and so is a Ping behind it."""
        await self.admitted()
        self.send(frame(self.endpoint.opcode, self.asking("still here")), frame(PING, b"?"))
        await self.answered("still here")
        self.send(frame(PING, b"!"))
        while (await self.next_of(PONG)).payload != b"!":
            pass

    async def closed_with(self) -> tuple[int | None, str]:
        """The code and reason of the server's Close; it is answered, and then the server ends the connection."""
        closing = await self.next_of(CLOSE)
        if not self._half_closed:
            self.send(frame(CLOSE, closing.payload))
        loop = asyncio.get_running_loop()
        before = loop.time()
        assert await self.next() is None, "nothing comes behind a Close"
        assert loop.time() - before < 1.5, "it did not wait for the time it gives to a peer that says nothing"
        return closing.code, closing.payload[2:].decode()

    async def greet(self) -> None:
        """Say the first message; afterwards something may be asked."""
        self.send(frame(self.endpoint.opcode, self.endpoint.first))
        await self.admitted()

    async def admitted(self) -> None:
        """Wait until something may be asked, for which the first message was said."""
        while self.endpoint.admitted and not self._admitted:
            await self.next_of(self.endpoint.opcode)

    async def enter(self) -> None:
        """Say the first message, and wait until one is answered."""
        await self.greet()
        self.send(frame(self.endpoint.opcode, self.asking("come in")))
        await self.answered("come in")


@asynccontextmanager
async def connected(site: Site, endpoint: Endpoint) -> AsyncIterator[Peer]:
    """A connection on which nothing was said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    try:
        yield Peer(endpoint, reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def opened(site: Site, endpoint: Endpoint) -> AsyncIterator[Peer]:
    """An open WebSocket on which nothing was said."""
    async with connected(site, endpoint) as peer:
        peer.send(upgrade(endpoint.path))
        assert (await peer.head()).startswith("HTTP/1.1 101 ")
        yield peer
