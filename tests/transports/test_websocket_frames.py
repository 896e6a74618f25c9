"""The frames of a WebSocket's client: what comes out of any bytes. On real sockets: tests/wire."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.transports.websocket_frames import (
    FrameEvent,
    FrameReader,
    PeerClose,
    Ping,
    Violation,
    unmasked,
)
from tests.wire.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, closing, frame, masked

LIMIT = 1000
FRAGMENTS = 4


def read_all(reader: FrameReader, pieces: Iterable[bytes]) -> list[FrameEvent]:
    """Every event of what comes in pieces, read as whoever uses the reader reads."""
    events: list[FrameEvent] = []
    for piece in pieces:
        event = reader.read(piece)
        while event is not None:
            events.append(event)
            event = reader.read() if reader.rest else None
    return events


def events(*pieces: bytes, limit: int = LIMIT) -> list[FrameEvent]:
    return read_all(FrameReader(limit, FRAGMENTS), pieces)


def bytewise(data: bytes) -> list[bytes]:
    return [data[place : place + 1] for place in range(len(data))]


def violation(*pieces: bytes) -> tuple[int, str | None]:
    """The code and limit of the one violation in what comes in one piece, and the same byte by byte."""
    [whole] = events(b"".join(pieces))
    [trickled] = events(*bytewise(b"".join(pieces)))
    assert whole == trickled
    assert isinstance(whole, Violation)
    assert whole.reason
    return whole.code, whole.limit


# -- messages


@pytest.mark.parametrize("size", [0, 1, 2, 3, 125, 126, 127, 999, 1000])
def test_a_message_comes_out_as_it_went_in(size: int) -> None:
    text, binary = "t" * size, os.urandom(size)

    assert events(frame(TEXT, text.encode()), frame(BINARY, binary)) == [text, binary]
    assert events(*bytewise(frame(TEXT, text.encode()) + frame(BINARY, binary))) == [text, binary]


@pytest.mark.parametrize("size", [65535, 65536, 100_000])
def test_a_large_message_comes_out_as_it_went_in(size: int) -> None:
    binary = os.urandom(size)
    whole = frame(BINARY, binary)

    assert events(whole, limit=size) == [binary]
    assert events(whole[:50_000], whole[50_000:], limit=size) == [binary]


def test_messages_of_one_segment_come_out_one_after_another() -> None:
    frames = frame(BINARY, b"one"), frame(TEXT, b"two"), frame(BINARY), frame(TEXT), frame(BINARY, b"five" * 50)

    assert events(b"".join(frames)) == [b"one", "two", b"", "", b"five" * 50]


def test_the_parts_of_a_message_are_joined() -> None:
    parts = frame(BINARY, b"a", fin=False), frame(CONTINUATION, b"b", fin=False), frame(CONTINUATION, b"c")

    assert events(b"".join(parts)) == [b"abc"]
    assert events(*parts, *parts) == [b"abc", b"abc"]


def test_text_may_be_cut_inside_of_a_character() -> None:
    flamingo = "🦩".encode()

    for cut in range(5):
        assert events(frame(TEXT, flamingo[:cut], fin=False), frame(CONTINUATION, flamingo[cut:])) == ["🦩"]


def test_binary_between_text_is_not_looked_at() -> None:
    assert events(frame(TEXT, b"a"), *bytewise(frame(BINARY, b"\xff")), frame(TEXT, b"b")) == ["a", b"\xff", "b"]


# -- control frames


def test_control_frames_come_out_between_the_parts_of_a_message() -> None:
    assert events(frame(TEXT, b"a", fin=False) + frame(PING, b"?") + frame(PONG, b"!") + frame(CONTINUATION, b"b")) == [
        Ping(b"?"),
        "ab",
    ]


def test_a_ping_has_its_payload() -> None:
    assert events(frame(PING), frame(PING, b"\xff" * 125)) == [Ping(b""), Ping(b"\xff" * 125)]


def test_a_close_has_its_code_and_reason() -> None:
    assert events(closing(4000, "tschüß".encode())) == [PeerClose(4000, "tschüß")]
    assert events(frame(CLOSE)) == [PeerClose(None, "")]


def test_nothing_is_read_behind_a_close() -> None:
    reader = FrameReader(LIMIT, FRAGMENTS)

    got = read_all(reader, [closing(1000) + frame(TEXT, b"late"), frame(3), frame(TEXT, b"later")])

    assert got == [PeerClose(1000, "")]
    assert (reader.over, reader.rest) == (True, b"")


# -- violations


@pytest.mark.parametrize(
    "broken",
    [
        frame(TEXT, b"x", rsv=1),
        frame(TEXT, b"x", rsv=2),
        frame(TEXT, b"x", rsv=4),
        frame(3, b"x"),
        frame(11, b"x"),
        frame(TEXT, b"x", mask=None),
        frame(BINARY, b"x" * 20, mask=None),
        frame(PING, b"x" * 126),
        frame(PING, fin=False),
        frame(CONTINUATION, b"x"),
        frame(TEXT, fin=False) + frame(TEXT, b"x"),
        frame(TEXT, fin=False) + frame(BINARY, b"x"),
        frame(BINARY, b"x" * 125, length=2),
        frame(BINARY, b"x" * 200, length=8),
        b"\x82\xff" + (1 << 63).to_bytes(8, "big") + b"mask",
        frame(CLOSE, b"\x03"),
        closing(1005),
        closing(2000),
    ],
)
def test_what_breaks_the_rules_of_frames_is_1002(broken: bytes) -> None:
    assert violation(broken) == (1002, None)


@pytest.mark.parametrize(
    "wrong",
    [
        frame(TEXT, b"\xff"),
        frame(TEXT, b"long enough for one frame \xff"),
        frame(TEXT, b"\xed\xa0\x80"),
        frame(TEXT, b"\xf0\x9f"),
        frame(TEXT, b"\xf0", fin=False) + frame(CONTINUATION, b"a"),
        frame(TEXT, b"\xf0\x9f", fin=False) + frame(CONTINUATION),
        closing(1000, b"\xff"),
    ],
)
def test_text_that_is_no_utf_8_is_1007(wrong: bytes) -> None:
    assert violation(wrong) == (1007, None)


@pytest.mark.parametrize("wrong", [b"\xff", b"a\xc0", b"\xed\xa0", b"\xf4\x90", b"\xf0\x9fa"])
def test_wrong_text_is_noticed_with_its_first_wrong_byte(wrong: bytes) -> None:
    begun = frame(TEXT, wrong + b"x" * 500)[: 8 + len(wrong)]

    assert events(begun[:-1]) == []
    [found] = events(begun)
    assert isinstance(found, Violation) and found.code == 1007


def test_a_length_above_the_limit_is_refused_before_its_payload_is_there() -> None:
    assert violation(frame(BINARY, b"x" * (LIMIT + 1))[:8]) == (1009, "message")
    assert violation(b"\x82\xff" + (1 << 40).to_bytes(8, "big") + b"mask") == (1009, "message")
    assert violation(frame(BINARY, b"x" * LIMIT, fin=False) + frame(CONTINUATION, b"x")[:6]) == (1009, "message")


def test_a_message_at_its_limit_in_as_many_parts_as_may_be_is_taken() -> None:
    parts = [frame(BINARY, b"x" * (LIMIT - 1), fin=False), *[frame(CONTINUATION, fin=False)] * (FRAGMENTS - 2)]

    assert events(*parts, frame(CONTINUATION, b"x")) == [b"x" * LIMIT]
    assert violation(*parts, frame(CONTINUATION, fin=False), frame(CONTINUATION)) == (1009, "fragments")


def test_a_limit_may_be_changed_between_two_messages_of_one_segment() -> None:
    reader = FrameReader(5, FRAGMENTS)
    first = reader.read(frame(BINARY, b"12345") + frame(BINARY, b"123456"))

    reader.limit = 6

    assert (first, reader.read()) == (b"12345", b"123456")


def test_nothing_is_read_behind_a_violation() -> None:
    assert len(events(frame(3) + frame(TEXT, b"late"), frame(TEXT, b"later"))) == 1


# -- any split of the bytes

PAYLOADS = st.binary(max_size=300)
FRAMES = st.one_of(
    st.builds(lambda payload, fin: frame(BINARY, payload, fin=fin), PAYLOADS, st.booleans()),
    st.builds(lambda text, fin: frame(TEXT, text.encode(), fin=fin), st.text(max_size=100), st.booleans()),
    st.builds(lambda payload, fin: frame(CONTINUATION, payload, fin=fin), PAYLOADS, st.booleans()),
    st.builds(lambda payload: frame(TEXT, payload), PAYLOADS),
    st.builds(lambda opcode, payload: frame(opcode, payload[:125]), st.sampled_from([PING, PONG]), PAYLOADS),
    st.builds(closing, st.integers(0, 5000), st.binary(max_size=10)),
    st.binary(max_size=20),
)


@given(st.lists(FRAMES, max_size=12).map(b"".join), st.lists(st.integers(0, 2000), max_size=20))
def test_any_split_of_the_bytes_gives_the_same_events(data: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[start:end] for start, end in pairwise(places)]

    whole = events(data)

    assert events(*pieces) == whole
    assert events(*bytewise(data)) == whole


@given(st.lists(st.one_of(st.text(max_size=400), st.binary(max_size=400)), max_size=8), st.integers(1, 400))
def test_what_is_said_in_parts_is_heard_as_a_whole(messages: list[bytes | str], step: int) -> None:
    data = b""
    for message in messages:
        payload, opcode = (message, BINARY) if isinstance(message, bytes) else (message.encode(), TEXT)
        step = max(step, len(payload) // FRAGMENTS + 1)
        pieces = [payload[place : place + step] for place in range(0, len(payload), step)] or [b""]
        for place, piece in enumerate(pieces):
            data += frame(CONTINUATION if place else opcode, piece, fin=place == len(pieces) - 1) + frame(PONG)

    assert events(data, limit=2000) == messages


# -- what is kept


def test_nothing_is_kept_between_messages() -> None:
    reader = FrameReader(1 << 20, FRAGMENTS)

    read_all(reader, [frame(BINARY, b"x" * 50_000) + frame(PING), frame(TEXT, b"y" * 300)])

    assert reader.rest == b""


def test_the_rest_of_a_large_segment_does_not_keep_it() -> None:
    reader = FrameReader(1 << 20, FRAGMENTS)

    read_all(reader, [frame(BINARY, b"x" * 50_000) + b"\x82"])

    assert reader.rest == b"\x82"


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_a_message_that_is_under_way_takes_little_more_than_its_bytes(step: int) -> None:
    size = 100_000
    data = frame(TEXT, b"x" * size)[:-1]
    reader = FrameReader(size, FRAGMENTS)
    tracemalloc.start()

    read_all(reader, (data[place : place + step] for place in range(0, len(data), step)))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kept < 1.3 * size


def test_ten_thousand_frames_of_one_segment_are_not_copied_for_each_of_them() -> None:
    data = frame(PING, b"x") * 20_000
    reader = FrameReader(LIMIT, FRAGMENTS)
    reader.read(data)

    kept = {id(reader.rest)}
    for _ in range(100):
        reader.read()
        kept.add(id(reader.rest))

    assert kept == {id(data)}


# -- masks


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 125, 2047, 2048, 2049, 2050, 2051, 5000])
def test_a_mask_is_taken_off_byte_by_byte_as_the_standard_says(size: int) -> None:
    payload, mask = os.urandom(size), os.urandom(4)

    assert unmasked(payload, mask) == masked(payload, mask)
