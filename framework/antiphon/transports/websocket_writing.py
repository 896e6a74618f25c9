"""WebSocket frames as a server writes them (RFC 6455, section 5): without a mask, and each message in one."""

from __future__ import annotations

from antiphon.types import Data

__all__ = ["SHORT_BINARY", "close_frame", "message_frame", "pong_frame"]

# The head of a binary message of so many bytes, for whoever writes so many of them that a call less counts.
SHORT_BINARY = tuple(bytes((0x82, size)) for size in range(126))


def message_frame(message: Data) -> bytes:
    """One message: text for str, binary for bytes."""
    if isinstance(message, bytes):
        first, payload = 0x82, message
    else:
        first, payload = 0x81, message.encode()
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 1 << 16:
        return bytes((first, 126, size >> 8, size & 0xFF)) + payload
    return bytes((first, 127)) + size.to_bytes(8, "big") + payload


def pong_frame(payload: bytes) -> bytes:
    """The answer to a Ping."""
    return b"\x8a%c%b" % (len(payload), payload)


def close_frame(code: int | None, reason: str = "") -> bytes:
    """A Close; one without a code has no reason either. A reason has at most 123 bytes."""
    payload = b"" if code is None else code.to_bytes(2, "big") + reason.encode()
    return b"\x88%c%b" % (len(payload), payload)
