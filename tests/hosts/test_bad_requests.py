"""Requests with wrong keys, broken bodies and lies about their length: answered, and nobody else notices."""

from __future__ import annotations

import asyncio

import pytest

from antiphon import Limits, Server
from antiphon.protocol.packets import Ack, Call, Close, Event, Reply, Welcome
from tests.hosts.rig import (
    KEY,
    PATIENCE,
    Http,
    Site,
    attached,
    message,
    packets,
    replies,
    served,
)

# -- keys


async def test_a_wrong_or_missing_key_is_one_answer_on_every_request_and_disturbs_nobody(site: Site) -> None:
    ann = Http(site)
    await ann.attach()
    texts = set()
    for verb in ("poll", "push"):
        for key in ("", "w" * 43, KEY[:-1], KEY + "k", "\xff" * 43, "k" * 100_0):
            async with ann.post(verb, message(1, Ack(0)), key=key) as response:
                assert response.status == 401, (verb, key)
                texts.add(await response.text())
        headers = ann.headers()
        del headers["Antiphon-Key"]
        async with site.post(verb, message(1, Ack(0)), headers) as response:
            assert response.status == 401
            texts.add(await response.text())
        async with ann.post(verb, message(1, Ack(0)), session="unknown") as response:
            assert response.status == 401
            texts.add(await response.text())

    assert len(texts) == 1
    async with ann.post("push", message(1, Call(1, "/", "echo", []))) as response:
        assert response.status == 200


async def test_a_hello_with_the_sid_of_somebody_else_gets_a_session_of_its_own(site: Site) -> None:
    async with attached(site) as socket:
        sid = next(line.session.sid for line in site.server.registry if line.session.outbox.numbered == 1)
        stranger = Http(site, "w" * 43)

        answer = await stranger.attach(sid=sid, received=1)

        assert isinstance(answer, Welcome)
        assert (answer.resumed, answer.reason) == (False, "unknown")
        assert answer.sid != sid
        await socket.send_bytes(message(1, Call(1, "/", "echo", ["alive"])))
        assert await replies(socket, 1) == [Reply(1, ["alive"])]


async def test_a_beacon_with_a_wrong_key_shortens_nothing(site: Site) -> None:
    ann = Http(site)
    await ann.attach()
    for key in ("w" * 43, "", "\\ud800", "\xff"):
        body = f'{{"session":"{ann.sid}","key":"{key}","attempt":1}}'
        async with site.post("leave", body.encode(), {"Content-Type": "text/plain"}) as response:
            assert response.status in (204, 400)

    async with ann.post("push", message(1, Call(1, "/", "echo", []))) as response:
        assert response.status == 200


async def test_guessing_keys_is_told_to_wait_and_the_owner_is_not(site: Site) -> None:
    ann = Http(site)
    await ann.attach()

    statuses = []
    for number in range(25):
        async with ann.post("push", message(1, Ack(0)), key=f"{number:043}") as response:
            statuses.append(response.status)
            waits = response.headers.get("Retry-After")
    async with ann.post("push", message(1, Ack(0))) as response:
        owner = response.status

    assert statuses == [401] * 20 + [429] * 5
    assert waits is not None and 0 < int(waits) <= 60
    assert owner == 200


# -- pushes and polls


async def test_a_push_that_cannot_be_read_ends_its_session_and_the_poll_tells(site: Site) -> None:
    ann = Http(site)
    await ann.attach()
    await ann.post("poll", message(1, Ack(0)))
    held = asyncio.create_task(ann.post("poll", message(1, Ack(1))).__aenter__())
    await asyncio.sleep(0.05)

    await ann.post("push", b"\xc1")

    heard = packets(await (await held).read())
    assert [packet.code for packet in heard if isinstance(packet, Close)] == ["protocol"]
    again = await ann.attach()
    assert isinstance(again, Welcome) and again.reason == "protocol"


async def test_a_goodbye_with_line_breaks_does_not_reach_a_header(site: Site) -> None:
    ann = Http(site)
    await ann.attach()
    await ann.post("poll", message(1, Ack(0)))
    held = asyncio.create_task(ann.post("poll", message(1, Ack(1))).__aenter__())
    await asyncio.sleep(0.05)

    await ann.post("push", message(1, Close("x\r\nSet-Cookie: y")))

    response = await held
    assert response.status in (204, 409)
    assert "Set-Cookie" not in response.headers


async def test_a_gap_in_a_push_is_409_with_its_reason(site: Site) -> None:
    ann = Http(site)
    await ann.attach()

    async with ann.post("push", message(9, Event("/", "echo", []))) as response:
        assert response.status == 409
        assert response.headers["Antiphon-Reason"] == "gap:expected number 1, got 9"


# -- HTTP itself


PUSH = "POST /antiphon/push HTTP/1.1\r\nHost: x\r\n"
ATTACH = "POST /antiphon/attach HTTP/1.1\r\nHost: x\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
CHUNK = "1000\r\n" + "x" * 4096 + "\r\n"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param(f"{PUSH}Content-Length: ten\r\n\r\n", 400, id="a length in words"),
        pytest.param(f"{PUSH}Content-Length: -1\r\n\r\n", 400, id="a negative length"),
        pytest.param(f"{PUSH}Content-Length: 3\r\n{CHUNKED}\r\n0\r\n\r\n", 400, id="two lengths"),
        pytest.param(f"{PUSH}{CHUNKED}\r\nnonsense\r\n", 400, id="bad chunks"),
        pytest.param(f"{PUSH}Content-Length: 9000000000\r\n\r\n", 413, id="nine gigabytes"),
        pytest.param(f"{ATTACH}Content-Length: 16385\r\n\r\n", 413, id="a Hello above 16 KiB"),
        pytest.param(f"{ATTACH}{CHUNKED}\r\n" + CHUNK * 5, 413, id="a chunked Hello above 16 KiB"),
        pytest.param(f"{PUSH}X: {'y' * 20_000}\r\n\r\n", 400, id="a huge header"),
        pytest.param(
            "GET /antiphon HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            400,
            id="a WebSocket without its key",
        ),
        pytest.param("\x16\x03\x01 nonsense\r\n\r\n", 400, id="no HTTP"),
    ],
)
async def test_what_is_no_request_gets_a_status(site: Site, request_: str, status: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(request_.encode("latin-1"))
    async with asyncio.timeout(PATIENCE):
        answer = await reader.readline()
    writer.close()

    assert int(answer.split()[1]) == status


async def test_the_connection_of_a_body_that_is_too_large_is_closed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("antiphon.hosts.aiohttp_doorman.CLOSE_WAIT", 0.1)
    endless = b"POST /antiphon/push HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

    answer = await site.talk(endless + (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 40)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"Connection: close" in answer


async def test_a_body_that_does_not_come_is_408_and_the_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("antiphon.hosts.aiohttp_doorman.CLOSE_WAIT", 0.1)

    async with asyncio.timeout(2), served(Server(limits=Limits(body_timeout=0.1))) as site:
        answer = await site.talk(b"POST /antiphon/push HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nslow")

    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_dribbles_is_408() -> None:
    async with asyncio.timeout(PATIENCE), served(Server(limits=Limits(body_timeout=0.1))) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(b"POST /antiphon/push HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")

        answer = asyncio.create_task(reader.readline())
        while not answer.done():
            writer.write(b"x")
            await asyncio.sleep(0.02)
        writer.close()

    assert (await answer).startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_turns_out_to_be_broken_is_answered_when_its_time_is_over_at_the_latest() -> None:
    async with asyncio.timeout(PATIENCE), served(Server(limits=Limits(body_timeout=0.2))) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(f"{PUSH}{CHUNKED}\r\n{CHUNK}".encode())
        await asyncio.sleep(0.05)  # it is being read
        writer.write(b"nonsense\r\n")

        answer = await reader.readline()
        writer.close()

    # aiohttp's parser in C says nothing to who reads already, the one in Python does.
    assert int(answer.split()[1]) in (400, 408)


async def test_a_client_that_goes_in_the_middle_of_a_body_leaves_no_trace(site: Site) -> None:
    ann = Http(site)
    await ann.attach()
    head = "".join(f"{name}: {value}\r\n" for name, value in ann.headers().items())
    for length in (b"Content-Length: 100\r\n\r\nxyz", b"Transfer-Encoding: chunked\r\n\r\n3\r\nxyz\r\n"):
        _, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(b"POST /antiphon/push HTTP/1.1\r\nHost: x\r\n" + head.encode() + length)
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.transport.abort()

    async with ann.post("push", message(1, Ack(0))) as response:
        assert response.status == 200
