"""Events that are declared once: what their arguments are, and how each emit of them is kept."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from inspect import Parameter
from typing import Any, NamedTuple, TypeVar

from antiphon.dispatch.binding import Plan, bind
from antiphon.errors import LocalProtocolError

__all__ = ["Declarations", "Declared"]

F = TypeVar("F", bound=Callable[..., Any])


class Declared(NamedTuple):
    """One event: `plan` says what fits, `latest` which argument is the key of a latest value."""

    plan: Plan
    volatile: bool
    latest: int | None


class Declarations:
    """What one namespace declares. `get` gives the declaration of an event, None if it has none."""

    __slots__ = ("_by_name", "_namespace", "get")

    def __init__(self, namespace: str) -> None:
        self._by_name: dict[str, Declared] = {}
        self._namespace = namespace
        # An attribute and no method: it is on the path of every emit.
        self.get = self._by_name.get

    def event(self, name: str, *, volatile: bool = False, latest: str | None = None) -> Callable[[F], F]:
        """Decorate a function whose parameters are the arguments of the event `name`; it is never called.

        Every emit of the event is then held against them. `volatile` and `latest` are as in `emit`, but that `latest`
        names the parameter whose value is the key.
        """
        if not isinstance(name, str):
            raise TypeError(f"event() takes the name of an event, but was given {name!r}; write @event('pose')")
        label = f"event {name!r} of namespace {self._namespace!r}"
        if name in self._by_name:
            raise LocalProtocolError(f"{label} is declared already; one declaration is for all emits of it")
        if volatile and latest is not None:
            raise LocalProtocolError(
                f"{label} is declared volatile and latest; choose one: a volatile event may be lost, "
                f"of a latest value the last one always arrives"
            )

        def register(function: F) -> F:
            plan = bind(function, label, leading=())
            place = None if latest is None else _place(label, function, latest)
            self._by_name[name] = Declared(plan, volatile, place)
            return function

        return register


def _place(label: str, function: Callable[..., Any], latest: str) -> int:
    """Which argument the parameter `latest` is. It has to be given in every emit, or there would be no key."""
    parameters = inspect.signature(function).parameters
    parameter = parameters.get(latest)
    if parameter is None or parameter.kind not in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD):
        raise TypeError(f"{label} is declared with latest={latest!r}, which is no positional parameter of it; name one")
    if parameter.default is not Parameter.empty:
        raise TypeError(f"{label} is declared with latest={latest!r}, which may be left out; remove its default")
    return list(parameters).index(latest)
