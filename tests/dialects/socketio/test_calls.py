"""Calls of a client: each is acknowledged once, where it was made, and only so many wait."""

from __future__ import annotations

import pytest

from antiphon.dialects.socketio.calls import Asked
from antiphon.errors import RemoteProtocolError


def test_a_call_is_acknowledged_once_where_it_was_made() -> None:
    asked = Asked(9)

    first, second = asked.add("/", 7), asked.add("/a", 7)

    assert first != second
    assert asked.take(second) == ("/a", 7)
    assert asked.take(second) is None
    assert asked.take(first) == ("/", 7)
    assert len(asked) == 0


def test_nobody_waits_for_what_was_asked_before_leaving() -> None:
    asked = Asked(9)
    before, there = asked.add("/a", 1), asked.add("/", 1)

    asked.forget("/a")

    assert asked.take(before) is None
    assert asked.take(there) == ("/", 1)


def test_so_many_may_wait_and_no_more() -> None:
    asked = Asked(2)
    asked.add("/", 1)
    first = asked.add("/", 2)

    with pytest.raises(RemoteProtocolError, match="2 events wait for their acknowledgement already"):
        asked.add("/", 3)
    asked.take(first)

    assert asked.add("/", 4)
