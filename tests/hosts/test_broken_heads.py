"""Heads that lie, or that two servers in a row would read in two ways: 400, and the connection is closed."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from tests.hosts.rig import PATIENCE, Http, Site, served

PUSH = "POST /antiphon/push HTTP/1.1\r\nHost: x\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
END = "0\r\n\r\n"
MANY = "".join(f"X-{number}: y\r\n" for number in range(10_000))
SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"

BROKEN = {
    "10,000 headers": f"{PUSH}{MANY}\r\n",
    "10,000 lines of one header": PUSH + "X: y\r\n" * 10_000 + "\r\n",
    "10,000 trailers": f"{PUSH}{CHUNKED}\r\n0\r\n{MANY}\r\n",
    "a long address": f"POST /{'a' * 20_000} HTTP/1.1\r\nHost: x\r\n\r\n",
    "a folded header": f"{PUSH}X: a\r\n b\r\n\r\n",
    "lines that end with LF alone": "POST /antiphon/push HTTP/1.1\nHost: x\n\n",
    "a header that ends with LF alone": f"{PUSH}X: a\nY: b\r\n\r\n",
    "a header with CR alone": f"{PUSH}X: a\rY: b\r\n\r\n",
    "a header with NUL": f"{PUSH}X: a\0b\r\n\r\n",
    "a space before the colon": f"{PUSH}Content-Length : 3\r\n\r\nabc",
    "Content-Length before Transfer-Encoding": f"{PUSH}Content-Length: 3\r\n{CHUNKED}\r\n{END}",
    "Content-Length behind Transfer-Encoding": f"{PUSH}{CHUNKED}Content-Length: 3\r\n\r\n{END}",
    "two Content-Lengths": f"{PUSH}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "the same Content-Length twice": f"{PUSH}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of Content-Lengths": f"{PUSH}Content-Length: 3, 3\r\n\r\nabc",
    "a Content-Length with a sign": f"{PUSH}Content-Length: +3\r\n\r\nabc",
    "an unknown Transfer-Encoding": f"{PUSH}Transfer-Encoding: xchunked\r\n\r\n{END}",
    "chunked and then something else": f"{PUSH}Transfer-Encoding: chunked, gzip\r\n\r\n{END}",
    "chunked twice": f"{PUSH}{CHUNKED}{CHUNKED}\r\n{END}",
    "a chunk of negative size": f"{PUSH}{CHUNKED}\r\n-1\r\n\r\n",
    "a chunk's size with 0x": f"{PUSH}{CHUNKED}\r\n0x1\r\nx\r\n{END}",
    "chunks that end with LF alone": f"{PUSH}{CHUNKED}\r\n1\nx\n0\n\n",
    "two Hosts": f"{PUSH}Host: y\r\n\r\n",
    "no Host": "POST /antiphon/push HTTP/1.1\r\n\r\n",
    "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


@pytest.mark.parametrize("broken", BROKEN)
async def test_a_broken_head_is_400_and_nothing_behind_it_is_read(broken: str) -> None:
    async with served() as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write((BROKEN[broken] + SMUGGLED).encode())
        received = b""
        async with asyncio.timeout(PATIENCE):
            with suppress(ConnectionError):  # it is closed while we still send; what was said before counts
                while part := await reader.read(65536):
                    received += part
        writer.close()

    assert received.count(b"\r\nServer: ") <= 1 and b" 404 " not in received
    assert not received or received.split()[1] == b"400"


async def test_a_body_that_is_longer_than_it_says_is_another_request(site: Site) -> None:
    ann = Http(site)
    await ann.attach()
    head = "".join(f"{name}: {value}\r\n" for name, value in ann.headers().items())
    ending = SMUGGLED.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")

    head += "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n"
    answers = await site.talk(f"{PUSH}{head}[]{ending}".encode())

    # On one connection, as to one client: the second is answered to the same, and is none of ours.
    assert answers.count(b"HTTP/1.1 ") == 2 and b"HTTP/1.1 404 " in answers
