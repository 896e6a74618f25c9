"""What a client puts on the wire of a WebSocket, right or wrong, and how what a server puts there is read."""

from __future__ import annotations

from typing import NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MASK = b"\x5a\x00\xff\x31"
# The example of the standard (RFC 6455, 1.3).
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


class Frame(NamedTuple):
    """A frame of a server."""

    opcode: int
    payload: bytes
    final: bool = True

    @property
    def code(self) -> int | None:
        """The code of a Close."""
        return int.from_bytes(self.payload[:2], "big") if self.payload else None


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, mask: bytes | None = MASK, length: int = 0
) -> bytes:
    """One frame of a client. `mask`: None for a frame without one; `length`: bytes to write it in, 1, 2 or 8."""
    size = len(payload)
    length = length or (1 if size < 126 else 2 if size < 1 << 16 else 8)
    lengths = {1: bytes([size & 0x7F]), 2: b"\x7e" + (size & 0xFFFF).to_bytes(2, "big"), 8: b"\x7f" + size.to_bytes(8)}
    head = bytes([fin << 7 | rsv << 4 | opcode, lengths[length][0] | (0 if mask is None else 0x80)])
    return head + lengths[length][1:] + (payload if mask is None else mask + masked(payload, mask))


def masked(payload: bytes, mask: bytes) -> bytes:
    """As the standard says it (5.3), byte by byte."""
    return bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


def closing(code: int, reason: bytes = b"") -> bytes:
    """A Close of a client."""
    return frame(CLOSE, code.to_bytes(2, "big") + reason)


def upgrade(path: str, *changes: str, without: str = "") -> bytes:
    """The request that opens a WebSocket; a line of `changes` takes the place of the one with its name."""
    lines = {
        "host": "Host: localhost",
        "connection": "Connection: Upgrade",
        "upgrade": "Upgrade: websocket",
        "sec-websocket-version": "Sec-WebSocket-Version: 13",
        "sec-websocket-key": f"Sec-WebSocket-Key: {KEY}",
    }
    lines.pop(without.lower(), None)
    for change in changes:
        lines[change.partition(":")[0].lower()] = change
    return "\r\n".join((f"GET {path} HTTP/1.1", *lines.values(), "", "")).encode()


def server_frame(received: bytes) -> tuple[Frame, bytes] | None:
    """The first frame of what a server sent and the rest; None while it is not complete."""
    if len(received) < 2:
        return None
    first, length = received[0], received[1]
    assert not first & 0x70, "a server sets no reserved bit"
    assert not length & 0x80, "a server masks nothing"
    start = {126: 4, 127: 10}.get(length, 2)
    if start > 2:
        length = int.from_bytes(received[2:start], "big")
    if len(received) < start + length:
        return None
    return Frame(first & 0x0F, received[start : start + length], bool(first & 0x80)), received[start + length :]
