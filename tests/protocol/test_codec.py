"""What is counted, and one encoding for everybody."""

from __future__ import annotations

import pytest

from antiphon.config import Limits
from antiphon.dialects.native.forms import JsonCodec, MsgpackCodec
from antiphon.errors import PayloadError
from antiphon.protocol.codec import Broken, Prepared, is_counted
from antiphon.protocol.packets import COUNTED, Event, Packet, Ping, Volatile
from tests.protocol.wire import CODEC, event


@pytest.mark.parametrize(("packet", "counted"), [(event(1), True), (Ping(1), False), (Volatile("/", "at", []), False)])
def test_counted_is_what_has_a_number(packet: Packet, counted: bool) -> None:
    assert is_counted(packet) == counted


@pytest.mark.parametrize("kind", sorted(COUNTED, key=str))
def test_a_broken_packet_counts_as_what_it_would_have_been(kind: type[Packet]) -> None:
    """Rule 6: it is acked and refused by itself."""
    assert is_counted(Broken(kind, PayloadError("too deep")))


def test_a_broken_packet_of_no_number_has_none() -> None:
    assert not is_counted(Broken(Volatile, PayloadError("too deep")))


def test_a_packet_is_encoded_once_for_all_of_a_form() -> None:
    prepared = Prepared(event(1))

    encoded = prepared.encode(CODEC)

    assert prepared.forms["msgpack"] is encoded
    assert encoded == CODEC.encode(event(1))


def test_each_form_has_its_own_bytes() -> None:
    prepared = Prepared(event(1))

    binary, text = prepared.encode(MsgpackCodec(Limits())), prepared.encode(JsonCodec(Limits()))

    assert prepared.forms == {"msgpack": binary, "json": text}
    assert text == b'[5,"/","say",[1]]'


def test_a_later_change_of_the_arguments_does_no_harm() -> None:
    """Rule 5."""
    args = ["before"]
    prepared = Prepared(Event("/", "say", args))
    encoded = prepared.encode(CODEC)

    args[0] = "after"

    assert prepared.forms["msgpack"] == encoded == CODEC.encode(Event("/", "say", ["before"]))
