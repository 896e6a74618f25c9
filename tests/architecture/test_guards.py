"""What an event and a broadcast may cost, counted: calls of our own functions, tasks and writes."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from antiphon import Server, Socket
from antiphon.config import Limits
from antiphon.dialects.native.forms import MsgpackCodec
from antiphon.protocol.codec import is_counted
from antiphon.protocol.packets import Call, Event, Hello, Packet
from antiphon.testing import TestClient
from antiphon.transports.tcp_websocket import TcpWebSocket
from antiphon.transports.websocket_group import WebSocketGroup
from tests.transports.tcp import Tcp
from tests.wire.frames import BINARY, frame, server_frame

OURS = str(Path(__file__).parents[2] / "framework" / "antiphon")
CODEC = MsgpackCodec(Limits())


class Peer:
    """A client at the other end of a WebSocket of ours, on a TCP connection that keeps what is written to it."""

    def __init__(self, server: Server) -> None:
        self.tcp = Tcp()
        group = WebSocketGroup(server.limits, server.counters.hit)
        self.received = TcpWebSocket(group, server.gateway, self.tcp).data_received

    @property
    def written(self) -> list[bytes]:
        """The messages, one for each write."""
        frames = [found[0] for data in self.tcp.written if (found := server_frame(data))]
        return [frame.payload for frame in frames if frame.opcode == BINARY]


class Profile:
    """Counts the calls of our own Python functions while it is active; a resumed coroutine counts as a call."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    def __call__(self, frame: FrameType, what: str, argument: Any) -> None:
        if what == "call" and frame.f_code.co_filename.startswith(OURS):
            self.calls[f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_qualname}"] += 1

    def __enter__(self) -> Profile:
        sys.setprofile(self)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    @property
    def total(self) -> int:
        return sum(self.calls.values())


def message(number: int, *packets: Packet) -> bytes:
    """A frame with a message, as it arrives."""
    packed = CODEC.pack(number, sum(map(is_counted, packets)), [CODEC.encode(packet) for packet in packets])
    assert isinstance(packed, bytes)
    return frame(BINARY, packed)


async def turn() -> None:
    """Let everything that is ready run."""
    for _ in range(5):
        await asyncio.sleep(0)


async def enter(server: Server, *keys: str) -> list[Peer]:
    """Attach one client per key, and join it to "/"."""
    sockets = []
    for key in keys:
        socket = Peer(server)
        socket.received(message(0, Hello(key=key.ljust(43, "x"), attempt=1, joins=(("/", None),))))
        sockets.append(socket)
    await turn()
    for socket in sockets:
        socket.tcp.written.clear()
    return sockets


@pytest.fixture
async def server() -> Any:
    server = Server()
    server.start()
    yield server
    await server.close()


async def calls_from_byte_to_handler(server: Server, events: int) -> tuple[int, Profile, int]:
    """Handle so many events, each a message of its own: how many handlers ran, what was called, how many tasks."""
    handled = 0
    root = server.namespace("/")

    @root.on("move")
    async def move(socket: Socket, x: int, y: int) -> None:
        nonlocal handled
        handled += 1

    [client] = await enter(server, "a")
    loop = asyncio.get_running_loop()
    tasks = 0

    def count_task(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        nonlocal tasks
        tasks += 1
        return asyncio.Task(coroutine, loop=loop, **options)

    loop.set_task_factory(count_task)
    messages = [message(number + 1, Event("/", "move", [1, 2])) for number in range(events)]
    with Profile() as profile:
        for received in messages:
            client.received(received)
        while handled < events:  # so many in a row, then others have their turn
            await turn()
    loop.set_task_factory(None)
    return handled, profile, tasks


async def test_an_event_takes_at_most_13_calls_from_its_bytes_to_its_handler(server: Server) -> None:
    handled, profile, _ = await calls_from_byte_to_handler(server, 100)

    assert handled == 100
    # A handler's end counts too, so this is the upper bound. What is called once per burst (the worker's start, an ack)
    # is divided among the events of it.
    assert profile.total / handled <= 13, dict(profile.calls)


async def test_a_burst_of_events_takes_one_task(server: Server) -> None:
    handled, _, tasks = await calls_from_byte_to_handler(server, 100)

    assert handled == 100
    assert tasks <= 1


def count_tasks() -> list[str]:
    """The names of the coroutines that tasks are made of, from now on."""
    made: list[str] = []

    def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(coroutine.__qualname__)
        return asyncio.Task(coroutine, loop=loop, **options)

    asyncio.get_running_loop().set_task_factory(factory)
    return made


@pytest.mark.parametrize("items", [10, 1000])
async def test_a_stream_takes_one_task_however_many_items_it_has(items: int) -> None:
    server = Server()
    root = server.namespace("/")

    @root.on("double")
    async def double(socket: Socket, numbers: AsyncIterator[int]) -> AsyncIterator[int]:
        async for number in numbers:
            yield 2 * number

    async def source() -> AsyncIterator[int]:
        for number in range(items):
            yield number

    async with TestClient(server) as client:
        tasks = count_tasks()
        found = [item async for item in client.namespace.stream("double", source())]
        asyncio.get_running_loop().set_task_factory(None)

    assert found == [2 * number for number in range(items)]
    # The worker that takes the call, the handler, and what feeds its argument.
    assert len(tasks) == 3, tasks


async def broadcast(receivers: int, broadcasts: int, **options: Any) -> tuple[Profile, list[Peer], int]:
    server = Server()
    server.start(ticking=False)
    root = server.namespace("/")
    clients = await enter(server, *(f"client-{number}" for number in range(receivers)))
    before = len(asyncio.all_tasks())
    with Profile() as profile:
        for number in range(broadcasts):
            root.emit_nowait("tick", number, **options)
        await turn()
    tasks = len(asyncio.all_tasks()) - before
    await server.close()
    return profile, clients, tasks


async def test_an_extra_receiver_of_a_broadcast_takes_at_most_5_calls_and_no_task() -> None:
    few, _, _ = await broadcast(receivers=10, broadcasts=1)
    many, _, tasks = await broadcast(receivers=110, broadcasts=1)

    assert (many.total - few.total) / 100 <= 5, many.calls
    assert tasks == 0


async def calls_per_receiver(broadcasts: int, **options: Any) -> float:
    few, _, _ = await broadcast(10, broadcasts, **options)
    many, _, tasks = await broadcast(110, broadcasts, **options)
    assert tasks == 0
    return (many.total - few.total) / 100


async def test_an_extra_receiver_of_a_volatile_broadcast_takes_at_most_9_calls_and_no_task() -> None:
    # One of them is made by the first volatile event of a session only.
    assert await calls_per_receiver(1, volatile=True) <= 9


async def test_an_extra_receiver_of_a_latest_value_takes_at_most_8_calls_and_no_task() -> None:
    assert await calls_per_receiver(1, latest="ann") <= 8


async def test_a_latest_value_that_replaces_another_takes_at_most_5_calls_more() -> None:
    once, twice = await calls_per_receiver(1, latest="ann"), await calls_per_receiver(2, latest="ann")

    assert twice - once <= 5


async def test_32_broadcasts_in_one_turn_are_one_write_per_receiver() -> None:
    _, clients, _ = await broadcast(receivers=20, broadcasts=32)

    assert [len(client.written) for client in clients] == [1] * 20
    assert all(CODEC.decode(client.written[0]).counted == 32 for client in clients)


async def test_a_broadcast_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = 0
    encode: Callable[[MsgpackCodec, Packet], bytes] = MsgpackCodec.encode

    def counting(codec: MsgpackCodec, packet: Packet) -> bytes:
        nonlocal encoded
        encoded += isinstance(packet, Event)
        return encode(codec, packet)

    monkeypatch.setattr(MsgpackCodec, "encode", counting)
    _, clients, _ = await broadcast(receivers=50, broadcasts=3)

    assert encoded == 3
    assert len(clients) == 50


@pytest.mark.parametrize("options", [{"volatile": True}, {"latest": "ann"}], ids=["volatile", "latest"])
async def test_32_broadcasts_that_are_volatile_or_replace_each_other_are_one_write_per_receiver(
    options: dict[str, Any],
) -> None:
    _, clients, _ = await broadcast(20, 32, **options)

    assert [len(client.written) for client in clients] == [1] * 20
    counted, packets = (0, 32) if "volatile" in options else (1, 1)
    for client in clients:
        message = CODEC.decode(client.written[0])
        assert (message.counted, len(message.packets)) == (counted, packets)


async def ask(receivers: int) -> tuple[Profile, list[Peer], int]:
    """A call to many: what asking costs, what was written, and how many tasks there are more."""
    server = Server()
    server.start(ticking=False)
    root = server.namespace("/")
    clients = await enter(server, *(f"client-{number}" for number in range(receivers)))
    before = len(asyncio.all_tasks())
    with Profile() as profile:
        asking = asyncio.create_task(root.call("vote"))
        await turn()
    tasks = len(asyncio.all_tasks()) - before
    asking.cancel()
    await server.close()
    return profile, clients, tasks


async def test_an_extra_receiver_of_a_call_to_many_takes_at_most_15_calls_no_task_and_one_write() -> None:
    few, _, _ = await ask(10)
    many, clients, tasks = await ask(110)

    assert (many.total - few.total) / 100 <= 15, many.calls
    assert tasks == 1  # the caller's own
    assert [len(client.written) for client in clients] == [1] * 110


async def test_a_call_to_many_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = 0
    encode: Callable[[MsgpackCodec, Packet], bytes] = MsgpackCodec.encode

    def counting(codec: MsgpackCodec, packet: Packet) -> bytes:
        nonlocal encoded
        encoded += isinstance(packet, Call)
        return encode(codec, packet)

    monkeypatch.setattr(MsgpackCodec, "encode", counting)
    _, clients, _ = await ask(50)

    assert encoded == 1
    assert len({client.written[0] for client in clients}) == 1
