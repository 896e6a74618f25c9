"""Signatures that no event could fit: they are refused when the handler is registered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from antiphon.dispatch.binding import bind, name_of

if TYPE_CHECKING:

    class OnlyForTheTypeChecker: ...

    class Socket: ...


LABEL = "handler 'say' of namespace '/chat'"


@dataclass
class Move:
    x: int


class Tree(msgspec.Struct):
    name: str


class Broken(msgspec.Struct):
    inner: OnlyForTheTypeChecker


class Custom:
    pass


def registration_error(handler: Any, **options: Any) -> str:
    with pytest.raises(TypeError) as caught:
        bind(handler, LABEL, **options)
    return str(caught.value)


def test_a_hook_cannot_ask_for_what_it_is_not_offered() -> None:
    def enter(socket: Socket, auth: Any, limit: int) -> None: ...

    message = registration_error(enter, offered=["auth"])

    assert message.endswith("is given (socket, auth); give parameter 'limit' a default or remove it")


def test_a_handler_must_be_callable() -> None:
    assert registration_error("say") == f"{LABEL} must be a function, but is 'say'"


def test_a_handler_without_a_readable_signature_is_refused() -> None:
    message = registration_error(dict)

    assert message == f"{LABEL} (<class 'dict'>) has no signature that Python can read; wrap it in a function"


def test_a_handler_without_room_for_the_socket_is_refused() -> None:
    def say() -> None: ...

    message = registration_error(say)

    assert message == f"{LABEL} ({name_of(say)}) must take (socket) first, but takes 0 arguments"


def test_a_keyword_only_parameter_without_default_is_refused() -> None:
    def say(socket: Socket, *, text: str) -> None: ...

    message = registration_error(say)

    assert "has the keyword-only parameter 'text', but arguments of an event have no names" in message
    assert "give it a default, or let it stand before the *" in message


@pytest.mark.parametrize("annotation", ["OnlyForTheTypeChecker", "datetime.nothing", "int |", "int | 3"])
def test_an_annotation_that_means_nothing_at_run_time_is_refused(annotation: Any) -> None:
    def say(socket: Socket, text: Any) -> None: ...

    say.__annotations__ = {"text": annotation}

    message = registration_error(say)

    assert f"the annotation {annotation!r} of parameter 'text' of {LABEL}" in message
    assert "outside TYPE_CHECKING" in message


def test_a_local_type_of_a_function_that_has_returned_is_refused() -> None:
    def define() -> Callable[..., None]:
        class Local: ...

        def say(socket: Socket, local: Local) -> None: ...

        return say

    assert "name 'Local' is not defined" in registration_error(define())


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        (Custom, "Custom"),
        (list[Custom | None], "Custom"),
        (list[AsyncIterator[int]], "AsyncIterator"),
        (complex, "complex"),
    ],
    ids=str,
)
def test_a_type_that_no_event_carries_is_refused(annotation: Any, name: str) -> None:
    def say(socket: Socket, text: annotation) -> None: ...

    message = registration_error(say)

    assert f"parameter 'text' of {LABEL}" in message
    assert f"no event carries {name}; annotate it with builtins" in message


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        (Move | Tree, "may not contain more than one dict-like type"),
        (bytes | str, "may not contain more than one str-like type"),
        (Broken, "'OnlyForTheTypeChecker' is not defined"),
    ],
    ids=str,
)
def test_a_type_that_cannot_be_told_from_its_value_is_refused_with_the_reason(annotation: Any, reason: str) -> None:
    def say(socket: Socket, text: annotation) -> None: ...

    message = registration_error(say)

    assert reason in message
    assert "leave it without annotation" in message
