"""One client in one namespace: what a handler holds."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from antiphon.dispatch.asking import CALL_TIMEOUT, asked
from antiphon.dispatch.deadlines import within
from antiphon.dispatch.listening import EventIterator, Listening
from antiphon.dispatch.outgoing import Said, outgoing, said
from antiphon.dispatch.streams import Stream, sources
from antiphon.dispatch.telling import tell_outgoing
from antiphon.errors import CallNotSent
from antiphon.protocol.packets import Call, Volatile
from antiphon.protocol.streams import WINDOW
from antiphon.server.anteroom import Anteroom
from antiphon.server.around import cannot_wait, go_out
from antiphon.server.statistics import of_session

if TYPE_CHECKING:
    from antiphon.protocol.identity import Principal
    from antiphon.protocol.outbox import Outbox
    from antiphon.protocol.statistics import SessionStatistics
    from antiphon.server.authentication import Arrival
    from antiphon.server.broadcast import Broadcast
    from antiphon.server.connection import Connection
    from antiphon.server.namespace import Namespace

__all__ = ["Socket"]

# Shared by all sockets that nobody has asked anything, which are nearly all: a set of its own has 216 bytes.
NOBODY: frozenset[Callable[[Socket], None]] = frozenset()


class Socket:
    """A client's place in a namespace.

    It outlives cuts: `data`, rooms and calls under way are kept until the session ends. `id` is public; `data` yours.
    """

    __slots__ = (
        "__weakref__",
        "_connection",
        "_last_rooms",
        "_when_gone",
        "data",
        "id",
        "listening",
        "namespace",
        "outbox",
    )

    def __init__(self, connection: Connection, namespace: Namespace) -> None:
        self.id = connection.session.sid + namespace.name
        self.namespace = namespace
        self.data: dict[str, Any] = {}
        # A broadcast puts into it directly: one call per receiver.
        outbox = connection.session.outbox
        self.outbox: Outbox | Anteroom = outbox if outbox.codec.early else Anteroom(outbox)
        self._connection = connection
        self._last_rooms: frozenset[str] | None = None
        self._when_gone = NOBODY
        self.listening: Listening | None = None

    def __repr__(self) -> str:
        return f"<Socket {self.id} {'connected' if self.connected else 'gone'}>"

    @property
    def connected(self) -> bool:
        """Whether the socket is in its namespace. A cut changes nothing here: only the end of the session does."""
        return self._last_rooms is None

    @property
    def heard(self) -> bool:
        """Whether its client hears what is said to it. Some do not before they are let in: they are told then."""
        return not isinstance(self.outbox, Anteroom)

    def let_in(self) -> None:
        """Its client was told that it is in."""
        if isinstance(self.outbox, Anteroom):
            self.outbox = self.outbox.open()

    @property
    def attached(self) -> bool:
        """Whether a transport carries the session right now."""
        return self._connection.session.attached

    @property
    def transport(self) -> str | None:
        """The name of the transport in use, None while there is none."""
        transport = self._connection.transport
        return transport.name if transport is not None else None

    @property
    def arrival(self) -> Arrival:
        """How the client came last: from which address, with which headers. As the authentication hook is told."""
        return self._connection.arrival

    @property
    def principal(self) -> Principal | None:
        """Who the client has proved to be, None where nobody asks. It is renewed with the client's credentials."""
        return self._connection.session.identity.principal

    @property
    def rooms(self) -> frozenset[str]:
        """The rooms this socket is in; once it is gone, the ones it was in."""
        return self.namespace.rooms.of(self) if self._last_rooms is None else self._last_rooms

    # -- to this client

    async def emit(self, event: str, *args: Any, volatile: bool = False, latest: str | int | None = None) -> None:
        """Send an event to this client. Waits, 10 s at most, while more than half of what may wait for it does.

        `volatile`: it may be lost; it leaves within 250 ms or never, and is not waited for. `latest`: it replaces the
        one of the same event and key that has not left yet; the last one always arrives. After the socket is gone
        nothing is sent: `on_disconnect` has told. Raises PayloadError for a value that cannot travel, and OutboxFull
        for one that is too large.
        """
        around = self.namespace.around.emit
        if around is None:
            await self._emit(volatile, latest, event, args)
        else:
            kind = self.namespace.kind(event, volatile)
            await go_out(around, self, self.namespace, kind, event, args, partial(self._emit, volatile, latest))

    async def _emit(self, volatile: bool, latest: str | int | None, event: str, args: tuple[Any, ...]) -> None:
        packet, key = self._said(event, args, volatile, latest)
        self._send(Said(packet, key))
        if type(packet) is Volatile:
            return
        if self.outbox.above(0.5):
            await self._connection.wait_for_room()

    def emit_nowait(self, event: str, *args: Any, volatile: bool = False, latest: str | int | None = None) -> None:
        """As `emit`, without waiting: a client that does not keep up ends with `overflow`."""
        if self.namespace.around.emit is not None:
            raise cannot_wait(event, self.namespace, "use await emit(...)")
        self._send(self._said(event, args, volatile, latest))

    def _said(self, event: str, args: tuple[Any, ...], volatile: bool, latest: str | int | None) -> Said:
        namespace = self.namespace
        return said(namespace.name, namespace.declared, event, args, namespace.server.limits, volatile, latest)

    def _send(self, one: Said) -> None:
        if self._last_rooms is None:
            self.namespace.send((self,), one, self.outbox.codec)

    async def call(self, event: str, *args: Any, timeout: float | None = None) -> Any:
        """Send an event to this client and return its answer. Arguments that are async iterators are streamed to it.

        The call survives cuts. `timeout` is 30 s, or what is left of the time of the call that is being answered.
        Cancelled, it cancels the client's handler. Raises CallTimeout after `timeout` seconds, CallFailed when the
        client's handler raised, CallAbandoned when the session ended first, or a client of Socket.IO left, and
        CallNotSent when the socket was gone before.
        """
        timeout = within(timeout, CALL_TIMEOUT)
        around = self.namespace.around.emit
        if around is None:
            return await self._call(timeout, event, args)
        return await go_out(around, self, self.namespace, "call", event, args, partial(self._call, timeout))

    async def _call(self, timeout: float, event: str, args: tuple[Any, ...]) -> Any:
        build, streams = self._asked(event, args, timeout)
        return await self._connection.call(build, timeout, streams)

    def stream(self, event: str, *args: Any, timeout: float | None = None) -> Stream[Any]:
        """Call this client and read its answer as a stream: `async for item in socket.stream("ticks")`.

        Raises and takes arguments as `call` does, but where it is read; without a `timeout` it may go on for ever.
        """
        if self.namespace.around.emit is not None:
            raise cannot_wait(event, self.namespace, "use await call(...), or have a namespace without it for streams")
        build, streams = self._asked(event, args, timeout, credit=WINDOW)
        return self._connection.stream(build, timeout, streams)

    def _asked(
        self, event: str, args: tuple[Any, ...], timeout: float | None, credit: int | None = None
    ) -> tuple[Callable[[int], Call], dict[int, AsyncIterable[Any]]]:
        namespace = self.namespace
        plain, streams = sources(args)
        wire = outgoing(event, plain, namespace.server.limits, namespace.declared.get(event))
        if self._last_rooms is not None:
            raise CallNotSent(f"the client is not in namespace {namespace.name!r} any more; on_disconnect told")
        if not self.heard:
            raise CallNotSent(
                f"clients of Socket.IO cannot be asked before they are let in to {namespace.name!r}; "
                "ask in a handler of an event, or have them say it in their auth"
            )
        if namespace.handlers.outgoing:
            tell_outgoing(namespace.handlers, event, wire)
        return asked(namespace.name, event, wire, timeout, streams, credit), streams

    def events(self, name: str) -> EventIterator:
        """Read the events of this name in a loop: `async for who, text in socket.events("said")`.

        Each is the tuple of what it carries. It listens from now on, until the loop is left or the socket gone; at most
        256 events wait for their reader, then the client is held back. Handlers of the event run as well. A call is
        read too, but only a handler answers it. A handler that reads in a loop lets the session's others go on.
        """
        if self.listening is None:
            self.listening = Listening(self._connection.worker.step_aside)
        events = self.listening.events(name)
        if self._last_rooms is not None:
            self.listening.end()
        return events

    # -- to others

    @property
    def broadcast(self) -> Broadcast:
        """Everybody in the namespace but this socket: `await socket.broadcast.to("lobby").emit(...)`."""
        return self.namespace.except_(self)

    def to(self, *rooms: str) -> Broadcast:
        """The sockets in any of `rooms`, but this one."""
        return self.broadcast.to(*rooms)

    # -- rooms

    async def join(self, *rooms: str) -> None:
        """Come into rooms. Nothing happens once the socket is gone.

        Raises LocalProtocolError for more rooms than Limits(rooms=...) allows, and then it comes into none.
        """
        if self._last_rooms is None:
            self.namespace.check_rooms((self,), rooms)
            for room in rooms:
                self.namespace.rooms.join(self, room)

    async def leave(self, *rooms: str) -> None:
        """Leave rooms."""
        for room in rooms:
            self.namespace.rooms.leave(self, room)

    async def disconnect(self, reason: str = "disconnected by the server") -> None:
        """Put the client out of this namespace; it is told `reason` and does not come back by itself.

        From now on it is gone; its `on_disconnect` runs behind the handler that is at work.
        """
        self._connection.joining.put_out(self, reason)

    async def end(self, reason: str = "ended by the server") -> None:
        """End the client's whole session, in all its namespaces. It is told `reason`, and does not come back by itself.

        From now on its sockets are gone; each `on_disconnect` runs behind the handler that is at work. What was sent
        to it before still arrives, if that takes no longer than 2 s.
        """
        self._connection.dismiss(reason)

    def statistics(self) -> SessionStatistics:
        """How the client's session stands now. It is one for all of the client's namespaces."""
        return of_session(self._connection, self.namespace.server.clock())

    # -- for the server

    @property
    def connection(self) -> Connection:
        """What the socket stands on."""
        return self._connection

    def gone(self) -> None:
        """The socket is out of its namespace."""
        if self._last_rooms is None:
            self._last_rooms = self.namespace.rooms.exit(self)
            if self.listening is not None:
                self.listening.end()
            for told in tuple(self._when_gone):
                told(self)

    def when_gone(self, told: Callable[[Socket], None]) -> None:
        """Have `told` called when the socket is out of its namespace, unless it is forgotten before."""
        self._when_gone |= {told}

    def forget(self, told: Callable[[Socket], None]) -> None:
        """Nobody has to be told any more."""
        self._when_gone = (self._when_gone - {told}) or NOBODY
