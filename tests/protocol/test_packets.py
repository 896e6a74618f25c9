"""What can be said: which packets have numbers, which fill the window, and what never shows."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from antiphon.protocol import packets
from antiphon.protocol.packets import COUNTED, FLOW, Event, Hello, Packet


def names(kinds: frozenset[type[Packet]]) -> set[str]:
    return {kind.__name__ for kind in kinds}


def test_counted_packets_are_all_that_change_something() -> None:
    """contract.md, Words; wire.md, types 1 to 13."""
    assert names(COUNTED) == {
        "Join",
        "Joined",
        "Refused",
        "Leave",
        "Event",
        "Call",
        "Reply",
        "Failed",
        "Cancel",
        "Item",
        "End",
        "Credit",
        "Renew",
    }


def test_events_and_calls_fill_the_window() -> None:
    """Rule 8."""
    assert names(FLOW) == {"Event", "Call"}
    assert FLOW < COUNTED


def test_every_packet_of_the_module_is_listed() -> None:
    kinds = {name for name, kind in vars(packets).items() if isinstance(kind, type) and issubclass(kind, Packet)}

    assert kinds <= set(packets.__all__)


def test_packets_do_not_change() -> None:
    packet: object = Event("/", "say", [])

    with pytest.raises((AttributeError, FrozenInstanceError)):
        packet.name = "other"  # type: ignore[attr-defined]  # that is what the test is about


def test_the_key_never_shows() -> None:
    """Rule 1: neither side shows it in a log, error or repr."""
    hello = Hello(key="the-secret-key", attempt=3, sid="s1", received=7)

    shown = [repr(hello), str(hello), f"{hello}", repr([hello]), repr(hello.__rich_repr__())]

    assert not any("the-secret-key" in text for text in shown)
    assert "attempt=3" in repr(hello)
    assert ("sid", "s1") in hello.__rich_repr__()
