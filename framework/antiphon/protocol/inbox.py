"""What has arrived: counted in, kept until it is handed over, and acked up to there.

`received` counts what came in without a gap; `handed` what was handed over in the same order, which is what an ack
says (contract rule 7).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec.structs import astuple

from antiphon.config import Inbox as Bounds
from antiphon.protocol.codec import Broken, Message, is_counted
from antiphon.protocol.packets import (
    FLOW,
    URGENT,
    Call,
    Event,
    Packet,
    Volatile,
)

__all__ = ["Inbox", "weigh"]

# An ack is due at the latest after so many packets, bytes or seconds (contract rule 7).
ACK_PACKETS = 32
ACK_SIZE = 64 << 10
ACK_DELAY = 5.0

# So many joins and leaves may wait; nothing holds them back, and they are small, so their bytes bound too little.
CROWD = 1024

NEVER = float("inf")

# They take effect as they arrive; every other counted packet is handed over in order.
_AT_ONCE: frozenset[type[Packet]] = URGENT | {Broken}


class _Waiting(NamedTuple):
    number: int
    packet: Packet
    size: int


class Inbox:
    """The receiving half of a session. `on_pressing` is called when an ack should leave rather than wait for a ride.

    Plain attributes and one call per message and per packet: this is on the path of every event.
    """

    __slots__ = (
        "_ahead",
        "_flood",
        "_flood_size",
        "_most",
        "_most_size",
        "_on_pressing",
        "_owed_size",
        "_passed_over",
        "_waiting_flow",
        "_waiting_size",
        "bounds",
        "due",
        "duplicates",
        "flooded",
        "handed",
        "pressed",
        "queue",
        "received",
        "told",
    )

    def __init__(self, bounds: Bounds, on_pressing: Callable[[], object]) -> None:
        self.bounds = bounds
        self.received = 0
        self.handed = 0
        self.told = 0
        self.due = NEVER
        self.duplicates = 0
        self.flooded = False
        # With a small window the peer would wait for an ack that waits for its time.
        self._most = min(ACK_PACKETS, max(1, bounds.packets // 2))
        self._most_size = min(ACK_SIZE, max(1, bounds.size // 2))
        self._on_pressing = on_pressing
        # Packets are counted exactly. Their bytes are not, and volatile ones are among them, so twice the bound is
        # allowed there: it bounds memory and accuses nobody who kept to the rule (contract rule 8).
        self._flood = bounds.packets
        self._flood_size = 2 * bounds.size + (1 << 20)
        self.pressed = False  # an ack is to leave now, even if it says of no more that it was handed over
        self._ahead = 0  # what took effect since the last ack while something before it waits
        self.queue: deque[_Waiting] = deque()  # what waits to be handed over; empty or not is asked for every message
        self._waiting_flow = 0
        self._waiting_size = 0
        self._owed_size = 0
        self._passed_over = 0  # bytes that came before the last ack and were not in it: they waited, and still may

    def __len__(self) -> int:
        return len(self.queue)

    @property
    def full(self) -> bool:
        """Whether as much waits as may: the peer of a wire without a window is not read any further."""
        return self._waiting_flow >= self.bounds.packets or self._waiting_size >= self.bounds.size

    @property
    def overfull(self) -> bool:
        """Whether four times as much waits: not even what its handlers wait for is looked for behind that."""
        return self._waiting_flow >= 4 * self.bounds.packets or self._waiting_size >= 4 * self.bounds.size

    def widen(self, message: int) -> None:
        """The peer knows no window, and is not read any further instead, by whoever looks at `full` and `overfull`.

        More than it may have waiting then, with one more message of so many bytes, is a flood.
        """
        self._flood = 4 * self.bounds.packets + 1
        self._flood_size = 4 * self.bounds.size + 2 * message

    @property
    def waiting(self) -> tuple[int, int]:
        """Packets, and about how many bytes, that wait to be handed over."""
        return len(self.queue), self._waiting_size

    @property
    def owed(self) -> tuple[int, int]:
        """Packets that were handed over and not acked yet, and about how many bytes came since the last ack."""
        return self.handed - self.told, max(0, self._owed_size - self._waiting_size)

    def accept(self, message: Message, size: int, now: float, *, volatile: bool = True) -> list[Packet]:
        """Count a message in, keep what is to be handed over, and return what takes effect at once.

        The message must not leave a gap. What was received before is only counted; `volatile=False` drops volatile
        packets.
        """
        _, counted, packets, _ = message
        received = self.received
        repeated = min(received - message.number + 1, counted) if counted else 0
        if repeated > 0:
            self.duplicates += repeated
        if counted and self.due == NEVER:
            self.due = now + ACK_DELAY
        # A packet's bytes are known only as its share of the message, which is good enough while all are small.
        share = size // len(packets) if packets else 0
        uneven = size > ACK_SIZE and len(packets) > 1
        at_once: list[Packet] = []
        for packet in packets:
            kind = type(packet)
            if kind is Event or kind is Call or is_counted(packet):
                if repeated > 0:
                    repeated -= 1
                    continue
                received += 1
                if kind in _AT_ONCE:
                    at_once.append(packet)
                    if self.queue:
                        self._ahead += 1
                    continue
                if uneven:
                    share = weigh(packet)
                self.queue.append(_Waiting(received, packet, share))
                self._waiting_size += share
                if kind in FLOW:
                    self._waiting_flow += 1
            elif kind is not Volatile:
                at_once.append(packet)
            elif volatile and len(self.queue) < self.bounds.packets and self._waiting_size < self.bounds.size:
                if uneven:
                    share = weigh(packet)
                # It has no number of its own: whatever came before it counts as handed over when it is its turn.
                self.queue.append(_Waiting(received + 1, packet, share))
                self._waiting_size += share
        self.received = received
        self._owed_size += size
        if not self.queue:
            self.handed = received
        owed = max(self.handed - self.told, self._ahead)
        if not self.pressed and (owed >= self._most or self._owed_size >= self._most_size):
            self._press()
        if (
            self._waiting_flow > self._flood
            or len(self.queue) > 2 * self._flood + CROWD
            or self._waiting_size > self._flood_size
        ):
            self.flooded = True
            self._shed()
        return at_once

    def _shed(self) -> None:
        """Of a flood only so much is taken as may wait: it ends the session, but what was taken is handled before."""
        most, waiting = self._flood, self.queue
        while self._waiting_flow > most or len(waiting) > 2 * most + CROWD:
            number, packet, size = waiting.pop()
            self.received = number - 1
            self._waiting_size -= size
            if type(packet) in FLOW:
                self._waiting_flow -= 1

    def holds_call(self, id: int) -> bool:
        """Whether a call of the peer waits for its turn."""
        return any(type(packet) is Call and packet.id == id for _, packet, _ in self.queue)

    def hand_over(self) -> Packet | None:
        """The next packet in order, from now on acked; None when nothing waits."""
        waiting = self.queue
        if not waiting:
            return None
        _, packet, size = waiting.popleft()
        self._waiting_size -= size
        if self._passed_over > 0:
            self._passed_over -= size
            self._owed_size += size
        if type(packet) in FLOW:
            self._waiting_flow -= 1
        self.handed = handed = waiting[0].number - 1 if waiting else self.received
        if not self.pressed and (handed - self.told >= self._most or self._owed_size >= self._most_size):
            self._press()
        return packet

    def _press(self) -> None:
        # Items of a stream that come behind an event which waits: the peer keeps them until it knows that they came.
        if self.handed > self.told or self._ahead:
            self.pressed = True
            self._on_pressing()

    def acked(self, now: float) -> None:
        """The peer has just been told `handed` and `received`."""
        self.told = self.handed
        self._owed_size = 0
        self._passed_over = self._waiting_size
        self._ahead = 0
        self.pressed = False
        self.due = now + ACK_DELAY if self.queue else NEVER


def weigh(packet: Packet) -> int:
    """About how many bytes a packet holds. A walk, so only for large messages that hold several packets.

    Equal shares would charge a small event with half of the large reply beside it, and accuse its sender.
    """
    weight = 0
    rest: list[Any] = [astuple(packet)]
    while rest:
        item = rest.pop()
        weight += 1
        if isinstance(item, str | bytes):
            weight += len(item)
        elif isinstance(item, dict):
            rest += item.keys()
            rest += item.values()
        elif isinstance(item, list | tuple):
            rest += item
    return weight
