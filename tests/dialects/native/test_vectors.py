"""The wire examples that both languages read: here Python reads and writes them, and the msgpack package agrees."""

from __future__ import annotations

import json
from typing import Any

import msgpack
import pytest
from msgspec.structs import asdict

from antiphon.config import Limits
from antiphon.dialects.native.forms import JsonCodec, MsgpackCodec
from antiphon.errors import RemoteProtocolError
from antiphon.protocol import packets as p
from antiphon.protocol.codec import Broken
from tests.vectors import make, reader
from tests.vectors.reader import Refusal, Vector

CODECS: dict[str, MsgpackCodec | JsonCodec] = {"msgpack": MsgpackCodec(Limits()), "json": JsonCodec(Limits())}

# The layout of docs/protocol.md, written down once more: number, fields in order, and whether the last may be missing.
LAYOUT: dict[str, tuple[int, list[str], int]] = {
    "Join": (1, ["namespace", "auth"], 0),
    "Joined": (2, ["namespace", "socket"], 0),
    "Refused": (3, ["namespace", "reason", "data"], 0),
    "Leave": (4, ["namespace", "reason"], 0),
    "Event": (5, ["namespace", "name", "args", "redelivered"], 1),
    "Call": (6, ["id", "namespace", "name", "args", "timeout", "redelivered", "streams", "credit"], 3),
    "Reply": (7, ["id", "value"], 0),
    "Failed": (8, ["id", "code", "message", "data"], 0),
    "Cancel": (9, ["id"], 0),
    "Item": (10, ["id", "stream", "value"], 0),
    "End": (11, ["id", "stream", "error"], 0),
    "Credit": (12, ["id", "stream", "limit"], 0),
    "Renew": (13, ["auth"], 0),
    "Refuse": (34, ["code", "reason", "retry_after", "attempt"], 0),
    "Ack": (35, ["handed", "received"], 1),
    "Ping": (36, ["time"], 0),
    "Pong": (37, ["time", "now"], 0),
    "Close": (38, ["code", "reason", "retry_after"], 0),
    "Volatile": (39, ["namespace", "name", "args"], 0),
}
MAPS = {"Hello": 32, "Welcome": 33}

PACKETS, ACCEPTED, REFUSED = reader.packets(), reader.accepted(), reader.refused()
EACH_FORM = [(vector, form) for vector in PACKETS + ACCEPTED for form in vector.spellings]


def named(vector: Vector | Refusal) -> str:
    return vector.name


def packet(named: reader.Named) -> p.Packet:
    pairs = {"joins", "heartbeat", "inbox"} if named.kind in MAPS else {"streams"}
    fields = {
        name: tuple(map(tuple, value)) if name == "joins" else tuple(value) if name in pairs and value else value
        for name, value in named.fields.items()
    }
    kind: type[p.Packet] = getattr(p, named.kind)
    return kind(**fields)


def laid_out(named: reader.Named) -> list[Any]:
    """How docs/protocol.md lays a packet out."""
    if named.kind in MAPS:
        return [MAPS[named.kind], {name: value for name, value in named.fields.items() if value is not None}]
    code, names, short = LAYOUT[named.kind]
    values = [named.fields[name] for name in names]
    for _ in range(short):
        if values[-1] not in (None, False):
            break
        values.pop()
    return [code, *values]


# -- the files


def test_the_file_is_what_the_maker_writes() -> None:
    committed = make.FILE.read_text(encoding="utf-8")

    assert committed == make.text(), "run python -m tests.vectors.make if the wire was meant to change"


def test_every_packet_is_there_smallest_and_fullest() -> None:
    names = {vector.name for vector in PACKETS}

    assert names >= {f"{kind}, {size}" for kind in {*LAYOUT, *MAPS} for size in ("smallest", "fullest")}
    assert {kind.__name__ for kind in p.Packet.__subclasses__() if kind is not Broken} == {*LAYOUT, *MAPS}


def test_every_error_is_there_and_at_least_20_refusals() -> None:
    assert {refusal.error for refusal in REFUSED} == {"protocol", "miscounted", "unsupported", "broken"}
    assert len({(refusal.form, refusal.message) for refusal in REFUSED}) >= 20
    assert {refusal.form for refusal in REFUSED} == {"msgpack", "json"}


# -- our codecs


@pytest.mark.parametrize(("vector", "form"), EACH_FORM, ids=lambda item: getattr(item, "name", item))
def test_a_message_is_read(vector: Vector, form: str) -> None:
    message = CODECS[form].decode(vector.spellings[form])

    assert (message.number, message.counted) == (vector.number, vector.counted)
    assert message.packets == [packet(named) for named in vector.packets]
    assert [asdict(each) for each in message.packets] == [asdict(packet(named)) for named in vector.packets]


@pytest.mark.parametrize("form", ["msgpack", "json"])
@pytest.mark.parametrize("vector", PACKETS, ids=named)
def test_a_message_is_written_byte_for_byte(vector: Vector, form: str) -> None:
    codec = CODECS[form]

    written = codec.pack(vector.number, vector.counted, [codec.encode(packet(named)) for named in vector.packets])

    assert written == vector.spellings[form]


@pytest.mark.parametrize("refusal", REFUSED, ids=named)
def test_what_nobody_may_send_is_refused_with_its_error(refusal: Refusal) -> None:
    if refusal.error == "broken":
        message = CODECS[refusal.form].decode(refusal.message)

        assert [type(each) for each in message.packets] == [Broken]
    else:
        with pytest.raises(RemoteProtocolError) as caught:
            CODECS[refusal.form].decode(refusal.message)

        assert caught.value.code == refusal.error


# -- an oracle that is not ours


@pytest.mark.parametrize("vector", PACKETS, ids=named)
def test_the_msgpack_package_writes_the_same_bytes(vector: Vector) -> None:
    raw = [vector.number, vector.counted, *map(laid_out, vector.packets)]

    assert msgpack.packb(raw) == vector.spellings["msgpack"]


@pytest.mark.parametrize("vector", PACKETS, ids=named)
def test_the_msgpack_package_reads_what_the_json_module_reads(vector: Vector) -> None:
    binary, text = vector.spellings["msgpack"], vector.spellings["json"]

    assert msgpack.unpackb(binary) == reader.plain(json.loads(text))


@pytest.mark.parametrize("vector", PACKETS, ids=named)
def test_the_json_module_reads_the_layout(vector: Vector) -> None:
    raw = reader.plain(json.loads(vector.spellings["json"]))

    assert raw == [vector.number, vector.counted, *map(laid_out, vector.packets)]
