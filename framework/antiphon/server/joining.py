"""How a client comes into a namespace and goes: asked by a packet, told by the hooks of the application."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from antiphon.dispatch.handlers import Handler
from antiphon.dispatch.outcomes import cancelled_by_us, tellable
from antiphon.errors import CallError, ConnectionClosed, OutboxFull, PayloadError
from antiphon.errors import Refused as RefusedError
from antiphon.protocol.packets import Join, Joined, Leave, Refused
from antiphon.server.socket import Socket

if TYPE_CHECKING:
    from antiphon.server.connection import Connection
    from antiphon.server.server import Server

__all__ = ["Joining"]

log = logging.getLogger("antiphon.server")


class Joining:
    """The doors of one connection. What it does for the client is an errand of the worker, and waits for its turn."""

    def __init__(self, connection: Connection, server: Server) -> None:
        self._connection = connection
        self._server = server
        self._asked_in_hello: set[str] = set()
        self._put_out_at_the_door: dict[Socket, str] = {}  # by their own connect handler, and why

    def admit(self, joins: tuple[tuple[str, Any], ...]) -> None:
        """Join what the Hello asked for that made the session; a repeated Hello adds only what is new."""
        for namespace, auth in joins:
            # Remembered, not looked up in `sockets`: it may wait for its turn, or have been put out again.
            if namespace not in self._asked_in_hello:
                self._asked_in_hello.add(namespace)
                self._errand(partial(self.join, Join(namespace, auth)))

    async def join(self, packet: Join) -> None:
        """Let the client in, or tell it why not."""
        name, limits, connection = packet.namespace, self._server.limits, self._connection
        sockets = connection.sockets
        namespace = self._server.find(name)
        if len(name) > limits.name:
            # Its own words would not fit into the answer, so it gets as much of them back as a name may have.
            self._tell(Refused(name[: limits.name], f"the name of a namespace has at most {limits.name} characters"))
        elif name in sockets:
            self._tell(Refused(name, "joined already"))
        elif namespace is None:
            self._tell(Refused(name, f"there is no namespace {name!r}"))
        elif len(sockets) >= limits.namespaces:
            self._tell(Refused(name, f"a client may join {limits.namespaces} namespaces"))
        elif not connection.ended:
            socket = sockets[name] = Socket(connection, namespace)
            refusal = await self._admission(namespace.handlers.connect, socket, packet)
            if refusal is not None:
                socket.gone()
                sockets.pop(name, None)
                self._put_out_at_the_door.pop(socket, None)
                self._tell(refusal)
            elif (reason := self._put_out_at_the_door.pop(socket, None)) is not None:
                self._tell(Refused(name, reason))
            elif socket.connected:
                # Only now: who is not let in yet hears nothing of what is said to all.
                namespace.rooms.enter(socket)
                self._tell(Joined(name, socket.id))

    async def _admission(self, handler: Handler | None, socket: Socket, packet: Join) -> Refused | None:
        """Ask the connect handler; None when it lets the socket in."""
        if handler is None:
            return None
        name = packet.namespace
        try:
            args = handler.plan.arguments([packet.auth])
        except PayloadError as error:
            return Refused(name, str(error), {"parameter": error.parameter, "expected": error.expected})
        try:
            result = handler.function(socket, *args)
            if handler.is_async:
                await result
        except RefusedError as error:
            try:
                reason, _, data = tellable(error.reason, "", error.data)
            except PayloadError:
                return Refused(name, "refused", self._incident("the Refused of namespace %r", name))
            return Refused(name, reason, data)
        except (ConnectionClosed, CallError) as error:
            log.info("on_connect of namespace %r ended: %s", name, error)
            return Refused(name, "the connect handler's own call had no answer")
        except (Exception, asyncio.CancelledError) as error:
            if cancelled_by_us(error):
                raise
            return Refused(name, "the connect handler failed", self._incident("on_connect of namespace %r", name))
        return None

    def _tell(self, packet: Joined | Refused) -> None:
        session = self._connection.session
        if session.ending is not None:
            return
        try:
            session.send(packet)
        except OutboxFull as error:
            log.error("the Refused of namespace %r cannot be told: %s", packet.namespace, error)
            session.send(Refused(packet.namespace, "refused"))

    async def leave(self, packet: Leave) -> None:
        """The client leaves."""
        socket = self._connection.sockets.pop(packet.namespace, None)
        if socket is not None:
            socket.gone()
            await self._disconnected(socket, packet.reason or "left")

    def put_out(self, socket: Socket, reason: str) -> None:
        """The server has one socket leave, the session goes on. Its disconnect handler is run in its turn."""
        connection, name = self._connection, socket.namespace.name
        if connection.sockets.get(name) is socket and connection.session.ending is None:
            del connection.sockets[name]
            if socket in socket.namespace.rooms.everybody:
                connection.session.send(Leave(name, reason))
            else:
                # Its connect handler did it: the join has no answer yet, and waits for one, not for a Leave.
                self._put_out_at_the_door[socket] = reason
            socket.gone()
            self._errand(partial(self._disconnected, socket, reason))
            self._server.flusher.soon()

    async def see_off(self) -> None:
        """The session has ended, and what was accepted is handled."""
        ending, sockets = self._connection.session.ending, self._connection.sockets
        reason = ending.code if ending is not None else "closed"
        while sockets:
            _, socket = sockets.popitem()
            socket.gone()
            await self._disconnected(socket, reason)

    async def _disconnected(self, socket: Socket, reason: str) -> None:
        handler = socket.namespace.handlers.disconnect
        if handler is not None:
            await self._connection.worker.run_hook(handler, socket, [reason])

    def _errand(self, errand: Callable[[], Any]) -> None:
        self._connection.worker.errand(errand)
        self._connection.worker.wake()

    def _incident(self, who: str, *names: str) -> dict[str, str] | None:
        return self._connection.worker.incident(who, *names)
