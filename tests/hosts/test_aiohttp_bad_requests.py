"""A stranger does not fill the log: of requests that are none, aiohttp's own log says nothing, and ours one line."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from aiohttp import web
from aiohttp.log import server_logger
from aiohttp.test_utils import TestServer

from antiphon.hosts.aiohttp import quiet_bad_requests
from tests.hosts.rig import served

NONSENSE = [
    b"POST /antiphon/push HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
    b"GET /\x1b[31m HTTP/1.1\r\nno colon \x1b[2J\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
]


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    before = server_logger.filters[:]
    yield
    server_logger.filters[:] = before


async def test_requests_that_are_none_are_one_line_each_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "antiphon.session")
    quiet_bad_requests()
    async with served() as site:
        for request in NONSENSE:
            assert (await site.talk(request)).startswith(b"HTTP/1.0 400 ")

    assert [record for record in caplog.records if record.name == "aiohttp.server"] == []
    told = [record for record in caplog.records if record.name == "antiphon.session"]
    assert [record.levelno for record in told] == [logging.DEBUG] * len(NONSENSE)
    for line in (record.getMessage() for record in told):
        assert line.startswith("Error handling request from 127.0.0.1: ")
        assert line.isprintable() and len(line) < 600


async def test_an_error_of_the_application_is_told_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    quiet_bad_requests()

    async def fail(request: web.Request) -> web.Response:
        raise RuntimeError("the application's own")

    app = web.Application()
    app.router.add_get("/", fail)
    async with TestServer(app) as test, served() as site, site.http.get(test.make_url("/")) as response:
        assert response.status == 500
        assert "the application's own" not in await response.text()

    [record] = [record for record in caplog.records if record.name == "aiohttp.server"]
    assert record.exc_info is not None and "the application's own" in str(record.exc_info[1])


def test_to_ask_for_it_twice_is_to_ask_once() -> None:
    before = len(server_logger.filters)

    quiet_bad_requests()
    quiet_bad_requests()

    assert len(server_logger.filters) == before + 1
