"""How an application says what handles its events: the decorators that namespaces of server and client share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from antiphon.dispatch.declared import Declarations
from antiphon.dispatch.handlers import Handlers
from antiphon.dispatch.marks import include

__all__ = ["Registering"]

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


class Registering:
    """A namespace's decorators. On a server, handlers are given the socket in front of what is said here."""

    handlers: Handlers
    declared: Declarations

    def on(self, event: str, *, concurrent: bool = False) -> Callable[[F], F]:
        """Decorate a handler of `event`: `async def handler(...)`. Its return value answers a call.

        What the event carries is bound to the annotations. Handlers of one session run one after another;
        `concurrent=True` lets this one run beside the others. An event may have several handlers: they run in the order
        of their registration, an exception in one keeps no other from running, and the first one answers a call.
        `"*"` is for all events without a handler of their own: `async def handler(event, *args)`.
        """
        return self.handlers.on(event, concurrent=concurrent)

    def once(self, event: str, *, concurrent: bool = False) -> Callable[[F], F]:
        """As `on`, for the next such event only, whichever socket it comes from."""
        return self.handlers.once(event, concurrent=concurrent)

    def off(self, event: str, function: Callable[..., Any] | None = None) -> None:
        """Take out a handler of `event`, or all of them. What runs already is not disturbed."""
        self.handlers.off(event, function)

    def on_any(self, function: F) -> F:
        """Decorate what is told of every event and call before its handlers: `async def listener(event, *args)`.

        There may be several. They cannot answer, and hear also what no handler is there for.
        """
        return self.handlers.on_any(function)

    def off_any(self, function: Callable[..., Any] | None = None) -> None:
        """Take out a listener that `on_any` registered, or all of them."""
        self.handlers.off_any(function)

    def on_any_outgoing(self, function: F) -> F:
        """Decorate what is told of every event that is emitted or called from here: `def listener(event, *args)`.

        It is told once per emit, not once per receiver, so there is no socket in front. It may not be async.
        """
        return self.handlers.on_any_outgoing(function)

    def off_any_outgoing(self, function: Callable[..., Any] | None = None) -> None:
        """Take out a listener that `on_any_outgoing` registered, or all of them."""
        self.handlers.off_any_outgoing(function)

    def event(self, name: str, *, volatile: bool = False, latest: str | None = None) -> Callable[[F], F]:
        """Declare the event `name` over a function that is never called: its parameters are what the event carries.

        Every emit and call of it from here is then held against them, and raises PayloadError if it does not fit.
        `volatile` and `latest` are as in `emit`, but that `latest` names the parameter whose value is the key:
        `@chat.event("pose", latest="id")`.
        """
        return self.declared.event(name, volatile=volatile, latest=latest)

    def include(self, holder: T) -> T:
        """Register the methods of an object that are marked with `antiphon.on("say")` and the like; returns the object.

        Methods of base classes come along; an override takes the place of what it overrides.
        """
        return include(self, holder)
