"""Middleware: functions around functions, composed when they are registered into one for each namespace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import reduce
from typing import Any, Literal, TypeVar

from antiphon.dispatch.binding import bind, name_of

__all__ = ["Around", "Middleware", "Place", "Proceed", "compose"]

F = TypeVar("F", bound=Callable[..., Any])

Place = Literal["connect", "event", "emit"]
Proceed = Callable[[Any], Awaitable[Any]]
Around = Callable[[Any, Proceed], Awaitable[Any]]

_PLACES: tuple[Place, ...] = ("connect", "event", "emit")


def compose(layers: Sequence[Around]) -> Around | None:
    """One function that has these around each other, the first outermost; None when there are none."""
    return reduce(_around, reversed(layers)) if layers else None


def _around(inner: Around, outer: Around) -> Around:
    def both(record: Any, proceed: Proceed) -> Awaitable[Any]:
        return outer(record, lambda changed: inner(changed, proceed))

    return both


class Middleware:
    """What is around connecting, inbound events and outbound events: of a server, or, within that, of a namespace.

    `connect`, `event` and `emit` are what the layers were composed to, None without any: the hot path only looks at
    an attribute. What is registered outside later is around what is inside already.
    """

    __slots__ = ("_changed", "_inner", "_layers", "_outer", "_owner", "connect", "emit", "event")

    def __init__(
        self,
        owner: str,
        outer: Middleware | None = None,
        changed: Callable[[Middleware], None] = lambda middleware: None,
    ) -> None:
        """`owner` names it in errors; `changed` is given it whenever it is composed anew."""
        self.connect: Around | None = None
        self.event: Around | None = None
        self.emit: Around | None = None
        self._owner = owner
        self._outer = outer
        self._changed = changed
        self._inner: list[Middleware] = []
        self._layers: dict[Place, list[Around]] = {place: [] for place in _PLACES}
        if outer is not None:
            outer._inner.append(self)
        for place in _PLACES:
            self._compose(place)

    def add(self, place: Place, function: F) -> F:
        """Put `function` inside of those that are there. It takes a record and `proceed`, and is async."""
        label = f"the middleware around_{place} of {self._owner}"
        plan = bind(function, label, leading=("record", "proceed"), offered=())
        if not plan.is_async:
            raise TypeError(f"{label} ({name_of(function)}) awaits proceed(record); make it async def")
        self._layers[place].append(function)
        self._compose(place)
        return function

    def _compose(self, place: Place) -> None:
        setattr(self, place, compose(self._all(place)))
        self._changed(self)
        for inner in self._inner:
            inner._compose(place)

    def _all(self, place: Place) -> list[Around]:
        outer = self._outer._all(place) if self._outer is not None else []
        return outer + self._layers[place]
