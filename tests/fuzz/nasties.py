"""What decoders have stumbled over, here and elsewhere: as values to put into messages, and as whole messages."""

from __future__ import annotations

import struct

import msgpack

__all__ = ["JSON_GIANTS", "JSON_VALUES", "MSGPACK_GIANTS", "MSGPACK_VALUES", "TEXTS"]

# Names and texts that mean something to somebody, and text that is none.
TEXTS = [
    b"__proto__",
    b"constructor",
    b"prototype",
    b"toString",
    b"$bytes",
    b"$$bytes",
    b"$",
    b"connect",
    b"disconnect",
    b"newListener",
    b"/",
    b"/chat",
    b"",
    b"\x00",
    b"\r\n",
    b"\x1b[31m",
    b"\xef\xbb\xbf",
    "\u2028".encode(),
    "\u202e".encode(),
    "²".encode(),
    "٣".encode(),
    "é🦩".encode(),
    b"\xff",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xe2\x82",
    b"x" * 129,
]

_INTEGERS = [0, 1, 31, 32, 63, 64, 127, 128, 255, 256, 2**31, 2**32, 2**53 - 1, 2**53, 2**63, 2**64 - 1]
_NEGATIVE = [-1, -32, -33, -128, -(2**31), -(2**53) + 1, -(2**53), -(2**63)]

MSGPACK_VALUES = [
    *(msgpack.packb(number) for number in (*_INTEGERS, *_NEGATIVE)),
    *(bytes((0xA0 | len(text),)) + text for text in TEXTS if len(text) < 32),
    *(b"\xcb" + struct.pack(">d", number) for number in (0.5, -0.0, 1e300, 5e-324, float("nan"), float("inf"))),
    b"\xca\x7f\x80\x00\x00",
    b"\xc0",
    b"\xc1",
    b"\xc2",
    b"\xc3",
    b"\x90",
    b"\x80",
    b"\x91\x90",
    b"\x81\xa1a\x01",
    b"\x81\x01\x01",  # a key that is a number
    b"\x81\xc0\x01",
    b"\x81\x90\x01",
    b"\x82\xa1a\x01\xa1a\x02",  # a key that is there twice
    b"\x81\xa9__proto__\x81\xa1x\x01",
    b"\xc4\x02\xff\x00",
    # Lengths that lie.
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xdb\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xc9\xff\xff\xff\xff\x05",
    b"\xdc\xff\xff",
    b"\xde\xff\xff",
    b"\xda\xff\xff",
    b"\xc5\xff\xff",
    # Extensions: known to msgpack as times, and unknown.
    b"\xd4\x07\x00",
    b"\xd5\xff\x00\x00",
    b"\xd6\xff\x00\x00\x00\x01",
    b"\xd7\xff" + b"\xff" * 8,
    b"\xc7\x0c\xff" + b"\x00" * 4 + b"\x7f" + b"\xff" * 7,
    b"\xc7\x0c\xff" + b"\x00" * 4 + b"\x80" + b"\x00" * 7,
    b"\xc7\x00\x01",
    b"\x91" * 40 + b"\xc0",
    b"\x81\xa1a" * 40 + b"\xc0",
]

JSON_VALUES = [
    *(str(number).encode() for number in (*_INTEGERS, *_NEGATIVE)),
    *(b'"' + text.replace(b"\r\n", b"\\r\\n").replace(b"\x1b", b"\\u001b") + b'"' for text in TEXTS),
    b"-0",
    b"-0.0",
    b"0.5",
    b"1e5",
    b"1e300",
    b"1e999",
    b"-1e999",
    b"5e-324",
    b"1E400",
    b"01",
    b"1.",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"null",
    b"true",
    b"false",
    b"undefined",
    b"[]",
    b"{}",
    b"[[]]",
    b'{"a":1}',
    b'{"a":1,"a":2}',
    b'{"__proto__":{"x":1}}',
    b'{"constructor":{"prototype":{"x":1}}}',
    b'{"$bytes":"AQI="}',
    b'{"$bytes":"AQI"}',
    b'{"$bytes":"AQI=","a":1}',
    b'{"$bytes":1}',
    b'{"\\u0024bytes":"AQI="}',
    b'{"$$bytes":"AQI="}',
    b'{"$other":1}',
    b'"\\ud800"',
    b'"\\udc00\\ud800"',
    b'"\\ud83e\\udda9"',
    b'"\\u0000"',
    b'"\\x"',
    b'"',
    b"9" * 25,
    b"9" * 400,
    b"9" * 5000,
    b"-" + b"9" * 4299,
    b"1" + b"0" * 310,
    b"[" * 40 + b"]" * 40,
    b'{"a":' * 40 + b"1" + b"}" * 40,
    b",",
    b":",
    b"[",
    b"]",
    b"{",
    b"}",
    b"\xef\xbb\xbf",
]

_DEEP = 100_000


def _event(value: bytes) -> bytes:
    return b"\x93\x01\x01\x94\x05\xa1/\xa1e\x91" + value


def _text_event(value: bytes) -> bytes:
    return b'[1,1,[5,"/","e",[' + value + b"]]]"


# They are long, so they are read as they are, and only a few mutants of them.
MSGPACK_GIANTS = [
    b"\x91" * _DEEP,
    b"\x81\xa1a" * _DEEP,
    b"\x81" * _DEEP,
    _event(b"\x91" * _DEEP + b"\xc0"),
    _event(b"\xdd\x00\x01\x00\x00" + b"\xc0" * (1 << 16)),
    _event(b"\xdd\x00\x01\x00\x00" + b"\x90" * (1 << 16)),
    _event(b"\xdd\x00\x01\x00\x00" + b"\x80" * (1 << 16)),
    _event(b"\xc6\x00\x0f\x00\x00" + b"\xff" * (15 << 16)),
    _event(b"\xdb\x00\x0f\x00\x00" + b"x" * (15 << 16)),
    _event(b"\xdf\x00\x00\x40\x00" + b"".join(b"\xa5%05d\xc0" % n for n in range(1 << 14))),
    _event(b"\xdf\x00\x00\x40\x00" + b"\xa1a\xc0" * (1 << 14)),
    b"\xdd\x00\x00\x40\x02\x01\x00" + b"\x92\x3f\xc0" * (1 << 14),
    b"\xdd\x00\x00\x40\x02\x01\xcd\x40\x00" + b"\x92\x09\x01" * (1 << 14),
]

JSON_GIANTS = [
    b"[" * _DEEP,
    b"[" * _DEEP + b"]" * _DEEP,
    b'{"a":' * _DEEP,
    b'{"$a":' * _DEEP + b"1" + b"}" * _DEEP,
    _text_event(b"[" * _DEEP + b"]" * _DEEP),
    _text_event(b"9" * 900_000),
    _text_event(b"-" + b"9" * 5_000),
    _text_event(b"1." + b"0" * 500_000 + b"1"),
    _text_event(b'"' + b"x" * 900_000 + b'"'),
    _text_event(b'"' + b"\\n" * 450_000 + b'"'),
    _text_event(b'"' + b"\\ud83e\\udda9" * 75_000 + b'"'),
    _text_event(b'"' + b"x" * 900_000),
    _text_event(b'{"$bytes":"' + b"AAAA" * 200_000 + b'"}'),
    _text_event(b'{"$$a":' * 30 + b"1" + b"}" * 30),
    _text_event(b",".join([b"null"] * 20_000)),
    _text_event(b",".join([b"[]"] * 30_000)),
    _text_event(b"{" + b",".join(b'"%d":1' % n for n in range(10_000)) + b"}"),
    _text_event(b"{" + b",".join([b'"a":1'] * 15_000) + b"}"),
    b"[1,0" + b",[63]" * 20_000 + b"]",
    b"[1,15000" + b",[9,1]" * 15_000 + b"]",
]
