"""The handlers of one namespace: which functions an event runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from antiphon.config import Limits
from antiphon.dispatch.binding import Plan, bind, name_of
from antiphon.dispatch.naming import check_event_name
from antiphon.errors import LocalProtocolError
from antiphon.protocol.disconnects import Disconnected

__all__ = ["Handler", "Handlers"]

F = TypeVar("F", bound=Callable[..., Any])

# Peers know these names from elsewhere; here they are no events, and a handler for one would wait for ever.
_RESERVED = {
    "connect": "use on_connect",
    "disconnect": "use on_disconnect",
    "connect_error": "a refused client learns it from the Refused that on_connect raises",
}

# A name that no event has: what is registered for it is for all events without a handler of their own.
_FALLBACK = "*"


@dataclass(frozen=True, slots=True, eq=False)
class Handler:
    """One function and how it is run: `concurrent` beside others, `is_async` when its result is to be awaited.

    `once`: it is taken out by `Handlers.spend` before it runs. `others` are those of the same event registered later.
    """

    name: str
    function: Callable[..., Any]
    plan: Plan
    concurrent: bool
    is_async: bool
    once: bool = False
    others: tuple[Handler, ...] = ()

    def told(self, reason: Disconnected) -> list[Any]:
        """What a disconnect hook is told: the record, or its words if it wants a str."""
        return [str(reason) if self.plan.is_text(0) else reason]

    @property
    def streams(self) -> bool:
        """Whether it reads streams of its caller, or streams its answer."""
        return self.plan.is_stream or bool(self.plan.streams)


class Handlers:
    """What is registered in one namespace. Errors in a registration are raised where it stands."""

    __slots__ = (
        "_by_name",
        "_direct",
        "_guarded",
        "_leading",
        "_longest_name",
        "any",
        "connect",
        "direct",
        "disconnect",
        "namespace",
        "outgoing",
        "resume",
        "suspend",
    )

    def __init__(
        self, namespace: str, *, leading: Sequence[str] = ("socket",), longest_name: int = Limits().name
    ) -> None:
        """`leading` is what every handler is given first: the socket on a server, nothing on a client."""
        self.namespace = namespace
        self.any: tuple[Handler, ...] = ()
        self.outgoing: tuple[Handler, ...] = ()
        self.connect: tuple[Handler, ...] = ()
        self.disconnect: tuple[Handler, ...] = ()
        self.suspend: tuple[Handler, ...] = ()
        self.resume: tuple[Handler, ...] = ()
        self._by_name: dict[str, Handler] = {}
        self._direct: dict[str, Handler] = {}
        # The handler of an event if all there is to do is to run it: nobody else is to be told or asked before, after
        # or beside. An attribute and no method: it is on the path of every event, and None sends that another way.
        self.direct = self._direct.get
        self._guarded = False
        self._leading = tuple(leading)
        self._longest_name = longest_name

    def find(self, name: str) -> Handler | None:
        """The first handler of an event, with its `others`; None when it has none of its own."""
        return self._by_name.get(name) if name != _FALLBACK else None

    @property
    def fallback(self) -> Handler | None:
        """The first handler of events without one of their own."""
        return self._by_name.get(_FALLBACK)

    def first(self, name: str, leading: tuple[Any, ...]) -> tuple[Handler | None, tuple[Any, ...]]:
        """The first handler that takes an event, if any does, and what it is given first: `leading`, or more."""
        handler = self.find(name)
        return (handler, leading) if handler is not None else (self.fallback, (*leading, name))

    # -- events

    def on(self, name: str, *, concurrent: bool = False) -> Callable[[F], F]:
        """Decorate a handler of the event `name`: called with the socket and what the event carries.

        `concurrent` lets it run beside the handlers before and after it; otherwise those of one session run in order.
        "*" is for all events without a handler of their own: called with socket, name, and arguments.
        """
        return self._registering("on", name, concurrent, once=False)

    def once(self, name: str, *, concurrent: bool = False) -> Callable[[F], F]:
        """As `on`, for the next such event only."""
        return self._registering("once", name, concurrent, once=True)

    def off(self, name: str, function: Callable[..., Any] | None = None) -> None:
        """Take out a handler of the event `name`, or all of them; nothing happens if there is none."""
        self._store(name, [handler for handler in self._all(name) if function not in (None, handler.function)])

    def add(self, name: str, function: Callable[..., Any], *, concurrent: bool = False, once: bool = False) -> Handler:
        """Register without decorating; as `on` otherwise."""
        leading = self._leading
        if name == _FALLBACK:
            label = f"the catch-all handler of namespace {self.namespace!r}"
            leading = (*leading, "event")
        else:
            self._refuse_name(name)
            label = f"handler {name!r} of namespace {self.namespace!r}"
        plan = bind(function, label, leading=leading)
        handler = Handler(name, function, plan, concurrent, plan.is_async, once)
        before = self._all(name)
        if handler.streams and before:
            raise LocalProtocolError(
                f"{label} ({name_of(function)}) has streams, which belong to who answers: the first handler; "
                f"register it before {name_of(before[0].function)}"
            )
        self._store(name, [*before, handler])
        return handler

    def spend(self, handler: Handler) -> bool:
        """Take out a handler that runs once. False: it was taken out already, for another event."""
        before = self._all(handler.name)
        # By the plan: the handler itself is made anew when it moves to the front.
        after = [other for other in before if other.plan is not handler.plan]
        self._store(handler.name, after)
        return len(after) < len(before)

    # -- all events

    def on_any(self, function: F) -> F:
        """Decorate what is told of every event before its handlers: called with socket, name, and arguments."""
        self.any += (self._listener("on_any", function, (*self._leading, "event")),)
        self._sort()
        return function

    def off_any(self, function: Callable[..., Any] | None = None) -> None:
        """Take out what `on_any` has registered, or all of it."""
        self.any = _without(self.any, function)
        self._sort()

    def on_any_outgoing(self, function: F) -> F:
        """Decorate what is told of every event that is emitted or called: called with name and arguments."""
        listener = self._listener("on_any_outgoing", function, ("event",))
        if listener.is_async:
            raise TypeError(
                f"on_any_outgoing of namespace {self.namespace!r} ({name_of(function)}) is told where an event is "
                f"emitted, and there nobody waits for it; make it a function without async"
            )
        self.outgoing += (listener,)
        return function

    def off_any_outgoing(self, function: Callable[..., Any] | None = None) -> None:
        """Take out what `on_any_outgoing` has registered, or all of it."""
        self.outgoing = _without(self.outgoing, function)

    # -- hooks

    def on_connect(self, function: F) -> F:
        """Decorate what admits a socket: called with it, and with the client's `auth` if it takes a second argument."""
        self.connect += (self._hook("on_connect", function, ["auth"]),)
        return function

    def on_disconnect(self, function: F) -> F:
        """Decorate what sees a socket off: called with it, and with a Disconnected if it takes a second argument."""
        self.disconnect += (self._hook("on_disconnect", function, ["reason"]),)
        return function

    def on_suspend(self, function: F) -> F:
        """Decorate what is told that a socket has lost its transport: called with it."""
        self.suspend += (self._hook("on_suspend", function, []),)
        return function

    def on_resume(self, function: F) -> F:
        """Decorate what is told that a suspended socket is carried again: called with it."""
        self.resume += (self._hook("on_resume", function, []),)
        return function

    # -- inside

    def guard(self, guarded: bool) -> None:
        """Whether something is asked before handlers run, so that none is `direct`."""
        self._guarded = guarded
        self._sort()

    def _registering(self, decorator: str, name: str, concurrent: bool, *, once: bool) -> Callable[[F], F]:
        check_event_name(decorator, name)

        def register(function: F) -> F:
            self.add(name, function, concurrent=concurrent, once=once)
            return function

        return register

    def _listener(
        self, name: str, function: Callable[..., Any], leading: Sequence[str], offered: Sequence[str] | None = None
    ) -> Handler:
        label = f"{name} of namespace {self.namespace!r}"
        plan = bind(function, label, leading=leading, offered=offered)
        listener = Handler(name, function, plan, concurrent=False, is_async=plan.is_async)
        if listener.streams:
            raise TypeError(f"{label} ({name_of(function)}) has streams, but nobody calls it; let a handler have them")
        return listener

    def _hook(self, name: str, function: Callable[..., Any], offered: Sequence[str]) -> Handler:
        return self._listener(name, function, self._leading, offered)

    def _all(self, name: str) -> list[Handler]:
        first = self._by_name.get(name)
        return [] if first is None else [first, *first.others]

    def _store(self, name: str, handlers: Sequence[Handler]) -> None:
        """Have these handlers for one event, in this order."""
        if handlers:
            first, *others = (replace(handler, others=()) for handler in handlers)
            self._by_name[name] = replace(first, others=tuple(others))
        else:
            self._by_name.pop(name, None)
        self._sort()

    def _sort(self) -> None:
        self._direct.clear()
        if not (self.any or self._guarded):
            for name, handler in self._by_name.items():
                alone = not (handler.concurrent or handler.streams or handler.once or handler.others)
                if alone and name != _FALLBACK:
                    self._direct[name] = handler

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


def _without(listeners: tuple[Handler, ...], function: Callable[..., Any] | None) -> tuple[Handler, ...]:
    return tuple(listener for listener in listeners if function not in (None, listener.function))
