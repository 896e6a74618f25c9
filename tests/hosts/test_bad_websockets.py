"""WebSockets that break off, or are never read. Those that break the rules of RFC 6455: tests/wire."""

from __future__ import annotations

import asyncio
import contextlib
import socket as sockets

import pytest

from antiphon import Limits, Outbox, Server
from antiphon.protocol.packets import Ack, Event
from antiphon.transports.tcp_websocket import TcpWebSocket
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
from tests.wire.frames import frame, upgrade


async def test_a_connection_that_breaks_in_the_middle_of_a_message_leaves_the_session(site: Site) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(upgrade("/antiphon") + frame(2, hello(OTHER)))
    await until(lambda: site.server.statistics().sessions == 2)
    writer.write(frame(2, message(1, Event("/", "echo", ["x" * 100])))[:-50])
    await writer.drain()
    writer.transport.abort()

    await until(lambda: dict(site.server.statistics().transports) == {"websocket": 1})
    assert site.server.statistics().sessions == 2


async def test_pings_of_the_websocket_itself_are_answered_and_kept_nowhere(site: Site) -> None:
    answer = await site.talk(upgrade("/antiphon") + frame(9, b"1") * 3 + frame(8, b"\x03\xe8"))

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
        writer.write(upgrade("/antiphon") + frame(2, hello(OTHER, joins=(("/flood", None),))))
        await until(lambda: flood.count() == 1)
        [socket] = flood.sockets
        [line] = [line for line in site.server.registry if line.session.outbox is socket.outbox]
        wire, emitted, most = line.transport, 0, 0
        assert isinstance(wire, TcpWebSocket)

        # It acks what it never read, so that only the network holds the server back.
        while socket.connected:
            assert emitted < 200 << 20, "somebody took all this"
            for _ in range(10):
                flood.emit_nowait("block", b"x" * 20_000)
                emitted += 20_000
            await asyncio.sleep(0.001)
            writer.write(frame(2, message(1, Ack(socket.connection.session.outbox.numbered))))
            assert socket.connection.session.outbox.size <= bounds.size
            most = max(most, wire.buffered)

        reason = line.session.ending
        assert reason is not None and reason.code == "overflow"
        assert socket.connection.session.outbox.size == 0
        assert HIGH_WATER < most <= HIGH_WATER + Limits().message, "the network held the server back, and it noticed"
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionError):
                while await reader.read(1 << 20):
                    pass  # what the network still holds, and then the end
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
