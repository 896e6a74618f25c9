"""How much may wait of a peer that knows no window."""

from __future__ import annotations

from tests.protocol.test_inbox import hand_over_all, of, open_inbox
from tests.protocol.wire import event


def test_a_peer_without_a_window_is_full_where_another_one_floods() -> None:
    inbox, _ = open_inbox(packets=2)
    inbox.widen(1000)

    for number in range(1, 3):
        assert not inbox.full
        inbox.accept(of(number, event(number)), 10, 0.0)

    assert inbox.full and not inbox.overfull
    for number in range(3, 9):
        inbox.accept(of(number, event(number)), 10, 0.0)
    assert inbox.overfull and not inbox.flooded
    inbox.accept(of(9, event(9)), 10, 0.0)
    assert not inbox.flooded
    inbox.accept(of(10, event(10)), 10, 0.0)
    assert inbox.flooded
    assert len(hand_over_all(inbox)) == 9


def test_so_it_is_by_its_bytes() -> None:
    inbox, _ = open_inbox(size=1000)
    inbox.widen(5_000_000)

    inbox.accept(of(1, event(1)), 5_000_000, 0.0)
    assert inbox.overfull and not inbox.flooded
    inbox.accept(of(2, event(2)), 5_000_000, 0.0)
    assert not inbox.flooded
    inbox.accept(of(3, event(3)), 5_000_000, 0.0)
    assert inbox.flooded
