"""The handlers of one namespace: which function an event runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from antiphon.config import Limits
from antiphon.dispatch.binding import Plan, bind, name_of
from antiphon.errors import LocalProtocolError

__all__ = ["Handler", "Handlers"]

F = TypeVar("F", bound=Callable[..., Any])

# Peers know these names from elsewhere; here they are no events, and a handler for one would wait for ever.
_RESERVED = {
    "connect": "use on_connect",
    "disconnect": "use on_disconnect",
    "connect_error": "a refused client learns it from the Refused that on_connect raises",
}


@dataclass(frozen=True, slots=True, eq=False)
class Handler:
    """One function and how it is run: `concurrent` beside others, `is_async` when its result is to be awaited."""

    name: str
    function: Callable[..., Any]
    plan: Plan
    concurrent: bool
    is_async: bool


class Handlers:
    """What is registered in one namespace. Errors in a registration are raised where it stands."""

    __slots__ = ("_by_name", "_leading", "_longest_name", "any", "connect", "disconnect", "get", "namespace")

    def __init__(
        self, namespace: str, *, leading: Sequence[str] = ("socket",), longest_name: int = Limits().name
    ) -> None:
        """`leading` is what every handler is given first: the socket on a server, nothing on a client."""
        self.namespace = namespace
        self.any: Handler | None = None
        self.connect: Handler | None = None
        self.disconnect: Handler | None = None
        self._by_name: dict[str, Handler] = {}
        # The handler of an event, None when it has none of its own and `any` may take it. An attribute and no method:
        # it is on the path of every event.
        self.get = self._by_name.get
        self._leading = tuple(leading)
        self._longest_name = longest_name

    def on(self, name: str, *, concurrent: bool = False) -> Callable[[F], F]:
        """Decorate the handler of the event `name`: called with the socket and what the event carries.

        `concurrent` lets it run beside the handlers before and after it; otherwise those of one session run in order.
        "*" is for all events without a handler of their own, as in `on_any`.
        """
        if not isinstance(name, str):
            raise TypeError(f"on() takes the name of an event, but was given {name!r}; write @on('say') instead of @on")

        def register(function: F) -> F:
            self.add(name, function, concurrent=concurrent)
            return function

        return register

    def on_any(self, function: F) -> F:
        """Decorate the handler of all events without one of their own: called with socket, name, and arguments."""
        self.add("*", function)
        return function

    def on_connect(self, function: F) -> F:
        """Decorate what admits a socket: called with it, and with the client's `auth` if it takes a second argument."""
        self.connect = self._hook(self.connect, "on_connect", function, ["auth"])
        return function

    def on_disconnect(self, function: F) -> F:
        """Decorate what sees a socket off: called with it, and with the reason if it takes a second argument."""
        self.disconnect = self._hook(self.disconnect, "on_disconnect", function, ["reason"])
        return function

    def add(self, name: str, function: Callable[..., Any], *, concurrent: bool = False) -> Handler:
        """Register without decorating; as `on` otherwise."""
        if name == "*":
            label = f"the catch-all handler of namespace {self.namespace!r}"
            self._refuse_second(label, self.any, function)
            self.any = _handler(name, function, bind(function, label, leading=[*self._leading, "event"]), concurrent)
            return self.any
        self._refuse_name(name)
        label = f"handler {name!r} of namespace {self.namespace!r}"
        self._refuse_second(label, self._by_name.get(name), function)
        handler = self._by_name[name] = _handler(
            name, function, bind(function, label, leading=self._leading), concurrent
        )
        return handler

    def _hook(self, first: Handler | None, name: str, function: Callable[..., Any], offered: Sequence[str]) -> Handler:
        label = f"{name} of namespace {self.namespace!r}"
        self._refuse_second(label, first, function)
        return _handler(name, function, bind(function, label, leading=self._leading, offered=offered), concurrent=False)

    def _refuse_second(self, label: str, first: Handler | None, function: Callable[..., Any]) -> None:
        if first is not None:
            raise LocalProtocolError(
                f"{label} is {name_of(first.function)} already, so {name_of(function)} cannot be it too; "
                f"let one of them call the other"
            )

    def _refuse_name(self, name: str) -> None:
        if not name:
            raise LocalProtocolError(f"an event of namespace {self.namespace!r} has an empty name; give it one")
        if name in _RESERVED:
            raise LocalProtocolError(f"{name!r} is not an event of namespace {self.namespace!r}: {_RESERVED[name]}")
        if len(name) > self._longest_name:
            raise LocalProtocolError(
                f"the event name {name[:20]!r}... of namespace {self.namespace!r} has {len(name)} characters; "
                f"shorten it to {self._longest_name}"
            )


def _handler(name: str, function: Callable[..., Any], plan: Plan, concurrent: bool) -> Handler:
    return Handler(name, function, plan, concurrent, plan.is_async)
