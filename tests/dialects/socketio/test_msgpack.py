"""The form of the msgpack parser: its examples byte by byte, and what its JavaScript encoder means by extensions."""

from __future__ import annotations

import math
from typing import Any

import msgpack
import pytest
from hypothesis import given

from antiphon.config import Limits
from antiphon.dialects.socketio.frames import messages_of
from antiphon.dialects.socketio.msgpack import MsgpackForm
from antiphon.dialects.socketio.packets import Kind, SocketioPacket
from antiphon.errors import RemoteProtocolError
from tests.dialects.socketio.test_text import ACKS, EVENTS

LIMITS = Limits()

EXAMPLES = [
    (SocketioPacket(Kind.CONNECT, "/"), "82 a4 74797065 00 a3 6e7370 a1 2f"),
    (
        SocketioPacket(Kind.CONNECT, "/admin", {"token": "123"}),
        "83 a47479706500 a36e7370 a62f61646d696e a464617461 81 a5746f6b656e a3313233",
    ),
    (SocketioPacket(Kind.DISCONNECT, "/admin"), "82 a47479706501 a36e7370 a62f61646d696e"),
    (SocketioPacket(Kind.EVENT, "/", ["foo"]), "83 a47479706502 a36e7370 a12f a464617461 91 a3666f6f"),
    (
        SocketioPacket(Kind.EVENT, "/admin", ["foo", 1], 13),
        "84 a47479706502 a36e7370 a62f61646d696e a26964 0d a464617461 92 a3666f6f 01",
    ),
    (SocketioPacket(Kind.ACK, "/", ["bar"], 13), "84 a47479706503 a36e7370 a12f a26964 0d a464617461 91 a3626172"),
]
REFUSED_NAMESPACE = (
    "83 a47479706504 a36e7370 a22f78 a464617461 81 a76d657373616765 b1 496e76616c6964206e616d657370616365"
)
BYTES_EVENT = "84 a47479706502 a36e7370 a12f a26964 07 a464617461 93 a362617a c7 04 00 01020304 81 a16b c7 01 00 05"


def said(packet: SocketioPacket) -> bytes:
    [message] = messages_of(MsgpackForm(LIMITS).write(packet))
    assert isinstance(message, bytes)
    return message


def event(*args: str) -> bytes:
    """An event with arguments that are spelled already."""
    data = bytes((0x90 | len(args) + 1,)) + b"\xa1e" + b"".join(map(bytes.fromhex, args))
    return bytes.fromhex("83 a47479706502 a36e7370 a12f a464617461") + data


def heard(*args: str) -> list[Any]:
    packet = MsgpackForm(LIMITS).read(event(*args))
    assert packet.fault is None and isinstance(packet.data, list)
    return packet.data[1:]


def refusal(message: bytes | str) -> str:
    with pytest.raises(RemoteProtocolError) as caught:
        MsgpackForm(LIMITS).read(message)
    assert caught.value.code == "protocol"
    return caught.value.message


@pytest.mark.parametrize(("packet", "spelled"), EXAMPLES)
def test_the_examples_of_the_protocol(packet: SocketioPacket, spelled: str) -> None:
    assert said(packet) == bytes.fromhex(spelled)
    assert MsgpackForm(LIMITS).read(bytes.fromhex(spelled)) == packet


def test_the_refusal_of_a_namespace() -> None:
    packet = SocketioPacket(Kind.CONNECT_ERROR, "/x", {"message": "Invalid namespace"})

    assert said(packet) == bytes.fromhex(REFUSED_NAMESPACE)


def test_a_uint8array_is_bytes_and_comes_back_as_bin() -> None:
    packet = MsgpackForm(LIMITS).read(bytes.fromhex(BYTES_EVENT))

    assert packet == SocketioPacket(Kind.EVENT, "/", ["baz", b"\x01\x02\x03\x04", {"k": b"\x05"}], 7)
    assert b"\xc4\x04\x01\x02\x03\x04" in said(packet)


@given(EVENTS | ACKS)
def test_what_is_said_is_what_is_read(packet: SocketioPacket) -> None:
    form = MsgpackForm(LIMITS)

    assert form.read(said(packet)) == packet
    assert form.waiting is None and form.weight == len(said(packet))


def test_undefined_a_date_and_a_uint8array_are_told_apart() -> None:
    date, eight = "d700 0000018bcfe5687b", "c70800 3ff8000000000000"

    assert heard("d40000", date, "c70100 00", eight, "c70100 05") == [
        None,
        1_700_000_000_123,
        b"\x00",
        bytes.fromhex("3ff8000000000000"),
        b"\x05",
    ]


def test_a_date_may_be_before_1970() -> None:
    assert heard("d700 fffffffffffffffb") == [-5]


@pytest.mark.parametrize("size", [0, 2, 4, 16, 255, 256, 65_536])
def test_bytes_of_every_size_are_read(size: int) -> None:
    spelled = msgpack.packb({"type": 2, "nsp": "/", "data": ["e", msgpack.ExtType(0, b"x" * size), b"y" * size]})

    packet = MsgpackForm(LIMITS).read(spelled)

    assert packet.data == ["e", b"x" * size, b"y" * size]


def test_fields_of_the_clients_own_say_nothing() -> None:
    spelled = msgpack.packb({"type": 0, "nsp": "/", "options": {"compress": True}, "data": msgpack.ExtType(0, b"\0")})

    assert MsgpackForm(LIMITS).read(spelled) == SocketioPacket(Kind.CONNECT, "/")


def test_an_unknown_extension_is_refused() -> None:
    assert refusal(event("d40705")) == "not msgpack: extension 7 is not known here"


def test_a_time_of_the_standard_is_no_value_of_ours() -> None:
    packet = MsgpackForm(LIMITS).read(event("d6ff 00000001", "d40000"))

    assert packet.fault is not None and "datetime is not a wire value" in str(packet.fault)


def test_neither_is_a_number_that_is_none() -> None:
    packet = MsgpackForm(LIMITS).read(msgpack.packb({"type": 2, "nsp": "/", "data": ["e", math.nan]}))

    assert packet.fault is not None


def test_packets_are_binary() -> None:
    assert "do both sides have it?" in refusal("0")


@pytest.mark.parametrize("spelled", ["90", "a130", "00", "c0"])
def test_a_packet_is_a_map(spelled: str) -> None:
    assert refusal(bytes.fromhex(spelled)) == "a packet of the msgpack parser is a map"


@pytest.mark.parametrize(
    "packet",
    [
        {},
        {"type": 0},
        {"nsp": "/"},
        {"type": "0", "nsp": "/"},
        {"type": 0.0, "nsp": "/"},
        {"type": True, "nsp": "/"},
        {"type": 0, "nsp": b"/"},
        {"type": 2, "nsp": "/", "data": ["e"], "id": "1"},
        {"type": 2, "nsp": "/", "data": ["e"], "id": 1.0},
    ],
)
def test_fields_have_their_types(packet: dict[str, Any]) -> None:
    assert refusal(msgpack.packb(packet)) == "type, nsp and id of a packet are a number, a string and a number"


@pytest.mark.parametrize(
    "message",
    [b"", b"\xc1", b"\x81", b"\x82\xa1a", b"\xdd\xff\xff\xff\xff", b"\x91" * 100_000, event("d7ff" + "ff" * 8)],
    ids=lambda message: message[:4].hex(),
)
def test_what_is_no_msgpack_is_refused(message: bytes) -> None:
    assert refusal(message).startswith("not msgpack: ")


@pytest.mark.parametrize("kind", [4, 5, 6, -1])
def test_what_breaks_a_rule_is_refused(kind: int) -> None:
    assert refusal(msgpack.packb({"type": kind, "nsp": "/", "id": 1, "data": ["e"]}))


def test_each_packet_is_whole_so_there_is_nothing_to_forget() -> None:
    form = MsgpackForm(LIMITS)

    form.forget()

    assert form.read(said(SocketioPacket(Kind.CONNECT, "/"))).kind is Kind.CONNECT
