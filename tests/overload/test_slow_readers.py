"""Readers that stop: what is kept for them is bounded, they end when the bound is passed, and the others read on."""

from __future__ import annotations

import gc
import tracemalloc

from antiphon import Outbox
from antiphon.protocol.packets import Ack
from tests.server.peer import entered, serving, settle

STOPPED = 20
HEALTHY = 5
OUTBOX = Outbox(packets=4096, size=256 << 10)
PAYLOAD = 1000


async def test_stopped_readers_take_their_bounds_and_no_more() -> None:
    async with serving(outbox=OUTBOX) as (server, clock):
        root = server.namespace("/")
        stopped = [await entered(server, f"stopped-{number}") for number in range(STOPPED)]
        healthy = [await entered(server, f"healthy-{number}") for number in range(HEALTHY)]
        for peer in stopped:
            peer.wire.congested = True
        most, read = 0, 0
        gc.collect()
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()

        for number in range(400):
            for socket in root.sockets:
                if socket.connected:
                    socket.emit_nowait("news", f"{number:{PAYLOAD}}")  # each of its own bytes
            await settle()
            for peer in healthy:
                read += len(peer.events())
                peer.say(Ack(peer.received))
                peer.wire.written.clear()
                peer._read = 0
            most = max(most, tracemalloc.get_traced_memory()[0] - before)
        tracemalloc.stop()

        # An entry takes some hundred bytes beside those that count.
        assert most < STOPPED * OUTBOX.size * 1.5 + (2 << 20), f"{most >> 10} KiB"
        assert read == 400 * HEALTHY
        assert server.statistics().limits.outbox == STOPPED
        assert server.statistics().sessions == HEALTHY
        del clock


async def test_what_ended_readers_kept_is_given_back() -> None:
    async with serving(outbox=OUTBOX) as (server, clock):
        root = server.namespace("/")
        await entered(server, "first")
        gc.collect()
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()

        for number in range(30):
            peer = await entered(server, f"stopped-{number}")
            peer.wire.congested = True
            [socket] = [socket for socket in root.sockets if socket.id.startswith(str(peer.sid))]
            while peer.wire.shut is None:
                socket.emit_nowait("news", "x" * 10_000)
                await settle()
            server.tick(clock.advance(0.25))
            await settle()
            del peer, socket
        gc.collect()
        kept = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()

        assert kept < 1 << 20, f"{kept >> 10} KiB of 30 x 256 KiB"
