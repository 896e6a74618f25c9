"""The fixtures of the pytest plugin, as the tests of an application use them."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from antiphon import Resume, Server, Socket
from antiphon.hosts.aiohttp import mount
from antiphon.testing import VirtualClock
from antiphon.testing.app_fixtures import AppClientFactory, ProxyFactory
from antiphon.testing.fixtures import ClientFactory
from antiphon.testing.proxy import Refusal


@pytest.fixture
def antiphon_settings() -> dict[str, Any]:
    return {"resume": Resume(window=10)}


def serve(server: Server) -> None:
    """Let `server` repeat to all what one says."""
    root = server.namespace("/")

    @root.on("say")
    async def say(socket: Socket, text: str) -> None:
        await root.emit("said", text)


@pytest.fixture
def app() -> web.Application:
    app, server = web.Application(), Server()
    serve(server)
    mount(app, server)
    return app


async def test_clients_come_to_the_server_and_leave_with_the_test(
    antiphon_server: Server, antiphon_client: ClientFactory
) -> None:
    serve(antiphon_server)
    ann, ben = await antiphon_client(), await antiphon_client("/")

    await ann.emit("say", "hello")

    assert await ben.next("said") == ("hello",)
    assert antiphon_server.statistics().sessions == 2


async def test_a_client_comes_to_another_server_if_it_is_told(antiphon_client: ClientFactory) -> None:
    other = Server()
    serve(other)

    await antiphon_client(server=other)

    assert other.statistics().sessions == 1


async def test_the_settings_of_a_module_make_the_server(
    antiphon_server: Server, antiphon_client: ClientFactory, antiphon_clock: VirtualClock
) -> None:
    antiphon_server.namespace("/")
    ann = await antiphon_client()

    ann.cut()
    await antiphon_clock.advance(11)

    assert antiphon_server.statistics().sessions == 0


async def test_real_clients_come_to_an_application(app: web.Application, antiphon_app_client: AppClientFactory) -> None:
    ann, ben = await antiphon_app_client(app), await antiphon_app_client(app, transports=("longpoll",))

    await ann.emit("say", "hello")

    assert await ben.next("said") == ("hello",)
    assert (ann.client.transport, ben.client.transport) == ("websocket", "longpoll")


async def test_a_real_client_tries_every_transport_as_clients_do(
    app: web.Application, antiphon_app_client: AppClientFactory, antiphon_proxy: ProxyFactory
) -> None:
    proxy = await antiphon_proxy(app)
    proxy.refuse_upgrades(Refusal.FORBIDDEN)

    ann = await antiphon_app_client(proxy)

    assert ann.client.transport == "sse"


async def test_a_proxy_before_an_application_breaks_connections(
    app: web.Application, antiphon_app_client: AppClientFactory, antiphon_proxy: ProxyFactory
) -> None:
    proxy = await antiphon_proxy(app)
    ann, ben = await antiphon_app_client(app), await antiphon_app_client(proxy)

    proxy.cut()
    await ann.emit("say", "hello")

    assert await ben.next("said") == ("hello",)
    assert ben.losses == []
