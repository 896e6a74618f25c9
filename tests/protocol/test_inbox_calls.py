"""Whether a call of the peer still waits for its turn: a cancel of it then finds it before it begins."""

from __future__ import annotations

from antiphon.protocol.packets import Call
from tests.protocol.test_inbox import of, open_inbox
from tests.protocol.wire import event


def test_a_call_waits_until_it_is_handed_over() -> None:
    inbox, _ = open_inbox()
    inbox.accept(of(1, event(5), Call(5, "/", "ask", []), Call(6, "/", "ask", [])), 30, 0.0)
    assert inbox.holds_call(5)

    inbox.hand_over()
    inbox.hand_over()

    assert not inbox.holds_call(5)
    assert inbox.holds_call(6)


def test_an_event_is_no_call() -> None:
    inbox, _ = open_inbox()
    inbox.accept(of(1, event(5)), 10, 0.0)

    assert not inbox.holds_call(5)
