"""How a Socket.IO client spells: its default parser and the msgpack one, written from what the JavaScript ones do."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from typing import Any, NamedTuple, Protocol

import msgpack

from antiphon.types import Data

__all__ = [
    "SEPARATOR",
    "UNDEFINED",
    "Kind",
    "MsgpackParser",
    "Parser",
    "Said",
    "TextParser",
    "size_of",
    "spelled",
    "unspelled",
]

SEPARATOR = "\x1e"


class Kind:
    """The types of packets."""

    CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK = range(7)


class Said(NamedTuple):
    """One packet."""

    kind: int
    nsp: str
    data: Any = None
    id: int | None = None


class Parser(Protocol):
    """Both ways, with what is half read."""

    def encode(self, said: Said) -> list[Data]:
        """As messages of Engine.IO."""
        ...

    def decode(self, message: Data) -> Said | None:
        """None: attachments are to follow. Raises ValueError, for which a client closes its connection."""
        ...

    def destroy(self) -> None:
        """The connection is over."""
        ...


# Between the type, or its attachments, and the data.
_HEAD = re.compile(r"([0-6])(?:(?<=[56])(\d+)-)?(?:(/[^,]*)(?:,|$))?(\d*)")


class TextParser:
    """socket.io-parser."""

    def __init__(self) -> None:
        self._begun: Said | None = None
        self._missing = 0
        self._attachments: list[bytes] = []

    def encode(self, said: Said) -> list[Data]:
        """See Parser."""
        attachments: list[bytes] = []
        kind, data = said.kind, said.data
        if kind in (Kind.EVENT, Kind.ACK):
            data = _deconstructed(data, attachments)
        head = str(kind + 3) + f"{len(attachments)}-" if attachments else str(kind)
        if said.nsp != "/":
            head += said.nsp + ","
        if said.id is not None:
            head += str(said.id)
        if data is not None:
            head += json.dumps(data, separators=(",", ":"), ensure_ascii=False)
        return [head, *attachments]

    def decode(self, message: Data) -> Said | None:
        """See Parser."""
        if isinstance(message, bytes):
            return self._attach(message)
        if self._begun is not None:
            raise ValueError("got plaintext data when reconstructing a packet")
        head = _HEAD.match(message)
        if head is None:
            raise ValueError(f"unknown packet {message!r}")
        kind, missing = int(head[1]), int(head[2] or 0)
        rest = message[head.end() :]
        data = json.loads(rest) if rest else None
        said = Said(kind, head[3] or "/", data, int(head[4]) if head[4] else None)
        if kind < Kind.BINARY_EVENT:
            return said
        self._begun, self._missing = said._replace(kind=kind - 3), missing
        return None

    def _attach(self, message: bytes) -> Said | None:
        said = self._begun
        if said is None:
            raise ValueError("got binary data when not reconstructing a packet")
        self._attachments.append(message)
        if len(self._attachments) < self._missing:
            return None
        attachments = self._attachments
        self.destroy()
        return said._replace(data=_reconstructed(said.data, attachments))

    def destroy(self) -> None:
        """See Parser."""
        self._begun, self._attachments = None, []


def _deconstructed(value: Any, attachments: list[bytes]) -> Any:
    if isinstance(value, bytes):
        attachments.append(value)
        return {"_placeholder": True, "num": len(attachments) - 1}
    if isinstance(value, list):
        return [_deconstructed(item, attachments) for item in value]
    if isinstance(value, dict):
        return {key: _deconstructed(item, attachments) for key, item in value.items()}
    return value


def _reconstructed(value: Any, attachments: list[bytes]) -> Any:
    if isinstance(value, list):
        return [_reconstructed(item, attachments) for item in value]
    if isinstance(value, dict):
        if value.get("_placeholder") is True:
            return attachments[value["num"]]
        return {key: _reconstructed(item, attachments) for key, item in value.items()}
    return value


# What JavaScript has and JSON leaves out.
UNDEFINED = msgpack.ExtType(0, b"\x00")


class MsgpackParser:
    """socket.io-msgpack-parser: a packet is one message."""

    def encode(self, said: Said) -> list[Data]:
        """See Parser."""
        packet: dict[str, Any] = {"type": said.kind, "nsp": said.nsp, "options": {"compress": True}}
        if said.data is not None:
            packet["data"] = said.data
        if said.id is not None:
            packet["id"] = said.id
        encoded: bytes = msgpack.packb(packet)
        return [encoded]

    def decode(self, message: Data) -> Said | None:
        """See Parser."""
        if isinstance(message, str):
            raise ValueError("text where msgpack was expected")
        packet = msgpack.unpackb(message)
        return Said(packet["type"], packet["nsp"], packet.get("data"), packet.get("id"))

    def destroy(self) -> None:
        """See Parser."""


# -- payloads of polling, whose packets are a type and what it holds; binary messages have none


def spelled(packet: Data) -> str:
    """A packet as a part of a payload."""
    return "b" + b64encode(packet).decode() if isinstance(packet, bytes) else packet


def unspelled(payload: str) -> list[Data]:
    """The packets of a payload."""
    return [b64decode(part[1:]) if part.startswith("b") else part for part in payload.split(SEPARATOR)]


def size_of(packet: Data) -> int:
    """What engine.io-client takes for the bytes of the data in a packet, without its type."""
    return -(-len(packet) * 133 // 100) if isinstance(packet, bytes) else len(packet.encode()) - 1
