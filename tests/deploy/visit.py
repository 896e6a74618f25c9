"""An application, and a real client that comes to it through a proxy and uses everything there is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from antiphon import Client, Server, Socket
from antiphon.client.connector import Link, Port
from antiphon.client.transports import Events, EventStream, LongPoll, WebSocket
from antiphon.hosts.aiohttp import mount, runner_options
from antiphon.testing.proxy import FaultProxy
from tests.client.serving import SOON, until
from tests.deploy.front import Front

__all__ = ["CLIENT", "TRANSPORTS", "Behind", "behind", "converse", "passes", "refusals", "visitor"]

TRANSPORTS = ("websocket", "sse", "longpoll")
# Another address than that of the proxy, which comes from 127.0.0.1.
CLIENT = "127.0.0.2"


class Behind:
    """What a proxy is to be put in front of: an application behind a fault proxy, which cuts the two apart."""

    def __init__(self, server: Server, faults: FaultProxy) -> None:
        self.server, self.faults = server, faults

    @property
    def address(self) -> str:
        """What stands as the application's address in a proxy's configuration."""
        return f"127.0.0.1:{self.faults.port}"


@asynccontextmanager
async def behind() -> AsyncIterator[Behind]:
    """Serve an application that talks back."""
    server = Server()
    chat = server.namespace("/chat")

    @chat.on("whoami")
    async def whoami(socket: Socket) -> list[str]:
        return [socket.arrival.address, socket.arrival.transport]

    @chat.on("say")
    async def say(socket: Socket, number: int) -> None:
        await chat.emit("said", number)

    @chat.on("count")
    async def count(socket: Socket, to: int) -> AsyncIterator[int]:
        for number in range(to):
            yield number

    app = web.Application()
    mount(app, server, window=None)
    application = TestServer(app)
    await application.start_server(**runner_options(server.limits, idle=150))
    try:
        async with FaultProxy(str(application.make_url("/"))) as faults:
            yield Behind(server, faults)
    finally:
        await application.close()


@asynccontextmanager
async def visitor(front: Front, *transports: str, headers: dict[str, str] | None = None) -> AsyncIterator[Client]:
    """A client that comes from CLIENT, and knows the proxy's certificate."""
    tcp = aiohttp.TCPConnector(ssl=front.trust or True, local_addr=(CLIENT, 0))
    async with aiohttp.ClientSession(connector=tcp, headers=headers) as http:
        url = f"{front.url}/antiphon"

        def open_port(kind: str, link: Link, events: Events) -> Port:
            if kind == "websocket":
                return WebSocket(events, link, http, url, client.limits.message)
            over_http = EventStream if kind == "sse" else LongPoll
            return over_http(events, link, http, url, client.session, client.limits.message)

        client = Client(url, transports=transports, backoff=SOON, opener=open_port)
        try:
            yield client
        finally:
            await client.close()


async def converse(front: Front, behind: Behind, *transports: str) -> list[str]:
    """Emit, call and stream, be cut off and go on; returns what the server knows of the client."""
    async with visitor(front, *transports) as client:
        chat = client.namespace("/chat")
        said: list[int] = []
        chat.on("said")(said.append)
        await client.connect()
        await chat.ready()
        arrival = await chat.call("whoami")
        began = client.statistics()

        for number in range(10):
            await chat.emit("say", number)
        behind.faults.cut()
        for number in range(10, 20):
            await chat.emit("say", number)
        await until(lambda: len(said) == 20)

        assert said == list(range(20))
        assert [number async for number in chat.stream("count", 100)] == list(range(100))
        known = client.statistics()
        assert (known.sid, known.resumes) == (began.sid, known.attaches - 1), "it resumed"
        assert known.attaches > 1 or known.transport == "longpoll", "a poll that is lost is only another poll"
        return [str(part) for part in arrival]


async def refusals(front: Front, origin: str) -> set[int]:
    """What a page of `origin` is answered on all transports."""
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    url, statuses = f"{front.url}/antiphon", set[int]()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=front.trust or True)) as http:
        async with http.get(url, headers={**upgrade, "Origin": origin}) as response:
            statuses.add(response.status)
        for verb in ("attach", "stream", "poll", "push"):
            async with http.post(f"{url}/{verb}", data=b"", headers={"Origin": origin}) as response:
                statuses.add(response.status)
    return statuses


async def passes(front: Front, origin: str, transport: str) -> bool:
    """Whether a page of `origin` gets in."""
    async with visitor(front, transport, headers={"Origin": origin}) as client:
        async with asyncio.timeout(10):
            await client.connect()
        return client.state == "connected"
