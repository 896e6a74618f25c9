"""What a client may say, in whichever form: everything else is a violation, told in a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.config import Limits
from antiphon.dialects.socketio.packets import RESERVED, Kind, SocketioPacket, check_name, received
from antiphon.errors import PayloadError, RemoteProtocolError
from antiphon.protocol.packets import MAX_NUMBER

LIMITS = Limits(depth=3, keys=2, name=8)


def take(kind: int, namespace: str = "/", id: int | None = None, data: Any = None) -> SocketioPacket:
    return received(kind, namespace, id, data, LIMITS)


def refusal(kind: int, namespace: str = "/", id: int | None = None, data: Any = None) -> str:
    with pytest.raises(RemoteProtocolError) as caught:
        take(kind, namespace, id, data)
    assert caught.value.code == "protocol"
    caught.value.message.encode()
    return caught.value.message


def fault(kind: int, id: int | None = None, data: Any = None) -> tuple[str | None, str]:
    """The limit that a packet breaks by itself, and the sentence."""
    packet = take(kind, id=id, data=data)
    return packet.limit, str(packet.fault)


def nested(depth: int) -> Any:
    return [nested(depth - 1)] if depth else 1


def test_what_a_client_may_say() -> None:
    assert take(0) == SocketioPacket(Kind.CONNECT, "/")
    assert take(0, "/admin", data={"token": "123"}) == SocketioPacket(Kind.CONNECT, "/admin", {"token": "123"})
    assert take(1, "/admin") == SocketioPacket(Kind.DISCONNECT, "/admin")
    assert take(2, data=["foo", 1]) == SocketioPacket(Kind.EVENT, "/", ["foo", 1])
    assert take(2, "/admin", 13, ["foo"]) == SocketioPacket(Kind.EVENT, "/admin", ["foo"], 13)
    assert take(3, "/", 0, []) == SocketioPacket(Kind.ACK, "/", [], 0)


def test_the_query_of_a_namespace_says_nothing() -> None:
    assert take(0, "/a?x=1&y=2"[:8]).namespace == "/a"


@pytest.mark.parametrize(("name", "read"), [(0, "0"), (-7, "-7"), (1.0, "1"), (1.5, "1.5"), ("", ""), ("foo", "foo")])
def test_the_name_of_an_event_is_a_string_or_a_number(name: Any, read: str) -> None:
    assert take(2, data=[name, "x"]).data == [read, "x"]


@pytest.mark.parametrize("name", [None, True, False, {"toString": "foo"}, ["foo"], b"foo"])
def test_nothing_else_is_the_name_of_an_event(name: Any) -> None:
    assert refusal(2, data=[name]) == "an event begins with its name, a string or a number"


def test_an_event_without_a_name_is_refused() -> None:
    assert refusal(2, data=[]) == "an event begins with its name, a string or a number"


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_reserved_names_are_refused_both_ways(name: str) -> None:
    with pytest.raises(RemoteProtocolError, match=f"'{name}' is no event that a client may send"):
        received(2, "/", None, [name], Limits())
    with pytest.raises(PayloadError, match="rename it") as caught:
        check_name(name)
    assert caught.value.parameter == "event"


def test_any_other_name_may_be_sent() -> None:
    check_name("connected")


@pytest.mark.parametrize("kind", [-1, 4, 5, 7])
def test_types_that_are_not_a_clients_are_refused(kind: int) -> None:
    assert refusal(kind, data={"message": "x"}) == f"a client does not send packets of type {kind}"


@pytest.mark.parametrize("data", [[], "x", 1, True, b"x"])
def test_the_data_of_a_connect_is_an_object(data: Any) -> None:
    assert refusal(0, data=data) == "the data of a CONNECT is an object"


@pytest.mark.parametrize("data", [{}, [], "x", 0])
def test_a_disconnect_has_no_data(data: Any) -> None:
    assert refusal(1, data=data) == "a DISCONNECT has no data"


@pytest.mark.parametrize("kind", [2, 3])
@pytest.mark.parametrize("data", [None, {}, "x", 1, ("foo",)])
def test_the_data_of_events_and_acks_is_an_array(kind: int, data: Any) -> None:
    assert refusal(kind, id=1, data=data) == "the data of an event or ack is an array"


def test_an_ack_has_an_id() -> None:
    assert refusal(3, data=[1]) == "an ACK has the id of what it acknowledges"


@pytest.mark.parametrize(("kind", "id"), [(0, 1), (1, 1), (2, -1), (2, MAX_NUMBER + 1), (3, 10**40)])
def test_an_id_is_a_whole_number_of_an_event_or_ack(kind: int, id: int) -> None:
    assert refusal(kind, id=id, data=None if kind < 2 else ["a"]) == "an id is a whole number of an event or ack"


@pytest.mark.parametrize("namespace", ["", "admin", ",", "/a\x1eb"])
def test_the_name_of_a_namespace_begins_with_a_slash(namespace: str) -> None:
    assert refusal(0, namespace) == "the name of a namespace begins with '/' and has no separator in it"


def test_the_name_of_a_namespace_is_text() -> None:
    assert refusal(0, "/\ud800") == "the name of a namespace is valid Unicode"


# -- limits


def test_names_may_have_so_many_characters() -> None:
    assert take(0, "/" + "x" * 7).namespace == "/xxxxxxx"
    assert refusal(0, "/" + "x" * 8) == "the name of a namespace has at most 8 characters, not 9"
    assert take(2, data=["x" * 8]).fault is None
    assert fault(2, data=["x" * 9]) == ("name", "the name of an event has at most 8 characters, not 9")


def test_data_may_nest_so_deep() -> None:
    assert take(2, data=["a", nested(2)]).fault is None
    deep = "data[1][0][0]: nested deeper than 3 levels; send something flatter"
    assert fault(2, data=["a", nested(3)]) == ("depth", deep)
    assert refusal(0, data={"a": nested(3)}).endswith("nested deeper than 3 levels; send something flatter")


def test_maps_may_have_so_many_keys() -> None:
    assert take(3, id=1, data=[{"a": 1, "b": 2}]).fault is None
    limit, text = fault(3, id=1, data=[{"a": 1, "b": 2, "c": 3}])
    assert limit == "keys" and text.startswith("data[0]: a map of 3 keys")


@pytest.mark.parametrize("kind", [2, 3])
def test_what_is_no_value_of_ours_is_a_fault_of_that_packet_alone(kind: int) -> None:
    packet = take(kind, id=1, data=["a", 10**400])

    assert str(packet.fault) == "data[1]: an integer beyond ±(2**53 - 1) is not a wire value; send a string"


def test_a_fault_in_a_connect_is_a_violation() -> None:
    assert refusal(0, data={"a": 10**400}).startswith("data['a']: an integer beyond")
