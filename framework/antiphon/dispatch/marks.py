"""Handlers as methods of a class: `@on("say")` marks one, and `include` registers those of an object."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

from antiphon.dispatch.naming import check_event_name
from antiphon.errors import LocalProtocolError

__all__ = [
    "include",
    "on",
    "on_any",
    "on_any_outgoing",
    "on_connect",
    "on_disconnect",
    "on_resume",
    "on_suspend",
    "once",
]

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

_ATTRIBUTE = "__antiphon_marks__"


class Mark(NamedTuple):
    """How one method is registered: by which decorator of the namespace, called with what, or itself the decorator."""

    decorator: str
    event: str | None = None
    concurrent: bool = False


def on(event: str, *, concurrent: bool = False) -> Callable[[F], F]:
    """Mark a method as a handler of `event`, for `namespace.include`. See Namespace.on."""
    return _marking("on", event, concurrent)


def once(event: str, *, concurrent: bool = False) -> Callable[[F], F]:
    """Mark a method as a handler of the next `event`, for `namespace.include`. See Namespace.once."""
    return _marking("once", event, concurrent)


# What takes no name is marked by itself: a further hook of namespaces needs one line here.


def on_any(method: F) -> F:
    """Mark a method that is told of every event before its handlers. See Namespace.on_any."""
    return _marked(method, Mark("on_any"))


def on_any_outgoing(method: F) -> F:
    """Mark a method that is told of every event that is emitted. See Namespace.on_any_outgoing."""
    return _marked(method, Mark("on_any_outgoing"))


def on_connect(method: F) -> F:
    """Mark a method that runs when a socket connects. See Namespace.on_connect."""
    return _marked(method, Mark("on_connect"))


def on_disconnect(method: F) -> F:
    """Mark a method that runs when a socket is gone. See Namespace.on_disconnect."""
    return _marked(method, Mark("on_disconnect"))


def on_suspend(method: F) -> F:
    """Mark a method that runs when a session loses its transport and may still come back. See Namespace.on_suspend."""
    return _marked(method, Mark("on_suspend"))


def on_resume(method: F) -> F:
    """Mark a method that runs when a suspended session is carried again. See Namespace.on_resume."""
    return _marked(method, Mark("on_resume"))


def include(namespace: Any, holder: T) -> T:
    """Register the marked methods of `holder` with `namespace`: those of base classes first, each as it is overridden.

    An override without marks of its own has those of the method that it overrides. Returns `holder`.
    """
    if isinstance(holder, type):
        name = holder.__name__
        raise TypeError(f"include() takes an object, but was given the class {name}; make one: include({name}())")
    found = list(_marks(type(holder)))
    if not found:
        raise TypeError(f"{holder!r} has no marked method to include; mark one, for instance with @antiphon.on('say')")
    for _, mark in found:
        # Looked at first, so that a namespace has all of the object or nothing.
        if not hasattr(namespace, mark.decorator):
            raise LocalProtocolError(f"{namespace!r} has no {mark.decorator}, which {type(holder).__name__} asks for")
    for name, mark in found:
        register = getattr(namespace, mark.decorator)
        if mark.event is not None:
            register = register(mark.event, concurrent=mark.concurrent)
        register(getattr(holder, name))
    return holder


def _marking(decorator: str, event: str, concurrent: bool) -> Callable[[F], F]:
    check_event_name(decorator, event)
    return lambda method: _marked(method, Mark(decorator, event, concurrent))


def _marked(method: F, mark: Mark) -> F:
    # Decorators are applied from the bottom up; they are registered as they are read.
    marks = (mark, *_marks_on(method))
    try:
        setattr(method, _ATTRIBUTE, marks)
    except AttributeError as error:
        raise TypeError(f"{method!r} cannot be marked as a handler; define a method with def") from error
    return method


def _marks(kind: type) -> Iterator[tuple[str, Mark]]:
    """The marks of a class by the name of their method, in order of definition."""
    names = dict.fromkeys(name for base in reversed(kind.__mro__) for name in vars(base))
    for name in names:
        definitions = [vars(base)[name] for base in kind.__mro__ if name in vars(base)]
        # The nearest definition that has marks: who overrides a handler need not repeat what it handles.
        marks = next((marks for definition in definitions if (marks := _marks_on(definition))), ())
        # A subclass says `say = None` to have no such handler.
        if marks and callable(getattr(kind, name)):
            yield from ((name, mark) for mark in marks)


def _marks_on(definition: Any) -> tuple[Mark, ...]:
    marks = getattr(definition, _ATTRIBUTE, ())
    if not marks and isinstance(definition, staticmethod | classmethod):
        marks = getattr(definition.__func__, _ATTRIBUTE, ())
    # Anything may stand in a class, also what answers to every attribute.
    return marks if type(marks) is tuple else ()
