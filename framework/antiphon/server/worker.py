"""It runs the handlers of one session in the order in which their packets came."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from antiphon.dispatch.handlers import Handler
from antiphon.dispatch.runner import Runner
from antiphon.errors import PayloadError
from antiphon.protocol.packets import Call, Event, Failed, Join, Leave, Packet, Volatile

if TYPE_CHECKING:
    from antiphon.server.connection import Connection
    from antiphon.server.server import Server
    from antiphon.server.socket import Socket

__all__ = ["Worker"]

log = logging.getLogger("antiphon.server")


class Worker(Runner):
    """The handlers of one connection. A task exists while the inbox is not empty; there is no task per event."""

    def __init__(self, connection: Connection, server: Server) -> None:
        super().__init__(connection.session, server.flusher.soon, log)
        self._connection = connection
        self._server = server
        # What is done before the next packet is taken: joins of a Hello, goodbyes that the server said.
        self._errands: deque[Callable[[], Coroutine[Any, Any, None]]] = deque()

    def wake(self) -> None:
        """There is something to do."""
        if not self._connection.working:
            self._connection.working = True
            self._connection.tasks.spawn(self._work())

    def errand(self, errand: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Have something done in its turn, before the next packet; `wake` begins it."""
        self._errands.append(errand)

    async def _work(self) -> None:
        connection = self._connection
        session, sockets, errands = connection.session, connection.sockets, self._errands
        hand_over, outbox, soon = session.inbox.hand_over, session.outbox, self._server.flusher.soon
        sid = session.sid
        try:
            while True:
                while errands:
                    await errands.popleft()()
                    soon()
                packet = hand_over()
                if packet is None:
                    break
                # On the path of every event, so by identity; the first of these is nearly always true.
                if type(packet) is Event or type(packet) is Call or type(packet) is Volatile:
                    socket = sockets.get(packet.namespace)
                    handler = None if socket is None else socket.namespace.handlers.get(packet.name)
                    if handler is not None and not handler.concurrent:
                        # What happens nearly always, without a call in between; `_handle` does the rest.
                        try:
                            args = handler.plan.arguments(packet.args)
                        except PayloadError as error:
                            self._misfit(packet, error)
                        else:
                            await self._run(handler, packet, (socket, *args), sid)
                    else:
                        await self._handle(packet, socket)
                elif type(packet) is Join:
                    await connection.joining.join(packet)
                elif type(packet) is Leave:
                    await connection.joining.leave(packet)
                if outbox.dirty:
                    soon()
            if connection.ended:
                await connection.joining.see_off()
        finally:
            connection.working = False

    async def _handle(self, packet: Event | Call | Volatile, socket: Socket | None) -> None:
        """What is not the common case: nobody to handle it, a catch-all, or a handler that runs beside."""
        if socket is None:
            self._nobody(packet, "not_joined", f"namespace {packet.namespace!r} is not joined")
            return
        handlers = socket.namespace.handlers
        handler, leading = handlers.get(packet.name), []
        if handler is None:
            handler, leading = handlers.any, [packet.name]
        if handler is None:
            self._nobody(packet, "unknown_event", f"namespace {packet.namespace!r} has no handler for {packet.name!r}")
            return
        try:
            args = [socket, *leading, *handler.plan.arguments(packet.args)]
        except PayloadError as error:
            self._misfit(packet, error)
            return
        running = self._run(handler, packet, args, self._connection.session.sid)
        if not handler.concurrent:
            await running
            return
        await self._connection.tasks.room_beside()
        self._connection.tasks.spawn_beside(running)

    async def run_hook(self, handler: Handler, socket: Socket, args: list[Any]) -> None:
        """Run a hook of the application with what it is told; its exceptions end in the log."""
        try:
            bound = handler.plan.arguments(args)
        except PayloadError as error:
            log.error("a hook did not run: %s", error)
        else:
            await self._run(handler, Event(socket.namespace.name, handler.name, args), (socket, *bound), None)

    def incident(self, who: str, *names: str) -> dict[str, str] | None:
        """Log the exception that is being handled; returns what the client may be told of it."""
        return self._incident(who, *names)

    def _misfit(self, packet: Packet, error: PayloadError) -> None:
        self._server.counters.misfits += 1
        if isinstance(packet, Call):
            data = {"parameter": error.parameter, "expected": error.expected}
            self._answer(Failed(packet.id, "payload", str(error), data), self._connection.session.sid)
        else:
            log.info("an event was dropped: %s", error)

    def _nobody(self, packet: Event | Call | Volatile, code: str, message: str) -> None:
        self._server.counters.unhandled += 1
        if isinstance(packet, Call):
            self._answer(Failed(packet.id, code, message), self._connection.session.sid)

    def _new_incident(self) -> dict[str, str]:
        return {"id": self._server.new_incident()}
