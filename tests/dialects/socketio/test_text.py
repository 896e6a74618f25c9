"""The text form: every example of the protocol, there and back, and all that breaks its rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.config import Limits
from antiphon.dialects.socketio.frames import messages_of
from antiphon.dialects.socketio.packets import RESERVED, Kind, SocketioPacket
from antiphon.dialects.socketio.text import TextForm, spell
from antiphon.errors import PayloadError, RemoteProtocolError
from antiphon.protocol.packets import MAX_NUMBER
from antiphon.types import Data

LIMITS = Limits()

BYTES_EVENT = SocketioPacket(Kind.EVENT, "/", ["baz", b"\x01\x02\x03\x04", {"k": b"\x05"}], 7)
EXAMPLES: list[tuple[SocketioPacket, list[Data]]] = [
    (SocketioPacket(Kind.CONNECT, "/"), ["0"]),
    (SocketioPacket(Kind.CONNECT, "/admin", {"token": "123"}), ['0/admin,{"token":"123"}']),
    (SocketioPacket(Kind.CONNECT, "/", {"sid": "oSO0OpakMV_3jnilAAAA"}), ['0{"sid":"oSO0OpakMV_3jnilAAAA"}']),
    (SocketioPacket(Kind.DISCONNECT, "/admin"), ["1/admin,"]),
    (SocketioPacket(Kind.EVENT, "/", ["foo"]), ['2["foo"]']),
    (SocketioPacket(Kind.EVENT, "/admin", ["foo", 1], 13), ['2/admin,13["foo",1]']),
    (SocketioPacket(Kind.ACK, "/", ["bar"], 13), ['313["bar"]']),
    (
        BYTES_EVENT,
        [
            '52-7["baz",{"_placeholder":true,"num":0},{"k":{"_placeholder":true,"num":1}}]',
            b"\x01\x02\x03\x04",
            b"\x05",
        ],
    ),
    (SocketioPacket(Kind.ACK, "/", ["bar", b"x"], 15), ['61-15["bar",{"_placeholder":true,"num":0}]', b"x"]),
]

NAMES = st.text(max_size=9).filter(lambda name: name not in RESERVED)
NAMESPACES = st.just("/") | st.text(
    st.characters(exclude_characters=",?\x1e", exclude_categories=["Cs"]), max_size=9
).map(lambda name: "/" + name)
LEAVES = st.none() | st.booleans() | st.integers(-MAX_NUMBER, MAX_NUMBER) | st.text(max_size=9)
VALUES = st.recursive(
    LEAVES | st.floats(allow_nan=False, allow_infinity=False) | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=3,  # three arguments of so many hold no more bytes than they may
)
IDS = st.integers(0, MAX_NUMBER)
EVENTS = st.builds(
    lambda namespace, name, args, id: SocketioPacket(Kind.EVENT, namespace, [name, *args], id),
    NAMESPACES,
    NAMES,
    st.lists(VALUES, max_size=3),
    st.none() | IDS,
)
ACKS = st.builds(
    lambda namespace, values, id: SocketioPacket(Kind.ACK, namespace, values, id),
    NAMESPACES,
    st.lists(VALUES, max_size=3),
    IDS,
)


def said(packet: SocketioPacket) -> list[Data]:
    """Its messages, without the digit of Engine.IO."""
    messages = messages_of(TextForm(LIMITS).write(packet))
    return [message if isinstance(message, bytes) else message.removeprefix("4") for message in messages]


def heard(form: TextForm, messages: list[Data]) -> SocketioPacket | None:
    *first, last = messages
    for message in first:
        assert form.read(message) is None
    return form.read(last)


def refusal(*messages: Data, limits: Limits = LIMITS) -> str:
    form = TextForm(limits)
    with pytest.raises(RemoteProtocolError) as caught:
        heard(form, list(messages))
    assert caught.value.code == "protocol"
    return caught.value.message


@pytest.mark.parametrize(("packet", "messages"), EXAMPLES)
def test_the_examples_of_the_protocol(packet: SocketioPacket, messages: list[Data]) -> None:
    assert said(packet) == messages
    assert heard(TextForm(LIMITS), messages) == packet


def test_the_refusal_of_a_namespace() -> None:
    packet = SocketioPacket(Kind.CONNECT_ERROR, "/x", {"message": "Invalid namespace"})

    assert said(packet) == ['4/x,{"message":"Invalid namespace"}']


def test_what_is_written_begins_with_the_digit_of_a_message() -> None:
    assert TextForm(LIMITS).write(SocketioPacket(Kind.EVENT, "/", ["foo"])) == b'\x81\x0942["foo"]'


@given(EVENTS | ACKS)
def test_what_is_said_is_what_is_read(packet: SocketioPacket) -> None:
    assert heard(TextForm(LIMITS), said(packet)) == packet


def test_a_separator_in_a_value_is_escaped() -> None:
    text, _ = spell(SocketioPacket(Kind.EVENT, "/", ["a", "\x1e"]))

    assert b"\x1e" not in text


# -- read


@pytest.mark.parametrize(
    ("text", "packet"),
    [
        ("0/admin", SocketioPacket(Kind.CONNECT, "/admin")),
        ("0/admin?token=1,", SocketioPacket(Kind.CONNECT, "/admin")),
        ("0{}", SocketioPacket(Kind.CONNECT, "/", {})),
        ("1", SocketioPacket(Kind.DISCONNECT, "/")),
        ("1/admin", SocketioPacket(Kind.DISCONNECT, "/admin")),
        ("2[1]", SocketioPacket(Kind.EVENT, "/", ["1"])),
        ('2007["a"]', SocketioPacket(Kind.EVENT, "/", ["a"], 7)),
        ('2/é,["🦩"]', SocketioPacket(Kind.EVENT, "/é", ["🦩"])),
        ("30[]", SocketioPacket(Kind.ACK, "/", [], 0)),
        ('50-["x"]', SocketioPacket(Kind.EVENT, "/", ["x"])),
        ("60-3[1]", SocketioPacket(Kind.ACK, "/", [1], 3)),
        (
            '2["a",{"_placeholder":true,"num":0}]',
            SocketioPacket(Kind.EVENT, "/", ["a", {"_placeholder": True, "num": 0}]),
        ),
    ],
)
def test_what_else_is_read(text: str, packet: SocketioPacket) -> None:
    assert TextForm(LIMITS).read(text) == packet


def test_after_no_attachments_text_goes_on() -> None:
    form = TextForm(LIMITS)

    form.read('50-["x"]')

    assert form.read('2["y"]') == SocketioPacket(Kind.EVENT, "/", ["y"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "9[]",
        "x",
        " 2[]",
        "²[]",
        '5["a"]',
        '5-["a"]',
        '5abc-["a"]',
        '51["a"]',
        '5-1-["a"]',
        '51.5-["a"]',
        '5٣-["a"]',
        f'5{"9" * 10}-["a"]',
    ],
)
def test_what_begins_like_no_packet_is_refused(text: str) -> None:
    assert refusal(text) == "a packet begins with its type, and with the number of its attachments"


@pytest.mark.parametrize(
    "text", ["2[", "2[1,]", '2["a"]x', '2"', "213-[]", "0/admin,x", '2[NaN,"a"]', "2" + "9" * 17 + "[]"]
)
def test_what_is_no_json_is_refused(text: str) -> None:
    assert refusal(text).startswith("not JSON: ")


@pytest.mark.parametrize("text", ["[" * 100_000, '["a",' + "[" * 100_000, '["' + "\ud800" + '"]', "9" * 5000])
def test_json_that_would_break_a_reader_is_refused(text: str) -> None:
    assert refusal("2" + text, limits=Limits(message=1 << 22))


@pytest.mark.parametrize("text", ["0null", "1null", "2null"])
def test_null_is_no_data(text: str) -> None:
    assert refusal(text) == "the data of a packet is not null"


@pytest.mark.parametrize(
    "text",
    [
        *("0[]", '0"x"', '1{"a":1}', "012{}"),
        *("2", "2{}", '2"foo"', "2[]", "2[null]", "2[true]", "2[{}]", '2["connect"]', "2/admin"),
        *('3["a"]', "3", '31{"a":1}', '4{"message":"x"}', "61-[]", "60-[]"),
    ],
)
def test_what_breaks_a_rule_is_refused(text: str) -> None:
    assert refusal(text)


# -- attachments


def test_an_event_is_whole_with_its_last_attachment() -> None:
    form = TextForm(LIMITS)

    assert form.read('52-["a",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]') is None
    assert form.waiting is not None and form.waiting.namespace == "/"
    assert form.read(b"x") is None
    assert form.read(b"y") == SocketioPacket(Kind.EVENT, "/", ["a", b"y", b"x"])
    assert form.waiting is None


def test_what_an_event_weighs_is_counted_with_its_attachments() -> None:
    form = TextForm(LIMITS)

    form.read('52-["a"]')
    form.read(b"x" * 100)
    form.read(b"x" * 10)

    assert form.weight == 8 + 110
    form.read('2["a"]')
    assert form.weight == 6


def test_so_many_attachments_may_be_announced_and_no_more() -> None:
    assert TextForm(LIMITS).read('510-["a"]') is None
    assert refusal('511-["a"]') == "a packet has at most 10 attachments, not 11"
    assert refusal('5999999999-["a"]') == "a packet has at most 10 attachments, not 999999999"


def test_an_event_with_its_attachments_may_have_so_many_bytes_and_no_more() -> None:
    small = Limits(message=100)
    form = TextForm(small)

    assert form.read('52-["a"]') is None
    assert form.read(b"x" * 46) is None
    assert form.read(b"x" * 46) is not None
    assert refusal('52-["a"]', b"x" * 93, limits=small) == "an event with its attachments has at most 100 bytes"


def test_text_in_place_of_an_attachment_is_refused() -> None:
    assert refusal('52-["a"]', b"x", '2["b"]') == "text came where 1 attachments were missing"


def test_an_attachment_of_nothing_is_refused() -> None:
    assert refusal(b"x") == "a binary message came where no attachment was announced"
    assert refusal(b"") == "a binary message came where no attachment was announced"


@pytest.mark.parametrize("number", ['"splice"', '"0"', "1", "-1", "0.0", "true", "null", "1e99"])
def test_a_placeholder_of_no_attachment_is_refused_before_any_comes(number: str) -> None:
    with pytest.raises(RemoteProtocolError, match="a placeholder has the number of one of 1 attachments"):
        TextForm(LIMITS).read(f'51-["a",{{"_placeholder":true,"num":{number}}}]')


def test_what_is_no_value_of_ours_goes_no_further_than_its_fault() -> None:
    form = TextForm(LIMITS)
    deep = "[" * 500 + "]" * 500

    assert form.read(f'51-["a",{10**400},{deep},{{"_placeholder":true,"num":9}}]') is None
    packet = form.read(b"x")

    assert packet is not None and packet.fault is not None


def test_what_was_begun_is_not_continued_on_another_transport() -> None:
    form = TextForm(LIMITS)
    form.read('51-["a"]')

    form.forget()

    assert form.read('2["b"]') == SocketioPacket(Kind.EVENT, "/", ["b"])


# -- written


def test_bytes_may_not_stand_where_no_attachments_may() -> None:
    with pytest.raises(PayloadError, match="the data of a CONNECT_ERROR may not hold bytes; send them as text"):
        spell(SocketioPacket(Kind.CONNECT_ERROR, "/", {"message": "no", "data": b"x"}))


def test_a_namespace_with_a_comma_cannot_be_spelled() -> None:
    with pytest.raises(PayloadError, match="'/a,b' has a comma"):
        spell(SocketioPacket(Kind.EVENT, "/a,b", ["x"]))


def test_a_placeholder_of_the_users_own_is_plain_data_for_the_peer() -> None:
    value: dict[str, Any] = {"_placeholder": True, "num": 0}

    text, attachments = spell(SocketioPacket(Kind.EVENT, "/", ["a", value]))

    assert (text, attachments) == (b'2["a",{"_placeholder":true,"num":0}]', [])
