"""Behind a proxy: every transport believes what a trusted one says of the client, and nothing of what others say."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest

from antiphon import Client, Server, Socket
from antiphon.protocol.packets import Ack
from tests.hosts.rig import Http, Site, hello, message, served

FORWARDED = {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "app.example"}
APP = "https://app.example"


@pytest.fixture
async def trusting() -> AsyncIterator[Site]:
    """A site whose proxy is this machine."""
    async with served(Server()) as site:
        yield site


@pytest.fixture
async def wary() -> AsyncIterator[Site]:
    """A site that has no proxy."""
    async with served(Server(trusted_proxies=[])) as site:
        yield site


async def came_from(site: Site, transport: str) -> str:
    """The address that a handler sees of a client whose requests are forwarded."""
    addresses: list[str] = []

    @site.server.namespace("/").on_connect
    async def enter(socket: Socket) -> None:
        addresses.append(socket.arrival.address)

    client = Client(site.url, transports=[transport], headers=FORWARDED)
    await client.connect()
    await client.namespace("/").ready()
    await client.close()
    [address] = addresses
    return address


@pytest.mark.parametrize("transport", ["websocket", "sse", "longpoll"])
async def test_the_client_of_a_trusted_proxy_has_its_own_address(trusting: Site, transport: str) -> None:
    assert await came_from(trusting, transport) == "198.51.100.7"


@pytest.mark.parametrize("transport", ["websocket", "sse", "longpoll"])
async def test_anybody_else_may_say_what_they_like(wary: Site, transport: str) -> None:
    assert await came_from(wary, transport) == "127.0.0.1"


async def origins_answers(site: Site, origin: str) -> dict[str, int]:
    """What a page of `origin` is answered wherever it may ask."""
    headers = {**FORWARDED, "Origin": origin}
    key = {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Version": "13"}
    upgrade = {**headers, **key, "Connection": "Upgrade", "Upgrade": "websocket"}
    answers = {}
    async with site.http.get(site.url, headers=upgrade) as response:
        answers["websocket"] = response.status
    for verb in ("attach", "poll"):
        async with site.post(verb, hello(), headers) as response:
            answers[verb] = response.status
    async with site.post("stream", hello(), headers) as response:
        answers["stream"] = response.status
    async with site.http.options(f"{site.url}/attach", headers=headers) as response:
        answers["preflight"] = response.status
    return answers


async def test_the_origin_is_compared_with_what_the_client_asked_the_proxy_for(trusting: Site, wary: Site) -> None:
    passed = {"websocket": 101, "attach": 200, "poll": 400, "stream": 200, "preflight": 204}
    refused = dict.fromkeys(passed, 403)

    assert await origins_answers(trusting, APP) == passed
    assert await origins_answers(trusting, trusting.origin) == refused
    assert await origins_answers(wary, APP) == refused
    assert await origins_answers(wary, wary.origin) == passed


async def test_wrong_keys_are_counted_by_client_and_not_by_proxy(trusting: Site) -> None:
    ann = Http(trusting)
    await ann.attach()

    async def guess(address: str) -> int:
        headers = {**ann.headers(key="w" * 43), "X-Forwarded-For": address}
        async with trusting.post("push", message(1, Ack(0)), headers) as response:
            return int(response.status)

    assert [await guess("198.51.100.7") for _ in range(21)] == [401] * 20 + [429]
    assert await guess("198.51.100.8") == 401


async def test_a_client_that_changes_what_it_claims_is_throttled_all_the_same(wary: Site) -> None:
    ann = Http(wary)
    await ann.attach()

    async def guess(number: int) -> int:
        headers = {**ann.headers(key="w" * 43), "X-Forwarded-For": f"198.51.100.{number}"}
        async with wary.post("push", message(1, Ack(0)), headers) as response:
            return int(response.status)

    assert [await guess(number) for number in range(21)] == [401] * 20 + [429]


async def test_a_refused_page_is_one_line_in_the_log_and_the_remedy_is_told(
    trusting: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "antiphon.session")
    head = "OPTIONS /antiphon/attach HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in FORWARDED.items())
    origin = b"http://evil.example\xe2\x80\xa8\xe2\x80\xae\xff\x9b" + b"x" * 4000

    answer = (await trusting.talk(head.encode() + b"Origin: " + origin + b"\r\n\r\n")).decode()

    assert answer.startswith("HTTP/1.1 403 ")
    assert "Server(origins=[...])" in answer and "Host and X-Forwarded-Proto" in answer and APP in answer
    [line] = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert line.startswith("a request from 198.51.100.7 was refused: pages of 'http://evil.example\\u2028")
    assert line.isprintable() and len(line) < 350
