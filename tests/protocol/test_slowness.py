"""How long an outbox may be nearly full (contract rule 10)."""

from __future__ import annotations

from antiphon.config import Outbox as Bounds
from antiphon.protocol.codec import Prepared
from antiphon.protocol.outbox import Outbox
from antiphon.protocol.slowness import Slowness
from tests.protocol.wire import CODEC, event

NEVER = float("inf")


def outbox_of(packets: int) -> Outbox:
    outbox = Outbox(CODEC, Bounds(packets=4), lambda: None)
    for number in range(packets):
        outbox.put(Prepared(event(number)))
    return outbox


def test_three_quarters_full_is_not_slow() -> None:
    slowness = Slowness()

    slowness.look(outbox_of(3), 1.0)

    assert slowness.due == NEVER


def test_above_three_quarters_is_slow_after_5_s_however_often_one_looks() -> None:
    slowness = Slowness()

    slowness.look(outbox_of(4), 1.0)
    slowness.look(outbox_of(4), 4.0)

    assert slowness.due == 6.0


def test_an_outbox_that_got_emptier_is_not_slow_any_more() -> None:
    slowness = Slowness()
    slowness.look(outbox_of(4), 1.0)

    slowness.look(outbox_of(2), 3.0)
    assert slowness.due == NEVER

    slowness.look(outbox_of(4), 4.0)
    assert slowness.due == 9.0


def test_another_transport_has_another_chance() -> None:
    slowness = Slowness()
    slowness.look(outbox_of(4), 1.0)

    slowness.forget()

    assert slowness.due == NEVER
