"""Engine.IO v4, which is below Socket.IO: a packet is one message of a WebSocket, or a part of a payload of polling.

A packet is a str that begins with its type, or bytes: a message that is binary. A payload, which is the body of a poll
or of a POST, has several of them, with 0x1E between and the binary ones in base64.
"""

from __future__ import annotations

from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from typing import NamedTuple

import msgspec

from antiphon.errors import RemoteProtocolError
from antiphon.types import Data

__all__ = [
    "CLOSE",
    "MESSAGE",
    "NOOP",
    "OPEN",
    "PING",
    "PONG",
    "PROBE",
    "PROBED",
    "UPGRADE",
    "EngineError",
    "EngineRefusal",
    "opening",
    "read_base64",
    "read_payload",
    "write_payload",
]

OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP = "0123456"
# What is said on a WebSocket that is to take over from polls.
PROBE, PROBED = "2probe", "3probe"

SEPARATOR = "\x1e"
_SEPARATOR = SEPARATOR.encode()
BASE64 = "b"
# How base64 is spelled elsewhere, and how here.
_PLAIN = str.maketrans("-_", "+/", "\r\n")


def opening(sid: str, upgrades: Sequence[str], *, interval: float, timeout: float, size: int) -> str:
    """The open packet; times in seconds, `size` of one payload or message in bytes. Exactly these five keys."""
    told = {
        "sid": sid,
        "upgrades": list(upgrades),
        "pingInterval": round(interval * 1000),
        "pingTimeout": round(timeout * 1000),
        "maxPayload": size,
    }
    return OPEN + msgspec.json.encode(told).decode()


# -- payloads


def write_payload(packets: Iterable[Data]) -> str:
    """The body of the answer to a poll."""
    return SEPARATOR.join(
        BASE64 + b64encode(packet).decode() if isinstance(packet, bytes) else packet for packet in packets
    )


def read_payload(body: bytes, *, size: int, message: int, text: bool = True) -> Iterator[Data]:
    """The packets in the body of a POST of at most `size` bytes, each with at most `message`.

    `text`: it was sent as such. They are read one by one, so that a million of them are never a million objects. Raises
    RemoteProtocolError, for a single packet when it is its turn. What a packet says is looked at by whoever takes it.
    """
    if not text:
        raise RemoteProtocolError("protocol", "a payload is text since EIO=4, with its bytes in base64")
    if len(body) > size:
        raise RemoteProtocolError("protocol", f"a payload has at most {size} bytes, not {len(body)}")
    try:
        body.decode()  # before its packets are, one by one: of a body that is no text nothing is taken
    except UnicodeDecodeError:
        raise RemoteProtocolError("protocol", "a payload is UTF-8") from None
    return _packets(body, message)


def _packets(body: bytes, most: int) -> Iterator[Data]:
    # Of bytes: one wide character anywhere would make a text four times as large, for as long as it is read.
    begin, end = 0, -1
    while end < len(body):
        end = body.find(_SEPARATOR, begin)
        if end < 0:
            end = len(body)
        packet = body[begin:end].decode()
        if not packet:
            raise RemoteProtocolError("protocol", "a packet of a payload is empty")
        data = read_base64(packet) if packet.startswith(BASE64) else packet
        if len(data) > most:
            raise RemoteProtocolError("protocol", f"a message has at most {most} bytes")
        yield data
        begin = end + 1


def read_base64(packet: str) -> bytes:
    """The bytes of a binary message that is spelled as text. Raises RemoteProtocolError.

    Clients differ in their base64: that of Java has lines (RFC 2045, 6.8), others have no padding, or the alphabet for
    URLs. Nothing else is taken for what it may have been.
    """
    try:
        return a2b_base64(packet[1:], strict_mode=True)
    except ValueError:
        spelled = packet[1:].translate(_PLAIN)
    try:
        return a2b_base64(spelled + "=" * (-len(spelled) % 4), strict_mode=True)
    except ValueError as error:
        raise RemoteProtocolError("protocol", f"a binary packet is not base64: {error}") from None


# -- refusals


class EngineError(IntEnum):
    """Why a request is refused; clients know the numbers."""

    TRANSPORT_UNKNOWN = 0
    SESSION_UNKNOWN = 1
    BAD_METHOD = 2
    BAD_REQUEST = 3
    FORBIDDEN = 4
    UNSUPPORTED_VERSION = 5


_MESSAGES = {
    EngineError.TRANSPORT_UNKNOWN: "Transport unknown",
    EngineError.SESSION_UNKNOWN: "Session ID unknown",
    EngineError.BAD_METHOD: "Bad handshake method",
    EngineError.BAD_REQUEST: "Bad request",
    EngineError.FORBIDDEN: "Forbidden",
    EngineError.UNSUPPORTED_VERSION: "Unsupported protocol version",
}


class EngineRefusal(NamedTuple):
    """The answer to a request that is refused. `remedy` is told behind the words that clients of this wire know."""

    error: EngineError
    remedy: str = ""

    @property
    def status(self) -> int:
        """The HTTP status."""
        return 403 if self.error is EngineError.FORBIDDEN else 400

    @property
    def message(self) -> str:
        """What it says to people."""
        message = _MESSAGES[self.error]
        return f"{message}: {self.remedy}" if self.remedy else message

    @property
    def body(self) -> bytes:
        """The body, which is JSON."""
        return msgspec.json.encode({"code": int(self.error), "message": self.message})
