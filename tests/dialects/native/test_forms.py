"""The two forms: what one side writes the other reads, and nothing but RemoteProtocolError comes out of the rest."""

from __future__ import annotations

import random
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.config import Limits
from antiphon.dialects.native.forms import JsonCodec, MsgpackCodec
from antiphon.errors import RemoteProtocolError
from antiphon.protocol import packets as p
from antiphon.protocol.codec import Codec, Message, is_counted
from tests.vectors import reader

LIMITS = Limits()
CODECS: dict[str, Codec] = {"msgpack": MsgpackCodec(LIMITS), "json": JsonCodec(LIMITS)}

each_form = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS.keys())

TEXT = st.text(max_size=12)
NAMES = st.text(max_size=LIMITS.name)
NUMBERS = st.integers(0, p.MAX_NUMBER)
IDS = st.integers(1, p.MAX_NUMBER)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-p.MAX_NUMBER, p.MAX_NUMBER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
    | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT | st.text("$ab"), inner, max_size=5),
    max_leaves=12,
)
ARGS = st.lists(VALUES, max_size=3)
PACKETS = st.one_of(
    st.builds(p.Join, TEXT, VALUES),
    st.builds(p.Joined, TEXT, TEXT),
    st.builds(p.Refused, TEXT, TEXT, VALUES),
    st.builds(p.Leave, TEXT, TEXT),
    st.builds(p.Event, NAMES, NAMES, ARGS, st.booleans()),
    st.builds(p.Call, IDS, NAMES, NAMES, ARGS, st.none() | NUMBERS, st.booleans()),
    st.builds(p.Reply, IDS, VALUES),
    st.builds(p.Failed, IDS, TEXT, TEXT, VALUES),
    st.builds(p.Cancel, IDS),
    st.builds(p.Item, IDS, NUMBERS, VALUES),
    st.builds(p.End, IDS, NUMBERS, VALUES),
    st.builds(p.Credit, IDS, NUMBERS, NUMBERS),
    st.builds(p.Renew, VALUES),
    st.builds(p.Ack, NUMBERS, st.none() | IDS),
    st.builds(p.Ping, NUMBERS | st.floats(0, 1e15)),
    st.builds(p.Pong, NUMBERS | st.floats(0, 1e15), NUMBERS),
    st.builds(p.Refuse, TEXT, TEXT, st.none() | NUMBERS, st.none() | NUMBERS),
    st.builds(p.Close, TEXT, TEXT, st.none() | NUMBERS),
    st.builds(p.Volatile, NAMES, NAMES, ARGS),
    st.builds(
        p.Hello,
        key=TEXT,
        attempt=IDS,
        epoch=st.none() | TEXT,
        sid=st.none() | TEXT,
        received=NUMBERS,
        auth=VALUES,
        joins=st.lists(st.tuples(TEXT, VALUES), max_size=2).map(tuple),
    ),
    st.builds(
        p.Welcome,
        epoch=TEXT,
        sid=TEXT,
        received=NUMBERS,
        next=NUMBERS,
        resumed=st.booleans(),
        reason=st.none() | TEXT,
        heartbeat=st.tuples(NUMBERS, NUMBERS),
        window=NUMBERS,
        inbox=st.tuples(NUMBERS, NUMBERS),
        message=NUMBERS,
    ),
)


def written(codec: Codec, packets: list[p.Packet], number: int = 1) -> Any:
    return codec.pack(number, sum(map(is_counted, packets)), [codec.encode(packet) for packet in packets])


def refusal(codec: Codec, data: Any) -> RemoteProtocolError:
    with pytest.raises(RemoteProtocolError) as caught:
        codec.decode(data)
    return caught.value


# -- there and back


@each_form
@given(packets=st.lists(PACKETS, max_size=20), number=IDS)
def test_every_message_comes_back(codec: Codec, packets: list[p.Packet], number: int) -> None:
    data = written(codec, packets, number)

    assert codec.decode(data) == Message(number, sum(map(is_counted, packets)), packets)


@given(packet=PACKETS)
def test_the_msgpack_package_reads_what_is_written(packet: p.Packet) -> None:
    number, counted, spelled = msgpack.unpackb(written(CODECS["msgpack"], [packet], 7))

    assert (number, counted) == (7, int(is_counted(packet)))
    assert MsgpackCodec(LIMITS).decode(msgpack.packb([7, counted, spelled])).packets == [packet]


@pytest.mark.parametrize("count", [0, 1, 2, 13, 14, 127, 128, 8192])
@each_form
def test_a_message_holds_as_many_packets_as_anybody_sends(codec: Codec, count: int) -> None:
    packets: list[p.Packet] = [p.Cancel(1)] * count

    assert codec.decode(written(codec, packets)) == Message(1, count, packets)


@pytest.mark.parametrize("number", [0, 127, 128, 2**31, 2**32, p.MAX_NUMBER])
def test_the_head_is_written_as_the_msgpack_package_would(number: int) -> None:
    codec = CODECS["msgpack"]

    for packets in ([], [p.Ack(1)], [p.Ack(1)] * 13, [p.Ack(1)] * 14):
        assert codec.pack(number, 0, [codec.encode(each) for each in packets]) == msgpack.packb(
            [number, 0, *[[35, 1]] * len(packets)]
        )


def test_json_is_text_and_msgpack_is_bytes() -> None:
    assert written(CODECS["json"], [p.Event("/", "ž", [b"\x01"])]) == '[1,1,[5,"/","ž",[{"$bytes":"AQ=="}]]]'
    assert written(CODECS["msgpack"], [p.Cancel(1)]) == b"\x93\x01\x01\x92\x09\x01"


def test_a_dollar_that_is_spelled_as_an_escape_is_a_dollar() -> None:
    message = CODECS["json"].decode('[1,1,[7,1,[{"\\u0024bytes":"AQ=="},{"\\u0024$a":1}]]]')

    assert message.packets == [p.Reply(1, [b"\x01", {"$a": 1}])]


# -- refused


def test_a_session_keeps_the_form_it_began_in() -> None:
    assert refusal(CODECS["msgpack"], "[1,0]").message == "this session began in msgpack, so its messages are binary"
    assert refusal(CODECS["json"], b"\x92\x01\x00").message == "this session began in JSON, so its messages are text"


@pytest.mark.parametrize(
    "data", [b"\x91" * 100_000, b"\x81\xa1a" * 100_000, b"\xdd\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff"]
)
def test_deep_and_lying_msgpack_is_refused(data: bytes) -> None:
    assert refusal(CODECS["msgpack"], data).code == "protocol"


@pytest.mark.parametrize("data", ["[" * 100_000, '{"$":' * 100_000, "[1,0," + "9" * 5_000 + "]", "\ud800", "[1,0]\x00"])
def test_deep_and_wide_json_is_refused(data: str) -> None:
    assert refusal(CODECS["json"], data).code == "protocol"


def test_json_that_is_read_and_then_too_deep_to_unwrap_is_refused() -> None:
    data = '[1,1,[7,1,{"$$a":' + "[" * 900 + "]" * 900 + "}]]"

    try:
        message = CODECS["json"].decode(data)
    except RemoteProtocolError as error:
        assert error.code == "protocol"
    else:
        assert not isinstance(message.packets[0], p.Reply)


# -- a short fuzz from a seed: what is found here gets a test of its own above


SEEDS = [vector for vector in reader.packets() if max(map(len, vector.spellings.values())) < 1_000]
NASTY = [0, 0x80, 0x8F, 0x90, 0xC1, 0xC4, 0xC7, 0xCB, 0xCF, 0xD3, 0xD4, 0xD6, 0xD9, 0xDC, 0xDD, 0xDE, 0xDF, 0xFF]
PIECES = [
    '"',
    "\\",
    "[",
    "]",
    "{",
    "}",
    ",",
    "-",
    "9" * 20,
    "1e400",
    "null",
    "true",
    '"$bytes"',
    "\\u0024",
    "\\ud800",
    "é",
]


def mutated(chance: random.Random, data: bytes | str) -> bytes | str:
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.choice((0, 0, 1, 1, 2, 8)))
        if isinstance(data, bytes):
            new = bytes(chance.choices(NASTY, k=chance.randint(0, 2))) or chance.randbytes(chance.randint(0, 3))
            data = data[:start] + new + data[end:]
        else:
            data = data[:start] + "".join(chance.choices(PIECES, k=chance.randint(0, 2))) + data[end:]
    return data


@each_form
def test_only_remote_protocol_errors_come_out_of_mutated_messages(codec: Codec) -> None:
    chance = random.Random(20_26)
    read = 0

    for round in range(20_000):
        data = mutated(chance, chance.choice(SEEDS).spellings[codec.form])
        try:
            codec.decode(data)
        except RemoteProtocolError as error:
            assert error.code in ("protocol", "miscounted", "unsupported"), (round, data)
        else:
            read += 1

    assert read > 500, "too few mutants were still messages: nothing but the outermost reader was tried"
