"""Writes packets.json from the Python codec: `python -m tests.vectors.make`, after a change of the wire that was meant.

What is written is the contract from then on; test_vectors.py holds it against an independent reader of msgpack.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import asdict

from antiphon.config import Limits
from antiphon.dialects.native.forms import JsonCodec, MsgpackCodec
from antiphon.protocol import packets as p
from antiphon.protocol.codec import is_counted

__all__ = ["FILE", "text"]

FILE = Path(__file__).with_name("packets.json")

MOST = p.MAX_NUMBER
KEY = "fdLwbJ3aZ-1H7Q0nTqT2vYkR5mU8xC9oE4sG6iW_BpA"
SID = "Jx2mV0kq9cR4tY7uB1nWaQ"
EPOCH = "Zk8sQw3nT1c"

# A run of the same few characters this often is written as a piece and a count.
RUN = re.compile(r"(.{1,6}?)\1{63,}", re.DOTALL)


class Sample(NamedTuple):
    """One message to spell in both forms."""

    name: str
    packets: list[p.Packet]
    number: int = 1


def value(name: str, *args: Any) -> Sample:
    """An event that carries values; its own fields are as short as they can be."""
    return Sample(f"value: {name}", [p.Event("/", "e", list(args))])


def smallest_and_fullest() -> Iterator[Sample]:
    """Every packet, with as little as it may hold, and with all it may."""
    nested = {"list": [1, [2, [3]], {}], "map": {"a": None, "b": True}, "bytes": b"\x00\xff"}
    pairs: list[tuple[p.Packet, p.Packet]] = [
        (p.Join("/"), p.Join("/chat", {"token": "s3cret", "proof": b"\x01\x02"})),
        (p.Joined("/", "a"), p.Joined("/chat", "d6vYkR5mU8xC9oE4sG6iWA")),
        (p.Refused("/", ""), p.Refused("/chat", "the lobby is full", {"retry": 30})),
        (p.Leave("/"), p.Leave("/chat", "left")),
        (p.Event("/", "e", []), p.Event("/chat", "said", ["Ann", "hello", nested], True)),
        (p.Call(1, "/", "c", []), p.Call(MOST, "/chat", "say", ["hello", None, nested], 30_000, True, (2,), 32)),
        (p.Reply(1), p.Reply(MOST, nested)),
        (p.Failed(1, "error"), p.Failed(MOST, "payload", "'x' expects int", {"parameter": "x", "expected": "int"})),
        (p.Cancel(1), p.Cancel(MOST)),
        (p.Item(1, 0), p.Item(MOST, MOST, nested)),
        (p.End(1, 0), p.End(MOST, 3, ["error", "the handler failed", {"id": "1f"}])),
        (p.Credit(1, 0, 0), p.Credit(MOST, 3, MOST)),
        (p.Renew(), p.Renew({"token": "fresh"})),
        (
            p.Hello(key=KEY, attempt=1),
            p.Hello(
                key=KEY,
                attempt=MOST,
                version=1,
                epoch=EPOCH,
                sid=SID,
                received=MOST,
                auth={"token": "s3cret"},
                joins=(("/", None), ("/chat", {"name": "Ann"})),
            ),
        ),
        (
            p.Welcome(epoch="e", sid="s", received=0, next=1, resumed=True),
            p.Welcome(
                epoch=EPOCH,
                sid=SID,
                received=2**32,
                next=2**31,
                resumed=False,
                version=1,
                reason="server_restart",
                heartbeat=(1_000, 500),
                window=60_000,
                inbox=(16, 65_536),
                message=131_072,
            ),
        ),
        (p.Refuse("version"), p.Refuse("stale", "a newer attach came first", 1_500, 7)),
        (p.Ack(0), p.Ack(2**31, 2**32)),
        (p.Ping(0), p.Ping(1_753_900_000_000.5)),
        (p.Pong(0, 0), p.Pong(1_753_900_000_000.5, MOST)),
        (p.Close("closed"), p.Close("overflow", "the peer did not take what was sent to it", 1_000)),
        (p.Volatile("/", "e", []), p.Volatile("/chat", "typing", ["Ann", nested])),
    ]
    for small, full in pairs:
        kind = type(small).__name__
        alone = isinstance(small, p.Hello | p.Welcome | p.Refuse)
        yield Sample(f"{kind}, smallest", [small], 0 if alone else 1)
        yield Sample(f"{kind}, fullest", [full], 0 if alone else 4_711)


def samples() -> Iterator[Sample]:
    """All messages that are read and written byte for byte."""
    yield from smallest_and_fullest()

    yield Sample("a message without packets", [], 5)
    yield Sample("what is owed stands in front", [p.Pong(5, 9), p.Ack(3, 4), p.Event("/", "e", [1])], 2)
    yield Sample("uncounted between counted", [p.Event("/", "a", []), p.Volatile("/", "v", []), p.Reply(1, 2)], 127)
    yield Sample("13 packets, the most of a short array", [p.Cancel(id) for id in range(1, 14)])
    yield Sample("14 packets, the least of a long array", [p.Cancel(id) for id in range(1, 15)])
    yield Sample("128 packets", [p.Cancel(7)] * 128)
    yield Sample("a push's answer says nothing of numbers", [p.Ack(17)], 0)
    for number in (127, 128, 255, 256, 65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1, 2**32, MOST):
        yield Sample(f"number {number}", [p.Cancel(1)], number)

    yield value("the single ones", None, False, True)
    yield value("positive integers", 0, 1, 127, 128, 255, 256, 65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1, 2**32, MOST)
    yield value(
        "negative integers", -1, -32, -33, -128, -129, -32_768, -32_769, -(2**31), -(2**31) - 1, -(2**32), -MOST
    )
    yield value("floats", 0.1, -1.5, 1e-9, 123456.789, 2**31 + 0.5, 5e-324)
    yield value("empty", "", b"", [], {})
    yield value("containers in containers", [[]], [{}], {"a": []}, {"a": {}}, [[[1], {"b": [2, {"c": 3}]}]])
    yield value("characters of 1 to 4 bytes", "az", "žluť", "漢字", "🦩", "\u007f\u0080\u07ff\u0800\uffff\U00010000")
    yield value("characters that JSON escapes", '"', "\\", "/", "\b\f\n\r\t", "\u0000\u001f\u007f\u2028")
    for length in (31, 32, 255, 256, 65_535, 65_536):
        yield value(f"{length} characters", "x" * length)
    yield value("31 bytes in 16 characters", "é" * 15 + "x")
    for length in (0, 1, 31, 32, 255, 256, 65_536):
        yield value(f"{length} bytes", bytes(length))
    yield value("all bytes", bytes(range(256)))
    for length in (15, 16, 65_536):
        yield value(f"{length} elements", [0] * length)
    for length in (15, 16):
        yield value(f"{length} keys", {f"k{index}": index for index in range(length)})
    yield value("$ keys", {"$bytes": "AA=="}, {"$": 1, "$$": 2, "a$": 3}, {"a": 1, "$b": {"$c": b"\x01"}}, "$bytes")
    yield value("keys of several bytes", {"ž": 1, "🦩": 2, "": 3})
    yield value("31 levels, the most of an argument", nested(31))
    yield Sample("names as long as they may be", [p.Event("/" + "n" * 127, "é" * 128, [])])


def nested(levels: int) -> list[Any]:
    """So many lists inside one another."""
    box: list[Any] = []
    for _ in range(levels - 1):
        box = [box]
    return box


def message(sample: Sample) -> dict[str, Any]:
    """A sample with what both codecs make of it."""
    limits = Limits()
    counted = sum(map(is_counted, sample.packets))
    binary, text = (
        codec.pack(sample.number, counted, [codec.encode(packet) for packet in sample.packets])
        for codec in (MsgpackCodec(limits), JsonCodec(limits))
    )
    assert isinstance(binary, bytes)
    assert isinstance(text, str)
    return {
        "name": sample.name,
        "number": sample.number,
        "counted": counted,
        "packets": [spelled(packet) for packet in sample.packets],
        "msgpack": shortened(binary.hex()),
        "json": shortened(text),
    }


def spelled(packet: p.Packet) -> dict[str, Any]:
    """A packet by the names of its fields, defaults and all."""
    return {"kind": type(packet).__name__, "fields": {name: noted(item) for name, item in asdict(packet).items()}}


def noted(item: Any) -> Any:
    """A value as README.md says, long ones shortened."""
    match item:
        case bytes():
            return {"$bytes": shortened(b64encode(item).decode())}
        case str():
            short = shortened(item)
            return short if short == item else {"$text": short}
        case list() | tuple():
            if len(item) > 64 and all(element == item[0] for element in item):
                return {"$list": [noted(item[0]), len(item)]}
            return [noted(element) for element in item]
        case dict():
            return {f"${key}" if key.startswith("$") else key: noted(element) for key, element in item.items()}
        case _:
            return item


def shortened(text: str) -> Any:
    """`text` itself, or its pieces: `[piece, times]` stands for a run."""
    pieces: list[Any] = []
    end = 0
    for run in RUN.finditer(text):
        pieces += [text[end : run.start()]] if run.start() > end else []
        pieces.append([run[1], len(run[0]) // len(run[1])])
        end = run.end()
    return text if not pieces else [*pieces, text[end:]] if end < len(text) else pieces


def text() -> str:
    """What stands in packets.json: a line for each member, so that a change shows as one."""
    return "[\n" + ",\n".join(_lines(message(sample)) for sample in samples()) + "\n]\n"


def _lines(vector: dict[str, Any]) -> str:
    members = (f"    {json.dumps(key)}: {json.dumps(item, ensure_ascii=False)}" for key, item in vector.items())
    return "  {\n" + ",\n".join(members) + "\n  }"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
