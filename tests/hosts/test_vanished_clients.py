"""Clients that are gone before their request is answered: nobody is told, and the log says nothing."""

from __future__ import annotations

import logging

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler

from antiphon import Server
from antiphon.hosts.aiohttp import mount


@web.middleware
async def vanishing(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The network breaks between the arrival of a request and its handler."""
    assert request.transport is not None
    request.transport.abort()
    return await handler(request)


@pytest.mark.parametrize("verb", ["attach", "stream", "poll", "push", "leave"])
async def test_a_post_whose_client_is_gone_leaves_no_trace(verb: str, caplog: pytest.LogCaptureFixture) -> None:
    app = web.Application(middlewares=[vanishing])
    mount(app, Server())

    with caplog.at_level(logging.WARNING):
        async with TestServer(app) as server, aiohttp.ClientSession() as http:
            with pytest.raises(aiohttp.ClientError):
                await http.post(server.make_url(f"/antiphon/{verb}"), data=b"\x90")

    assert caplog.messages == []


async def test_a_websocket_whose_client_is_gone_leaves_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    app = web.Application(middlewares=[vanishing])
    mount(app, Server())

    with caplog.at_level(logging.WARNING):
        async with TestServer(app) as server, aiohttp.ClientSession() as http:
            with pytest.raises(aiohttp.ClientError):
                await http.ws_connect(server.make_url("/antiphon"))

    assert caplog.messages == []
