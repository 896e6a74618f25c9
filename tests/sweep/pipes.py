"""Byte streams in memory, as asyncio.Transports, and scissors that cut one of them at a byte."""

from __future__ import annotations

import asyncio
from typing import Any, Literal, TypeAlias

__all__ = ["Direction", "Scissors", "connect"]

Direction: TypeAlias = Literal["up", "down"]


class Scissors:
    """Counts the bytes of a dialogue, and cuts the stream that byte `at` of one direction is on: it does not arrive."""

    def __init__(self, direction: Direction | None = None, at: int = 0) -> None:
        self.passed: dict[Direction, int] = {"up": 0, "down": 0}
        self.cut = False
        self._direction = direction
        self._at = at

    def left_of(self, direction: Direction, data: bytes) -> bytes | None:
        """So much of the data arrives before the cut; None when all of it does."""
        before = self.passed[direction]
        self.passed[direction] += len(data)
        if self.cut or direction != self._direction or self.passed[direction] < self._at:
            return None
        self.cut = True
        return data[: self._at - before - 1]


def connect(
    client: asyncio.BaseProtocol, server: asyncio.BaseProtocol, scissors: Scissors, loop: asyncio.AbstractEventLoop
) -> None:
    """Give both protocols their end of a new stream."""
    up, down = _End(client, "up", scissors, loop), _End(server, "down", scissors, loop)
    up.peer, down.peer = down, up
    server.connection_made(down)
    client.connection_made(up)


class _End(asyncio.Transport):
    """One end: what is written here arrives at the peer in the next turn of the loop."""

    peer: _End

    def __init__(
        self, protocol: asyncio.BaseProtocol, writes: Direction, scissors: Scissors, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self._protocol = protocol
        self._writes: Direction = writes
        self._scissors = scissors
        self._loop = loop
        self._closing = False
        self._gone = False
        self._paused = False
        self._held: list[bytes | None] = []  # what came while nobody read; None is the end of the stream

    # -- what a protocol asks of it

    def write(self, data: Any) -> None:
        if self._closing or not data:
            return
        whole = bytes(data)
        left = self._scissors.left_of(self._writes, whole)
        self._loop.call_soon(self.peer.came, whole if left is None else left)
        if left is not None:
            self._loop.call_soon(self.break_off)

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self._loop.call_soon(self.peer.came, None)

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self.peer.came, None)
            self._loop.call_soon(self.lose, None)

    def abort(self) -> None:
        self.break_off()

    def is_closing(self) -> bool:
        return self._closing

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        held, self._held = self._held, []
        for data in held:
            self._loop.call_soon(self.came, data)

    def is_reading(self) -> bool:
        return not self._paused and not self._closing

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing waits here."""

    def get_write_buffer_size(self) -> int:
        return 0

    # -- what happens to it

    def came(self, data: bytes | None) -> None:
        """The peer wrote, or, with None, writes nothing more."""
        if self._gone:
            return
        protocol = self._protocol
        assert isinstance(protocol, asyncio.Protocol)
        if self._paused:
            self._held.append(data)
        elif data is None:
            if not protocol.eof_received():
                self.close()
        elif data:
            protocol.data_received(data)

    def break_off(self) -> None:
        """The network is cut: both ends learn it."""
        for end in (self, self.peer):
            end._closing = True
            self._loop.call_soon(end.lose, ConnectionResetError("the stream was cut"))

    def lose(self, error: Exception | None) -> None:
        """It is gone."""
        if not self._gone:
            self._gone = True
            self._protocol.connection_lost(error)
