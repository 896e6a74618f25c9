"""What mutants are made of: the messages of tests/vectors, and conversations and requests that hold them."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from antiphon.protocol.codec import Codec, is_counted
from antiphon.protocol.packets import (
    Ack,
    Call,
    Cancel,
    Close,
    Credit,
    End,
    Event,
    Failed,
    Item,
    Join,
    Joined,
    Leave,
    Packet,
    Ping,
    Pong,
    Refuse,
    Refused,
    Renew,
    Reply,
    Volatile,
    Welcome,
)
from tests.vectors import reader

__all__ = [
    "FROM_CLIENT",
    "KEY",
    "SEPARATOR",
    "Found",
    "answers",
    "beacons",
    "conversations",
    "frame",
    "frames",
    "messages",
    "origins",
    "regressions",
    "requests",
    "spelled",
    "streams",
]

# What is longer is not mutated two hundred thousand times.
SHORT = 400
# Between the messages of a conversation.
SEPARATOR = b"\n--\n"
KEY = "k" * 43


class Found(NamedTuple):
    """An input that something failed for once."""

    decoder: str
    data: bytes
    why: str


def regressions() -> list[Found]:
    """Every input that a decoder once failed for: they come first in every run."""
    entries = json.loads((Path(__file__).parent / "regressions.json").read_text(encoding="utf-8"))
    return [
        Found(entry["decoder"], b"".join(bytes.fromhex(part) * times for part, times in entry["hex"]), entry["why"])
        for entry in entries
    ]


def messages(form: str) -> list[bytes]:
    """The vectors of a form, those that are read and those that are refused."""
    spelled: Iterable[bytes | str] = (
        *(vector.spellings[form] for vector in (*reader.packets(), *reader.accepted()) if form in vector.spellings),
        *(refusal.message for refusal in reader.refused() if refusal.form == form),
    )
    found = [data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass") for data in spelled]
    return [data for data in found if len(data) <= SHORT]


# -- what the two sides say to each other

FROM_CLIENT: list[list[Packet]] = [
    [Join("/chat", {"token": b"\x01"})],
    [Event("/", "say", ["hello", 1, {"a": [None, 0.5]}])],
    [Call(1, "/", "echo", [1]), Ack(0)],
    [Call(2, "/", "echo", [None], 1000, False, (1,), 32), Item(2, 1, "x"), End(2, 1)],
    [Reply(1, "done"), Failed(2, "error", "message", {"a": 1})],
    [Item(1, 0, {"a": 1}), End(1, 0, ["error", "m", None])],
    [Credit(1, 1, 64), Cancel(1)],
    [Leave("/chat", "reason"), Renew({"token": "x"})],
    [Ack(1), Ping(17), Pong(3, 4.5)],
    [Ack(1, 2), Volatile("/", "move", [1, 2])],
    [Close("closed", "reason", 500)],
]

FROM_SERVER: list[list[Packet]] = [
    [Joined("/", "socket"), Event("/", "said", ["hello"])],
    [Refused("/", "full", {"a": 1})],
    [Leave("/", "kicked")],
    [Call(1, "/", "ask", [1], 1000)],
    [Renew()],
    *FROM_CLIENT[4:],
]

WELCOME = Welcome(epoch="e1", sid="s1", received=0, next=1, resumed=False)
# As short as it may be: what it leaves out are defaults.
SHORT_WELCOME = {"epoch": "e", "sid": "s", "received": 0, "next": 1, "resumed": False}
ANSWERS: list[Packet] = [
    WELCOME,
    Welcome(epoch="e1", sid="s2", received=2, next=3, resumed=True, reason="unknown", inbox=(1, 1), message=1),
    Refuse("stale", "a newer attach", None, 7),
    Refuse("try_later", "busy", 100),
    Refuse("unauthorized", "no"),
    Pong(1, 2),
]


def spelled(codec: Codec, number: int, *packets: Packet) -> bytes:
    """One message, as bytes in either form."""
    if packets == (WELCOME,):
        raw = [0, 0, [33, SHORT_WELCOME]]
        return msgspec.msgpack.encode(raw) if codec.form == "msgpack" else msgspec.json.encode(raw)
    data = codec.pack(number, sum(map(is_counted, packets)), [codec.encode(packet) for packet in packets])
    return data if isinstance(data, bytes) else data.encode()


def conversations(codec: Codec, said: list[list[Packet]]) -> list[bytes]:
    """Messages that continue one another, behind one another."""
    whole = []
    for begin in range(len(said)):
        number, parts = 1, []
        for packets in said[begin : begin + 3]:
            parts.append(spelled(codec, number, *packets))
            number += sum(map(is_counted, packets))
        whole.append(SEPARATOR.join(parts))
    return whole


def requests() -> list[bytes]:
    """HTTP requests to the native wire: `METHOD path`, headers, an empty line, a body."""
    hello = b'[0,0,[32,{"attempt":1,"key":"' + KEY.encode() + b'"}]]'
    credentials = (
        b"antiphon-session: d6vYkR5mU8xC9oE4sG6iWA\nantiphon-key: " + KEY.encode() + b"\n"
        b"antiphon-attempt: 1\nantiphon-request: 7\n"
    )
    return [
        b"GET \nupgrade: websocket\nconnection: Upgrade\norigin: https://app.example\n\n",
        b"GET \n\n",
        b"POST attach\ncontent-type: application/json; charset=utf-8\n\n" + hello,
        b"POST attach\ncontent-type: application/msgpack\n\n\x93\x00\x00\x92\x20\x80",
        b"POST stream\ncontent-type: application/json\n\n" + hello,
        b"POST poll\ncontent-type: application/json\n" + credentials + b"\n[1,0,[35,4]]",
        b"POST push\ncontent-type: application/msgpack\n" + credentials + b"\n\x93\x01\x01\x92\x09\x01",
        b"POST push\nContent-Type: text/plain\n" + credentials + b"\n[]",
        b'POST leave\ncontent-type: text/plain\n\n{"session":"s","key":"k","attempt":1}',
        b"PUT poll\n\n",
        b"POST nothing\n\n",
    ]


def beacons() -> list[bytes]:
    """What a page says that closes."""
    key = KEY.encode()
    return [
        b'{"session":"d6vYkR5mU8xC9oE4sG6iWA","key":"' + key + b'","attempt":1}',
        b'{"attempt":9007199254740991,"session":"","key":"","later":[{"a":null}]}',
        b'{"session":null,"key":7,"attempt":"1"}',
        b"[]",
    ]


def frame(opcode: int, payload: bytes = b"", *, final: bool = True, mask: bytes = b"\x37\xfa\x21\x3d") -> bytes:
    """One frame of a WebSocket client (RFC 6455, section 5.2)."""
    size = len(payload)
    length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    return bytes((final << 7 | opcode,)) + length + mask + masked


def frames() -> list[bytes]:
    """What a WebSocket client sends."""
    text = "né 🦩".encode()
    return [
        frame(2, b"\x93\x01\x01\x92\x09\x01"),
        frame(1, text) + frame(9, b"ping") + frame(2),
        frame(1, text[:5], final=False) + frame(10) + frame(0, text[5:7], final=False) + frame(0, text[7:]),
        frame(2, b"x" * 200, final=False) + frame(0, b"y" * 126),
        frame(2, b"z" * 999, mask=bytes(4)),
        frame(1, b"last") + frame(8, b"\x03\xe8bye") + frame(1, b"late"),
        frame(8),
        frame(8, b"\x0f\xa3" + text),
        b"\x82\xff" + (5).to_bytes(8, "big") + bytes(4) + b"12345",
        frame(2, b"a", final=False) + frame(0, final=False) * 6 + frame(0, b"b"),
    ]


def origins() -> list[bytes]:
    """Origin headers one per line, then the scheme and the host that were asked for."""
    return [
        b"https://app.example\nhttps\nserver.example",
        b"https://server.example\nhttps\nserver.example:443",
        b"http://127.0.0.1:8000\nhttp\n127.0.0.1:8000",
        b"https://good.example.evil.com\nhttps\ngood.example",
        b"https://APP.example\nhttps\nserver.example",
        b"null\nhttps\nserver.example",
        b"https://app.example\nhttps://app.example\nhttps\nserver.example",
        b"http://[::1]:8000\nhttp\n[::1]:8000",
        b"https\nserver.example",
    ]


def streams(codec: Codec) -> list[bytes]:
    """What a server writes to an event stream."""

    def event(number: int, *packets: Packet) -> bytes:
        data = spelled(codec, number, *packets)
        return b"data: %b\n\n" % (b64encode(data) if codec.form == "msgpack" else data)

    begin = event(0, WELCOME) + event(1, FROM_SERVER[0][0])
    return [
        *(event(0, answer) for answer in ANSWERS),
        *(begin + event(2, *packets) for packets in FROM_SERVER[1:]),
        b": comment\n\n" + begin + b": comment\n\nevent: close\ndata: fenced:2\n\n",
        b"event: close\ndata: expired:the credentials have expired\n\n",
        b"id: 3\nretry: 5\n\n" + event(0, Pong(1, 2)) + begin,
    ]


def answers(codec: Codec) -> list[bytes]:
    """What a client's requests are answered: `STATUS reason`, then the body."""
    begin = b"200 \n" + spelled(codec, 0, WELCOME) + SEPARATOR + b"200 \n" + spelled(codec, 1, FROM_SERVER[0][0])
    return [
        *(b"200 \n" + spelled(codec, 0, answer) for answer in ANSWERS),
        *(begin + SEPARATOR + b"200 \n" + spelled(codec, 2, *packets) for packets in FROM_SERVER[1:]),
        begin + SEPARATOR + b"204 \n",
        begin + SEPARATOR + b"409 fenced:2\n",
        begin + SEPARATOR + b"409 gap:expected number 1, got 7\n",
        begin + SEPARATOR + b"401 \nunknown session or wrong key",
        b"400 \nthe body is broken",
    ]
