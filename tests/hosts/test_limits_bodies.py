"""Bodies of requests: as large as they may be, and one byte larger; in time, and too late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from antiphon import Limits, Server
from tests.hosts.rig import Site, served

LIMITS = Limits(message=2000, hello=500, body_timeout=0.3)


@pytest.fixture
async def small() -> AsyncIterator[Site]:
    async with served(Server(limits=LIMITS)) as site:
        yield site


async def in_parts(body: bytes) -> AsyncIterator[bytes]:
    """So that nobody says before how long it is."""
    for at in range(0, len(body), 100):
        yield body[at : at + 100]


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
@pytest.mark.parametrize(
    ("verb", "limit"), [("attach", 500), ("stream", 500), ("leave", 500), ("push", 2000), ("poll", 2000)]
)
async def test_a_body_at_the_limit_is_read_and_one_above_is_not(
    small: Site, verb: str, limit: int, chunked: bool
) -> None:
    answers = []
    for size in (limit, limit + 1):
        body = b"x" * size
        async with small.post(verb, in_parts(body) if chunked else body) as response:
            answers.append(response.status)

    assert answers == [400, 413], "it was looked at, and makes no sense"
    limits = small.server.statistics().limits
    assert (limits.hello, limits.message) == ((1, 0) if limit == 500 else (0, 1))


async def test_a_body_that_comes_in_time_is_read_and_one_that_does_not_is_408(small: Site) -> None:
    head = b"POST /antiphon/attach HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 10\r\n\r\n"
    in_time, late = [await asyncio.open_connection("127.0.0.1", small.port) for _ in range(2)]
    for _, writer in (in_time, late):
        writer.write(head + b"12345")

    await asyncio.sleep(0.05)  # less than it may take
    in_time[1].write(b"67890")
    answers = [int((await asyncio.wait_for(reader.readline(), 5)).split()[1]) for reader, _ in (in_time, late)]

    for _, writer in (in_time, late):
        writer.close()
    assert answers[0] != 408 and answers[1] == 408
    assert small.server.statistics().limits.body_timeout == 1
