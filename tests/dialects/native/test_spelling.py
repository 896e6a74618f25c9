"""Which number each packet has, how its fields are laid out, and what may not be read."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from antiphon.config import Limits
from antiphon.dialects.native.spelling import CODES, FIRST_UNCOUNTED, KINDS, read_message, spell
from antiphon.errors import RemoteProtocolError
from antiphon.protocol import packets as p
from antiphon.protocol.codec import Broken, Message

LIMITS = Limits(depth=3, keys=2, name=5)
KEY = "k" * 43


def read(*items: Any, number: int = 1, counted: int = 1) -> Message:
    return read_message([number, counted, *items], LIMITS)


def broken(item: list[Any]) -> Broken:
    (packet,) = read(item).packets
    assert isinstance(packet, Broken)
    return packet


def refusal(raw: Any) -> RemoteProtocolError:
    with pytest.raises(RemoteProtocolError) as caught:
        read_message(raw, LIMITS)
    return caught.value


# -- spelling


def test_counted_packets_have_the_types_below_32() -> None:
    assert {kind for kind, code in CODES.items() if 1 <= code < FIRST_UNCOUNTED} == p.COUNTED
    assert all(1 <= code <= 63 for code in CODES.values())


def test_every_packet_has_a_type_of_its_own() -> None:
    assert len(KINDS) == len(CODES) == len(set(CODES.values()))
    assert set(CODES) == {kind for kind in p.Packet.__subclasses__() if kind is not Broken}


@pytest.mark.parametrize(
    ("packet", "spelled"),
    [
        (p.Join("/"), [1, "/", None]),
        (p.Event("/", "e", [1]), [5, "/", "e", [1]]),
        (p.Event("/", "e", [1], True), [5, "/", "e", [1], True]),
        (p.Call(1, "/", "c", [], 5), [6, 1, "/", "c", [], 5]),
        (p.Call(1, "/", "c", []), [6, 1, "/", "c", [], None]),
        (p.Call(1, "/", "c", [], None, True), [6, 1, "/", "c", [], None, True]),
        (p.Ack(4), [35, 4]),
        (p.Ack(4, 6), [35, 4, 6]),
        (p.Close("closed"), [38, "closed", "", None]),
    ],
    ids=repr,
)
def test_fields_stand_in_order_and_some_last_ones_only_when_they_say_something(
    packet: p.Packet, spelled: list[Any]
) -> None:
    assert spell(packet) == spelled


def test_a_hello_and_a_welcome_are_maps_without_what_is_none() -> None:
    hello = p.Hello(key=KEY, attempt=1)
    welcome = p.Welcome(epoch="e", sid="s", received=0, next=1, resumed=False, reason="expired")

    assert spell(hello) == [32, {"key": KEY, "attempt": 1, "version": 1, "received": 0, "joins": ()}]
    assert "reason" in spell(welcome)[1]
    assert "reason" not in spell(p.Welcome(epoch="e", sid="s", received=0, next=1, resumed=True))[1]


# -- reading


def test_a_message_says_its_number_how_many_it_counts_and_its_packets() -> None:
    message = read([36, 7], [9, 1], [35, 2], [9, 2], number=5, counted=2)

    assert message == Message(5, 2, [p.Ping(7), p.Cancel(1), p.Ack(2), p.Cancel(2)])


def test_a_hello_is_read_with_its_defaults_and_whatever_a_later_version_adds() -> None:
    hello = {"key": KEY, "attempt": 2, "joins": [["/", None], ["/chat", {"a": 1}]], "later": 1}

    message = read([32, hello], number=0, counted=0)

    assert message.packets == [p.Hello(key=KEY, attempt=2, joins=(("/", None), ("/chat", {"a": 1})))]


def test_the_tightest_limits_let_a_hello_and_a_welcome_in() -> None:
    hello = p.Hello(key=KEY, attempt=2, epoch="e", sid="s", received=3, auth=[], joins=(("/", []),))
    welcome = p.Welcome(epoch="e", sid="s", received=0, next=1, resumed=False, reason="expired")
    raw = msgspec.json.decode(msgspec.json.encode([0, 0, spell(hello), spell(welcome)]))

    assert read_message(raw, Limits(depth=1, keys=1)).packets == [hello, welcome]


@pytest.mark.parametrize("auth", [[[[]]], [[[[]]]]], ids=["as deep as a value may be", "one deeper"])
def test_a_join_in_a_hello_may_be_as_deep_as_one_of_its_own(auth: Any) -> None:
    hello = {"key": KEY, "attempt": 1, "joins": [["/", auth]]}

    alone = read([1, "/", auth])

    if isinstance(alone.packets[0], Broken):
        assert refusal([0, 0, [32, hello]]).code == "protocol"
    else:
        assert read([32, hello], number=0, counted=0).packets == [p.Hello(key=KEY, attempt=1, joins=(("/", auth),))]


def test_trailing_fields_may_be_missing_or_more() -> None:
    assert read([8, 1, "error"]).packets == [p.Failed(1, "error")]
    assert read([9, 1, "later", {}]).packets == [p.Cancel(1)]


def test_an_unknown_packet_that_is_not_counted_is_ignored() -> None:
    assert read([40, "?"], [9, 1], [63]).packets == [p.Cancel(1)]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (None, "protocol"),
        ({}, "protocol"),
        ([1], "protocol"),
        ([-1, 0], "protocol"),
        ([1.0, 0], "protocol"),
        ([True, 0], "protocol"),
        ([1, True, [9, 1]], "protocol"),
        ([2**53, 0], "protocol"),
        ([1, -1], "protocol"),
        ([0, 1, [9, 1]], "protocol"),
        ([1, 0, 5], "protocol"),
        ([1, 0, []], "protocol"),
        ([1, 0, ["5"]], "protocol"),
        ([1, 0, [True]], "protocol"),
        ([1, 0, [0]], "protocol"),
        ([1, 0, [64]], "protocol"),
        ([1, 1, [9]], "protocol"),
        ([1, 1, [9, "1"]], "protocol"),
        ([1, 1, [9, 0]], "protocol"),
        ([0, 0, [32]], "protocol"),
        ([0, 0, [32, None]], "protocol"),
        ([0, 0, [32, {"key": KEY}]], "protocol"),
        ([0, 0, [32, {"key": KEY, "attempt": 1, 2: 3}]], "protocol"),
        ([1, 1, [14]], "unsupported"),
        ([1, 1, [31, 1]], "unsupported"),
        ([1, 0, [9, 1]], "miscounted"),
        ([1, 2, [9, 1]], "miscounted"),
        ([1, 1, [35, 0]], "miscounted"),
        ([1, 1, [40]], "miscounted"),
    ],
    ids=repr,
)
def test_what_is_no_message_is_refused_with_its_code(raw: Any, code: str) -> None:
    assert refusal(raw).code == code


def test_an_error_names_the_packet_and_the_field() -> None:
    assert "a Cancel cannot be read" in refusal([1, 1, [9, "1"]]).message
    assert "$[0]" in refusal([1, 1, [9, "1"]]).message


# -- what breaks a limit is refused by itself


@pytest.mark.parametrize(
    "item",
    [
        [5, "/", "e", [[[[]]]]],
        [5, "/", "e", [{"a": 1, "b": 2, "c": 3}]],
        [5, "/", "e", [{1: 2}]],
        [5, "/", "e", [float("nan")]],
        [5, "/", "e", [2**53]],
        [5, "/", "longer", []],
        [5, "/longer", "e", []],
    ],
    ids=repr,
)
def test_an_event_that_breaks_a_limit_is_counted_and_broken(item: list[Any]) -> None:
    packet = broken(item)

    assert (packet.kind, packet.call) == (p.Event, None)
    assert str(packet.error)


def test_an_event_at_every_limit_is_read() -> None:
    item = [5, "/four", "five5", [[[]], {"a": 1, "b": 2}]]

    assert read(item).packets == [p.Event("/four", "five5", [[[]], {"a": 1, "b": 2}])]


@pytest.mark.parametrize("item", [[6, 7, "/", "longer", []], [6, 7, "/", "c", [[[[]]]]]], ids=repr)
def test_a_broken_call_can_be_answered(item: list[Any]) -> None:
    packet = broken(item)

    assert (packet.kind, packet.call) == (p.Call, 7)


@pytest.mark.parametrize("id", [0, -1, 2**53, True, "7", None, [[[[]]]]], ids=repr)
def test_a_broken_call_whose_id_is_none_is_not_answered(id: Any) -> None:
    assert broken([6, id, "/", "c", [[[[]]]]]).call is None


def test_a_broken_call_that_ends_early_is_not_answered() -> None:
    assert broken([6, {1: 2}]).call is None


def test_a_broken_reply_or_item_says_whose_it_is() -> None:
    reply, item = broken([7, 7, [[[[]]]]]), broken([10, 7, 2, [[[[]]]]])

    assert (reply.kind, reply.call, reply.stream) == (p.Reply, 7, None)
    assert (item.kind, item.call, item.stream) == (p.Item, 7, 2)


@pytest.mark.parametrize(
    "item",
    [[36, float("inf")], [39, "/", "e", [[[[]]]]], [39, "/", "longer", []], [32, {"auth": [[[[[[[]]]]]]]}]],
    ids=repr,
)
def test_what_is_not_counted_cannot_be_refused_by_itself(item: list[Any]) -> None:
    assert refusal([1, 0, item]).code == "protocol"


def test_a_message_of_more_packets_than_anybody_sends_is_none() -> None:
    most = [0, 0, *([[35, 0]] * 8192)]

    assert len(read_message(most, Limits()).packets) == 8192
    with pytest.raises(RemoteProtocolError, match="at most 8192 packets"):
        read_message([*most, [35, 0]], Limits())
