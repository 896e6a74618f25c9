"""Nothing is decompressed for a stranger, and no secret is compressed together with what a stranger wrote."""

from __future__ import annotations

import tracemalloc
import zlib

import pytest

from antiphon.protocol.packets import Ack, Event
from tests.hosts.rig import OTHER, Http, Site, hello, message, served
from tests.wire.frames import BINARY, frame, upgrade

# 32 MiB of nothing, 1,000 times as large as what is sent of it.
_packer = zlib.compressobj(wbits=31)
BOMB = b"".join([*(_packer.compress(bytes(1 << 20)) for _ in range(32)), _packer.flush()])
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=15, permessage-deflate"


async def test_a_websocket_never_agrees_to_compress(site: Site) -> None:
    answer = await site.talk(upgrade("/antiphon", DEFLATE) + b"\x88\x80\0\0\0\0")

    assert answer.startswith(b"HTTP/1.1 101 ")
    assert b"extensions" not in answer.lower()


async def test_a_compressed_frame_that_nobody_agreed_on_is_1002_and_is_not_looked_into(site: Site) -> None:
    deflated = zlib.compress(message(1, Event("/", "echo", ["x" * 100])))
    answer = await site.talk(
        upgrade("/antiphon", DEFLATE) + frame(BINARY, hello(OTHER)) + frame(BINARY, deflated, rsv=4)
    )

    assert (1002).to_bytes(2, "big") in answer


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, gzip", "identity, gzip", "x"])
@pytest.mark.parametrize("verb", ["attach", "push"])
async def test_a_body_that_says_it_is_compressed_is_415(site: Site, verb: str, encoding: str) -> None:
    head = f"POST /antiphon/{verb} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Encoding: {encoding}\r\n"

    answer = await site.talk(f"{head}Content-Length: 0\r\n\r\n".encode())

    assert answer.startswith(b"HTTP/1.1 415 ")


@pytest.mark.parametrize("encoding", ["br", "zstd"])
async def test_what_aiohttp_cannot_unpack_is_refused_by_it_already(encoding: str) -> None:
    head = f"POST /antiphon/push HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Encoding: {encoding}\r\n"
    async with served() as site:
        answer = await site.talk(f"{head}Content-Length: 0\r\n\r\n".encode())

    assert answer.split()[1] in (b"400", b"415"), "which it is depends on what else is installed"


async def test_a_bomb_is_refused_before_it_goes_off(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("antiphon.hosts.aiohttp_doorman.CLOSE_WAIT", 0.1)
    head = f"POST /antiphon/push HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: {len(BOMB)}\r\n\r\n"

    tracemalloc.start()
    try:
        answer = await site.talk(head.encode() + BOMB)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert answer.startswith(b"HTTP/1.1 415 ")
    assert most < 4 << 20


async def test_no_answer_is_compressed_whatever_a_client_accepts(site: Site) -> None:
    ann = Http(site)
    accepts = {"Accept-Encoding": "gzip, deflate, br"}
    await ann.attach()
    await site.server.namespace("/").emit("much", "x" * 100_000)

    async with site.post("poll", message(1, Ack(0)), {**ann.headers(), **accepts}) as response:
        assert response.status == 200 and "Content-Encoding" not in response.headers
        assert len(await response.read()) > 100_000
