"""Numbers as JavaScript spells them."""

from __future__ import annotations

import pytest

from antiphon import Limits
from antiphon.dialects.socketio.numbers import doubles
from antiphon.dialects.socketio.packets import received

LARGEST = 2**53 - 1


@pytest.mark.parametrize("number", [2**53, -(2**53), 10**20])
def test_an_integer_that_javascript_cannot_have_is_one_of_its_floats(number: int) -> None:
    found = doubles([number, {"a": [number]}, "text", b"bytes"], 3)

    assert found == [float(number), {"a": [float(number)]}, "text", b"bytes"]
    assert type(found[0]) is float


@pytest.mark.parametrize("number", [0, 1.5, True, None, LARGEST, -LARGEST])
def test_any_other_is_what_it_is(number: object) -> None:
    assert doubles(number, 3) is number


def test_what_nests_deeper_than_it_may_is_left_to_whoever_judges_it() -> None:
    deep: list[object] = [2**53]

    assert doubles([2**53, [deep]], 2) == [2.0**53, [deep]]
    assert type(deep[0]) is int


def test_what_is_no_float_either_stays_a_fault_of_its_packet() -> None:
    assert received(2, "/", None, ["note", 10**400], Limits()).fault is not None
    assert received(2, "/", None, ["note", 10**300], Limits()).data == ["note", 1e300]
