"""Messages of the native wire for tests: how they are made, and what they say."""

from __future__ import annotations

from collections.abc import Iterable

from antiphon.config import Limits
from antiphon.dialects.native.forms import MsgpackCodec
from antiphon.protocol.codec import Message, is_counted
from antiphon.protocol.packets import Event, Packet
from antiphon.types import Data

__all__ = ["CODEC", "counted_in", "event", "events", "message", "of_size", "packets_in", "read"]

CODEC = MsgpackCodec(Limits())


def event(number: int, namespace: str = "/") -> Event:
    """An event that says its number."""
    return Event(namespace, "say", [number])


def of_size(size: int, number: int = 0) -> Event:
    """An event that is exactly `size` bytes long on the wire."""
    overhead = len(CODEC.encode(Event("/", "say", [number, bytes(size)]))) - size
    made = Event("/", "say", [number, bytes(size - overhead)])
    assert len(CODEC.encode(made)) == size
    return made


def message(number: int, *packets: Packet) -> Data:
    """A message that begins with `number`, as a peer would write it."""
    counted = sum(map(is_counted, packets))
    return CODEC.pack(number, counted, [CODEC.encode(packet) for packet in packets])


def read(data: Data) -> Message:
    """What a message says."""
    return CODEC.decode(data)


def packets_in(messages: Iterable[Data]) -> list[Packet]:
    """All packets, in order."""
    return [packet for data in messages for packet in read(data).packets]


def counted_in(messages: Iterable[Data]) -> list[tuple[int, Packet]]:
    """All counted packets with their numbers, in order."""
    found = []
    for data in messages:
        number, _, packets, _ = read(data)
        found += list(enumerate(filter(is_counted, packets), number))
    return found


def events(messages: Iterable[Data]) -> list[int]:
    """What the events say, in order."""
    return [packet.args[0] for packet in packets_in(messages) if isinstance(packet, Event)]
