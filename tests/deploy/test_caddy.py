"""Behind Caddy with the block of docs/deploy.md, over TLS: everything works, and clients have their own addresses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.deploy.front import Front, caddy
from tests.deploy.visit import CLIENT, TRANSPORTS, Behind, behind, converse, passes, refusals


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[tuple[Front, Behind]]:
    async with behind() as application, caddy(application.address, tmp_path) as front:
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
