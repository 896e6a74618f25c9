"""A served application, hand-written clients of it, and a healthy one that goes on whatever they do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import msgpack
import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import BaseTestServer, TestServer

from antiphon import Client, Limits, Server, Socket, Socketio
from antiphon.dialects.native.forms import MsgpackCodec
from antiphon.hosts.aiohttp import mount
from antiphon.protocol.codec import is_counted
from antiphon.protocol.packets import Failed, Hello, Packet, Refuse, Reply, Welcome

PATIENCE = 5.0
CODEC = MsgpackCodec(Limits())
KEY = "k" * 43
OTHER = "o" * 43
MSGPACK = "application/msgpack"


def message(number: int, *packets: Packet) -> bytes:
    """A message as it is, right or wrong."""
    data = CODEC.pack(number, sum(map(is_counted, packets)), [CODEC.encode(packet) for packet in packets])
    assert isinstance(data, bytes)
    return data


def hello(key: str = KEY, attempt: int = 1, **fields: Any) -> bytes:
    """The first message."""
    return message(0, Hello(key=key, attempt=attempt, **{"joins": (("/", None),), **fields}))


def packets(data: bytes) -> list[Packet]:
    """What a message holds."""
    return CODEC.decode(data).packets


class Http:
    """A client of the HTTP transport, written by hand: one attach and its requests."""

    def __init__(self, site: Site, key: str = KEY) -> None:
        self.site, self.key, self.sid, self.attempt, self.request = site, key, "", 0, 0

    async def attach(self, **fields: Any) -> Welcome | Refuse:
        self.attempt += 1
        fields = {"sid": self.sid or None, **fields}
        async with self.site.post("attach", hello(self.key, self.attempt, **fields)) as response:
            [answer] = packets(await response.read())
        assert isinstance(answer, Welcome | Refuse)
        if isinstance(answer, Welcome):
            self.sid = answer.sid
        return answer

    def headers(self, **others: str) -> dict[str, str]:
        """What stands over each request; `others` by their last word: key="wrong", session="unknown"."""
        self.request += 1
        known = {
            "Session": self.sid,
            "Key": self.key,
            "Attempt": str(self.attempt),
            "Request": str(self.request),
            **{name.capitalize(): value for name, value in others.items()},
        }
        return {f"Antiphon-{name}": value for name, value in known.items()}

    def post(self, verb: str, body: Any, **others: str) -> Any:
        return self.site.post(verb, body, self.headers(**others))


class Site:
    """An application with a server under /antiphon."""

    def __init__(self, app: web.Application, server: Server, http: aiohttp.ClientSession, test: BaseTestServer) -> None:
        self.app, self.server, self.http, self.test = app, server, http, test

    @property
    def port(self) -> int:
        assert self.test.port is not None
        return self.test.port

    @property
    def origin(self) -> str:
        return f"{self.test.scheme}://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.origin}/antiphon"

    def post(self, verb: str, body: Any, headers: Mapping[str, str] | None = None) -> Any:
        return self.http.post(f"{self.url}/{verb}", data=body, headers={"Content-Type": MSGPACK, **(headers or {})})

    def websocket(self, headers: Mapping[str, str] | None = None) -> Any:
        return self.http.ws_connect(self.url, headers=headers, compress=0, max_msg_size=0)

    async def talk(self, request: bytes, *, patience: float = PATIENCE) -> bytes:
        """Send bytes over a socket of their own; return what comes until the server closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            answer = b""
            async with asyncio.timeout(patience):
                # A server that closes while we still send resets the connection; what it said before counts.
                with suppress(ConnectionError):
                    while received := await reader.read(65536):
                        answer += received
            return answer
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


@asynccontextmanager
async def served(
    server: Server | None = None, *, path: str = "/antiphon", socketio: bool | Socketio = False
) -> AsyncIterator[Site]:
    """Serve `server` with a namespace "/" that echoes."""
    server = server or Server()
    root = server.namespace("/")
    if root.handlers.find("echo") is None:

        @root.on("echo")
        async def echo(socket: Socket, *args: Any) -> list[Any]:
            return list(args)

    app = web.Application()
    mount(app, server, path=path, socketio=socketio)
    async with TestServer(app) as test, aiohttp.ClientSession() as http:
        yield Site(app, server, http, test)


class Control:
    """A healthy client: its calls and the server's numbered events go on, in order, each once."""

    def __init__(self, site: Site) -> None:
        self.client = Client(site.url, transports=["websocket"])
        self.root = self.client.namespace("/")
        self.heard: list[int] = []
        self.rounds = 0
        self._site = site

        @self.root.on("control")
        async def control(number: int) -> None:
            self.heard.append(number)

    async def run(self) -> None:
        while True:
            await self.round()
            await asyncio.sleep(0.002)

    async def round(self) -> None:
        """One call there, one event back."""
        self.rounds += 1
        assert await self.root.call("echo", self.rounds, timeout=PATIENCE) == [self.rounds]
        await self._site.server.namespace("/").to("control").emit("control", self.rounds)


@asynccontextmanager
async def undisturbed(site: Site, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Control]:
    """What happens inside must neither disturb a healthy client nor leave a traceback or an error in the log."""
    caplog.set_level(logging.DEBUG)
    control = Control(site)
    await control.client.connect()
    await control.root.ready()
    [socket] = site.server.namespace("/").sockets
    await socket.join("control")
    running = asyncio.create_task(control.run())
    try:
        yield control
        rounds = control.rounds
        async with asyncio.timeout(PATIENCE):
            while control.rounds < rounds + 3:
                await asyncio.sleep(0.005)
                if running.done():
                    await running
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    assert socket.connected and socket.attached
    await control.root.call("echo", timeout=PATIENCE)
    assert control.heard == list(range(1, len(control.heard) + 1))
    assert len(control.heard) >= rounds
    await control.client.close()
    faults = [r for r in caplog.records if r.levelno >= logging.ERROR or r.exc_info or r.name == "asyncio"]
    assert [r.getMessage() for r in faults if "selector" not in r.getMessage()] == []


@asynccontextmanager
async def attached(site: Site, **fields: Any) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A WebSocket with a session that has joined "/"."""
    async with site.websocket() as socket:
        await socket.send_bytes(hello(OTHER, **fields))
        [welcome] = packets((await socket.receive()).data)
        assert isinstance(welcome, Welcome)
        await socket.receive()  # joined
        yield socket


async def ending(socket: aiohttp.ClientWebSocketResponse) -> tuple[list[Packet], int | None, str]:
    """What still comes, and the code and reason that the WebSocket is closed with."""
    heard: list[Packet] = []
    async with asyncio.timeout(PATIENCE):
        while (received := await socket.receive()).type in (WSMsgType.BINARY, WSMsgType.TEXT):
            heard += packets(received.data) if isinstance(received.data, bytes) else []
    return heard, socket.close_code, str(received.extra or "")


async def replies(socket: aiohttp.ClientWebSocketResponse, count: int) -> list[Packet]:
    """The next `count` answers to calls."""
    found: list[Packet] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            received = await socket.receive()
            assert received.type is WSMsgType.BINARY, f"closed: {received}"
            found += [packet for packet in packets(received.data) if isinstance(packet, Reply | Failed)]
    return found


def raw(*items: Any) -> bytes:
    """A message as msgpack has it, whatever it says."""
    packed = msgpack.packb(list(items), strict_types=False)
    assert isinstance(packed, bytes)
    return packed


async def until(true: Callable[[], bool]) -> None:
    """Wait until something that sockets do has happened."""
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110 - the sockets of another side set no event
            await asyncio.sleep(0.005)
