"""The decoders of the Socket.IO wire: what is done with an input, and what their mutants are made of."""

from __future__ import annotations

import json

import msgpack

from antiphon.config import Limits
from antiphon.dialects.socketio.codec import SocketioCodec
from antiphon.dialects.socketio.engine import EngineRefusal, read_payload, write_payload
from antiphon.dialects.socketio.msgpack import MsgpackForm
from antiphon.dialects.socketio.packets import Form, Kind, SocketioPacket
from antiphon.dialects.socketio.recovery import Place
from antiphon.dialects.socketio.request import LONGEST, MOST, EngineRequest, read_query
from antiphon.dialects.socketio.text import TextForm
from antiphon.errors import PayloadError, ProtocolError
from antiphon.protocol import packets as p
from antiphon.protocol.codec import Broken
from antiphon.types import Data
from tests.dialects.socketio.rig import KEY, recovering
from tests.fuzz.corpus import SEPARATOR

__all__ = [
    "conversations",
    "hear_client",
    "msgpack_packets",
    "payloads",
    "queries",
    "read_body",
    "read_msgpack",
    "read_request_query",
    "read_text",
    "texts",
]

LIMITS = Limits()
# What stands before a message that is binary, where text and binary ones are mixed.
BINARY = b"\x00"
LONGEST_REFUSAL = 2000
# What is longer is only read: writing it again would measure something else.
LONG = 4096


def _messages(data: bytes) -> list[Data]:
    return [
        part[1:] if part.startswith(BINARY) else part.decode("utf-8", "surrogateescape")
        for part in data.split(SEPARATOR)
    ]


# -- packets


def read_text(data: bytes) -> bool:
    form = TextForm(LIMITS)
    packets = [_read(form, message) for message in _messages(data)]
    return _checked(form, packets, len(data))


def read_msgpack(data: bytes) -> bool:
    form = MsgpackForm(LIMITS)
    return _checked(form, [_read(form, data)], len(data))


def _read(form: Form, message: Data) -> SocketioPacket | None:
    try:
        return form.read(message)
    except ProtocolError as error:
        _check_text(str(error))
        raise


def _check_text(text: str) -> None:
    assert len(text.encode()) <= LONGEST_REFUSAL, f"a refusal of {len(text)} characters: {text[:100]!r}"


def _checked(form: Form, packets: list[SocketioPacket | None], size: int) -> bool:
    """What was accepted can be said to any other client, or that is refused to whoever says it."""
    accepted = False
    for packet in packets:
        if packet is None:
            continue
        accepted = True
        packet.namespace.encode()
        assert packet.kind is not Kind.CONNECT or packet.fault is None
        if packet.fault is not None:
            _check_text(str(packet.fault))
        elif size <= LONG:
            try:
                form.write(packet)
            except PayloadError as error:
                _check_text(str(error))
    return accepted


# -- a whole conversation


def hear_client(data: bytes) -> bool:
    """A client says whatever it likes, in namespaces where it is, was, and never was."""
    codec = recovering("/", "/chat", "/cut")
    codec.encode(p.Leave("/chat"))
    codec.encode(p.Event("/cut", "held", []))
    codec.resume(Place("/", None))
    number, accepted = 3, False
    for message in _messages(data):
        read = codec.decode(message)
        assert read.number == number, f"{read} is not number {number}"
        number += read.counted
        for packet in read.packets:
            accepted = True
            _answer(codec, packet)
    return accepted


def _answer(codec: SocketioCodec, packet: p.Packet) -> None:
    """What a server says to it; it is written whatever the packet was."""
    match packet:
        case p.Join(namespace):
            codec.encode(p.Joined(namespace, "S2"))
        case p.Call(id):
            codec.encode(p.Reply(id, [1]))
        case p.Ping():
            codec.encode(p.Pong(0, 0))
        case Broken():
            _check_text(str(packet.error))


# -- HTTP


def read_body(data: bytes) -> bool:
    packets = list(read_payload(data, size=1 << 20, message=1 << 20))
    assert packets
    # Of an empty packet nobody could say where it was.
    assert all(packet or isinstance(packet, bytes) for packet in packets)
    assert list(read_payload(write_payload(packets).encode(), size=1 << 21, message=1 << 20)) == packets
    return True


def read_request_query(data: bytes) -> bool:
    asked = read_query(data.decode("utf-8", "surrogateescape"))
    if isinstance(asked, EngineRefusal):
        assert asked.status == 400
        json.loads(asked.body)
        return False
    assert isinstance(asked, EngineRequest)
    assert asked.sid is None or 0 < len(asked.sid.encode("ascii")) <= LONGEST
    assert len(asked.query) <= MOST
    return True


# -- what mutants are made of


def texts() -> list[bytes]:
    """What clients say in text, without the digit of Engine.IO."""
    claim = json.dumps({"pid": f"sid.{KEY}", "offset": "e1.1", "token": "x"}, separators=(",", ":")).encode()
    return [
        b"0",
        b'0/admin,{"token":"123"}',
        b"0/cut," + claim,
        b"0" + claim,
        b"1",
        b"1/admin,",
        b'2["foo"]',
        b'2/chat,13["foo",1,{"a":[null,0.5]}]',
        b'313["bar"]',
        b"3/chat,1[]",
        b'52-7["baz",{"_placeholder":true,"num":0},{"k":{"_placeholder":true,"num":1}}]'
        + SEPARATOR
        + b"\x00\x01\x02\x03\x04"
        + SEPARATOR
        + b"\x00\x05",
        b'61-15["bar",{"_placeholder":true,"num":0}]' + SEPARATOR + b"\x00x" + SEPARATOR + b'2["after",1]',
        b'50-["x"]' + SEPARATOR + b'2[1,"\xc3\xa9"]',
    ]


def conversations() -> list[bytes]:
    """The same, as Engine.IO brings it."""
    said = [
        SEPARATOR.join(part if part.startswith(BINARY) else b"4" + part for part in text.split(SEPARATOR))
        for text in texts()
    ]
    return [*said, SEPARATOR.join([b"3", b"6", b'42["a"]', b"beA==", b"41"]), b"1", b"2"]


def msgpack_packets() -> list[bytes]:
    """What clients of the msgpack parser say."""
    undefined, array = msgpack.ExtType(0, b"\0"), msgpack.ExtType(0, b"\x01\x02\x03")
    packets = [
        {"type": 0, "nsp": "/", "data": undefined},
        {"type": 0, "nsp": "/admin", "data": {"token": "123"}},
        {"type": 1, "nsp": "/admin"},
        {"type": 2, "nsp": "/", "data": ["foo", 1, None, 1.5], "options": {"compress": True}},
        {"type": 2, "nsp": "/", "id": 7, "data": ["baz", array, {"k": b"\x05"}, msgpack.ExtType(0, bytes(8))]},
        {"type": 3, "nsp": "/chat", "id": 13, "data": ["bar", undefined, msgpack.Timestamp(1, 0)]},
        {"type": 4, "nsp": "/x", "data": {"message": "no"}},
    ]
    return [msgpack.packb(packet) for packet in packets]


def payloads() -> list[bytes]:
    """Bodies of POST requests."""
    return [
        b"4hello\x1e4world",
        b"4hello\x1ebAQIDBA==",
        b'452-["a"]\x1ebeA==\x1ebeQ==',
        b"3",
        b"1",
        b'40\x1e42["\xc3\xa9"]\x1e3',
    ]


def queries() -> list[bytes]:
    """Behind the question mark."""
    return [
        b"EIO=4&transport=polling&t=PvCC-1",
        b"EIO=4&transport=websocket&sid=YYqcD4wMHWchoZO5AAAA",
        b"EIO=4&transport=polling&sid=YYqcD4wMHWchoZO5AAAA&b64=1&room=a&room=b",
        b"EIO=3&transport=polling&j=0",
        b"transport=webtransport&name=%C3%A9+x",
    ]
