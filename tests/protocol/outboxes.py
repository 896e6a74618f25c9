"""Outboxes for tests, and what they give."""

from __future__ import annotations

from antiphon.config import Inbox
from antiphon.config import Outbox as Bounds
from antiphon.protocol.codec import Prepared
from antiphon.protocol.outbox import Entry, Outbox, Run
from antiphon.protocol.packets import Call, Event, Packet, Volatile
from tests.protocol.wire import CODEC, event, packets_in

__all__ = ["ROOM", "Wakes", "add", "add_volatile", "entry", "open_outbox", "put", "said", "take"]

ROOM = 1 << 20


class Wakes:
    """Counts how often it was called."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def open_outbox(
    *,
    packets: int = 4096,
    size: int = 4 << 20,
    window: int = 256,
    window_size: int = 1 << 20,
    reserve: int = 0,
) -> Outbox:
    outbox = Outbox(CODEC, Bounds(packets=packets, size=size), Wakes(), reserve=reserve)
    outbox.window = Inbox(packets=window, size=window_size)
    outbox.carried = True
    return outbox


def put(outbox: Outbox, *numbers: int) -> None:
    for number in numbers:
        outbox.put(Prepared(event(number)))


def entry(packet: Packet, *, deadline: float | None = None, key: object = None) -> Entry:
    return Entry(packet, CODEC.encode(packet), deadline=deadline, key=key)


def add(outbox: Outbox, packet: Packet, *, deadline: float | None = None, key: object = None) -> Entry:
    made = entry(packet, deadline=deadline, key=key)
    outbox.add(made)
    return made


def add_volatile(outbox: Outbox, number: int, now: float = 0.0, size: int = 0) -> bool:
    return outbox.add_volatile(CODEC.encode(Volatile("/", "at", [number, bytes(size)])), now)


def said(run: Run) -> list[object]:
    """What the packets of a run say: the first argument of events, the id of the rest."""
    return [
        packet.args[0] if isinstance(packet, Event | Call | Volatile) else getattr(packet, "id", "joined")
        for packet in packets_in([CODEC.pack(run.number, run.counted, run.parts)])
    ]


def take(outbox: Outbox, now: float = 0.0, room: int = ROOM) -> list[object]:
    """What all runs say, until there is no more."""
    found = []
    more = True
    while more:
        run = outbox.run(now, room)
        found += said(run)
        more = run.more
    return found
