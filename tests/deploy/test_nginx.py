"""Behind nginx with the block of docs/deploy.md, over TLS; and with proxy_pass alone, where what is missing is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.deploy.front import Front, bare_nginx, nginx
from tests.deploy.visit import CLIENT, TRANSPORTS, Behind, behind, converse, passes, refusals


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[tuple[Front, Behind]]:
    async with behind() as application, nginx(application.address, tmp_path) as front:
        yield front, application


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[tuple[Front, Behind]]:
    async with behind() as application, bare_nginx(application.address, tmp_path) as front:
        yield front, application


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_client_talks_is_cut_off_and_goes_on(site: tuple[Front, Behind], transport: str) -> None:
    assert await converse(*site, transport) == [CLIENT, transport]


async def test_its_own_pages_may_connect_and_others_may_not(site: tuple[Front, Behind]) -> None:
    front, _ = site

    for transport in TRANSPORTS:
        assert await passes(front, front.url, transport)
    assert await refusals(front, "https://evil.example") == {403}
    assert await refusals(front, front.url.replace("https", "http")) == {403}


# -- nothing but proxy_pass


async def test_a_websocket_is_refused_with_the_lines_that_are_missing(bare: tuple[Front, Behind]) -> None:
    front, _ = bare
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}

    async with aiohttp.ClientSession() as http, http.get(f"{front.url}/antiphon", headers=upgrade) as response:
        told = await response.text()

    assert response.status == 426
    for line in ("HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade"):
        assert line in told


@pytest.mark.parametrize("transport", ["sse", "longpoll"])
async def test_the_other_transports_work(bare: tuple[Front, Behind], transport: str) -> None:
    # nginx says nothing of the client, and speaks HTTP/1.0.
    assert await converse(*bare, transport) == ["127.0.0.1", transport]


async def test_a_client_with_a_choice_takes_one_that_works(bare: tuple[Front, Behind]) -> None:
    assert await converse(*bare, *TRANSPORTS) == ["127.0.0.1", "sse"]


async def test_a_refused_page_is_told_what_the_proxy_keeps_back(bare: tuple[Front, Behind]) -> None:
    front, _ = bare

    url, headers = f"{front.url}/antiphon/attach", {"Origin": front.url}
    async with aiohttp.ClientSession() as http, http.post(url, data=b"", headers=headers) as response:
        told = await response.text()

    assert response.status == 403
    assert "have the proxy in front pass on Host and X-Forwarded-Proto" in told
