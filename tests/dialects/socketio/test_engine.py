"""Engine.IO packets: the open packet, payloads there and back, and refusals byte by byte."""

from __future__ import annotations

import json
from binascii import b2a_base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.socketio.engine import (
    EngineError,
    EngineRefusal,
    opening,
    read_base64,
    read_payload,
    write_payload,
)
from antiphon.errors import RemoteProtocolError
from antiphon.types import Data

TEXTS = st.text(st.characters(exclude_characters="\x1e", exclude_categories=["Cs"]), max_size=20)
PACKETS = st.lists(st.binary(max_size=20) | TEXTS.map(lambda text: "4" + text), min_size=1, max_size=8)


def read(body: str) -> list[Data]:
    return list(read_payload(bytes.fromhex(body), size=1000, message=1000))


def refusal(body: bytes, *, size: int = 1000, message: int = 1000) -> str:
    with pytest.raises(RemoteProtocolError) as caught:
        list(read_payload(body, size=size, message=message))
    assert caught.value.code == "protocol"
    return caught.value.message


def test_the_open_packet_has_exactly_five_keys() -> None:
    packet = opening("YYqcD4wMHWchoZO5AAAA", ["websocket"], interval=25.0, timeout=20.0, size=1_000_000)

    assert packet == (
        '0{"sid":"YYqcD4wMHWchoZO5AAAA","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,'
        '"maxPayload":1000000}'
    )


def test_a_fraction_of_a_second_is_not_lost() -> None:
    told = json.loads(opening("s", (), interval=0.3, timeout=0.2, size=1)[1:])

    assert (told["upgrades"], told["pingInterval"], told["pingTimeout"]) == ([], 300, 200)


# -- payloads


def test_the_examples_of_a_payload() -> None:
    assert write_payload(["4hello", "4world"]) == "4hello\x1e4world"
    assert write_payload(["4hello", b"\x01\x02\x03\x04"]) == "4hello\x1ebAQIDBA=="
    assert read("34 68 65 6c 6c 6f 1e 34 77 6f 72 6c 64") == ["4hello", "4world"]
    assert read("34 68 65 6c 6c 6f 1e 62 41 51 49 44 42 41 3d 3d") == ["4hello", b"\x01\x02\x03\x04"]


@given(PACKETS)
def test_a_payload_comes_back(packets: list[str | bytes]) -> None:
    body = write_payload(packets).encode()

    assert read(body.hex()) == packets


def test_a_payload_may_have_so_many_bytes_and_no_more() -> None:
    assert list(read_payload(b"4" + b"x" * 9, size=10, message=10)) == ["4" + "x" * 9]
    assert refusal(b"4" + b"x" * 10, size=10) == "a payload has at most 10 bytes, not 11"


@pytest.mark.parametrize("packet", [b"4" + b"x" * 10, b"b" + b2a_base64(b"x" * 11, newline=False)])
def test_and_each_message_in_it(packet: bytes) -> None:
    packets = read_payload(b"4" + b"x" * 9 + b"\x1e" + packet, size=100, message=10)

    assert next(packets) == "4" + "x" * 9
    with pytest.raises(RemoteProtocolError, match="a message has at most 10 bytes"):
        next(packets)


def test_packets_are_read_when_it_is_their_turn() -> None:
    packets = read_payload(b"3\x1e" * 500_000, size=2_000_000, message=10)

    assert [next(packets) for _ in range(3)] == ["3", "3", "3"]


@pytest.mark.parametrize("body", [b"", b"\x1e", b"4a\x1e", b"\x1e4a", b"4a\x1e\x1e4b"])
def test_an_empty_packet_is_refused(body: bytes) -> None:
    assert refusal(body) == "a packet of a payload is empty"


def test_a_payload_that_is_no_text_is_refused() -> None:
    assert refusal(b"4\xff") == "a payload is UTF-8"


@pytest.mark.parametrize("packet", ["bAQI=", "bAQI", "bAQI=\n", "bAQ\r\nI=\r\n"])
def test_base64_may_be_spelled_as_clients_spell_it(packet: str) -> None:
    assert read_base64(packet) == b"\x01\x02"
    assert read_base64("b-_-_") == read_base64("b+/+/") == b"\xfb\xff\xbf"


@pytest.mark.parametrize("packet", ["bA", "b====", "bAQ==AQ==", "bAQ=ID", "b ", "bé", "bA\n"])
def test_what_is_no_base64_is_refused(packet: str) -> None:
    assert "is not base64" in refusal(packet.encode())


def test_a_binary_message_may_be_empty() -> None:
    assert read_base64("b") == b""


# -- refusals


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (EngineError.TRANSPORT_UNKNOWN, 400, b'{"code":0,"message":"Transport unknown"}'),
        (EngineError.SESSION_UNKNOWN, 400, b'{"code":1,"message":"Session ID unknown"}'),
        (EngineError.BAD_METHOD, 400, b'{"code":2,"message":"Bad handshake method"}'),
        (EngineError.BAD_REQUEST, 400, b'{"code":3,"message":"Bad request"}'),
        (EngineError.FORBIDDEN, 403, b'{"code":4,"message":"Forbidden"}'),
        (EngineError.UNSUPPORTED_VERSION, 400, b'{"code":5,"message":"Unsupported protocol version"}'),
    ],
)
def test_each_refusal_has_its_status_and_its_body(error: EngineError, status: int, body: bytes) -> None:
    refusal = EngineRefusal(error)

    assert (refusal.status, refusal.body) == (status, body)


def test_a_refusal_tells_the_remedy() -> None:
    assert (
        EngineRefusal(EngineError.BAD_REQUEST, "say it once").body == b'{"code":3,"message":"Bad request: say it once"}'
    )


def test_a_payload_that_was_not_sent_as_text_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="text since EIO=4"):
        read_payload(b"40", size=100, message=10, text=False)
