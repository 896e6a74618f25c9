"""Events that may be dropped: taken within 250 ms or never, and at most 64 KiB of them at a time."""

from __future__ import annotations

import pytest

from antiphon import OutboxFull
from antiphon.protocol.volatile import Volatiles, check_volatile


def waiting(*packets: bytes, now: float = 0.0) -> Volatiles:
    volatiles = Volatiles()
    for packet in packets:
        assert volatiles.add(packet, now)
    return volatiles


def test_they_are_taken_in_order_and_once() -> None:
    volatiles = waiting(b"one", b"two")

    assert volatiles.take(0.1, 1000) == [b"one", b"two"]
    assert volatiles.take(0.1, 1000) == []
    assert volatiles.dropped == 0


@pytest.mark.parametrize(("now", "taken"), [(0.25, [b"one"]), (0.26, [])])
def test_one_that_is_not_taken_within_250_ms_is_dropped(now: float, taken: list[bytes]) -> None:
    volatiles = waiting(b"one")

    assert volatiles.take(now, 1000) == taken
    assert volatiles.dropped == 1 - len(taken)


def test_a_stale_one_takes_no_room() -> None:
    volatiles = waiting(b"a stale one, and long")
    volatiles.add(b"new", 0.2)

    assert volatiles.take(0.3, 3) == [b"new"]


def test_one_without_room_waits_and_nothing_overtakes_it() -> None:
    volatiles = waiting(b"a long one", b"b")

    assert volatiles.take(0.0, 5) == []
    assert volatiles.take(0.0, 11) == [b"a long one", b"b"]


def test_64_kib_wait_and_no_more() -> None:
    volatiles = waiting(bytes(40 << 10))

    assert not volatiles.add(bytes(40 << 10), 0.0)
    assert volatiles.add(bytes(24 << 10), 0.0)

    assert volatiles.dropped == 1


def test_those_that_grew_stale_make_room() -> None:
    volatiles = waiting(bytes(60 << 10))

    assert volatiles.add(bytes(60 << 10), 0.3)

    assert volatiles.dropped == 1


def test_cleared_ones_are_counted_and_make_room() -> None:
    volatiles = waiting(b"one", bytes(60 << 10))

    volatiles.clear()

    assert volatiles.dropped == 2
    assert volatiles.add(bytes(60 << 10), 0.0)


def test_one_that_would_be_dropped_always_is_refused() -> None:
    check_volatile(bytes(64 << 10))

    with pytest.raises(OutboxFull, match="a volatile event of 65537 bytes is larger than all that may wait"):
        check_volatile(bytes((64 << 10) + 1))
