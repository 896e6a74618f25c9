"""Where messages end, however the bytes are portioned: WebSocket frames, HTTP heads and bodies."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.testing.proxy.http_stream import LONGEST_HEAD, HttpStream, RequestStream, ResponseStream
from antiphon.testing.proxy.pieces import Piece, RequestHead, ResponseHead
from antiphon.testing.proxy.websocket_frames import WebSocketFrames

REQUESTS = (
    b"POST /push HTTP/1.1\r\nContent-Length: 5\r\n\r\nfirst",
    b"GET /page HTTP/1.1\r\nHost: here\r\n\r\n",
    b"POST /push HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nthird\r\n1;ext=1\r\n!\r\n0\r\nTrailer: 1\r\n\r\n",
    b"POST /push HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
)
RESPONSES = (
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
)
METHODS_ASKED = ("POST", "HEAD", "POST", "POST")


@pytest.mark.parametrize("portion", [1, 2, 3, 7, 50, 10_000])
def test_requests_end_where_they_end_in_any_portions(portion: int) -> None:
    stream = RequestStream()

    pieces = _feed(stream, b"".join(REQUESTS), portion)

    assert _messages(pieces) == list(REQUESTS)
    paths = [piece.head.path for piece in pieces if isinstance(piece.head, RequestHead)]
    assert paths == ["/push", "/page", "/push", "/push"]


@pytest.mark.parametrize("portion", [1, 2, 3, 7, 50, 10_000])
def test_responses_end_where_they_end_in_any_portions(portion: int) -> None:
    stream = ResponseStream()
    for method in METHODS_ASKED:
        stream.expect(method)

    pieces = _feed(stream, b"".join(RESPONSES), portion)

    assert _messages(pieces) == list(RESPONSES)
    statuses = [piece.head.status for piece in pieces if isinstance(piece.head, ResponseHead)]
    assert statuses == [100, 200, 200, 200, 204]


def test_a_response_without_a_length_ends_with_the_connection() -> None:
    stream = ResponseStream()
    stream.expect("GET")

    pieces = stream.feed(b"HTTP/1.1 200 OK\r\n\r\nuntil the ") + stream.feed(b"end")

    assert not any(piece.ends for piece in pieces)
    assert stream.finish() == [Piece(b"", ends=True)]


def test_half_a_head_is_held_back_and_let_go_at_the_end_of_the_connection() -> None:
    stream = RequestStream()

    assert stream.feed(b"POST /pu") == []

    assert stream.inside_head
    assert stream.finish() == [Piece(b"POST /pu", ends=False)]


def test_frames_behind_the_answer_that_upgrades_are_told_apart_at_once() -> None:
    stream = ResponseStream()
    stream.expect("GET")
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n\r\n"

    pieces = stream.feed(head + b"\x81\x02hi\x81")

    assert [(piece.content, piece.ends) for piece in pieces] == [(head, True), (b"\x81\x02hi", True), (b"\x81", False)]


def test_frames_of_an_impatient_client_follow_the_upgrade() -> None:
    stream = RequestStream()
    assert stream.feed(b"P") == []

    assert stream.upgrade() == [Piece(b"P", ends=False)]


@pytest.mark.parametrize(
    "start",
    [
        b"\x16\x03\x01 not HTTP",
        b"POST /push\r\n\r\n",
        b"POST /push HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST /push HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /push HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST /" + b"x" * LONGEST_HEAD,
    ],
)
def test_what_is_not_http_passes_as_it_is(start: bytes) -> None:
    stream = RequestStream()

    pieces = stream.feed(start) + stream.feed(b"GET / HTTP/1.1\r\n\r\n")

    assert stream.opaque
    assert b"".join(piece.content for piece in pieces) == start + b"GET / HTTP/1.1\r\n\r\n"
    assert not any(piece.ends for piece in pieces)


@pytest.mark.parametrize("chunks", [b"size\r\n", b"1" * 10_000])
def test_a_broken_chunk_makes_the_rest_pass_as_it_is(chunks: bytes) -> None:
    stream = RequestStream()
    head = b"POST /push HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"

    pieces = stream.feed(head + chunks)

    assert stream.opaque
    assert b"".join(piece.content for piece in pieces) == head + chunks


@settings(max_examples=20)
@given(
    st.lists(st.tuples(st.sampled_from([0, 1, 125, 126, 65_535, 65_536]), st.booleans()), max_size=4),
    st.sampled_from([3, 7, 1_000, 100_000]),
)
def test_websocket_messages_end_where_they_end_in_any_portions(frames: list[tuple[int, bool]], portion: int) -> None:
    messages = [_frame(0x82, length, masked=masked) for length, masked in frames]
    stream = b"".join(messages)
    splitter = WebSocketFrames()

    pieces = [piece for at in range(0, len(stream), portion) for piece in splitter.split(stream[at : at + portion])]

    assert _messages(pieces) == messages


def test_a_frame_may_come_byte_by_byte() -> None:
    frame = _frame(0x82, 126, masked=True)
    splitter = WebSocketFrames()

    pieces = [piece for byte in frame for piece in splitter.split(bytes([byte]))]

    assert [piece.ends for piece in pieces] == [False] * (len(frame) - 1) + [True]


def test_a_fragmented_message_ends_with_its_last_fragment_though_a_ping_stands_between() -> None:
    message = _frame(0x02, 3) + _frame(0x89, 0) + _frame(0x00, 3) + _frame(0x80, 3)

    pieces = WebSocketFrames().split(message + _frame(0x89, 1))

    assert _messages(pieces) == [message, _frame(0x89, 1)]


def _frame(first: int, length: int, *, masked: bool = False) -> bytes:
    mask = 0x80 if masked else 0
    if length < 126:
        header = bytes([first, mask | length])
    elif length < 65_536:
        header = bytes([first, mask | 126]) + length.to_bytes(2, "big")
    else:
        header = bytes([first, mask | 127]) + length.to_bytes(8, "big")
    return header + (b"mask" if masked else b"") + b"x" * length


def _feed(stream: HttpStream, received: bytes, portion: int) -> list[Piece]:
    return [piece for at in range(0, len(received), portion) for piece in stream.feed(received[at : at + portion])]


def _messages(pieces: list[Piece]) -> list[bytes]:
    messages, current = [], b""
    for piece in pieces:
        current += piece.content
        if piece.ends:
            messages.append(current)
            current = b""
    assert not current
    return messages
