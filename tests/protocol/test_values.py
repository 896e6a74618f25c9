"""What may travel, what may not, and how an error names the place."""

from __future__ import annotations

import datetime
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import PayloadError
from antiphon.protocol.values import stray

MOST = 2**53 - 1


def refusal(value: Any, *, depth: int = 32, keys: int = 1024) -> PayloadError:
    found = stray(value, depth, keys)
    assert found is not None
    return found.error("args")


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [None, True, False, 0, MOST, -MOST, 1.5, -0.0, "", "ascii", "žluť 🎈", b"", b"\xff", [], {}, [[], {}], {"ž": [1]}],
    ids=repr,
)
def test_every_value_of_the_wire_may_travel(value: Any) -> None:
    assert stray(value, 32, 1024) is None


wire_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MOST, MOST)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(wire_values)
def test_whatever_is_built_from_values_of_the_wire_may_travel(value: Any) -> None:
    assert stray(value, 32) is None


@given(wire_values, st.sampled_from([MOST + 1, math.nan, "\ud800", {1: 2}, (), {1}]))
def test_one_stray_is_found_wherever_it_stands(value: Any, odd: Any) -> None:
    found = stray({"first": value, "second": [value, odd, value]}, 64)

    assert found is not None
    assert found.error("args").parameter == "args['second'][1]"


@pytest.mark.parametrize("integer", [MOST + 1, -MOST - 1, 10**5000], ids=["above", "below", "huge"])
def test_an_integer_that_javascript_could_not_hold_is_refused(integer: int) -> None:
    error = refusal([integer])

    assert str(error) == "args[0]: an integer beyond ±(2**53 - 1) is not a wire value; send a string"


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_float_that_is_not_finite_is_refused(number: float) -> None:
    error = refusal([number])

    assert str(error) == f"args[0]: {number} is not a wire value; send None or a string"


def test_a_key_that_is_not_a_string_is_refused_at_its_map() -> None:
    error = refusal([{"names": {1: "Ann"}}])

    assert str(error) == "args[0]['names']: int is not a wire value for the key of a map; send a string"


@pytest.mark.parametrize("value", ["\ud800", ["\ud800"], {"\ud800": 1}], ids=["alone", "in a list", "as a key"])
def test_a_string_with_a_lone_surrogate_is_refused(value: Any) -> None:
    error = refusal([value])

    assert "a lone surrogate is not a wire value; send valid Unicode, or bytes" in str(error)


def test_a_timestamp_is_refused_with_a_remedy() -> None:
    error = refusal([{"when": datetime.datetime(2024, 1, 1)}])

    assert str(error) == "args[0]['when']: datetime is not a wire value; send a number or a string"
    assert error.parameter == "args[0]['when']"
    assert error.expected == "a number or a string"


def test_a_type_nobody_foresaw_is_refused_by_its_name() -> None:
    error = refusal(object())

    assert str(error) == "args: object is not a wire value; send a builtin, a dataclass or a Struct"


@pytest.mark.parametrize("value", [(1,), bytearray(b"x"), type("Name", (str,), {})("x")], ids=repr)
def test_what_only_resembles_a_value_of_the_wire_is_a_stray(value: Any) -> None:
    assert stray([value], 32) is not None


def test_nesting_up_to_the_limit_may_travel() -> None:
    assert stray(nested(3), 3, 1024) is None


def test_nesting_beyond_the_limit_is_refused() -> None:
    error = refusal(nested(4), depth=3)

    assert str(error) == "args[0][0][0]: nested deeper than 3 levels; send something flatter"


def test_maps_count_as_levels_too() -> None:
    error = refusal({"a": {"b": {}}}, depth=2)

    assert error.parameter == "args['a']['b']"


def test_a_value_that_holds_itself_is_refused_as_too_deep() -> None:
    value: list[Any] = []
    value += [value, value]

    error = refusal(value)

    assert "nested deeper than 32 levels" in str(error)


def test_a_map_with_as_many_keys_as_allowed_may_travel() -> None:
    assert stray({"a": 1, "b": 2}, 32, 2) is None


def test_a_map_with_too_many_keys_is_refused() -> None:
    error = refusal([{"a": 1, "b": 2, "c": 3}], keys=2)

    assert str(error) == "args[0]: a map of 3 keys where 2 are the limit; send less"


def test_a_long_key_of_the_peer_is_cut_in_the_error() -> None:
    error = refusal({"k" * 1000: {1}})

    assert error.parameter == f"args['{'k' * 40}']"


def test_the_place_is_found_behind_equal_neighbours() -> None:
    error = refusal([[1, {"x": 1}], [1, {"x": 1}, {"x": math.nan}]])

    assert error.parameter == "args[1][2]['x']"


def test_members_of_all_containers_inside_of_the_outermost_are_counted() -> None:
    assert stray([[1, 2], {"a": 3}], 4, 9, 3) is None

    found = stray([[1, 2], {"a": 3, "b": 4}], 4, 9, 3)

    assert found is not None and found.limit == "values"
