"""A stream of 100,000 items against a reader ten times slower than its producer keeps the server's memory flat."""

from __future__ import annotations

import asyncio
import math
import resource
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from antiphon import Client, ClientNamespace, Server, Socket
from antiphon.hosts.aiohttp import mount
from antiphon.protocol.streams import WINDOW

ITEMS = 100_000
PAYLOAD = "x" * 100
# What the memory of the server may grow by, in bytes that it ever had and in objects that it has. Items that were kept
# would take 50 MB, and half a million objects.
BYTES = 4 << 20
OBJECTS = 5_000
SLOWNESS = 10
WARM_UPS = 100


class Producer:
    """Yields items, and knows in which time it gets one sent while nobody holds it back."""

    def __init__(self) -> None:
        self.pace = math.inf

    async def items(self, count: int) -> AsyncIterator[str]:
        begun = time.perf_counter()
        for number in range(count):
            yield f"{number} {PAYLOAD}"
            if number == WINDOW - 2:
                self.pace = min(self.pace, (time.perf_counter() - begun) / number)


class Memory:
    """What this process takes, against what it took at first. To look costs next to nothing, unlike tracemalloc."""

    def __init__(self) -> None:
        self._bytes, self._objects = self._now()
        self._most = self._objects

    def look(self) -> None:
        self._most = max(self._most, sys.getallocatedblocks())

    def grown(self) -> tuple[int, int]:
        return self._now()[0] - self._bytes, self._most - self._objects

    def _now(self) -> tuple[int, int]:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak * (1 if sys.platform == "darwin" else 1024), sys.getallocatedblocks()


async def read(rows: AsyncIterator[str], work: float) -> tuple[int, float]:
    """Check that items come in their order, and be busy with each for `work` seconds, what it takes to get it included.

    Returns how many there were, and the seconds for each.
    """
    taken, begun = 0, time.perf_counter()
    async for row in rows:
        assert row == f"{taken} {PAYLOAD}"
        taken += 1
        while time.perf_counter() < begun + taken * work:
            pass
        if taken % 8 == 0:
            await asyncio.sleep(0)  # it is busy, but it does not stop the rest of its process
    return taken, (time.perf_counter() - begun) / taken


async def serve() -> None:
    """The server of these tests, in a process of its own. It says its port, and stops when its stdin ends."""
    server, producer = Server(), Producer()
    memory = Memory()
    root = server.namespace("/")

    @root.on("download")
    async def download(socket: Socket, count: int) -> AsyncIterator[str]:
        async for item in producer.items(count):
            memory.look()
            yield item

    @root.on("upload")
    async def upload(socket: Socket, rows: AsyncIterator[str], work: float) -> tuple[int, float]:
        return await read(_looked_at(rows, memory), work)

    @root.on("watch")
    async def watch(socket: Socket) -> None:
        nonlocal memory
        memory = Memory()

    root.on("grown")(lambda socket: memory.grown())
    root.on("pace")(lambda socket: producer.pace)
    app = web.Application()
    mount(app, server)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


async def _looked_at(rows: AsyncIterator[str], memory: Memory) -> AsyncIterator[str]:
    async for row in rows:
        memory.look()
        yield row


@asynccontextmanager
async def served() -> AsyncIterator[ClientNamespace]:
    """A server in a process of its own, and a client of it in this one."""
    process = await asyncio.create_subprocess_exec(sys.executable, __file__, stdin=PIPE, stdout=PIPE)
    assert process.stdin is not None and process.stdout is not None
    try:
        port = int(await process.stdout.readline())
        async with Client(f"http://127.0.0.1:{port}/antiphon", transports=("websocket",)) as client:
            root = client.namespace("/")
            await root.ready()
            yield root
    finally:
        process.stdin.close()
        await process.wait()


def report(direction: str, pace: float, each: float, grown: tuple[int, int]) -> None:
    print(
        f"\n{direction} of {ITEMS:,} items of {len(PAYLOAD)} bytes: the producer takes {pace * 1e6:.1f} us for one, "
        f"the reader {each * 1e6:.1f} us; the server grew by {grown[0] / 1024:.0f} KiB and {grown[1]} objects at most"
    )


async def test_a_download_to_a_slow_client_keeps_the_memory_of_the_server_flat() -> None:
    async with served() as root:
        for _ in range(WARM_UPS):
            await read(root.stream("download", 40), 0.0)
        pace = await root.call("pace")
        await root.call("watch")

        taken, each = await read(root.stream("download", ITEMS), SLOWNESS * pace)

        grown = await root.call("grown")
    report("download", pace, each, grown)
    assert taken == ITEMS
    assert each >= SLOWNESS * pace
    assert grown[0] < BYTES and grown[1] < OBJECTS


async def test_an_upload_to_a_slow_handler_keeps_the_memory_of_the_server_flat() -> None:
    producer = Producer()
    async with served() as root:
        for _ in range(WARM_UPS):
            await root.call("upload", producer.items(40), 0.0)
        await root.call("watch")

        taken, each = await root.call("upload", producer.items(ITEMS), SLOWNESS * producer.pace, timeout=math.inf)

        grown = await root.call("grown")
    report("upload", producer.pace, each, grown)
    assert taken == ITEMS
    assert each >= SLOWNESS * producer.pace
    assert grown[0] < BYTES and grown[1] < OBJECTS


if __name__ == "__main__":
    asyncio.run(serve())
