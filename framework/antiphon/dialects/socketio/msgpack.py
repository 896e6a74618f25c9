"""The form of the msgpack parser: each packet is a map `{type, nsp, id, data}` in one binary message."""

from __future__ import annotations

from typing import Any

import msgspec

from antiphon.config import Limits
from antiphon.dialects.socketio.extensions import spellings
from antiphon.dialects.socketio.frames import binary_frame
from antiphon.dialects.socketio.packets import SocketioPacket, received
from antiphon.errors import RemoteProtocolError
from antiphon.types import Data

__all__ = ["MsgpackForm"]

_msgpack = msgspec.msgpack.Encoder()
# First bytes of an extension of one, and of eight bytes, that is no Uint8Array.
UNDEFINED, DATE = 0xD4, 0xD7


class MsgpackForm:
    """See Form. A Uint8Array comes as bytes, undefined as None, and a Date as its milliseconds since 1970."""

    __slots__ = ("_limits", "waiting", "weight")

    def __init__(self, limits: Limits) -> None:
        self.waiting: SocketioPacket | None = None  # each packet is whole
        self.weight = 0
        self._limits = limits

    def write(self, packet: SocketioPacket) -> bytes:
        """See Form.write. Bytes are bin: the JavaScript decoder gives an ext back as a pair, even its own."""
        told: dict[str, Any] = {"type": int(packet.kind), "nsp": packet.namespace}
        # What is not there must not be nil: its decoder would not accept that.
        if packet.id is not None:
            told["id"] = packet.id
        if packet.data is not None:
            told["data"] = packet.data
        return binary_frame(_msgpack.encode(told))

    def read(self, message: Data) -> SocketioPacket:
        """See Form.read."""
        if isinstance(message, str):
            raise RemoteProtocolError("protocol", "packets of the msgpack parser are binary; do both sides have it?")
        self.weight = len(message)
        raw = _decoded(message)
        # Clients add fields of their own, such as `options`.
        if type(raw) is not dict:
            raise RemoteProtocolError("protocol", "a packet of the msgpack parser is a map")
        kind, namespace, id = raw.get("type"), raw.get("nsp"), raw.get("id")
        if type(kind) is not int or type(namespace) is not str or (id is not None and type(id) is not int):
            raise RemoteProtocolError("protocol", "type, nsp and id of a packet are a number, a string and a number")
        return received(kind, namespace, id, raw.get("data"), self._limits)

    def forget(self) -> None:
        """See Form.forget: no packet has more than one message."""


def _decoded(message: bytes) -> Any:
    doubtful = False

    def extension(code: int, content: memoryview) -> Any:
        nonlocal doubtful
        if code:
            raise ValueError(f"extension {code} is not known here")
        doubtful = doubtful or len(content) in (1, 8)
        return bytes(content)

    def certain_extension(code: int, content: memoryview) -> Any:
        first = next(firsts)
        if first == UNDEFINED:
            return None
        return int.from_bytes(content, "big", signed=True) if first == DATE else bytes(content)

    try:
        raw = msgspec.msgpack.decode(message, ext_hook=extension)
        if doubtful:
            firsts = iter(spellings(message))
            raw = msgspec.msgpack.decode(message, ext_hook=certain_extension)
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError) as error:
        raise RemoteProtocolError("protocol", f"not msgpack: {str(error)[:200]}") from None
    return raw
