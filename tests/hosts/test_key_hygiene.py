"""The key is a secret: it goes up, in a body or a header, and shows nowhere else."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Iterable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler

from antiphon import Client, Server, Socket
from antiphon.client.requests import HttpRequest
from antiphon.dialects.base import Attach, Credentials, LeaveBeacon, Request, Stream
from antiphon.hosts.aiohttp import mount
from antiphon.protocol.packets import Ack, Call, Event, Hello
from tests.hosts.rig import CODEC, KEY, Http, hello, message, served


def everything_of_ours() -> Iterable[object]:
    """All living objects of the package."""
    for thing in gc.get_objects():
        if str(type(thing).__module__).startswith("antiphon"):
            yield thing


@pytest.mark.parametrize("transport", ["websocket", "sse", "longpoll"])
async def test_no_log_no_url_and_no_repr_of_a_living_session_shows_the_key(
    transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("asyncio", "aiohttp.access", "aiohttp.server", "antiphon.server", "antiphon.client"):
        caplog.set_level(logging.DEBUG, logger=name)
    urls: list[str] = []

    @web.middleware
    async def look(request: web.Request, handler: Handler) -> web.StreamResponse:
        urls.extend([str(request.url), request.raw_path, request.headers.get("Referer", "")])
        return await handler(request)

    server, app = Server(), web.Application(middlewares=[look])

    @server.namespace("/").on("fail")
    async def fail(socket: Socket) -> None:
        raise RuntimeError(f"with {socket!r} in its hands")

    mount(app, server)
    async with TestServer(app) as test:
        client = Client(str(test.make_url("/antiphon")), transports=[transport])
        root = client.namespace("/")
        await client.connect()
        await root.ready()
        await root.emit("fail")
        with pytest.raises(Exception, match="the handler failed") as raised:
            await root.call("fail")
        key = client.session.key
        reprs = [repr(thing) for thing in everything_of_ours()]
        await client.close()

    assert len(key) == 43
    assert urls and not any(key in url for url in urls)
    assert len(reprs) > 50 and not any(key in text for text in reprs)
    assert key not in repr(raised.value) + str(raised.value)
    assert ("raised [" in caplog.text and "GET" in caplog.text) or "POST" in caplog.text
    assert key not in caplog.text
    assert not any(key in repr(vars(record)) for record in caplog.records)


async def test_no_error_that_a_key_causes_repeats_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answers: list[str] = []
    async with served() as site:
        ann = Http(site)
        await ann.attach()
        for bad in (
            hello(KEY, attempt=1, version=2),
            hello(KEY, attempt=1),
            hello(KEY * 3, attempt=1),
            hello(KEY, attempt=0),
            CODEC.pack(0, 0, [CODEC.encode(Hello(key=KEY, attempt=1))])[:-1],
            CODEC.pack(0, 0, [CODEC.encode(Hello(key=KEY, attempt=1, auth=[[[]] * 50]))]),
        ):
            async with site.post("attach", bad) as response:
                answers += [(await response.read()).decode("latin-1"), repr(response.headers)]
            async with site.websocket() as socket:
                await socket.send_bytes(bad)
                received = await socket.receive()
                answers += [repr(received.data), repr(received.extra)]
        for others in ({"key": KEY + "x"}, {"attempt": "x"}, {"session": KEY}, {"attempt": "9"}):
            async with ann.post("push", message(1, Ack(0)), **others) as response:
                answers += [await response.text(), repr(response.headers)]
        async with site.post("leave", f'{{"key":"{KEY}","attempt":1}}') as response:
            answers.append(await response.text())

    assert len(answers) > 20
    assert not any(KEY in answer for answer in answers)
    assert KEY not in caplog.text


async def test_the_key_never_travels_downwards() -> None:
    heard: list[Any] = []
    async with served() as site, site.websocket() as socket:
        await socket.send_bytes(hello())
        await socket.send_bytes(
            message(1, Call(1, "/", "nobody", []), Event("/", "nobody", []), Call(2, "/", "echo", []))
        )
        await socket.send_bytes(b"\xc1")
        async with asyncio.timeout(5):
            async for received in socket:
                heard.append(received.data)

    assert heard
    assert not any(KEY.encode() in message for message in heard)


def test_no_record_that_carries_a_key_shows_it() -> None:
    headers = {"antiphon-key": KEY}
    first = hello()
    request = HttpRequest(1, "push", (("Antiphon-Key", KEY),), first, 5.0)

    for record in (
        Hello(key=KEY, attempt=1),
        Credentials("sid", KEY, 1, 1),
        LeaveBeacon("sid", KEY, 1),
        Attach(CODEC, first),
        Stream(CODEC, first),
        Request("POST", "attach", headers, first),
        request,
    ):
        assert KEY not in repr(record), type(record).__name__
        assert KEY not in f"{record}"
