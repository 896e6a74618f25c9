"""Finished WebSocket frames, as a server writes them: what a broadcast shares, made once and walked again for polls.

The transports have a `message_frame` of their own. Dialects may not import it, and here the text is bytes already.
"""

from __future__ import annotations

from collections.abc import Iterator

from antiphon.types import Data

__all__ = ["binary_frame", "frame_of", "messages_of", "text_frame"]

TEXT, BINARY = 0x81, 0x82


def text_frame(payload: bytes) -> bytes:
    """One text message, whose text is `payload` in UTF-8."""
    return _head(TEXT, len(payload)) + payload


def binary_frame(payload: bytes) -> bytes:
    """One binary message."""
    return _head(BINARY, len(payload)) + payload


def frame_of(message: Data) -> bytes:
    """One message: text of str, binary of bytes."""
    return text_frame(message.encode()) if isinstance(message, str) else binary_frame(message)


def messages_of(frames: bytes) -> Iterator[Data]:
    """The messages in `frames`, which were written here: text as str, binary as bytes."""
    at = 0
    while at < len(frames):
        first, size = frames[at], frames[at + 1]
        at += 2
        if size > 125:
            width = 2 if size == 126 else 8
            size = int.from_bytes(frames[at : at + width], "big")
            at += width
        payload = frames[at : at + size]
        yield payload.decode() if first == TEXT else payload
        at += size


def _head(first: int, size: int) -> bytes:
    if size < 126:
        return bytes((first, size))
    if size < 1 << 16:
        return bytes((first, 126, size >> 8, size & 0xFF))
    return bytes((first, 127)) + size.to_bytes(8, "big")
