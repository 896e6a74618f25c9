"""How bytes and keys that begin with `$` are told apart in JSON."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.native.jsonbytes import unwrap, wrap

KEYS = st.text("$ab", max_size=4) | st.sampled_from(["$bytes", "$$bytes", "1"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("$a", max_size=3) | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        (b"", {"$bytes": ""}),
        (b"\xfb\xff", {"$bytes": "+/8="}),
        ([1, [b"\x01"]], [1, [{"$bytes": "AQ=="}]]),
        ({"a": b"\x01"}, {"a": {"$bytes": "AQ=="}}),
        ({"$bytes": "AQ=="}, {"$$bytes": "AQ=="}),
        ({"$bytes": b"\x01", "1": 2}, {"$$bytes": {"$bytes": "AQ=="}, "1": 2}),
        ({"$": 1, "$$": 2, "a$": 3}, {"$$": 1, "$$$": 2, "a$": 3}),
        ({"a": 1, "$b": {"$c": 2}}, {"a": 1, "$$b": {"$$c": 2}}),
        ("$bytes", "$bytes"),
    ],
    ids=repr,
)
def test_bytes_and_every_dollar_key_have_a_spelling_of_their_own(value: Any, spelled: Any) -> None:
    assert wrap(value) == spelled
    assert unwrap(spelled) == value


def test_a_tuple_is_spelled_as_a_list() -> None:
    assert wrap(("/chat", b"\x01")) == ["/chat", {"$bytes": "AQ=="}]


@pytest.mark.parametrize("value", [None, 1.5, "text", [1, [2, "three"]], ("/chat", None), []], ids=repr)
def test_what_holds_nothing_to_spell_is_not_copied(value: Any) -> None:
    assert wrap(value) is value


@given(VALUES)
def test_every_value_comes_back(value: Any) -> None:
    assert unwrap(wrap(value)) == value


@pytest.mark.parametrize(
    ("spelled", "problem"),
    [
        ({"$date": 0}, r"one more \"\$\" in front of it; got '\$date'"),
        ({"a": 1, "$date": 0}, "got '\\$date'"),
        ({"$bytes": "AQ==", "a": 1}, "and nothing else"),
        ({"$bytes": [1]}, "and nothing else"),
        ({"$bytes": "AQ"}, "not base64"),
        ({"$bytes": "AAA=="}, "not base64"),
        ({"$bytes": "AQ==AQ=="}, "not base64"),
        ({"$bytes": "-_8="}, "not base64"),
        ({"$bytes": "A Q="}, "not base64"),
        ({"$bytes": "ž"}, "not base64"),
        ([{"a": {"$bytes": None}}], "and nothing else"),
    ],
    ids=repr,
)
def test_a_dollar_that_means_nothing_is_a_value_error(spelled: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        unwrap(spelled)
