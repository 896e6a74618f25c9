"""WebSocket frames of the server: what a client reads of them, and what is read back for polls."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.socketio.frames import binary_frame, frame_of, messages_of, text_frame
from antiphon.transports.websocket_writing import message_frame


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 70_000])
def test_a_frame_is_the_one_that_a_transport_would_write(size: int) -> None:
    assert text_frame(b"x" * size) == message_frame("x" * size)
    assert binary_frame(b"\xff" * size) == message_frame(b"\xff" * size)


@given(st.lists(st.text(max_size=200) | st.binary(max_size=200), max_size=6))
def test_messages_behind_one_another_are_told_apart(messages: list[str | bytes]) -> None:
    frames = b"".join(
        binary_frame(message) if isinstance(message, bytes) else text_frame(message.encode()) for message in messages
    )

    assert list(messages_of(frames)) == messages


def test_long_messages_are_read_back() -> None:
    frames = text_frame(b"a" * 126) + binary_frame(b"b" * 65_536) + text_frame(b"c")

    assert list(messages_of(frames)) == ["a" * 126, b"b" * 65_536, "c"]


@pytest.mark.parametrize("message", ["text", "\u00fc" * 100, b"", b"bytes" * 20_000])
def test_a_message_is_framed_by_its_kind(message: str | bytes) -> None:
    assert list(messages_of(frame_of(message))) == [message]
