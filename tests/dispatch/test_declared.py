"""Events that are declared once: each emit is held against the declaration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from antiphon import LocalProtocolError, PayloadError
from antiphon.config import Limits
from antiphon.dispatch.declared import Declarations
from antiphon.dispatch.outgoing import Said, said
from antiphon.protocol.packets import Event, Volatile


@dataclass
class Point:
    x: float
    y: float


@pytest.fixture
def declared() -> Declarations:
    return Declarations("/chat")


def say(declared: Declarations, event: str, *args: Any, volatile: bool = False, latest: Any = None) -> Said:
    return said("/chat", declared, event, args, Limits(), volatile, latest)


def test_what_fits_is_sent_as_it_was_given(declared: Declarations) -> None:
    @declared.event("pose")
    def pose(id: str, at: Point, *rest: int) -> None: ...

    assert say(declared, "pose", "ann", Point(1, 2.5), 7, 8) == Said(
        Event("/chat", "pose", ["ann", {"x": 1, "y": 2.5}, 7, 8]), None
    )


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ("ann", "far"),
            "event 'pose' of namespace '/chat' expects float for parameter 'x', but .* carried str",
        ),
        (("ann",), "event 'pose' of namespace '/chat' expects float for parameter 'x', but .* only 1 argument"),
        (("ann", 1.0, 2.0), "event 'pose' of namespace '/chat' expects at most 2, but the event carried 3 arguments"),
    ],
)
def test_what_does_not_fit_is_refused_where_it_is_emitted(
    declared: Declarations, args: tuple[Any, ...], message: str
) -> None:
    @declared.event("pose")
    def pose(id: str, x: float) -> None: ...

    with pytest.raises(PayloadError, match=message):
        say(declared, "pose", *args)


def test_other_events_are_held_against_nothing(declared: Declarations) -> None:
    @declared.event("pose", volatile=True)
    def pose(id: str) -> None: ...

    assert say(declared, "said", 1, 2, 3) == Said(Event("/chat", "said", [1, 2, 3]), None)


def test_a_volatile_event_is_volatile_in_every_emit(declared: Declarations) -> None:
    @declared.event("cursor", volatile=True)
    def cursor(x: int) -> None: ...

    assert say(declared, "cursor", 1) == Said(Volatile("/chat", "cursor", [1]), None)
    assert say(declared, "cursor", 1, volatile=True) == Said(Volatile("/chat", "cursor", [1]), None)


@pytest.mark.parametrize("latest", ["id", "room"])
def test_the_key_of_a_latest_value_is_the_value_of_that_parameter(declared: Declarations, latest: str) -> None:
    @declared.event("pose", latest=latest)
    def pose(id: str, room: int, x: float = 0.0) -> None: ...

    key: str | int = "ann" if latest == "id" else 7
    assert say(declared, "pose", "ann", 7) == Said(Event("/chat", "pose", ["ann", 7]), ("/chat", "pose", key))


def test_a_key_that_is_none_is_refused(declared: Declarations) -> None:
    @declared.event("pose", latest="id")
    def pose(id: Any) -> None: ...

    with pytest.raises(PayloadError, match=r"the key of .* event 'pose' is a str or an int .*, not None"):
        say(declared, "pose", None)


def test_the_key_of_a_declared_event_is_not_given_again(declared: Declarations) -> None:
    @declared.event("pose", latest="id")
    def pose(id: str) -> None: ...

    with pytest.raises(LocalProtocolError, match="declared with its key; leave latest='bob' out of this emit"):
        say(declared, "pose", "ann", latest="bob")


@pytest.mark.parametrize("declaration", [{"volatile": True}, {"latest": "id"}])
def test_volatile_and_latest_exclude_each_other_between_declaration_and_emit(
    declared: Declarations, declaration: dict[str, Any]
) -> None:
    @declared.event("pose", **declaration)
    def pose(id: str) -> None: ...

    asked: dict[str, Any] = {"latest": "ann"} if "volatile" in declaration else {"volatile": True}
    with pytest.raises(LocalProtocolError, match="volatile and a latest value; choose one"):
        say(declared, "pose", "ann", **asked)


def test_volatile_and_latest_exclude_each_other_in_a_declaration(declared: Declarations) -> None:
    with pytest.raises(LocalProtocolError, match="event 'pose' of namespace '/chat' is declared volatile and latest"):
        declared.event("pose", volatile=True, latest="id")


def test_an_event_is_declared_once(declared: Declarations) -> None:
    declared.event("pose")(lambda id: None)

    with pytest.raises(LocalProtocolError, match="declared already"):
        declared.event("pose")


def test_a_name_is_given(declared: Declarations) -> None:
    with pytest.raises(TypeError, match="event\\(\\) takes the name of an event"):
        declared.event(lambda id: None)  # type: ignore[arg-type]  # @event instead of @event("pose")


def by_keyword(*, id: str = "") -> None: ...


def by_all(*id: str) -> None: ...


def by_default(id: str = "") -> None: ...


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: None, "latest='id', which is no positional parameter"),
        (by_keyword, "latest='id', which is no positional parameter"),
        (by_all, "latest='id', which is no positional parameter"),
        (by_default, "latest='id', which may be left out; remove its default"),
    ],
)
def test_a_key_that_not_every_emit_has_is_refused(declared: Declarations, function: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        declared.event("pose", latest="id")(function)


def test_the_function_is_given_back(declared: Declarations) -> None:
    assert declared.event("pose", latest="id")(by_two) is by_two


def by_two(id: str, x: int) -> None: ...
