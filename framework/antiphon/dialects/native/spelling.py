"""Which number each packet has on the native wire, and how its fields are laid out.

Types 1 to 31 are counted, 32 to 63 are not: one bit, so that a stranger to a type still counts right.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import asdict, astuple

from antiphon.config import Limits
from antiphon.errors import PayloadError, RemoteProtocolError
from antiphon.protocol import packets as p
from antiphon.protocol.codec import Broken, Message
from antiphon.protocol.values import stray

__all__ = ["CODES", "FIRST_UNCOUNTED", "KINDS", "read_message", "spell"]

CODES: dict[type[p.Packet], int] = {
    p.Join: 1,
    p.Joined: 2,
    p.Refused: 3,
    p.Leave: 4,
    p.Event: 5,
    p.Call: 6,
    p.Reply: 7,
    p.Failed: 8,
    p.Cancel: 9,
    p.Item: 10,
    p.End: 11,
    p.Credit: 12,
    p.Renew: 13,
    p.Hello: 32,
    p.Welcome: 33,
    p.Refuse: 34,
    p.Ack: 35,
    p.Ping: 36,
    p.Pong: 37,
    p.Close: 38,
    p.Volatile: 39,
}
KINDS: dict[int, type[p.Packet]] = {code: kind for kind, code in CODES.items()}
FIRST_UNCOUNTED = 32
LAST = 63
# A megabyte has room for 350,000 acks, whose reading would take half a second.
MOST_PACKETS = 8192

# Spelled as one map instead of fields in order: they are rare, and grow.
_MAPS: frozenset[type[p.Packet]] = frozenset({p.Hello, p.Welcome})
# However tight the limits are for what users send, our own map fits: it may have so many members, and the auth of a
# join stands in a pair, a list, that map and the packet.
_MEMBERS, _IN_A_MAP = 32, 4
# So many of the last fields are left out unless they say something.
_SHORT: dict[type[p.Packet], int] = {p.Event: 1, p.Call: 3, p.Ack: 1}
# Who waits for one of these is told when it breaks a limit.
_OF_STREAMS: frozenset[type[p.Packet]] = frozenset({p.Item, p.End})
_OF_CALLS: frozenset[type[p.Packet]] = frozenset({p.Call, p.Reply, p.Failed, *_OF_STREAMS})
# They carry names that a limit holds for.
_NAMED = (p.Event, p.Call, p.Volatile)


def spell(packet: p.Packet) -> list[Any]:
    """`[type, fields...]`, in values of the wire."""
    kind = type(packet)
    if kind in _MAPS:
        return [CODES[kind], {name: value for name, value in asdict(packet).items() if value is not None}]
    fields = [CODES[kind], *astuple(packet)]
    for _ in range(_SHORT.get(kind, 0)):
        if fields[-1] is not None and fields[-1] is not False:  # a 0 and an empty list say something
            break
        del fields[-1]
    return fields


def read_message(raw: Any, limits: Limits) -> Message:
    """The message that a decoded array holds. Raises RemoteProtocolError, see Codec.decode.

    One call per message and two per packet: this is on the path of every event.
    """
    if type(raw) is not list or len(raw) < 2:
        raise RemoteProtocolError("protocol", "a message is an array [n, k, packet, ...]")
    number, counted = raw[0], raw[1]
    if not (
        type(number) is int
        and type(counted) is int
        and 0 <= number <= p.MAX_NUMBER
        and 0 <= counted <= p.MAX_NUMBER  # JSON may spell one of 4,000 digits, and a refusal would repeat it
    ):
        raise RemoteProtocolError("protocol", "a message begins with two whole numbers, n and k")
    if len(raw) > MOST_PACKETS + 2:
        raise RemoteProtocolError("protocol", f"a message holds at most {MOST_PACKETS} packets")
    packets: list[p.Packet] = []
    found = 0
    for item in raw[2:]:
        packet = _read(item, limits)
        if packet is not None:
            packets.append(packet)
            if item[0] < FIRST_UNCOUNTED:
                found += 1
    if found != counted:
        raise RemoteProtocolError("miscounted", f"a message said {counted} counted packets and held {found}")
    if counted and not number:
        raise RemoteProtocolError("protocol", "the first counted packet has number 1, not 0")
    return Message(number, counted, packets)


def _read(item: Any, limits: Limits) -> p.Packet | None:
    """The packet that `item` spells; None for one that may be ignored; a Broken for one that breaks a limit.

    Raises RemoteProtocolError: `protocol` when it is no packet, `unsupported` when it is counted but not known.
    """
    if type(item) is not list or not item or type(item[0]) is not int or not 1 <= item[0] <= LAST:
        raise RemoteProtocolError("protocol", "a packet is an array that begins with its type, a number from 1 to 63")
    kind = KINDS.get(item[0])
    if kind is None:
        if item[0] >= FIRST_UNCOUNTED:
            return None
        raise RemoteProtocolError("unsupported", f"packet type {item[0]} is counted, but not known here")
    try:
        # The packet is one array around its values, so they may nest one deeper than a value may.
        deepest, keys, values = limits.depth + 1, limits.keys, limits.values
        if kind in _MAPS:
            deepest, keys, values = limits.depth + _IN_A_MAP, max(keys, _MEMBERS), values + _MEMBERS
        if (found := stray(item, deepest, keys, values)) is not None:
            return _broken(kind, item, found.error(kind.__name__), found.limit, limits.name)
        if kind in _MAPS:
            return kind(**asdict(msgspec.convert(item[1], _READERS[kind])))
        packet: p.Packet = msgspec.convert(item[1:], kind)
    except (msgspec.ValidationError, IndexError) as error:
        raise RemoteProtocolError("protocol", f"a {kind.__name__} cannot be read: {error}") from None
    name = limits.name
    if kind in _NAMED and (len(packet.name) > name or len(packet.namespace) > name):  # type: ignore[attr-defined]  # all of _NAMED have both
        expected = f"at most {name} characters"
        too_long = PayloadError(f"a name has {expected}", parameter="name", expected=expected)
        return _broken(kind, item, too_long, "name", name)
    return packet


def _broken(kind: type[p.Packet], item: list[Any], error: PayloadError, limit: str | None, name: int) -> p.Packet:
    if kind in _MAPS or CODES[kind] >= FIRST_UNCOUNTED:
        raise RemoteProtocolError("protocol", str(error))
    first, second = [*item[1:3], None, None][:2]
    namespace = first if kind is p.Join and type(first) is str and len(first) <= name else None
    # Only an id that could be one is answered: the peer could not read the answer to any other.
    call = first if kind in _OF_CALLS and type(first) is int and 1 <= first <= p.MAX_NUMBER else None
    stream = second if kind in _OF_STREAMS and type(second) is int and 0 <= second <= p.MAX_NUMBER else None
    return Broken(kind, error, call, namespace, limit, stream)


def _as_map(kind: type[p.Packet]) -> type[msgspec.Struct]:
    """A twin of `kind` that is read from a map instead of an array."""
    fields = [
        (f.name, f.type) if f.default is msgspec.NODEFAULT else (f.name, f.type, f.default)
        for f in msgspec.structs.fields(kind)
    ]
    return msgspec.defstruct(kind.__name__, fields, kw_only=True)


_READERS: dict[type[p.Packet], type[msgspec.Struct]] = {kind: _as_map(kind) for kind in _MAPS}
