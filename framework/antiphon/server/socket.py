"""One client in one namespace: what a handler holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from antiphon.dispatch.outgoing import outgoing
from antiphon.errors import CallNotSent
from antiphon.protocol.codec import Prepared
from antiphon.protocol.packets import Call, Event

if TYPE_CHECKING:
    from antiphon.server.broadcast import Broadcast
    from antiphon.server.connection import Connection
    from antiphon.server.namespace import Namespace

__all__ = ["Socket"]


class Socket:
    """A client's place in a namespace.

    It outlives cuts: `data`, rooms and calls under way are kept until the session ends. `id` is public; `data` yours.
    """

    __slots__ = ("__weakref__", "_connection", "_last_rooms", "data", "id", "namespace", "outbox")

    def __init__(self, connection: Connection, namespace: Namespace) -> None:
        self.id = connection.session.sid + namespace.name
        self.namespace = namespace
        self.data: dict[str, Any] = {}
        # A broadcast puts into it directly: one call per receiver.
        self.outbox = connection.session.outbox
        self._connection = connection
        self._last_rooms: frozenset[str] | None = None

    def __repr__(self) -> str:
        return f"<Socket {self.id} {'connected' if self.connected else 'gone'}>"

    @property
    def connected(self) -> bool:
        """Whether the socket is in its namespace. A cut changes nothing here: only the end of the session does."""
        return self._last_rooms is None

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
    def rooms(self) -> frozenset[str]:
        """The rooms this socket is in; once it is gone, the ones it was in."""
        return self.namespace.rooms.of(self) if self._last_rooms is None else self._last_rooms

    # -- to this client

    async def emit(self, event: str, *args: Any) -> None:
        """Send an event to this client. Waits, 10 s at most, while more than half of what may wait for it does.

        After the socket is gone nothing is sent: `on_disconnect` has told. Raises PayloadError for a value that cannot
        travel, and OutboxFull for one that is too large.
        """
        self.emit_nowait(event, *args)
        if self.outbox.size * 2 > self.outbox.bounds.size or self.outbox.above(0.5):
            await self._connection.wait_for_room()

    def emit_nowait(self, event: str, *args: Any) -> None:
        """As `emit`, without waiting: a client that does not keep up ends with `overflow`."""
        packet = Event(self.namespace.name, event, outgoing(event, args, self.namespace.server.limits))
        if self._last_rooms is None:
            server = self.namespace.server
            self.outbox.put(server.prepare(Prepared(packet), self.outbox.codec))
            server.flusher.soon()

    async def call(self, event: str, *args: Any, timeout: float = 30.0) -> Any:
        """Send an event to this client and return its answer.

        The call survives cuts. Raises CallTimeout after `timeout` seconds, CallFailed when the client's handler
        raised, CallAbandoned when the session ended first, and CallNotSent when the socket was gone before.
        """
        packet_args = outgoing(event, args, self.namespace.server.limits)
        if self._last_rooms is not None:
            raise CallNotSent(f"the client is not in namespace {self.namespace.name!r} any more; on_disconnect told")
        return await self._connection.call(
            lambda id: Call(id, self.namespace.name, event, packet_args, round(timeout * 1000)), timeout
        )

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
        """Come into rooms. Nothing happens once the socket is gone."""
        if self._last_rooms is None:
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

    # -- for the connection

    def gone(self) -> None:
        """The socket is out of its namespace."""
        if self._last_rooms is None:
            self._last_rooms = self.namespace.rooms.exit(self)
