"""Connections that send no request, or a bit of one, are cut; those at work are not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from antiphon import Client, Limits, Server
from antiphon.hosts.aiohttp import mount, runner_options
from tests.hosts.rig import PATIENCE, served

SHORT = 0.3
REQUEST = b"GET /antiphon HTTP/1.1\r\nHost: x\r\n\r\n"
HEAD = b"POST /antiphon/push HTTP/1.1\r\nHost: x\r\nX: "


@asynccontextmanager
async def started(*, headers: float = SHORT, idle: float | None = None) -> AsyncIterator[int]:
    """The port of an application that was started with our options."""
    app = web.Application()
    mount(app, Server(), window=None)
    test = TestServer(app)
    await test.start_server(**runner_options(Limits(headers_timeout=headers), idle=idle))
    try:
        assert test.port is not None
        yield test.port
    finally:
        await test.close()


class Peer:
    """A TCP connection, and when the server ended it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.began = asyncio.get_running_loop().time()

    @classmethod
    async def to(cls, port: int) -> Peer:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self) -> None:
        """One request and its answer."""
        self.writer.write(REQUEST)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        await self.reader.readexactly(int(length.partition(b":")[2]))
        self.began = asyncio.get_running_loop().time()

    async def ended(self) -> float:
        """After how many seconds the server cut it."""
        async with asyncio.timeout(PATIENCE):
            with suppress(ConnectionError):  # a reset is a cut as well
                assert await self.reader.read() == b""
        self.writer.close()
        return asyncio.get_running_loop().time() - self.began

    async def dribble(self) -> None:
        """A head without an end, byte by byte."""
        self.writer.write(HEAD)
        while True:
            self.writer.write(b"x")
            await asyncio.sleep(SHORT / 20)


async def test_who_connects_and_says_nothing_is_cut() -> None:
    async with started() as port:
        assert await (await Peer.to(port)).ended() > SHORT * 0.9


async def test_a_head_that_comes_byte_by_byte_is_cut() -> None:
    async with started() as port:
        peer = await Peer.to(port)
        dribbling = asyncio.create_task(peer.dribble())

        assert await peer.ended() > SHORT * 0.9

        dribbling.cancel()


async def test_the_head_of_a_later_request_has_no_more_time() -> None:
    async with started() as port:
        peer = await Peer.to(port)
        await peer.ask()
        await peer.ask()
        dribbling = asyncio.create_task(peer.dribble())

        assert await peer.ended() > SHORT * 0.9

        dribbling.cancel()


async def test_a_connection_is_idle_for_as_long_as_a_proxy_wants_to_keep_it() -> None:
    async with started(headers=SHORT / 3, idle=SHORT) as port:
        peer = await Peer.to(port)
        await peer.ask()

        assert await peer.ended() > SHORT * 0.9


@pytest.mark.parametrize("transport", ["websocket", "sse", "longpoll"])
async def test_clients_that_wait_are_at_work(transport: str) -> None:
    async with started(headers=SHORT / 3) as port:
        client = Client(f"http://127.0.0.1:{port}/antiphon", transports=[transport])
        await client.connect()
        peer = await Peer.to(port)  # connects, and is cut: so much time has passed
        await peer.ended()
        await (await Peer.to(port)).ended()

        assert client.statistics().attaches == 1 and client.state == "connected"

        await client.close()


def test_the_options_are_those_of_the_limits() -> None:
    assert runner_options()["keepalive_timeout"] == Limits().headers_timeout == 10.0
    assert runner_options(idle=75)["keepalive_timeout"] == 75
    assert runner_options(Limits(headers_timeout=20), idle=5)["keepalive_timeout"] == 20


async def test_who_starts_aiohttp_without_them_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "antiphon.server")
    async with served() as site:
        for _ in range(2):
            async with site.http.get(site.url, headers={"X-Forwarded-For": "198.51.100.7"}) as response:
                assert response.status == 426

    [told] = [record.getMessage() for record in caplog.records]
    assert "for 3630 s" in told and "runner_options()" in told


async def test_a_test_of_an_application_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    async with served() as site, site.http.get(site.url) as response:
        assert response.status == 426

    assert caplog.records == []
