"""An event stream in an aiohttp application, over real sockets: its head, its events, and each way in which it ends."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler

from antiphon import Heartbeat, Limits, Server
from antiphon.hosts import aiohttp_stream
from antiphon.hosts.aiohttp import mount
from antiphon.protocol.packets import Ack, Call, Close, Event, Joined, Packet, Ping, Pong, Refuse, Reply, Welcome
from antiphon.transports.websocket import HIGH_WATER
from tests.certificates import Certificate
from tests.hosts.rig import KEY, PATIENCE, Http, Site, hello, message, packets, served, until

LISTED = "https://app.example"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with served(Server(origins=[LISTED])) as site:
        yield site


class Stream:
    """A response that is read event by event."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def event(self) -> bytes:
        """The next event, b"" at the end."""
        async with asyncio.timeout(PATIENCE):
            lines = b""
            while (line := await self.response.content.readline()) not in (b"\n", b""):
                lines += line
            return lines

    async def packets(self) -> list[Packet]:
        """What the next event holds."""
        return packets(b64decode((await self.event()).removeprefix(b"data: ")))

    async def rest(self) -> list[bytes]:
        """The events until the end."""
        events = []
        while event := await self.event():
            events.append(event)
        return events


@asynccontextmanager
async def streaming(site: Site, body: bytes | None = None, **headers: str) -> AsyncIterator[Stream]:
    async with site.post("stream", body or hello(), headers) as response:
        yield Stream(response)


@asynccontextmanager
async def entered(site: Site) -> AsyncIterator[tuple[Stream, Http]]:
    """A stream that has joined "/", and who makes its pushes."""
    ann = Http(site)
    async with streaming(site) as stream:
        [welcome] = await stream.packets()
        assert isinstance(welcome, Welcome)
        ann.sid, ann.attempt = welcome.sid, 1
        assert isinstance((await stream.packets())[0], Joined)
        yield stream, ann


def asked(verb: str, body: bytes, *, version: str = "1.1", **headers: str) -> bytes:
    """A request as it travels."""
    lines = [
        f"POST /antiphon/{verb} HTTP/{version}",
        f"Host: 127.0.0.1\r\nContent-Type: application/msgpack\r\nContent-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def attached(site: Site) -> dict[str, int]:
    return dict(site.server.statistics().transports)


# -- the head


async def test_the_head_keeps_every_proxy_from_holding_events_back(site: Site) -> None:
    async with streaming(site) as stream:
        headers = stream.response.headers

        assert stream.response.status == 200
        assert headers["Content-Type"] == "text/event-stream"
        assert headers["X-Accel-Buffering"] == "no"
        assert headers["Cache-Control"] == "no-store, no-transform"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Content-Encoding" not in headers and "Content-Length" not in headers


async def test_a_listed_origin_may_read_it_and_another_may_not_ask(site: Site) -> None:
    async with streaming(site, Origin=LISTED) as stream:
        assert stream.response.headers["Access-Control-Allow-Origin"] == LISTED
    async with streaming(site, Origin="https://evil.example") as stream:
        assert stream.response.status == 403
    async with site.http.options(f"{site.url}/stream", headers={"Origin": LISTED}) as response:
        assert response.headers["Access-Control-Allow-Methods"] == "POST"


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"\xc1", "application/msgpack", 400),
        (message(0, Ack(1)), "application/msgpack", 400),
        (b"x" * 16_385, "application/msgpack", 413),
        (b"", "text/plain", 415),
    ],
)
async def test_what_is_no_hello_is_answered_by_a_status(
    site: Site, body: bytes, content_type: str, status: int
) -> None:
    async with streaming(site, body or b" ", **{"Content-Type": content_type}) as stream:
        assert stream.response.status == status
        assert stream.response.headers["Cache-Control"] == "no-store"
        assert await stream.response.text()


# -- events


async def test_events_flow_down_and_pushes_come_up(site: Site) -> None:
    async with entered(site) as (stream, ann):
        async with ann.post("push", message(1, Call(1, "/", "echo", ["up"]))) as response:
            assert isinstance(packets(await response.read())[0], Ack)

        assert Reply(1, ["up"]) in await stream.packets()
        await site.server.namespace("/").emit("hi", 1)
        assert await stream.packets() == [Event("/", "hi", [1])]


async def test_a_session_in_json_is_told_in_text(site: Site) -> None:
    body = f'[0,0,[32,{{"key":"{KEY}","attempt":1,"joins":[["/",null]]}}]]'.encode()
    async with streaming(site, body, **{"Content-Type": "application/json"}) as stream:
        assert json.loads((await stream.event()).removeprefix(b"data: "))[2][0] == 33
        await stream.event()
        await site.server.namespace("/").emit("hi", "žluť\n")

        assert (await stream.event()).decode() == 'data: [2,1,[5,"/","hi",["žluť\\n"]]]\n'


async def test_a_client_of_http_1_0_gets_a_stream_that_ends_with_its_connection(site: Site) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(asked("stream", hello(), version="1.0"))

    async with asyncio.timeout(PATIENCE):
        assert b"chunked" not in await reader.readuntil(b"\r\n\r\n")
        assert (await reader.readuntil(b"\n\n")).startswith(b"data: ")
    writer.close()
    await until(lambda: attached(site) == {})


async def test_a_push_that_is_cut_anywhere_is_no_push(site: Site) -> None:
    async with entered(site) as (stream, ann):
        whole = asked("push", message(1, Event("/", "echo", ["up"])), **ann.headers())

        async def cut(size: int) -> None:
            _, writer = await asyncio.open_connection("127.0.0.1", site.port)
            writer.write(whole[:size])
            writer.close()
            await writer.wait_closed()

        for begin in range(0, len(whole), 50):
            await asyncio.gather(*(cut(size) for size in range(begin, min(begin + 50, len(whole)))))
        assert [line.session.inbox.received for line in site.server.registry] == [0]
        for _ in range(2):
            await site.talk(whole.replace(b"Host", b"Connection: close\r\nHost"))

        assert [line.session.inbox.received for line in site.server.registry] == [1]
        assert site.server.statistics().duplicates == 1
        assert not stream.response.content.at_eof()


# -- probes and refusals


async def test_a_ping_is_answered_by_one_event_that_needs_no_end_to_arrive(site: Site) -> None:
    """A proxy that waits for the end must not pass the probe."""
    async with streaming(site, message(0, Ping(7))) as stream:
        [pong] = await stream.packets()

        assert isinstance(pong, Pong) and pong.time == 7
        assert not stream.response.content.at_eof()
    assert site.server.statistics().sessions_made == 0


async def test_a_probe_that_nobody_ends_is_ended_by_the_server(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aiohttp_stream, "PROBE_HOLD", 0.01)
    async with streaming(site, message(0, Ping(7))) as stream:
        await stream.packets()

        assert await stream.rest() == []


async def test_a_refused_hello_is_one_event_and_the_end(site: Site) -> None:
    async with entered(site) as (old, _), streaming(site) as stream:
        [refusal] = await stream.packets()
        assert isinstance(refusal, Refuse) and refusal.code == "stale"

        assert await stream.rest() == []
        assert not old.response.content.at_eof()


async def test_a_connection_whose_stream_ended_in_order_takes_the_next_request(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aiohttp_stream, "CLOSE_WAIT", 0.02)
    async with entered(site):
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(asked("stream", hello()))
        async with asyncio.timeout(PATIENCE):
            await reader.readuntil(b"\r\n0\r\n\r\n")

            await asyncio.sleep(0.05)
            writer.write(asked("push", b""))
            assert (await reader.readline()).startswith(b"HTTP/1.1 400 ")
        writer.close()


# -- ends


async def test_a_client_that_vanishes_is_noticed_at_once(site: Site) -> None:
    async with entered(site):
        assert attached(site) == {"sse": 1}

    await until(lambda: attached(site) == {})
    assert site.server.statistics().sessions == 1


async def test_a_connection_that_is_reset_is_noticed_at_once(site: Site) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(asked("stream", hello()))
    await reader.readuntil(b"data: ")

    writer.transport.abort()

    await until(lambda: attached(site) == {})


async def test_with_tls_a_client_that_vanishes_is_noticed_and_a_connection_goes_on(tmp_path: Path) -> None:
    """There the transport of a connection that is over has no protocol any more."""
    server, app = Server(), web.Application()
    mount(app, server)
    test = TestServer(app, scheme="https")
    await test.start_server(ssl=Certificate(tmp_path).serving())
    async with aiohttp.ClientSession(headers={"Content-Type": "application/msgpack"}) as http:
        url = test.make_url("/antiphon/stream")
        async with http.post(url, data=hello(), ssl=False) as response:
            assert (await response.content.readline()).startswith(b"data: ")
            assert dict(server.statistics().transports) == {"sse": 1}
            for _ in range(2):
                async with http.post(url, data=hello(), ssl=False) as refused:
                    assert b"data: " in await refused.read()
        await until(lambda: dict(server.statistics().transports) == {})
    await test.close()


async def test_a_newer_attach_is_told_in_the_last_event(site: Site) -> None:
    async with entered(site) as (stream, ann):
        assert isinstance(await ann.attach(), Welcome)

        assert await stream.rest() == [b"event: close\ndata: fenced:2\n"]
        async with ann.post("push", message(1, Ack(1)), attempt="1") as response:
            assert (response.status, response.headers["Antiphon-Reason"]) == (409, "fenced:2")


async def test_a_goodbye_ends_the_stream_in_order(site: Site) -> None:
    async with entered(site) as (stream, ann):
        async with ann.post("push", message(1, Ack(1), Close("closed"))) as response:
            assert response.status == 200

        assert await stream.rest() == [b"event: close\ndata: ended:closed\n"]
    assert site.server.statistics().sessions == 0


async def test_the_application_stops_at_once_although_streams_are_open(site: Site) -> None:
    async with entered(site) as (stream, _), streaming(site, message(0, Ping(1))) as probe:
        await probe.packets()
        async with asyncio.timeout(3):
            await site.test.close()

        assert (await stream.rest())[-1] == b"event: close\ndata: ended:draining\n"


async def test_a_peer_that_never_reads_is_given_up_and_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aiohttp_stream, "CLOSE_WAIT", 0.05)
    server = Server(heartbeat=Heartbeat(interval=0.3, timeout=0.3), limits=Limits(message=1 << 20))
    async with served(server) as site:
        with socket.create_connection(("127.0.0.1", site.port)) as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.sendall(asked("stream", hello()))
            await until(lambda: attached(site) == {"sse": 1})
            [line] = server.registry
            stream = line.transport
            assert isinstance(stream, aiohttp_stream.AiohttpEventStream)
            for _ in range(30):
                server.namespace("/").emit_nowait("big", "x" * 100_000)
                await asyncio.sleep(0)
                assert stream.buffered <= HIGH_WATER + (2 << 20)

            await until(lambda: stream.congested or attached(site) == {})
            await until(lambda: attached(site) == {})
            await until(lambda: len(asyncio.all_tasks()) <= 4)


# -- clients that are gone before they are answered


@web.middleware
async def vanishing(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The network breaks between the arrival of a request and its handler."""
    assert request.transport is not None
    request.transport.abort()
    return await handler(request)


async def test_a_stream_whose_client_is_gone_leaves_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    server = Server()
    app = web.Application(middlewares=[vanishing])
    mount(app, server)

    with caplog.at_level(logging.WARNING):
        async with TestServer(app) as test, aiohttp.ClientSession() as http:
            with pytest.raises(aiohttp.ClientError):
                headers = {"Content-Type": "application/msgpack"}
                await http.post(test.make_url("/antiphon/stream"), data=hello(), headers=headers)
            await until(lambda: server.statistics().sessions_made == 1 and server.statistics().transports == {})

    assert caplog.messages == []
