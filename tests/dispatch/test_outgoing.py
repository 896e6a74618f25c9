"""One emit as it is asked for: kept in order, volatile, or a latest value with its key."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon import LocalProtocolError, PayloadError
from antiphon.config import Limits
from antiphon.dispatch.declared import Declarations
from antiphon.dispatch.outgoing import Said, outgoing, said
from antiphon.protocol.packets import Event, Volatile

NOTHING = Declarations("/")


def say(event: str, *args: Any, volatile: bool = False, latest: Any = None) -> Said:
    return said("/", NOTHING, event, args, Limits(), volatile, latest)


def test_an_event_is_kept_in_order_unless_it_says_otherwise() -> None:
    assert say("said", "hi") == Said(Event("/", "said", ["hi"]), None)


def test_a_volatile_one() -> None:
    assert say("cursor", 1, volatile=True) == Said(Volatile("/", "cursor", [1]), None)


@pytest.mark.parametrize("key", ["ann", 7, "", 0])
def test_a_latest_value_has_a_key_of_its_namespace_and_event(key: str | int) -> None:
    assert say("pose", 1, latest=key) == Said(Event("/", "pose", [1]), ("/", "pose", key))


@pytest.mark.parametrize("key", [True, 1.5, b"ann", ["ann"]])
def test_a_key_is_a_str_or_an_int(key: object) -> None:
    with pytest.raises(PayloadError, match="is a str or an int that says whose value it is, not") as error:
        say("pose", 1, latest=key)

    assert error.value.parameter == "latest"


def test_volatile_and_latest_exclude_each_other() -> None:
    with pytest.raises(LocalProtocolError, match="choose one: a volatile event may be lost"):
        say("pose", 1, volatile=True, latest="ann")


@pytest.mark.parametrize("name", ["", "x" * 129, 5, ["said"], "\ud800"])
def test_a_name_that_cannot_travel_is_refused(name: Any) -> None:
    with pytest.raises(PayloadError, match="the name of an event is a str of 1 to 128 characters"):
        outgoing(name, (), Limits())
    with pytest.raises(PayloadError, match="the name of an event is a str of 1 to 128 characters"):
        say(name)


def test_a_value_that_cannot_travel_is_refused() -> None:
    with pytest.raises(PayloadError, match="args\\[1\\]"):
        outgoing("said", (1, {2}), Limits())
