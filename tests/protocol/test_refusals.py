"""Who is told of a packet that breaks a limit, and what takes effect in its place."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.errors import PayloadError
from antiphon.protocol.codec import Broken
from antiphon.protocol.packets import (
    Call,
    Cancel,
    Credit,
    End,
    Event,
    Failed,
    Item,
    Join,
    Packet,
    Refused,
    Reply,
)
from antiphon.protocol.refusals import Refusal, no_namespace, refuse

ERROR = PayloadError("value is too deep", parameter="value", expected="32 levels")
DATA = {"parameter": "value", "expected": "32 levels"}
WHY = ["payload", "value is too deep", DATA]


@pytest.mark.parametrize(
    ("kind", "about", "refusal"),
    [
        (Join, {"namespace": "/chat"}, Refusal(told=Refused("/chat", "value is too deep", DATA))),
        (Call, {"call": 7}, Refusal(told=Failed(7, "payload", "value is too deep", DATA))),
        (Reply, {"call": 7}, Refusal(instead=Failed(7, "payload", "value is too deep", DATA))),
        (Failed, {"call": 7}, Refusal(instead=Failed(7, "payload", "value is too deep", DATA))),
        (Item, {"call": 7, "stream": 0}, Refusal(Cancel(7), End(7, 0, WHY))),
        (Item, {"call": 7, "stream": 2}, Refusal(Credit(7, 2, 0), End(7, 2, WHY))),
        (End, {"call": 7, "stream": 0}, Refusal(instead=End(7, 0, WHY))),
    ],
)
def test_whoever_waits_for_it_gets_an_answer(kind: type[Packet], about: dict[str, Any], refusal: Refusal) -> None:
    assert refuse(Broken(kind, ERROR, **about)) == refusal


@pytest.mark.parametrize(
    "broken", [Broken(Event, ERROR), Broken(Call, ERROR), Broken(Join, ERROR), Broken(Item, ERROR, call=7)], ids=repr
)
def test_nobody_waits_for_an_event_nor_for_what_cannot_be_told_apart(broken: Broken) -> None:
    assert refuse(broken) == Refusal()


def test_a_namespace_that_is_not_there_is_named() -> None:
    assert no_namespace("/nowhere") == "there is no namespace '/nowhere'"
