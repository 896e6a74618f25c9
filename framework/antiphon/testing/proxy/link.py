"""One client's connection through the proxy and the one to the server behind it: how they live and end."""

import asyncio
import socket
import struct
from contextlib import suppress
from functools import partial

from antiphon.testing.proxy.conversation import Conversation, Spawn
from antiphon.testing.proxy.faults import Direction, Ending, Faults
from antiphon.testing.proxy.flow import Flow
from antiphon.testing.proxy.tally import Tally


class Link:
    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        number: int,
        target: tuple[str, int],
        faults: Faults,
        tally: Tally,
        spawn: Spawn,
    ) -> None:
        self.number = number
        self.since = asyncio.get_running_loop().time()
        self.over = asyncio.Event()
        self._client = (reader, writer)
        self._target = target
        self._faults = faults
        self._tally = tally
        self._task: asyncio.Task[None] | None = None
        self._writers = [writer]
        self._flows: dict[Direction, Flow] = {}
        self._conversation = Conversation(target=target, faults=faults, tally=tally, spawn=spawn, end=self.end)

    async def run(self) -> None:
        """Carry bytes until both sides have ended, or the connection was ended here."""
        if self.over.is_set():
            return
        self._task = asyncio.current_task()
        reader, writer = self._client
        try:
            try:
                upstream_reader, upstream = await asyncio.open_connection(*self._target)
            except OSError:
                reset(writer)
                return
            self._writers.append(upstream)
            up = self._flow(Direction.UP, upstream)
            down = self._flow(Direction.DOWN, writer)
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._conversation.read_requests(reader, up, down))
                pumps.create_task(self._conversation.read_responses(upstream_reader, up, down))
                pumps.create_task(up.run())
                pumps.create_task(down.run())
        finally:
            self.over.set()
            await self._close()

    @property
    def upgraded(self) -> bool:
        return self._conversation.upgraded

    @property
    def busy(self) -> bool:
        """Whether traffic is open here, so that a cut would hurt somebody."""
        talk = self._conversation
        if self.over.is_set() or talk.ended_by_peer:
            return False
        pending = any(flow.pending for flow in self._flows.values())
        return talk.upgraded or talk.opaque or talk.waiting or pending or self.inside_message

    @property
    def inside_message(self) -> bool:
        if self._conversation.opaque:
            return False
        return self._conversation.inside_head or any(flow.inside_message for flow in self._flows.values())

    @property
    def swallowing(self) -> bool:
        """Whether bytes went into a black hole here, after which nothing can follow them."""
        return any(flow.swallowing for flow in self._flows.values())

    @property
    def armed(self) -> bool:
        return any(flow.armed for flow in self._flows.values())

    def cut(self, ending: Ending) -> bool:
        """End the connection on both sides; True when traffic was open, and the cut has been counted."""
        busy = self.busy
        if busy:
            self._count_cut(ending)
        self.end(ending)
        return busy

    def arm(self, size: int, direction: Direction, ending: Ending) -> bool:
        """Cut after so many more bytes of one direction; False when there is no way through to cut."""
        flow = self._flows.get(direction)
        if flow is None or self.over.is_set():
            return False
        flow.arm(size, ending)
        return True

    def swallow(self, direction: Direction) -> None:
        """Let nothing through any more that comes in this direction, not even an end, until the connection is cut."""
        for side, flow in self._flows.items():
            if side in direction:
                flow.swallowing = True
        self._tally.black_holes += 1

    def end(self, ending: Ending) -> None:
        """End the connection on both sides, uncounted."""
        if self.over.is_set():
            return
        self.over.set()
        for writer in self._writers:
            if ending is Ending.RESET:
                reset(writer)
            else:
                writer.close()
        if self._task is not None:
            self._task.cancel()

    async def _close(self) -> None:
        for writer in self._writers:
            writer.close()
        try:
            for writer in self._writers:
                with suppress(OSError):
                    await writer.wait_closed()
        finally:
            for writer in self._writers:
                writer.transport.abort()

    def _flow(self, direction: Direction, destination: asyncio.StreamWriter) -> Flow:
        [gate] = self._faults.gates(direction)
        count = partial(self._count_bytes, direction)
        flow = Flow(gate, destination, count=count, cut=self._cut_in_traffic, end=self.end)
        self._flows[direction] = flow
        return flow

    def _cut_in_traffic(self, ending: Ending) -> None:
        self._count_cut(ending)
        self.end(ending)

    def _count_cut(self, ending: Ending) -> None:
        self._tally.cuts += 1
        if ending is Ending.RESET:
            self._tally.resets += 1
        else:
            self._tally.closes += 1
        self._tally.cuts_inside_message += self.inside_message

    def _count_bytes(self, direction: Direction, size: int) -> None:
        if direction is Direction.UP:
            self._tally.bytes_up += size
        else:
            self._tally.bytes_down += size


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST; what is still unsent is lost, as with a broken network."""
    if not writer.is_closing():
        tcp = writer.get_extra_info("socket")
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
