"""Every WebSocket that a server has, as the suite of raw frames speaks to it. A new dialect adds its own here."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from antiphon import Limits
from antiphon.dialects.native.forms import JsonCodec, MsgpackCodec
from antiphon.protocol.codec import Codec
from antiphon.protocol.packets import Call, Hello, Packet
from tests.wire.frames import BINARY, TEXT

__all__ = ["ENDPOINTS", "LIMITS", "TEXT_ENDPOINTS", "Endpoint"]

# Small, so that a test need not send much to be at one of them.
LIMITS = Limits(message=4096, hello=1024, fragments=16)


class Endpoint(NamedTuple):
    """Where it is, and what may be said there. `ask(n, text)` is the n-th message that wants `text` back.

    `resumable`: a session outlives its WebSocket. `admitted`: what has to be heard before anything may be asked.
    """

    name: str
    path: str
    opcode: int
    first: bytes
    ask: Callable[[int, str], bytes]
    too_large_a_first: int = 1009
    resumable: bool = True
    admitted: str = ""
    wrong_method: int = 405

    def __repr__(self) -> str:
        return self.name

    def asking(self, number: int, size: int) -> bytes:
        """A message of exactly `size` bytes that wants an answer."""
        for length in range(size, -1, -1):
            message = self.ask(number, "a" * length)
            if len(message) == size:
                return message
        raise AssertionError(f"{self.name} has no message of {size} bytes")


def _native(codec: Codec, opcode: int) -> Endpoint:
    def ask(number: int, text: str) -> bytes:
        return packed(number, 1, Call(number, "/", "echo", [text]))

    def packed(number: int, counted: int, packet: Packet) -> bytes:
        message = codec.pack(number, counted, [codec.encode(packet)])
        return message if isinstance(message, bytes) else message.encode()

    hello = Hello(key="w" * 43, attempt=1, joins=(("/", None),))
    return Endpoint(f"native {codec.form}", "/antiphon", opcode, packed(0, 0, hello), ask, 4001)


SOCKETIO = Endpoint(
    "socketio",
    "/socket.io/?EIO=4&transport=websocket",
    TEXT,
    b"40",
    lambda number, text: b'42%d["echo","%b"]' % (number, text.encode()),
    4001,
    resumable=False,
    admitted='40{"sid":',
    wrong_method=400,
)
ENDPOINTS = [_native(JsonCodec(LIMITS), TEXT), _native(MsgpackCodec(LIMITS), BINARY), SOCKETIO]
TEXT_ENDPOINTS = [endpoint for endpoint in ENDPOINTS if endpoint.opcode == TEXT]
