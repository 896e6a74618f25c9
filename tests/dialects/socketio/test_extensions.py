"""How extensions are spelled in a msgpack message, whatever stands around them."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.socketio.extensions import spellings

SIZES = [0, 1, 2, 3, 4, 5, 8, 9, 16, 17, 31, 32, 255, 256, 65_535, 65_536]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=40)
    | st.binary(max_size=40)
    | st.builds(msgpack.ExtType, st.sampled_from([0, 0, 5]), st.binary(max_size=20))
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=4), inner, max_size=5),
    max_leaves=20,
)


def counted(value: Any) -> int:
    if isinstance(value, msgpack.ExtType):
        return int(value.code == 0)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(map(counted, inner))


@given(VALUES)
def test_each_extension_of_type_0_is_found(value: Any) -> None:
    assert len(spellings(msgpack.packb(value))) == counted(value)


@pytest.mark.parametrize("size", SIZES)
def test_what_has_a_length_is_passed_over(size: int) -> None:
    message = msgpack.packb(
        [b"\xd4" * size, "x" * size, [1] * size, {str(n): n for n in range(size)}, msgpack.ExtType(0, b"")]
    )

    assert spellings(message) == [0xC7]


@pytest.mark.parametrize(
    ("size", "first"), [(1, 0xD4), (2, 0xD5), (4, 0xD6), (8, 0xD7), (16, 0xD8), (3, 0xC7), (256, 0xC8), (65_536, 0xC9)]
)
def test_how_it_is_spelled_is_told(size: int, first: int) -> None:
    message = msgpack.packb(
        [1.5, msgpack.ExtType(0, b"x" * size), -5, msgpack.ExtType(7, b"x" * size)], use_single_float=True
    )

    assert spellings(message) == [first]


def test_numbers_of_every_width_are_passed_over() -> None:
    numbers = [0, 127, 128, 2**8, 2**16, 2**32, -1, -33, -(2**8), -(2**16), -(2**32), 1.5, None, True]

    assert spellings(msgpack.packb([*numbers, msgpack.ExtType(0, b"x")])) == [0xD4]
