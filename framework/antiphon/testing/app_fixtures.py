"""Fixtures for a whole aiohttp application: it listens on a port of its own, real clients come to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, TypeAlias

import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from antiphon.testing.app_client import AppClient
from antiphon.testing.proxy import FaultProxy

__all__ = ["AppClientFactory", "AppUrl", "ProxyFactory", "antiphon_app_client", "antiphon_app_url", "antiphon_proxy"]

AppUrl: TypeAlias = Callable[[web.Application], Awaitable[str]]
AppClientFactory: TypeAlias = Callable[..., Awaitable[AppClient]]
ProxyFactory: TypeAlias = Callable[..., Awaitable[FaultProxy]]


@pytest_asyncio.fixture
async def antiphon_app_url(aiohttp_server: Callable[[web.Application], Awaitable[TestServer]]) -> AppUrl:
    """Where an application listens: `await antiphon_app_url(app)`. It is started when it is asked for first."""
    urls: dict[web.Application, str] = {}

    async def url_of(app: web.Application) -> str:
        if app not in urls:
            urls[app] = str((await aiohttp_server(app)).make_url("/")).rstrip("/")
        return urls[app]

    return url_of


@pytest_asyncio.fixture
async def antiphon_app_client(antiphon_app_url: AppUrl) -> AsyncIterator[AppClientFactory]:
    """Makes real clients: `await antiphon_app_client(app, namespace="/chat", auth=...)`; of a FaultProxy as well.

    `path` is where antiphon is mounted. They leave at the end of the test.
    """
    async with AsyncExitStack() as stack:

        async def connect(to: web.Application | FaultProxy, *, path: str = "/antiphon", **settings: Any) -> AppClient:
            url = to.url if isinstance(to, FaultProxy) else await antiphon_app_url(to)
            return await stack.enter_async_context(AppClient(url + path, **settings))

        yield connect


@pytest_asyncio.fixture
async def antiphon_proxy(antiphon_app_url: AppUrl) -> AsyncIterator[ProxyFactory]:
    """Makes proxies that break connections: `proxy = await antiphon_proxy(app)`, and clients are given the proxy."""
    async with AsyncExitStack() as stack:

        async def stand_before(app: web.Application, *, seed: int | None = None) -> FaultProxy:
            return await stack.enter_async_context(FaultProxy(await antiphon_app_url(app), seed=seed))

        yield stand_before
