"""A TCP connection that is taken over from aiohttp: on each loop, plain and with TLS, and what aiohttp keeps of it."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket as sockets
import ssl
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest
import uvloop
from aiohttp import WSMsgType, web

from antiphon import Client, Server, Socket
from antiphon.hosts.aiohttp import mount
from antiphon.protocol.closing import Closing, TransportCode
from antiphon.protocol.packets import Call, Reply
from antiphon.transports.tcp_websocket import TcpWebSocket
from antiphon.transports.websocket import HIGH_WATER
from tests.certificates import Certificate
from tests.hosts.rig import OTHER, hello, message, packets, until
from tests.wire.frames import BINARY, PING, frame, upgrade

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Site:
    """An application that is served on a loop of its own."""

    def __init__(self, runner: web.AppRunner, server: Server, port: int, tls: ssl.SSLContext | None) -> None:
        self.runner, self.server, self.port, self.tls = runner, server, port, tls

    @property
    def url(self) -> str:
        return f"{'http' if self.tls is None else 'https'}://127.0.0.1:{self.port}/antiphon"

    @property
    def wires(self) -> list[TcpWebSocket]:
        """The WebSockets that have a session."""
        return [line.transport for line in self.server.registry if isinstance(line.transport, TcpWebSocket)]

    @asynccontextmanager
    async def raw(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection that a test writes bytes to; it takes little that is not read."""
        tcp = sockets.socket()
        tcp.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        tcp.setblocking(False)
        await asyncio.get_running_loop().sock_connect(tcp, ("127.0.0.1", self.port))
        name = None if self.tls is None else "localhost"
        reader, writer = await asyncio.open_connection(sock=tcp, ssl=self._trusting(), server_hostname=name, limit=1024)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()
            with suppress(ConnectionError):
                await writer.wait_closed()

    @asynccontextmanager
    async def websocket(self) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """aiohttp's client."""
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(self.url, ssl=self._trusting() or True, max_msg_size=0) as socket,
        ):
            yield socket

    def _trusting(self) -> ssl.SSLContext | None:
        if self.tls is None:
            return None
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context


Scenario = Callable[[Site], Awaitable[None]]


class Stage:
    """Runs a scenario on one of the loops."""

    def __init__(self, loop: str, tls: ssl.SSLContext | None) -> None:
        self._loop, self._tls = loop, tls

    def run(self, scenario: Scenario, **options: Any) -> None:
        """Serve an application with a namespace that echoes, run the scenario, and stop it."""
        with asyncio.Runner(loop_factory=LOOPS[self._loop]) as runner:
            runner.run(asyncio.wait_for(self._serve(scenario, options), 20))

    async def _serve(self, scenario: Scenario, options: dict[str, Any]) -> None:
        server = Server()

        @server.namespace("/").on("echo")
        async def echo(socket: Socket, *args: Any) -> list[Any]:
            return list(args)

        app = web.Application(middlewares=options.pop("middlewares", ()))
        mount(app, server)
        runner = web.AppRunner(app, **options)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        try:
            await scenario(Site(runner, server, runner.addresses[0][1], self._tls))
        finally:
            await runner.cleanup()


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return Certificate(tmp_path_factory.mktemp("certificate")).serving()


@pytest.fixture(params=["plain", "tls"])
def security(request: pytest.FixtureRequest, tls: ssl.SSLContext) -> ssl.SSLContext | None:
    return tls if request.param == "tls" else None


@pytest.fixture(params=LOOPS)
def stage(request: pytest.FixtureRequest, security: ssl.SSLContext | None) -> Stage:
    return Stage(request.param, security)


@pytest.fixture
def plain() -> Stage:
    return Stage("asyncio", None)


async def entered(socket: aiohttp.ClientWebSocketResponse) -> None:
    await socket.send_bytes(hello(OTHER))
    for _ in range(2):  # the Welcome, and that it has joined
        assert (await socket.receive(5)).type is WSMsgType.BINARY


# -- on each loop, plain and with TLS


def test_messages_of_any_size_go_both_ways(stage: Stage) -> None:
    async def scenario(site: Site) -> None:
        async with site.websocket() as socket:
            await entered(socket)
            for number, size in enumerate((0, 1, 100, 1000, 65535, 65536, 1_000_000), start=1):
                text = "a" * size
                await socket.send_bytes(message(number, Call(number, "/", "echo", [text])))
                replies: list[Any] = []
                while not replies:
                    got = await socket.receive(5)
                    replies = [packet for packet in packets(got.data) if isinstance(packet, Reply)]
                assert replies[0].value == [text]

    stage.run(scenario)


def test_a_hello_right_behind_the_request_is_answered(stage: Stage) -> None:
    async def scenario(site: Site) -> None:
        async with site.raw() as (reader, writer):
            writer.write(upgrade("/antiphon") + frame(BINARY, hello(OTHER)))
            assert (await reader.readline()).startswith(b"HTTP/1.1 101 ")
            await until(lambda: len(site.wires) == 1)

    stage.run(scenario)


def test_a_client_that_closes_is_told_so_and_one_that_vanishes_may_come_back(stage: Stage) -> None:
    async def scenario(site: Site) -> None:
        async with site.websocket() as socket:
            await entered(socket)
            await socket.close(code=4000, message=b"bye")
            assert socket.close_code == 4000
        async with site.raw() as (_, writer):
            writer.write(upgrade("/antiphon") + frame(BINARY, hello("v" * 43)))
            await until(lambda: len(site.wires) == 1)
        await until(lambda: site.wires == [])
        assert site.server.statistics().sessions == 2

    stage.run(scenario)


def test_a_websocket_that_is_closed_tells_its_client_why(stage: Stage) -> None:
    async def scenario(site: Site) -> None:
        async with site.websocket() as socket:
            await entered(socket)
            [wire] = site.wires
            wire.close(Closing(TransportCode.FENCED, "2"))
            told = await socket.receive(5)
            assert (told.type, told.data, told.extra) == (WSMsgType.CLOSE, 4003, "2")

    stage.run(scenario)


def test_who_does_not_read_is_congested_and_goes_on_when_it_does(stage: Stage) -> None:
    async def scenario(site: Site) -> None:
        async with site.raw() as (reader, writer):
            writer.write(upgrade("/antiphon") + frame(BINARY, hello(OTHER)))
            await until(lambda: len(site.wires) == 1)
            [wire] = site.wires
            written = most = received = 0

            while not wire.congested:
                wire.write(b"x" * 20_000)
                written += 20_000
                most = max(most, wire.buffered)
                await asyncio.sleep(0)
            assert most <= 4 * HIGH_WATER
            while wire.congested or received < written:
                received += len(await asyncio.wait_for(reader.read(1 << 16), 5))

            assert site.wires == [wire]

    stage.run(scenario)


def test_who_pings_and_does_not_read_does_not_fill_the_memory(stage: Stage) -> None:
    async def scenario(site: Site) -> None:
        async with site.raw() as (_, writer):
            writer.write(upgrade("/antiphon") + frame(BINARY, hello(OTHER)))
            await until(lambda: len(site.wires) == 1)
            [wire] = site.wires
            flood = frame(PING, b"x" * 125) * 1000
            most = sent = 0

            # Until the server has seen congestion, and for a while after it.
            while sent < 40 << 20 and not (wire.congested and sent > 16 << 20):
                writer.write(flood)
                sent += len(flood)
                await writer.drain()
                most = max(most, wire.buffered)

            assert wire.congested
            assert most <= HIGH_WATER + (1 << 20)

    stage.run(scenario)


def test_the_application_stops_at_once_and_says_goodbye_to_all(stage: Stage) -> None:
    async def scenario(site: Site) -> None:
        async with site.websocket() as stranger, site.websocket() as guest:
            await entered(guest)
            before = asyncio.get_running_loop().time()

            stopping = asyncio.ensure_future(site.runner.cleanup())
            for socket, code in ((stranger, 1001), (guest, 1000)):
                while (await socket.receive(5)).type is WSMsgType.BINARY:
                    pass
                assert socket.close_code == code
            await stopping

            assert asyncio.get_running_loop().time() - before < 1.5

    stage.run(scenario)


def test_a_client_of_ours_resumes_after_a_cut(stage: Stage) -> None:
    async def scenario(site: Site) -> None:
        if site.tls is not None:
            return  # it would not trust the certificate
        client = Client(site.url, transports=["websocket"])
        root = client.namespace("/")
        await client.connect()
        assert await root.call("echo", 1) == [1]

        site.wires[0].abort()

        assert await root.call("echo", 2, timeout=5) == [2]
        assert site.server.statistics().resumes == 1
        await client.close()

    stage.run(scenario)


def test_a_message_for_a_connection_that_was_aborted_in_this_turn_is_nobodys_fault(stage: Stage) -> None:
    async def scenario(site: Site) -> None:
        async with site.websocket() as socket:
            await entered(socket)
            [wire] = site.wires

            wire.abort()
            for _ in range(3):
                wire.write(b"nobody hears this")

            await until(lambda: site.wires == [])

    stage.run(scenario)


# -- what aiohttp keeps


def test_aiohttp_forgets_the_request_its_connection_and_its_tasks(plain: Stage) -> None:
    requests: list[weakref.ref[web.Request]] = []

    @web.middleware
    async def remember(request: web.Request, handler: Any) -> web.StreamResponse:
        requests.append(weakref.ref(request))
        response: web.StreamResponse = await handler(request)
        return response

    async def scenario(site: Site) -> None:
        async with site.raw() as (_, one), site.raw() as (_, two):
            before = len(asyncio.all_tasks())
            for writer, key in ((one, OTHER), (two, "t" * 43)):
                writer.write(upgrade("/antiphon") + frame(BINARY, hello(key, joins=())))
            await until(lambda: len(site.wires) == 2)
            await until(lambda: len(asyncio.all_tasks()) <= before - 2)  # each connection had one that waited
            assert site.runner.server is not None
            assert site.runner.server.connections == []

            gc.collect()
            assert [request() for request in requests] == [None, None]

    plain.run(scenario, middlewares=[remember])


def test_the_access_log_has_the_handshake(plain: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "aiohttp.access")

    async def scenario(site: Site) -> None:
        async with site.raw() as (reader, writer):
            writer.write(upgrade("/antiphon"))
            await reader.readline()
            await until(lambda: len(caplog.messages) == 1)

    plain.run(scenario)

    assert '"GET /antiphon HTTP/1.1" 101 0' in caplog.messages[0]


def test_handlers_that_are_cancelled_with_their_connection_are_not_in_the_way(plain: Stage) -> None:
    async def scenario(site: Site) -> None:
        async with site.websocket() as socket:
            await entered(socket)
            await asyncio.sleep(0.01)
            assert len(site.wires) == 1

    plain.run(scenario, handler_cancellation=True)


def test_the_timer_that_ends_idle_requests_ends_no_websocket(plain: Stage) -> None:
    async def scenario(site: Site) -> None:
        async with site.websocket() as socket:
            await entered(socket)
            await asyncio.sleep(0.05)
            assert len(site.wires) == 1

    plain.run(scenario, keepalive_timeout=0.01)


def test_headers_that_the_application_adds_to_answers_are_in_nobodys_way(plain: Stage) -> None:
    @web.middleware
    async def decorate(request: web.Request, handler: Any) -> web.StreamResponse:
        response: web.StreamResponse = await handler(request)
        assert response.prepared, "it is too late for that"
        response.headers["X-Late"] = "1"
        return response

    async def scenario(site: Site) -> None:
        async with site.websocket() as socket:
            await entered(socket)

    plain.run(scenario, middlewares=[decorate])
