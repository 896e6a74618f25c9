"""The frames that a server writes."""

from __future__ import annotations

import pytest

from antiphon.transports.websocket_writing import SHORT_BINARY, close_frame, message_frame, pong_frame
from tests.wire.frames import BINARY, CLOSE, PONG, TEXT, server_frame


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 70_000])
def test_a_message_is_one_frame_with_the_shortest_length(size: int) -> None:
    heads = {1: 2, 2: 4, 3: 10}
    head = heads[1 + (size > 125) + (size > 65535)]

    for message, opcode in ((b"b" * size, BINARY), ("t" * size, TEXT)):
        composed = message_frame(message)
        found = server_frame(composed)

        assert found == ((opcode, message if isinstance(message, bytes) else message.encode(), True), b"")
        assert len(composed) == head + size


def test_text_is_as_long_as_its_bytes() -> None:
    found = server_frame(message_frame("🦩" * 40))

    assert found == ((TEXT, "🦩".encode() * 40, True), b"")


def test_the_short_heads_are_those_of_binary_messages() -> None:
    assert [head + b"x" * size for size, head in enumerate(SHORT_BINARY)] == [
        message_frame(b"x" * size) for size in range(126)
    ]


def test_a_close_and_a_pong_are_control_frames() -> None:
    assert server_frame(close_frame(4000, "tschüß")) == ((CLOSE, b"\x0f\xa0" + "tschüß".encode(), True), b"")
    assert server_frame(close_frame(None)) == ((CLOSE, b"", True), b"")
    assert server_frame(pong_frame(b"x" * 125)) == ((PONG, b"x" * 125, True), b"")
