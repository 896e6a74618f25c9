"""A namespace as its client sees it: what it hears, what it says, and whether it is let in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from antiphon.dispatch.asking import CALL_TIMEOUT, asked
from antiphon.dispatch.deadlines import within
from antiphon.dispatch.declared import Declarations
from antiphon.dispatch.handlers import Handlers
from antiphon.dispatch.listening import EventIterator, Listening
from antiphon.dispatch.outgoing import outgoing, said
from antiphon.dispatch.registering import Registering
from antiphon.dispatch.streams import Stream, sources
from antiphon.dispatch.telling import tell_outgoing
from antiphon.errors import ConnectionClosed, ConnectionRefused, LocalProtocolError
from antiphon.protocol.packets import Call, Volatile
from antiphon.protocol.streams import WINDOW

if TYPE_CHECKING:
    from antiphon.client.client import Client

__all__ = ["ClientNamespace"]

F = TypeVar("F", bound=Callable[..., Any])


class ClientNamespace(Registering):
    """One namespace of a client. Made by `Client.namespace`; it is joined again after every lost session."""

    def __init__(self, client: Client, name: str) -> None:
        self.name = name
        self.handlers = Handlers(name, leading=())
        self.declared = Declarations(name)
        self.id: str | None = None
        self._client = client
        self._ready: asyncio.Future[None] | None = None
        self._kept_out: ConnectionRefused | ConnectionClosed | None = None
        self.listening = Listening(client.step_aside)

    def __repr__(self) -> str:
        return f"<ClientNamespace {self.name} {'connected' if self.connected else 'not connected'}>"

    @property
    def connected(self) -> bool:
        """Whether the server has let us in. A cut changes nothing here: only the end of the session does."""
        return self.id is not None

    # -- what it hears

    def on_connect(self, function: F) -> F:
        """Decorate what runs when the server has let us in, also after a lost session: `async def handler()`.

        What was emitted meanwhile leaves when it returns; `clear` drops it.
        """
        return self.handlers.on_connect(function)

    def on_disconnect(self, function: F) -> F:
        """Decorate what runs when we are out: `async def handler(reason)`, which is a Disconnected, or `reason: str`.

        A cut that is resumed does not count; `Client.on_state` tells of it.
        """
        return self.handlers.on_disconnect(function)

    def events(self, name: str) -> EventIterator:
        """Read the events of this name in a loop: `async for who, text in chat.events("said")`.

        Each is the tuple of what it carries. It listens from now on, until the loop is left or the namespace is over
        for us; a lost session does not end it. At most 256 events wait for their reader, then the server is held back.
        Handlers of the event run as well. A call is read too, but only a handler answers it. A handler that reads in a
        loop lets the other handlers go on; in `on_connect` start a task for it, since what is emitted waits for that.
        """
        return self.listening.events(name)

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

    async def emit(
        self,
        event: str,
        *args: Any,
        volatile: bool = False,
        latest: str | int | None = None,
        deadline: float | None = None,
        repeatable: bool = False,
    ) -> None:
        """Send an event to the server. It is kept while there is no connection, and arrives once and in order.

        `volatile`: it is not kept; it leaves within 250 ms or never. `latest`: it replaces the one of the same event
        and key that has not left yet; the last one always arrives. `deadline`: seconds after which it is not sent any
        more, if it has not left by then. `repeatable`: should the session be lost before it was acked, send it again in
        the next one, marked redelivered. Raises PayloadError, and OutboxFull when too much waits already.
        """
        self.emit_nowait(event, *args, volatile=volatile, latest=latest, deadline=deadline, repeatable=repeatable)

    def emit_nowait(
        self,
        event: str,
        *args: Any,
        volatile: bool = False,
        latest: str | int | None = None,
        deadline: float | None = None,
        repeatable: bool = False,
    ) -> None:
        """As `emit`, for code that is not async."""
        client = self._client
        packet, key = said(self.name, self.declared, event, args, client.limits, volatile, latest)
        if isinstance(packet, Volatile):
            if deadline is not None or repeatable:
                raise LocalProtocolError(
                    f"event {event!r} is volatile: it leaves at once or never; leave deadline and repeatable out"
                )
            client.session.emit_volatile(packet, client.clock())
        else:
            due = None if deadline is None else client.clock() + deadline
            client.session.emit(packet, deadline=due, key=key, repeatable=repeatable)
        if self.handlers.outgoing:  # of what was not refused
            tell_outgoing(self.handlers, event, packet.args)
        client.after()

    async def call(self, event: str, *args: Any, timeout: float | None = None, repeatable: bool = False) -> Any:
        """Send an event to the server and return its answer; the call survives cuts.

        Arguments that are async iterators are streamed to the handler. `timeout` is 30 s, or what is left of the time
        of the call that is being answered. Cancelled, it cancels the handler. Raises CallTimeout after `timeout`
        seconds (CallNotSent if it had not even left), CallFailed when the handler raised, CallAbandoned when the
        session was lost with the call under way.
        """
        timeout = within(timeout, CALL_TIMEOUT)
        packet, streams = self._asked(event, args, timeout)
        return await self._client.asking.call(packet, timeout, streams, repeatable=repeatable)

    def stream(self, event: str, *args: Any, timeout: float | None = None) -> Stream[Any]:
        """Call the server and read its answer as a stream: `async for item in chat.stream("history", "lobby")`.

        Raises and takes arguments as `call` does, but where it is read; without a `timeout` it may go on for ever.
        """
        packet, streams = self._asked(event, args, timeout, credit=WINDOW)
        return self._client.asking.stream(packet, timeout, streams)

    def _asked(
        self, event: str, args: tuple[Any, ...], timeout: float | None, credit: int | None = None
    ) -> tuple[Call, dict[int, AsyncIterable[Any]]]:
        plain, streams = sources(args)
        wire = outgoing(event, plain, self._client.limits, self.declared.get(event))
        if self.handlers.outgoing:
            tell_outgoing(self.handlers, event, wire)
        return asked(self.name, event, wire, timeout, streams, credit)(self._client.session.next_call()), streams

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
        self.listening.end()
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(error)
            self._ready.exception()  # who waits is told; if nobody does, that is no mistake
        self._ready = None
