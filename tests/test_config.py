"""What can be set: each record says what is wrong with what it is given."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from antiphon import Inbox, Limits, Socketio

NUMBERS = [field.name for field in fields(Limits) if field.name != "inbox"]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [0, -1, math.nan, True, "8", None])
def test_a_limit_is_a_number_above_zero(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"Limits\({name}=\.\.\.\) must be a number above 0, but is"):
        Limits(**{name: value})


def test_what_is_counted_by_the_second_may_be_without_a_limit() -> None:
    limits = Limits(rate=math.inf, messages=math.inf, attaches=math.inf)

    assert limits.rate == limits.messages == limits.attaches == math.inf


@pytest.mark.parametrize("value", [256, None, {"packets": 8}])
def test_the_inbox_is_a_record_of_its_own(value: Any) -> None:
    with pytest.raises(ValueError, match=r"Limits\(inbox=\.\.\.\) must be an Inbox, but is"):
        Limits(inbox=value)


def test_limits_stay_as_they_are() -> None:
    with pytest.raises(FrozenInstanceError):
        Limits().message = 8  # type: ignore[misc]  # that is what is tried


def test_how_many_calls_are_under_way_follows_from_the_others() -> None:
    limits = Limits(inbox=Inbox(packets=8), concurrent=4, streaming=2)

    assert limits.calls == 8 + 1 + 4 + 2


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("path", "socket.io/", "must begin and end with a slash"),
        ("path", "/socket.io", "must begin and end with a slash"),
        ("transports", (), "are 'polling' and 'websocket'"),
        ("transports", ("webtransport",), "are 'polling' and 'websocket'"),
        ("ping_interval", 0, "must be a number above 0"),
        ("connect_timeout", "45", "must be a number above 0"),
        ("cookie", "a b", "must be the name of a cookie"),
    ],
)
def test_socketio_is_served_by_settings_that_make_sense(field: str, value: object, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        Socketio(**{field: value})  # type: ignore[arg-type]  # that is the point
