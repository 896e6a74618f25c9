"""The text form: `<type>[<attachments>-][<namespace>,][<id>][<JSON>]`, then its attachments as binary messages."""

from __future__ import annotations

import re

import msgspec

from antiphon.config import Limits
from antiphon.dialects.socketio.attachments import MOST, check_placeholders, detach, restore
from antiphon.dialects.socketio.frames import binary_frame, text_frame
from antiphon.dialects.socketio.jsontext import read_json
from antiphon.dialects.socketio.packets import Kind, SocketioPacket, received
from antiphon.errors import PayloadError, RemoteProtocolError
from antiphon.types import Data

__all__ = ["TextForm", "spell"]

_json = msgspec.json.Encoder()
_HEADS = (b"0", b"1", b"2", b"3", b"4")
# So much is added to the type of a packet that has attachments.
BINARY = 3
# Behind a namespace its comma may be missing if nothing follows.
_HEAD = re.compile(r"(?:([0-4])|([56])([0-9]{1,9})-)(?:(/[^,]*)(?:,|\Z))?([0-9]{0,16})")


def spell(packet: SocketioPacket) -> tuple[bytes, list[bytes]]:
    """The text of a packet, in UTF-8, and its attachments. Raises PayloadError for what cannot be said so."""
    kind, namespace, data, id, *_ = packet
    if "," in namespace:
        raise PayloadError(
            f"the namespace {namespace!r} has a comma in its name, which ends it for Socket.IO clients; rename it",
            parameter="namespace",
            expected="a name without a comma",
        )
    head = _HEADS[kind]
    attachments: list[bytes] = []
    if data is not None:
        [data], attachments = detach([data])
    if attachments:
        if kind is not Kind.EVENT and kind is not Kind.ACK:
            raise PayloadError(
                f"the data of a {kind.name} may not hold bytes; send them as text",
                parameter="data",
                expected="no bytes",
            )
        head = b"%d%d-" % (kind + BINARY, len(attachments))
    if namespace != "/":
        head += namespace.encode() + b","
    if id is not None:
        head += b"%d" % id
    return head if data is None else head + _json.encode(data), attachments


class TextForm:
    """See Form. Text is one packet, or the begin of one whose attachments follow at once."""

    __slots__ = ("_attachments", "_limits", "_missing", "waiting", "weight")

    def __init__(self, limits: Limits) -> None:
        self.waiting: SocketioPacket | None = None
        self.weight = 0
        self._limits = limits
        self._missing = 0
        self._attachments: list[bytes] = []

    def write(self, packet: SocketioPacket) -> bytes:
        """See Form.write."""
        text, attachments = spell(packet)
        frame = text_frame(b"4" + text)
        return b"".join((frame, *map(binary_frame, attachments))) if attachments else frame

    def read(self, message: Data) -> SocketioPacket | None:
        """See Form.read."""
        if isinstance(message, bytes):
            return self._attach(message)
        if self.waiting is not None:
            raise RemoteProtocolError("protocol", f"text came where {self._missing} attachments were missing")
        packet, attachments = _read(message, self._limits)
        self.weight = len(message)
        if not attachments:
            return packet
        self.waiting, self._missing = packet, attachments
        return None

    def _attach(self, attachment: bytes) -> SocketioPacket | None:
        packet, most = self.waiting, self._limits.message
        if packet is None:
            raise RemoteProtocolError("protocol", "a binary message came where no attachment was announced")
        self.weight += len(attachment)
        if self.weight > most:
            raise RemoteProtocolError("protocol", f"an event with its attachments has at most {most} bytes")
        self._attachments.append(attachment)
        self._missing -= 1
        if self._missing:
            return None
        attachments = self._attachments
        self.forget()
        # What has a fault was not walked to its end, and goes no further.
        return packet._replace(data=restore(packet.data, attachments)) if packet.fault is None else packet

    def forget(self) -> None:
        """See Form.forget."""
        self.waiting, self._missing, self._attachments = None, 0, []


def _read(text: str, limits: Limits) -> tuple[SocketioPacket, int]:
    """A packet and how many attachments follow it."""
    head = _HEAD.match(text)
    if head is None:
        raise RemoteProtocolError("protocol", "a packet begins with its type, and with the number of its attachments")
    plain, binary, announced, namespace, id = head.groups()
    kind = int(plain) if plain else int(binary) - BINARY
    attachments = int(announced) if announced else 0
    if attachments > MOST:
        raise RemoteProtocolError("protocol", f"a packet has at most {MOST} attachments, not {attachments}")
    data = None
    if head.end() < len(text):
        try:
            data = read_json(text[head.end() :])
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise RemoteProtocolError("protocol", f"not JSON: {error}") from None
        if data is None:
            raise RemoteProtocolError("protocol", "the data of a packet is not null")
    packet = received(kind, namespace or "/", int(id) if id else None, data, limits)
    if binary and packet.fault is None:
        check_placeholders(packet.data, attachments)
    return packet, attachments
