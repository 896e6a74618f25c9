"""Ctrl-C for an application: the first drains it, the second stops it at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestServer

from antiphon import Client, Server, Socket
from antiphon.hosts.aiohttp import drain_on_signals, mount
from antiphon.hosts.aiohttp_signals import ANNOUNCEMENT
from antiphon.protocol.client_session import Loss
from tests.client.serving import SOON, until


class Loop:
    """What the application asks of its loop about signals, kept: no test sends itself a signal."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.handlers: dict[signal.Signals, Callable[[], None]] = {}
        self.exits = 0
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "add_signal_handler", self.handlers.__setitem__)
        monkeypatch.setattr("antiphon.hosts.aiohttp_signals._exit", self._exit)

    def _exit(self) -> None:
        self.exits += 1


@pytest.fixture
async def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    return Loop(monkeypatch)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def announced() -> list[str]:
    return []


@pytest.fixture
async def application(loop: Loop, server: Server, announced: list[str]) -> AsyncIterator[BaseTestServer]:
    app = web.Application()
    mount(app, server, window=5.0, patience=60.0)
    drain_on_signals(app, announce=announced.append)
    async with TestServer(app) as running:
        yield running


@pytest.fixture
async def client(application: BaseTestServer) -> AsyncIterator[Client]:
    client = Client(str(application.make_url("/antiphon")), transports=("websocket",), backoff=SOON)
    client.namespace("/")
    await client.connect()
    yield client
    await client.close()


async def test_the_first_signal_drains_and_then_the_application_stops(
    loop: Loop, server: Server, announced: list[str], client: Client
) -> None:
    losses: list[Loss] = []
    client.on_loss = losses.append

    loop.handlers[signal.SIGINT]()
    await until(lambda: loop.exits)

    assert announced == [ANNOUNCEMENT]
    assert server.statistics().sessions == 0
    await until(lambda: losses)
    assert losses[0].reason == "draining" and (losses[0].retry_after or 0) <= 5.0


async def test_the_second_signal_waits_for_nobody(
    loop: Loop, server: Server, announced: list[str], application: BaseTestServer, client: Client
) -> None:
    ended = []

    @server.namespace("/").on("hang")
    async def hang(socket: Socket) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    await client.namespace("/").ready()
    await client.namespace("/").emit("hang")
    await until(lambda: server.statistics().handlers)
    loop.handlers[signal.SIGTERM]()
    await asyncio.sleep(0)

    loop.handlers[signal.SIGTERM]()
    assert loop.exits == 1
    async with asyncio.timeout(5.0):
        await application.close()

    assert ended == ["cancelled"] and announced == [ANNOUNCEMENT]


async def test_a_loop_without_signals_is_left_alone(
    loop: Loop, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any) -> None:
        raise NotImplementedError

    monkeypatch.setattr(asyncio.get_running_loop(), "add_signal_handler", refuse)
    app = web.Application()
    mount(app, server)
    drain_on_signals(app)

    async with TestServer(app):
        assert loop.handlers == {}


@pytest.mark.parametrize("window", [5.0, None])
async def test_an_application_that_shuts_down_by_itself_tells_its_clients_what_it_can(window: float | None) -> None:
    """aiohttp reads nothing any more then, so nobody is waited for."""
    server, app, losses = Server(), web.Application(), list[Loss]()
    mount(app, server, window=window)
    async with TestServer(app) as running:
        client = Client(str(running.make_url("/antiphon")), transports=("websocket",), backoff=SOON)
        client.on_loss = losses.append
        client.namespace("/")
        await client.connect()
        server.namespace("/").emit_nowait("news")
        async with asyncio.timeout(1.5):
            await running.close()
        await until(lambda: client.state == "waiting")
        await client.close()

    assert [loss.reason for loss in losses] == (["draining"] if window is not None else [])
