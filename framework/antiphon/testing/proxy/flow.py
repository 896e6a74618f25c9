"""One direction of one connection: a bounded queue of pieces, written on as far as the gate lets them."""

import asyncio
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from antiphon.testing.proxy.faults import Ending, Gate, Passage
from antiphon.testing.proxy.pieces import Piece

# Enough that a delay of some tenths of a second does not throttle a test; above it the source is not read.
MOST_HELD = 262_144


@dataclass(frozen=True, slots=True)
class _Held:
    arrived: float
    content: memoryview
    ends: bool


@dataclass(frozen=True, slots=True)
class _HeldEnding:
    arrived: float
    ending: Ending


class Flow:
    """`count` is told how many bytes went on; `cut` and `end` act on the whole connection."""

    def __init__(
        self,
        gate: Gate,
        destination: asyncio.StreamWriter,
        *,
        count: Callable[[int], None],
        cut: Callable[[Ending], None],
        end: Callable[[Ending], None],
    ) -> None:
        self.inside_message = False
        self.swallowing = False
        self._gate = gate
        self._destination = destination
        self._count = count
        self._cut = cut
        self._end = end
        self._queue: deque[_Held | _HeldEnding] = deque()
        self._size = 0
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._finished = False
        self._cut_after: tuple[int, Ending] | None = None
        # drain() shall mean "handed to the kernel": an RST throws away what is only buffered here.
        destination.transport.set_write_buffer_limits(high=0)

    @property
    def pending(self) -> bool:
        return bool(self._queue)

    @property
    def armed(self) -> bool:
        return self._cut_after is not None

    def arm(self, size: int, ending: Ending) -> None:
        """Cut the connection once this many more bytes went on."""
        self._cut_after = (size, ending)

    async def put(self, piece: Piece) -> None:
        """Queue a piece; waits while the queue is full, which stops the reading of its source."""
        while self._size >= MOST_HELD and not self._finished:
            self._emptied.clear()
            await self._emptied.wait()
        self._append(_Held(_now(), memoryview(piece.content), piece.ends))
        self._size += len(piece.content)

    def put_end(self, ending: Ending) -> None:
        """The source ended like this; what was queued before still goes on."""
        self._append(_HeldEnding(_now(), ending))

    async def run(self) -> None:
        """Write on what is queued, until the source has ended and that has been passed on too."""
        while not self._finished:
            first = await self._first()
            passage = await self._gate.opening(first.arrived)
            # TCP never resumes behind a hole: once bytes are missing, none may follow.
            self.swallowing |= passage is Passage.SWALLOW
            if isinstance(first, _HeldEnding):
                self._finish(first.ending)
            elif self.swallowing:
                self._take(sys.maxsize)
            else:
                await self._write(1 if passage is Passage.TRICKLE else sys.maxsize)
                if passage is Passage.TRICKLE:
                    await asyncio.sleep(self._gate.interval)

    def _append(self, held: _Held | _HeldEnding) -> None:
        if not self._finished:
            self._queue.append(held)
            self._filled.set()

    async def _first(self) -> _Held | _HeldEnding:
        while not self._queue:
            self._filled.clear()
            await self._filled.wait()
        return self._queue[0]

    async def _write(self, most: int) -> None:
        armed = self._cut_after
        if armed is not None:
            most = min(most, armed[0])
        content = self._take(most)
        try:
            self._destination.write(content)
            await self._destination.drain()
        except OSError:
            # The reader of that side learns it as well, and decides (it may be behind a black hole).
            self.swallowing = True
            return
        self._count(len(content))
        if armed is not None and armed is self._cut_after:
            size, ending = armed
            self._cut_after = (size - len(content), ending)
            if len(content) == size:
                self._finished = True
                self._cut(ending)

    def _take(self, most: int) -> bytes:
        taken: list[memoryview] = []
        now = _now()
        while most and self._queue and isinstance(held := self._queue[0], _Held):
            if taken and not self._gate.due(held.arrived, now):
                break
            part = held.content[:most]
            most -= len(part)
            taken.append(part)
            self._queue.popleft()
            whole = len(part) == len(held.content)
            if not whole:
                self._queue.appendleft(_Held(held.arrived, held.content[len(part) :], held.ends))
            if not self.swallowing:
                self.inside_message = not (whole and held.ends)
        content = b"".join(taken)
        self._size -= len(content)
        self._emptied.set()
        return content

    def _finish(self, ending: Ending) -> None:
        self._finished = True
        self._emptied.set()
        if self.swallowing:
            return
        if ending is Ending.RESET or not self._destination.can_write_eof():
            self._end(ending)
        elif not self._destination.is_closing():
            # A destination that was reset a moment ago cannot be told; its reader learns of the reset.
            with suppress(OSError):
                self._destination.write_eof()


def _now() -> float:
    return asyncio.get_running_loop().time()
