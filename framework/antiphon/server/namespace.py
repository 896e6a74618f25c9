"""A namespace: its handlers, its rooms, and who is admitted to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from antiphon.dispatch.handlers import Handlers
from antiphon.protocol.codec import Prepared
from antiphon.protocol.packets import Event
from antiphon.server.broadcast import Broadcast
from antiphon.server.rooms import Audience, Rooms
from antiphon.server.socket import Socket

if TYPE_CHECKING:
    from antiphon.server.server import Server

__all__ = ["Namespace"]

F = TypeVar("F", bound=Callable[..., Any])


class Namespace:
    """What the sockets of one name have in common. Made by `Server.namespace`."""

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        self.name = name
        self.handlers = Handlers(name)
        self.rooms = Rooms()
        self._everybody = Broadcast(self)

    def __repr__(self) -> str:
        return f"<Namespace {self.name} with {self.count()} sockets>"

    # -- handlers

    def on(self, event: str, *, concurrent: bool = False) -> Callable[[F], F]:
        """Decorate the handler of `event`: `async def handler(socket, ...)`. Its return value answers a call.

        What the event carries is bound to the annotations. Handlers of one session run one after another;
        `concurrent=True` lets this one run beside the others.
        """
        return self.handlers.on(event, concurrent=concurrent)

    def on_any(self, function: F) -> F:
        """Decorate the handler of all events without one of their own: `async def handler(socket, event, *args)`."""
        return self.handlers.on_any(function)

    def on_connect(self, function: F) -> F:
        """Decorate what admits a socket: `async def handler(socket)` or `(socket, auth)`.

        Raise Refused in it to turn the client away. Until it returns, no event of this socket is handled, and of what
        is said to others it hears only what goes to the rooms that the handler has joined it to.
        """
        return self.handlers.on_connect(function)

    def on_disconnect(self, function: F) -> F:
        """Decorate what sees a socket off, once: `async def handler(socket)` or `(socket, reason)`."""
        return self.handlers.on_disconnect(function)

    # -- audiences

    def to(self, *rooms: str) -> Broadcast:
        """The sockets in any of `rooms`."""
        return self._everybody.to(*rooms)

    def except_(self, *but: str | Socket) -> Broadcast:
        """Everybody but these sockets, and those in these rooms."""
        return self._everybody.except_(*but)

    async def emit(self, event: str, *args: Any) -> None:
        """Send an event to everybody in the namespace."""
        self._everybody.emit_nowait(event, *args)

    def emit_nowait(self, event: str, *args: Any) -> None:
        """As `emit`, for code that is not async."""
        self._everybody.emit_nowait(event, *args)

    @property
    def sockets(self) -> frozenset[Socket]:
        """Everybody in the namespace."""
        return frozenset(self.rooms.everybody)

    def count(self, room: str | None = None) -> int:
        """How many sockets are in the namespace, or in one of its rooms."""
        return len(self.rooms.select(Audience() if room is None else Audience((room,))))

    def deliver(self, audience: Audience, event: Event) -> None:
        """Put one event into the outboxes of an audience: encoded once per form, one call per receiver."""
        prepared = self.server.prepare(Prepared(event))
        for socket in self.rooms.select(audience):
            socket.outbox.put(prepared)
        self.server.flusher.soon()
