"""How a client comes into a namespace and goes: asked by a packet, told by the hooks of the application."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from antiphon.dispatch.handlers import Handler
from antiphon.dispatch.middleware import Around
from antiphon.dispatch.outcomes import cancelled_by_us, tellable
from antiphon.errors import CallError, ConnectionClosed, OutboxFull, PayloadError
from antiphon.errors import Refused as RefusedError
from antiphon.protocol.disconnects import DisconnectCode, Disconnected
from antiphon.protocol.loglines import one_line
from antiphon.protocol.packets import Join, Joined, Leave, Refused
from antiphon.protocol.refusals import no_namespace
from antiphon.protocol.states import State
from antiphon.server.around import Arriving, kept
from antiphon.server.rooms import Person
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
        self._suspended: tuple[Socket, ...] = ()
        self._cut_is_told = False  # the last one; its end is told of as well
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
            self._server.counters.hit("name")
            self._tell(Refused(name[: limits.name], f"the name of a namespace has at most {limits.name} characters"))
        elif name in sockets:
            self._tell(Refused(name, "joined already"))
        elif namespace is None:
            self._tell(Refused(name, no_namespace(name)))
        elif len(sockets) >= limits.namespaces:
            self._server.counters.hit("namespaces")
            self._tell(Refused(name, f"a client may join {limits.namespaces} namespaces"))
        elif connection.session.state in (State.ATTACHED, State.DETACHED):
            socket = sockets[name] = Socket(connection, namespace)
            refusal = await self._admission(socket, packet.auth)
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
                if socket.principal is not None:
                    namespace.rooms.join(socket, Person(socket.principal.id))
                self._tell(Joined(name, socket.id))
                socket.let_in()

    async def _admission(self, socket: Socket, auth: Any) -> Refused | None:
        """Ask the connect handlers, and the middleware around them; None when they let the socket in."""
        name, around = socket.namespace.name, socket.namespace.around.connect
        try:
            if around is None:
                await self._ask(socket, auth)
            else:
                await self._ask_within(around, Arriving(socket, auth))
        except RefusedError as error:
            try:
                reason, _, data = tellable(error.reason, "", error.data)
            except PayloadError:
                return Refused(name, "refused", self._incident("the Refused of namespace %r", name))
            return Refused(name, reason, data)
        except (ConnectionClosed, CallError) as error:
            log.info("on_connect of namespace %r ended: %s", name, one_line(error))
            return Refused(name, "the connect handler's own call had no answer")
        except (Exception, asyncio.CancelledError) as error:
            if cancelled_by_us(error):
                raise
            return Refused(name, "the connect handler failed", self._incident("on_connect of namespace %r", name))
        return None

    async def _ask(self, socket: Socket, auth: Any) -> None:
        """Ask one connect handler after the other; who refuses, or puts the socket out, is the last."""
        for handler in socket.namespace.handlers.connect:
            try:
                args = handler.plan.arguments([auth])
            except PayloadError as error:
                raise RefusedError(str(error), error.told) from error
            result = handler.function(socket, *args)
            if handler.is_async:
                await result
            if not socket.connected:
                return

    async def _ask_within(self, around: Around, arriving: Arriving) -> None:
        admitted = False

        async def proceed(record: Arriving) -> None:
            nonlocal admitted
            await self._ask(arriving.socket, kept(arriving, record).auth)
            admitted = True

        await around(arriving, proceed)
        if not admitted:
            # Whoever forgets to proceed must not have opened the door.
            raise RefusedError("refused")

    def _tell(self, packet: Joined | Refused) -> None:
        session = self._connection.session
        if session.ending is not None:
            return
        try:
            session.send(packet)
        except (OutboxFull, PayloadError) as error:
            # Too large, or no word of the wire of this client: CONNECT_ERROR of Socket.IO holds no bytes.
            log.error("the Refused of namespace %r cannot be told: %s", packet.namespace, one_line(error))
            session.send(Refused(packet.namespace, "refused"))

    async def leave(self, packet: Leave) -> None:
        """The client leaves."""
        socket = self._connection.sockets.pop(packet.namespace, None)
        if socket is not None:
            socket.gone()
            self._connection.worker.stop_streams(packet.namespace)
            await self._disconnected(socket, Disconnected(DisconnectCode.LEFT, packet.reason))

    def put_out(self, socket: Socket, reason: str, code: DisconnectCode = DisconnectCode.PUT_OUT) -> None:
        """The server has one socket leave, the session goes on. Its disconnect handler is run in its turn.

        With another `code` all of the session is about to end, and its Close tells the client.
        """
        connection, name = self._connection, socket.namespace.name
        if connection.sockets.get(name) is socket and connection.session.ending is None:
            del connection.sockets[name]
            if socket not in socket.namespace.rooms.everybody:
                # Its connect handler did it: the join has no answer yet, and waits for one, not for a Leave.
                self._put_out_at_the_door[socket] = reason
            elif code is DisconnectCode.PUT_OUT:
                connection.session.send(Leave(name, reason))
            socket.gone()
            connection.worker.stop_streams(name)
            self._errand(partial(self._disconnected, socket, Disconnected(code, reason)))
            self._server.flusher.soon()

    async def see_off(self) -> None:
        """The session has ended, and what was accepted is handled."""
        reason, sockets = Disconnected.with_session(self._connection.session.ending), self._connection.sockets
        while sockets:
            _, socket = sockets.popitem()
            socket.gone()
            await self._disconnected(socket, reason)

    async def _disconnected(self, socket: Socket, reason: Disconnected) -> None:
        for handler in socket.namespace.handlers.disconnect:
            await self._connection.worker.run_hook(handler, socket, handler.told(reason))

    # -- cuts

    def suspend(self) -> None:
        """The transport is gone, and the session may be resumed."""
        # A client may come and go as often as it likes while one of its handlers is at work: what it does
        # meanwhile must not pile up, so of a crowd of cuts only the first ones are told, each with its end.
        if self._cuts_are_told() and not self._connection.worker.crowded:
            self._cut_is_told = True
            self._errand(self._suspend)

    def resume(self) -> None:
        """A transport has come: after a cut, or to take over from another one."""
        if self._cut_is_told:
            self._cut_is_told = False
            self._errand(self._resume)

    def _cuts_are_told(self) -> bool:
        sockets = self._connection.sockets.values()
        return any(socket.namespace.handlers.suspend or socket.namespace.handlers.resume for socket in sockets)

    async def _suspend(self) -> None:
        # Remembered: who comes into a namespace before the client is back was not there when it went.
        self._suspended = tuple(self._connection.sockets.values())
        for socket in self._suspended:
            await self._tell_cut(socket.namespace.handlers.suspend, socket)

    async def _resume(self) -> None:
        suspended, self._suspended = self._suspended, ()
        for socket in suspended:
            await self._tell_cut(socket.namespace.handlers.resume, socket)

    async def _tell_cut(self, hooks: tuple[Handler, ...], socket: Socket) -> None:
        for handler in hooks:
            if socket.connected:
                await self._connection.worker.run_hook(handler, socket, [])

    def _errand(self, errand: Callable[[], Any]) -> None:
        self._connection.worker.errand(errand)
        self._connection.worker.wake()

    def _incident(self, who: str, *names: str) -> dict[str, str] | None:
        return self._connection.worker.incident(who, *names)
