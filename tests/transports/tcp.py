"""An asyncio transport without a network, which takes what is written to it or lets it wait."""

from __future__ import annotations

import asyncio

__all__ = ["Tcp"]


class Tcp(asyncio.Transport):
    """Its protocol is told as asyncio tells it. `reads` says whether the peer does."""

    def __init__(self, *, half_closes: bool = True) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.reads = True
        self.reading = True  # what the peer says
        self.broken = False  # as uvloop has it: the connection broke, and its protocol does not know yet
        self.ended: list[str] = []
        self.limits: tuple[int | None, int | None] = (None, None)
        self._half_closes = half_closes
        self._waiting = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.broken:
            raise RuntimeError("the handle is closed")
        self.written.append(bytes(data))
        if not self.reads:
            self._waiting += len(data)

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_write_buffer_size(self) -> int:
        return self._waiting

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.limits = high, low

    def can_write_eof(self) -> bool:
        return self._half_closes

    def write_eof(self) -> None:
        if self.broken:
            raise RuntimeError("the handle is closed")
        self.ended.append("eof")

    def close(self) -> None:
        self.ended.append("close")

    def abort(self) -> None:
        self.ended.append("abort")
