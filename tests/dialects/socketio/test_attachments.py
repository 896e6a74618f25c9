"""Bytes beside JSON: taken out from any place, put back there, and never mistaken for anything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.socketio.attachments import MOST, check_placeholders, detach, restore
from antiphon.errors import PayloadError, RemoteProtocolError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab_", max_size=3), inner, max_size=3),
    max_leaves=10,
)


def test_bytes_are_taken_out_of_any_place() -> None:
    value = ["baz", b"\x01\x02\x03\x04", {"k": b"\x05", "l": [1, (b"",)]}]

    copy, attachments = detach(value)

    assert copy == [
        "baz",
        {"_placeholder": True, "num": 0},
        {"k": {"_placeholder": True, "num": 1}, "l": [1, [{"_placeholder": True, "num": 2}]]},
    ]
    assert attachments == [b"\x01\x02\x03\x04", b"\x05", b""]


def test_what_holds_no_bytes_is_not_copied() -> None:
    value = ["a", {"b": [1, {"c": None}]}, (2,)]

    assert detach(value) == (value, [])
    assert detach(value)[0] is value


def bytes_in(value: Any) -> int:
    if isinstance(value, list | dict):
        return sum(map(bytes_in, value.values() if isinstance(value, dict) else value))
    return isinstance(value, bytes)


@given(st.lists(VALUES, max_size=4).filter(lambda value: bytes_in(value) <= MOST))
def test_what_is_taken_out_is_put_back(value: list[Any]) -> None:
    copy, attachments = detach(value)
    copy = json.loads(json.dumps(copy))

    check_placeholders(copy, len(attachments))

    assert restore(copy, attachments) == value


def test_so_many_attachments_and_no_more() -> None:
    assert len(detach([b"x"] * MOST)[1]) == MOST
    with pytest.raises(PayloadError, match=r"11 values of bytes are in one packet, and Socket\.IO clients take 10"):
        detach([b"x"] * (MOST + 1))


def test_a_map_that_looks_like_a_placeholder_is_harmless_without_bytes() -> None:
    value = ["a", {"_placeholder": True, "num": 0}]

    assert detach(value) == (value, [])


@pytest.mark.parametrize("sign", [True, 1, None])
def test_beside_bytes_a_map_that_looks_like_a_placeholder_is_refused(sign: Any) -> None:
    with pytest.raises(PayloadError, match="rename the key") as caught:
        detach([b"x", {"a": [{"_placeholder": sign}]}])
    assert caught.value.expected == "no key '_placeholder'"


@pytest.mark.parametrize(
    "number", ["splice", "0", None, True, 0.0, 1.5, -1, 2, 10**30, [], {}], ids=lambda number: repr(number)[:12]
)
def test_a_placeholder_has_the_number_of_an_attachment(number: Any) -> None:
    with pytest.raises(RemoteProtocolError, match="a placeholder has the number of one of 2 attachments"):
        check_placeholders(["a", {"b": [{"_placeholder": True, "num": number}]}], 2)


def test_a_placeholder_without_a_number_is_refused() -> None:
    with pytest.raises(RemoteProtocolError):
        check_placeholders([{"_placeholder": True}], 1)


@pytest.mark.parametrize("sign", [1, "true", False, None])
def test_only_true_makes_a_placeholder(sign: Any) -> None:
    value = [{"_placeholder": sign, "num": 7}]

    check_placeholders(value, 1)

    assert restore(value, [b"x"]) == value


def test_an_attachment_may_stand_in_two_places_or_in_none() -> None:
    value = [{"_placeholder": True, "num": 0}, {"_placeholder": True, "num": 0}]

    check_placeholders(value, 2)

    assert restore(value, [b"x", b"y"]) == [b"x", b"x"]
