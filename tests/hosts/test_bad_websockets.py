"""WebSockets that break the rules of RFC 6455, break off, or are never read."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import socket as sockets

import pytest

from antiphon import Limits, Outbox, Server
from antiphon.hosts.aiohttp_websocket import AiohttpWebSocket
from antiphon.protocol.packets import Ack, Event
from antiphon.transports.websocket import HIGH_WATER
from tests.hosts.rig import (
    OTHER,
    PATIENCE,
    Site,
    hello,
    message,
    served,
    undisturbed,
    until,
)


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, mask: bool = True) -> bytes:
    """One frame of RFC 6455, right or wrong."""
    head = bytes([fin << 7 | rsv << 4 | opcode])
    size = len(payload)
    lengths = bytes([min(size, 126)])
    if size >= 126:
        lengths = b"\x7e" + size.to_bytes(2) if size < 1 << 16 else b"\x7f" + size.to_bytes(8)
    if not mask:
        return head + lengths + payload
    return head + bytes([lengths[0] | 0x80]) + lengths[1:] + b"\0\0\0\0" + payload


def upgrade(site: Site) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET /antiphon HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        pytest.param(frame(3), 1002, id="a reserved opcode"),
        pytest.param(frame(2, b"x", rsv=4), 1002, id="a compressed frame that nobody negotiated"),
        pytest.param(frame(9, b"x" * 126), 1002, id="a long ping"),
        pytest.param(frame(9, fin=False), 1002, id="a ping in parts"),
        pytest.param(frame(0, b"x"), 1002, id="a continuation of nothing"),
        pytest.param(frame(1, b"\xff\xfe"), 1007, id="text that is no UTF-8"),
        pytest.param(b"\x82\xff" + (1 << 40).to_bytes(8) + b"\0\0\0\0", 1009, id="a terabyte"),
        pytest.param(frame(2, b"x" * 600_000, fin=False) + frame(0, b"x" * 600_000), 1009, id="too large in parts"),
        pytest.param(frame(2, fin=False) + frame(0, fin=False) * 20_000 + frame(0), 4001, id="empty parts"),
    ],
)
async def test_what_is_no_websocket_is_closed_with_the_code_of_the_standard(
    site: Site, frames: bytes, code: int
) -> None:
    answer = await site.talk(upgrade(site) + frames)

    head, _, rest = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"permessage-deflate" not in head
    assert rest[0] == 0x88, "a close frame"
    assert int.from_bytes(rest[2:4]) == code


async def test_a_connection_that_breaks_in_the_middle_of_a_message_leaves_the_session(site: Site) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(upgrade(site) + frame(2, hello(OTHER)))
    await until(lambda: site.server.statistics().sessions == 2)
    writer.write(frame(2, message(1, Event("/", "echo", ["x" * 100])))[:-50])
    await writer.drain()
    writer.transport.abort()

    await until(lambda: dict(site.server.statistics().transports) == {"websocket": 1})
    assert site.server.statistics().sessions == 2


async def test_pings_of_the_websocket_itself_are_answered_and_kept_nowhere(site: Site) -> None:
    answer = await site.talk(upgrade(site) + frame(9, b"1") * 3 + frame(8, b"\x03\xe8"))

    assert answer.count(b"\x8a\x011") == 3


async def test_a_client_that_does_not_read_is_held_within_bounds_and_ended(caplog: pytest.LogCaptureFixture) -> None:
    bounds = Outbox(packets=1000, size=1 << 20)
    async with served(Server(outbox=bounds)) as site, undisturbed(site, caplog):
        flood = site.server.namespace("/flood")
        tcp = sockets.socket()
        tcp.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        tcp.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
        tcp.setblocking(False)
        await asyncio.get_running_loop().sock_connect(tcp, ("127.0.0.1", site.port))
        reader, writer = await asyncio.open_connection(sock=tcp, limit=1024)
        writer.write(upgrade(site) + frame(2, hello(OTHER, joins=(("/flood", None),))))
        await until(lambda: flood.count() == 1)
        [socket] = flood.sockets
        [line] = [line for line in site.server.registry if line.session.outbox is socket.outbox]
        wire, emitted, most = line.transport, 0, 0
        assert isinstance(wire, AiohttpWebSocket)

        # It acks what it never read, so that only the network holds the server back.
        while socket.connected:
            assert emitted < 200 << 20, "somebody took all this"
            for _ in range(10):
                flood.emit_nowait("block", b"x" * 20_000)
                emitted += 20_000
            await asyncio.sleep(0.001)
            writer.write(frame(2, message(1, Ack(socket.outbox.numbered))))
            assert socket.outbox.size <= bounds.size
            most = max(most, wire.buffered)

        reason = line.session.ending
        assert reason is not None and reason.code == "overflow"
        assert socket.outbox.size == 0
        assert HIGH_WATER < most <= HIGH_WATER + Limits().message, "the network held the server back, and it noticed"
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionError):
                while await reader.read(1 << 20):
                    pass  # what the network still holds, and then the end
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
