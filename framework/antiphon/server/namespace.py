"""A namespace: its handlers, its rooms, and who is admitted to it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from antiphon.dispatch.declared import Declarations
from antiphon.dispatch.handlers import Handlers
from antiphon.dispatch.middleware import Middleware
from antiphon.dispatch.outgoing import Said
from antiphon.dispatch.registering import Registering
from antiphon.dispatch.telling import tell_outgoing
from antiphon.errors import LocalProtocolError
from antiphon.protocol.codec import Codec, Prepared
from antiphon.protocol.loglines import one_line
from antiphon.protocol.outbox import Entry
from antiphon.protocol.packets import Event, Volatile
from antiphon.protocol.volatile import check_volatile
from antiphon.server.around import Kind
from antiphon.server.broadcast import Broadcast
from antiphon.server.calling import Replies
from antiphon.server.connection import Connection
from antiphon.server.rooms import Audience, Person, Rooms
from antiphon.server.socket import Socket
from antiphon.server.statistics import NamespaceStatistics, of_namespace

if TYPE_CHECKING:
    from antiphon.server.server import Server

__all__ = ["Namespace"]

F = TypeVar("F", bound=Callable[..., Any])


log = logging.getLogger("antiphon.server")


class Namespace(Registering):
    """What the sockets of one name have in common. Made by `Server.namespace`."""

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        self.name = name
        self.handlers = Handlers(name)
        self.around = Middleware(f"namespace {name!r}", server.around, self._guard)
        self.declared = Declarations(name)
        self.rooms = Rooms()
        self._everybody = Broadcast(self)

    def __repr__(self) -> str:
        return f"<Namespace {self.name} with {self.count()} sockets>"

    # -- handlers

    def on_connect(self, function: F) -> F:
        """Decorate what admits a socket: `async def handler(socket)` or `(socket, auth)`. There may be several.

        Raise Refused in it to turn the client away. Until it returns, no event of this socket is handled, and of what
        is said to others it hears only what goes to the rooms that the handler has joined it to.
        """
        return self.handlers.on_connect(function)

    def on_disconnect(self, function: F) -> F:
        """Decorate what sees a socket off, once: `async def handler(socket)` or `(socket, reason)`.

        `reason` is a Disconnected, or its words where it is annotated as a str. Nothing reaches the client any more.
        """
        return self.handlers.on_disconnect(function)

    def on_suspend(self, function: F) -> F:
        """Decorate what is told that the client's connection is cut: `async def handler(socket)`.

        The socket stays where it is, and what is said to it waits. Then comes either `on_resume` or `on_disconnect`.
        Should a client be cut hundreds of times while one of its handlers is at work, not all of that is told.
        """
        return self.handlers.on_suspend(function)

    def on_resume(self, function: F) -> F:
        """Decorate what is told that the client is back, behind `on_suspend`: `async def handler(socket)`."""
        return self.handlers.on_resume(function)

    # -- middleware

    def around_connect(self, function: F) -> F:
        """As Server.around_connect, for this namespace only and inside of the server's."""
        return self.around.add("connect", function)

    def around_event(self, function: F) -> F:
        """As Server.around_event, for this namespace only and inside of the server's."""
        return self.around.add("event", function)

    def around_emit(self, function: F) -> F:
        """As Server.around_emit, for this namespace only and inside of the server's."""
        return self.around.add("emit", function)

    def check_rooms(self, sockets: Iterable[Socket], rooms: Iterable[str]) -> None:
        """Whether sockets may come into rooms. Raises LocalProtocolError before the first has come into one."""
        most, wanted = self.server.limits.rooms, set(rooms)
        for socket in sockets:
            # Nobody walks through ten thousand rooms whenever one more is joined.
            if self.rooms.about(socket) + len(wanted) > most and len(self.rooms.of(socket) | wanted) > most:
                self.server.counters.hit("rooms")
                raise LocalProtocolError(
                    f"{socket!r} would be in more than {most} rooms; let it leave some, or raise Limits(rooms=...)"
                )

    def _guard(self, around: Middleware) -> None:
        self.handlers.guard(around.event is not None)

    # -- audiences

    def to(self, *rooms: str) -> Broadcast:
        """The sockets in any of `rooms`."""
        return self._everybody.to(*rooms)

    def user(self, id: str) -> Broadcast:
        """The sockets that the person of this id has here; `server.user` has those in all namespaces."""
        return Broadcast(self, Audience((Person(id),)))

    def except_(self, *but: str | Socket) -> Broadcast:
        """Everybody but these sockets, and those in these rooms."""
        return self._everybody.except_(*but)

    def where(self, predicate: Callable[[Socket], object]) -> Broadcast:
        """The sockets that `predicate` is true of when something is said to them."""
        return self._everybody.where(predicate)

    @property
    def sockets(self) -> frozenset[Socket]:
        """Everybody in the namespace."""
        return self._everybody.sockets

    def socket(self, id: str) -> Socket | None:
        """The socket of this id, if it is in the namespace."""
        line = self.server.registry.at(id.removesuffix(self.name))
        socket = line.sockets.get(self.name) if isinstance(line, Connection) else None
        return socket if socket is not None and socket.id == id and socket in self.rooms.everybody else None

    def count(self, room: str | None = None) -> int:
        """How many sockets are in the namespace, or in one of its rooms. `rooms.counts()` has those of all rooms."""
        return len(self.rooms.select(Audience() if room is None else Audience((room,))))

    def statistics(self) -> NamespaceStatistics:
        """How the namespace stands now; `to(room).statistics()` is about one of its rooms."""
        return of_namespace(self.name, self.sockets, self.rooms.counts())

    # -- to everybody

    async def emit(self, event: str, *args: Any, volatile: bool = False, latest: str | int | None = None) -> None:
        """Send an event to everybody in the namespace; see Broadcast.emit."""
        await self._everybody.emit(event, *args, volatile=volatile, latest=latest)

    def emit_nowait(self, event: str, *args: Any, volatile: bool = False, latest: str | int | None = None) -> None:
        """As `emit`, for code that is not async."""
        self._everybody.emit_nowait(event, *args, volatile=volatile, latest=latest)

    async def call(self, event: str, *args: Any, timeout: float | None = None) -> Replies:
        """Ask everybody in the namespace; see Broadcast.call."""
        return await self._everybody.call(event, *args, timeout=timeout)

    def replies(self, event: str, *args: Any, timeout: float | None = None) -> AsyncIterator[tuple[Socket, Any]]:
        """Ask everybody in the namespace; see Broadcast.replies."""
        return self._everybody.replies(event, *args, timeout=timeout)

    async def join(self, *rooms: str) -> None:
        """Have everybody come into rooms."""
        await self._everybody.join(*rooms)

    async def leave(self, *rooms: str) -> None:
        """Have everybody leave rooms."""
        await self._everybody.leave(*rooms)

    async def move(self, from_room: str, to_room: str) -> None:
        """Have everybody who is in one room leave it for another."""
        await self._everybody.move(from_room, to_room)

    async def disconnect(self, reason: str = "disconnected by the server") -> None:
        """Put everybody out of the namespace."""
        await self._everybody.disconnect(reason)

    async def end(self, reason: str = "ended by the server") -> None:
        """End the whole session of everybody in the namespace; see Socket.end."""
        await self._everybody.end(reason)

    # -- for the server

    def kind(self, event: str, volatile: bool) -> Kind:
        """What middleware is told an emit is."""
        declared = self.declared.get(event)
        return "volatile" if volatile or (declared is not None and declared.volatile) else "event"

    def deliver(self, audience: Audience, one: Said) -> None:
        """Send one event to an audience, and to that of other nodes if there is a broker."""
        node = self.server.node
        # First, for it may say that this audience cannot travel.
        envelope = node.envelope(audience, one) if node is not None else None
        self.send(self.rooms.select(audience), one)
        if node is not None and envelope is not None:
            node.publish(envelope)

    def send(self, sockets: Iterable[Socket], one: Said, codec: Codec | None = None, *, ours: bool = True) -> None:
        """Put one event into the outboxes of sockets: encoded once per form, one call per receiver.

        `codec` is that of the only receiver. `ours`: it is emitted here, and not by another node.
        """
        packet, key = one
        prepared = self.server.prepare(Prepared(packet), codec)
        forms = prepared.forms
        if prepared.unsaid:
            sockets = _reached(sockets, prepared)
        if type(packet) is Volatile:
            for encoded in forms.values():
                check_volatile(encoded)
        if ours and self.handlers.outgoing:
            tell_outgoing(self.handlers, packet.name, packet.args)
        if type(packet) is Volatile:
            now = self.server.clock()
            for socket in sockets:
                outbox = socket.outbox
                outbox.add_volatile(forms.get(outbox.form) or prepared.encode(outbox.codec), now)
        elif key is None:
            for socket in sockets:
                socket.outbox.put(prepared)
        else:
            for socket in sockets:
                outbox = socket.outbox
                outbox.add(Entry(packet, forms.get(outbox.form) or prepared.encode(outbox.codec), key=key))
        self.server.flusher.soon()


def _reached(sockets: Iterable[Socket], prepared: Prepared) -> list[Socket]:
    """Those of `sockets` whose wire can say it; what the others miss is logged."""
    unsaid = prepared.unsaid
    missed = Counter(socket.outbox.form for socket in sockets if socket.outbox.form in unsaid)
    for form, count in missed.items():
        name = prepared.packet.name if isinstance(prepared.packet, Event | Volatile) else ""
        log.error("%r is not sent to %d clients whose wire cannot say it: %s", name, count, one_line(unsaid[form]))
    return [socket for socket in sockets if socket.outbox.form not in unsaid]
