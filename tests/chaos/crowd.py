"""A crowd that behaves badly, in a process of its own: `python -m tests.chaos.crowd URL`.

Readers that stop reading, clients that flood, and many that are cut and come back all at once. A command is a line on
standard input (run, rest), answered by a line; the first line is written when everybody is there.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import aiohttp

from antiphon import Client, Limits
from antiphon.dialects.native.forms import MsgpackCodec
from antiphon.protocol.packets import Event, Hello
from antiphon.testing.proxy import Direction, FaultProxy
from tests.chaos.traffic import ECHO, NEWS, PACE

STOPPED = 5
FLOODING = 2
STORMING = 40
# Seconds until whoever flooded, and was put out, is back.
AGAIN = 0.25
# One flood: more than the burst that Limits.rate lets through, and than what may wait behind it.
FLOOD = 3_000
# Seconds between two storms: so long the clients take to come back at random.
CALM = 1.0
PATIENCE = 60.0


class Crowd:
    """All of them; `run` lets them loose and `rest` has them behave."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._clients: list[Client] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._storming: asyncio.Task[None] | None = None
        self._wild = False
        self._stack = AsyncExitStack()
        target = urlsplit(url)
        assert target.hostname is not None and target.port is not None
        # What goes through the first stops when it is told to, and what goes through the other is cut.
        self._readers = FaultProxy(target.hostname, target.port)
        self._storm = FaultProxy(target.hostname, target.port)

    async def __aenter__(self) -> Crowd:
        for proxy, count in ((self._readers, STOPPED), (self._storm, STORMING)):
            await self._stack.enter_async_context(proxy)
            self._clients += [Client(f"{proxy.url}/antiphon", transports=("websocket",)) for _ in range(count)]
        await asyncio.gather(*map(_enter, self._clients))
        self._http = await self._stack.enter_async_context(aiohttp.ClientSession())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.rest()
        async with asyncio.timeout(PATIENCE):
            # Whoever says goodbye without a transport is kept for a while.
            while any(client.state != "connected" for client in self._clients):  # noqa: ASYNC110 - 45 clients
                await asyncio.sleep(AGAIN)
        await asyncio.gather(*(client.close() for client in self._clients))
        await self._stack.aclose()

    def run(self) -> None:
        """Misbehave."""
        self._readers.stall(Direction.DOWN)
        self._wild = True
        loop = asyncio.get_running_loop()
        self._storming = loop.create_task(self._come_back())
        self._tasks = [loop.create_task(self._flood()) for _ in range(FLOODING)]

    async def rest(self) -> None:
        """Behave."""
        self._wild = False
        if self._storming is not None:
            self._storming.cancel()
        # Each flood to its end: who only went would be waited for, for two minutes.
        await asyncio.gather(*self._tasks)
        self._tasks.clear()
        self._readers.release()

    async def _come_back(self) -> None:
        while True:
            self._storm.cut()
            await asyncio.sleep(CALM)

    async def _flood(self) -> None:
        flood = [_message(number, Event(PACE, ECHO, ["flood"])) for number in range(1, FLOOD + 1)]
        while self._wild:
            hello = Hello(key=secrets.token_urlsafe(32), attempt=1, joins=((PACE, None),))
            try:
                async with self._http.ws_connect(self._url) as socket:
                    await socket.send_bytes(_message(0, hello))
                    for message in flood:
                        await socket.send_bytes(message)
                    # Until it is put out.
                    async for _farewell in socket:
                        pass
            except (aiohttp.ClientError, ConnectionError):
                pass  # put out while it still flooded
            await asyncio.sleep(AGAIN)


def _message(number: int, packet: Hello | Event) -> bytes:
    codec = MsgpackCodec(Limits())
    message = codec.pack(number, int(number > 0), [codec.encode(packet)])
    assert isinstance(message, bytes)
    return message


async def _enter(client: Client) -> None:
    namespace = client.namespace(PACE)
    namespace.on(NEWS)(_heard)
    await client.connect()
    await namespace.ready()


def _heard(text: str) -> None:
    """What is said to all."""


async def main(url: str) -> None:
    """Obey until the input ends."""
    # What these clients do would cost other machines their time: the server and who measures it come first.
    os.nice(5)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with Crowd(url) as crowd:
        print("here", flush=True)
        while line := await lines.readline():
            match line.decode().strip():
                case "run":
                    crowd.run()
                case "rest":
                    await crowd.rest()
                case other:
                    raise ValueError(f"{other!r} is no command; run and rest are")
            print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
