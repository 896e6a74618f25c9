"""A namespace as its client sees it: what it hears, what it says, and whether it is let in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from antiphon.dispatch.handlers import Handlers
from antiphon.dispatch.outgoing import outgoing
from antiphon.errors import ConnectionClosed, ConnectionRefused
from antiphon.protocol.packets import Call, Event

if TYPE_CHECKING:
    from antiphon.client.client import Client

__all__ = ["ClientNamespace"]

F = TypeVar("F", bound=Callable[..., Any])


class ClientNamespace:
    """One namespace of a client. Made by `Client.namespace`; it is joined again after every lost session."""

    def __init__(self, client: Client, name: str) -> None:
        self.name = name
        self.handlers = Handlers(name, leading=())
        self.id: str | None = None
        self._client = client
        self._ready: asyncio.Future[None] | None = None
        self._kept_out: ConnectionRefused | ConnectionClosed | None = None

    def __repr__(self) -> str:
        return f"<ClientNamespace {self.name} {'connected' if self.connected else 'not connected'}>"

    @property
    def connected(self) -> bool:
        """Whether the server has let us in. A cut changes nothing here: only the end of the session does."""
        return self.id is not None

    # -- what it hears

    def on(self, event: str, *, concurrent: bool = False) -> Callable[[F], F]:
        """Decorate the handler of `event`: `async def handler(...)`. Its return value answers a call of the server."""
        return self.handlers.on(event, concurrent=concurrent)

    def on_any(self, function: F) -> F:
        """Decorate the handler of all events without one of their own: `async def handler(event, *args)`."""
        return self.handlers.on_any(function)

    def on_connect(self, function: F) -> F:
        """Decorate what runs when the server has let us in, also after a lost session: `async def handler()`.

        What was emitted meanwhile leaves when it returns; `clear` drops it.
        """
        return self.handlers.on_connect(function)

    def on_disconnect(self, function: F) -> F:
        """Decorate what runs when we are out: `async def handler(reason)`. A cut that is resumed does not count."""
        return self.handlers.on_disconnect(function)

    async def ready(self) -> None:
        """Wait until the server has let us in. Raises ConnectionRefused or ConnectionClosed when it does not."""
        if self.connected:
            return
        if self._kept_out is not None:
            raise self._kept_out
        if self._ready is None:
            self._ready = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._ready)

    # -- what it says

    async def emit(self, event: str, *args: Any, deadline: float | None = None, repeatable: bool = False) -> None:
        """Send an event to the server. It is kept while there is no connection, and arrives once and in order.

        `deadline`: seconds after which it is not sent any more, if it has not left by then. `repeatable`: should the
        session be lost before it was acked, send it again in the next one, marked redelivered. Raises PayloadError,
        and OutboxFull when too much waits already.
        """
        self.emit_nowait(event, *args, deadline=deadline, repeatable=repeatable)

    def emit_nowait(self, event: str, *args: Any, deadline: float | None = None, repeatable: bool = False) -> None:
        """As `emit`, for code that is not async."""
        client = self._client
        packet = Event(self.name, event, outgoing(event, args, client.limits))
        client.session.emit(
            packet, deadline=None if deadline is None else client.clock() + deadline, repeatable=repeatable
        )
        client.after()

    async def call(self, event: str, *args: Any, timeout: float = 30.0, repeatable: bool = False) -> Any:
        """Send an event to the server and return its answer; the call survives cuts.

        Raises CallTimeout after `timeout` seconds (CallNotSent if it had not even left), CallFailed when the handler
        raised, CallAbandoned when the session was lost with the call under way.
        """
        packet_args = outgoing(event, args, self._client.limits)
        return await self._client.call(
            lambda id: Call(id, self.name, event, packet_args, round(timeout * 1000)), timeout, repeatable
        )

    def clear(self) -> int:
        """Drop what waits to be sent until we are let in; returns how many packets that were."""
        return len(self._client.session.clear(self.name))

    async def leave(self) -> None:
        """Leave the namespace."""
        self._client.left(self)

    # -- for the client

    def wanted(self) -> None:
        """The application asks to be let in, perhaps once more: an older refusal does not count."""
        self._kept_out = None

    def entered(self, id: str) -> None:
        """The server let us in."""
        self.id = id
        if self._ready is not None and not self._ready.done():
            self._ready.set_result(None)
        self._ready = None

    def kept_out(self, error: ConnectionRefused | ConnectionClosed) -> None:
        """It will not happen by itself any more."""
        self.id = None
        self._kept_out = error
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(error)
            self._ready.exception()  # who waits is told; if nobody does, that is no mistake
        self._ready = None
