"""Streams of values within calls: who may send how many items, and what waits for its reader.

Stream 0 of a call is its answer and flows from the callee; stream n stands in place of the n-th argument and flows from
the caller. So the number alone tells whose call an item belongs to, and `mine` says it here.

Credit bounds a stream, and nothing else does: its items take effect on arrival, like replies, and stand outside of the
window of events. A handler that reads a stream would otherwise wait for items that queue behind events which wait for
the handler.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from antiphon.errors import AntiphonError, CallFailed
from antiphon.protocol.packets import Credit, End, Item
from antiphon.types import Value

__all__ = ["WINDOW", "Inflow", "Outflow", "Streams", "failure"]

# A reader lets its producer be so many items ahead, and the producer keeps within so many bytes of them.
WINDOW = 32
AHEAD = 64 << 10
# A reader that has taken all, and of that so much since it gave credit, gives credit: its producer may be waiting for
# that. A quarter of AHEAD, because a text is measured in characters here and in bytes there.
COVER = AHEAD // 4
# More than that waits unread only if the producer did not keep to it; one item may go beyond, however large. There is
# so much to spare because an item's bytes are known here only as its share of a message.
FLOOD = AHEAD + (1 << 20)


class _Key(NamedTuple):
    mine: bool
    call: int
    stream: int


class Outflow:
    """The producer's end of one stream. `on_room` is called when it may send again, or has no reader any more."""

    __slots__ = ("_ahead", "_full", "_sizes", "_window", "call", "limit", "on_room", "sent", "stopped", "stream")

    def __init__(self, call: int, stream: int, limit: int, full: Callable[[], bool]) -> None:
        """`full` tells whether the outbox holds so much that nothing should be added that can wait."""
        self._full = full
        self.call = call
        self.stream = stream
        self.limit = limit
        self.sent = 0
        self.stopped = False
        self.on_room: Callable[[], object] | None = None
        # Credit is what was taken plus the window, which the first credit tells.
        self._window = limit
        self._sizes: deque[int] = deque()
        self._ahead = 0

    @property
    def room(self) -> bool:
        """Whether an item may be sent now. One is always allowed, however large."""
        return self.sent < self.limit and (self._ahead < AHEAD or not self._sizes) and not self._full()

    def put(self, size: int) -> None:
        """An item of so many bytes was sent."""
        self.sent += 1
        self._sizes.append(size)
        self._ahead += size

    def credit(self, limit: int) -> None:
        """The reader takes items up to `limit`; 0 says that it takes none any more."""
        if not limit:
            self.stop()
            return
        self.limit = max(self.limit, limit)
        self._window = self._window or limit
        while self._sizes and len(self._sizes) > self.sent - (self.limit - self._window):
            self._ahead -= self._sizes.popleft()
        self.look()

    def stop(self) -> None:
        """Nobody reads any more."""
        self.stopped = True
        self.look()

    def look(self) -> None:
        """Something has changed: there may be room."""
        if self.on_room is not None:
            self.on_room()


class Inflow:
    """The reader's end of one stream. `on_ready` is called when there is something to take, or an end."""

    __slots__ = (
        "_received",
        "_taken",
        "_uncovered",
        "_waiting",
        "call",
        "ended",
        "error",
        "limit",
        "on_ready",
        "size",
        "stream",
    )

    def __init__(self, call: int, stream: int) -> None:
        self.call = call
        self.stream = stream
        self.limit = WINDOW
        self.ended = False
        self.error: AntiphonError | None = None
        self.on_ready: Callable[[], object] | None = None
        self._waiting: deque[tuple[Value, int, int]] = deque()
        self.size = 0  # bytes that wait to be taken
        self._received = 0
        self._taken = 0
        self._uncovered = 0  # bytes that were taken since credit was given, rather too many than too few

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, value: Value, size: int, most: int) -> bool:
        """An item of about `size` bytes came, certainly not more than `most`; False when nobody asked for so much."""
        if self._received >= self.limit or self.size > FLOOD:
            return False
        self._received += 1
        self._waiting.append((value, size, most))
        self.size += size
        self._tell()
        return True

    def take(self) -> tuple[Value, int | None]:
        """The next value, and up to where more may come if that is to be told now."""
        value, size, most = self._waiting.popleft()
        self.size -= size
        self._taken += 1
        self._uncovered += most
        wanted = self.limit - self._taken <= WINDOW // 2 or (not self._waiting and self._uncovered >= COVER)
        if self.ended or not wanted:
            return value, None
        self._uncovered = 0
        self.limit = self._taken + WINDOW
        return value, self.limit

    def end(self, error: AntiphonError | None = None) -> None:
        """No item follows: by itself, or for an `error` that the reader is to be told. Only the first end counts."""
        if not self.ended:
            self.ended = True
            self.error = error
            self._tell()

    def clear(self) -> None:
        """The reader has gone: what waits is of no use."""
        self._waiting.clear()
        self.size = 0

    def _tell(self) -> None:
        if self.on_ready is not None:
            self.on_ready()


class Streams:
    """The open streams of one session, both ways. `late` counts what came for one that is not open any more."""

    __slots__ = ("_full", "_inflows", "_outflows", "late")

    def __init__(self, full: Callable[[], bool]) -> None:
        """`full`: see Outflow."""
        self._full = full
        self._inflows: dict[_Key, Inflow] = {}
        self._outflows: dict[_Key, Outflow] = {}
        self.late = 0

    def __len__(self) -> int:
        return len(self._inflows) + len(self._outflows)

    def read(self, call: int, stream: int) -> Inflow:
        """Open the reader's end: of the answer to a call of ours (stream 0), or of an argument of the peer's call."""
        inflow = self._inflows[_Key(stream == 0, call, stream)] = Inflow(call, stream)
        return inflow

    def produce(self, call: int, stream: int, limit: int = 0) -> Outflow:
        """Open the producer's end: of the answer to a call of the peer (stream 0), or of an argument of our call."""
        outflow = self._outflows[_Key(stream != 0, call, stream)] = Outflow(call, stream, limit, self._full)
        return outflow

    def receive(self, packet: Item | End | Credit, size: int, most: int) -> bool:
        """A packet about a stream came, its bytes as in Inflow.put; False when the peer sent more than it may."""
        if isinstance(packet, Credit):
            outflow = self._outflows.get(_Key(packet.stream != 0, packet.id, packet.stream))
            if outflow is None:
                self.late += 1
            else:
                outflow.credit(packet.limit)
            return True
        inflow = self._inflows.get(_Key(packet.stream == 0, packet.id, packet.stream))
        if inflow is None or inflow.ended:
            self.late += 1
            return True
        if isinstance(packet, Item):
            return inflow.put(packet.value, size, most)
        inflow.end(failure(packet.error))
        return True

    def look(self) -> None:
        """The outbox is emptier than before."""
        if self._outflows and not self._full():
            # A copy: who is woken may end a stream, and so may a garbage collector that comes by.
            for outflow in tuple(self._outflows.values()):
                outflow.look()

    def close(self, call: int, *, mine: bool, error: AntiphonError | None = None) -> None:
        """A call is over: its readers are told, and its producers have no reader any more."""
        for key in [key for key in self._inflows if key.call == call and key.mine is mine]:
            self._inflows.pop(key).end(error)
        for key in [key for key in self._outflows if key.call == call and key.mine is mine]:
            self._outflows.pop(key).stop()

    def stop(self, error: AntiphonError) -> None:
        """Somebody says goodbye, and no endless stream is to hold that up: nobody sends and nobody asks any more."""
        for outflow in tuple(self._outflows.values()):
            outflow.stop()
        for inflow in tuple(self._inflows.values()):
            inflow.end(error)

    def abandon(self, error: AntiphonError) -> None:
        """The session is over, and with it what belongs to calls of the peer. Our own calls end one by one."""
        for call in {key.call for key in (*self._inflows, *self._outflows) if not key.mine}:
            self.close(call, mine=False, error=error)


def failure(error: Any) -> CallFailed | None:
    """What an End tells: nothing, or why the stream broke off, as in Failed."""
    if error is None:
        return None
    told = error if isinstance(error, list) else []
    code, message, data = [*told, *("error", "", None)[len(told) :]][:3]
    return CallFailed(str(code), str(message), data)
