"""JSON as browsers write it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.socketio.jsontext import read_json


@pytest.mark.parametrize(
    "text, value",
    [
        (r'"cut \ud83d"', "cut \ufffd"),
        (r'"\uDE00 cut"', "\ufffd cut"),
        (r'"\ud83dA"', "\ufffdA"),
        (r'"\ud83d\n"', "\ufffd\n"),
        (r'"\ud83d\ud83d\ude00"', "\ufffd\U0001f600"),
        (r'"\ude00\ud83d"', "\ufffd\ufffd"),
        (r'"\\ud83d \ud83d"', "\\ud83d \ufffd"),
        (r'{"\ud83d": ["\ud83d"]}', {"\ufffd": ["\ufffd"]}),
    ],
)
def test_half_a_surrogate_pair_is_read_as_what_utf_8_has_for_it(text: str, value: Any) -> None:
    assert read_json(text) == value


@pytest.mark.parametrize("text", [r'"\ud83d\ude00"', r'"\\ud83d"', '"é"', '[1, "a"]'])
def test_everything_else_is_read_as_it_is(text: str) -> None:
    assert read_json(text) == json.loads(text)


@pytest.mark.parametrize("text", ["", "[", '"', r'"\ud83', r'"\ud83d', '"a" "b"', r'"\x"', "NaN"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        read_json(text)


@given(st.text(st.sampled_from('a\\"\ud83d\ude00\ud800\udfffé')))
def test_a_text_is_read_as_utf_8_would_have_it(text: str) -> None:
    units = text.encode("utf-16-le", "surrogatepass")

    assert read_json(json.dumps(text)) == units.decode("utf-16-le", "replace")


def test_more_halves_than_a_text_can_be_cut_at_are_refused() -> None:
    assert read_json('"' + r"\ud800" * 100 + '"') == "\ufffd" * 100
    with pytest.raises(msgspec.DecodeError):
        read_json('"' + r"\ud800" * 101 + '"')
