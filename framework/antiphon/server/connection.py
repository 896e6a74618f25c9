"""The asyncio half of a session: it runs handlers in order, and lives as long as the session does."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from antiphon.dispatch.handlers import Handler
from antiphon.dispatch.payloads import to_wire
from antiphon.errors import (
    CallError,
    CallFailed,
    ConnectionClosed,
    OutboxFull,
    PayloadError,
)
from antiphon.errors import (
    Refused as RefusedError,
)
from antiphon.protocol.packets import Call, Event, Failed, Join, Joined, Leave, Packet, Refused, Reply, Volatile
from antiphon.protocol.server_session import ServerSession
from antiphon.server.line import Line
from antiphon.server.socket import Socket

if TYPE_CHECKING:
    from antiphon.server.server import Server

__all__ = ["Connection"]

log = logging.getLogger("antiphon.server")

# An awaited emit waits so long for a slow client (contract rule 10).
ROOM_WAIT = 10.0


class Connection(Line):
    """One session with its sockets and the worker that runs their handlers.

    The worker exists while the inbox is not empty; there is no task per event.
    """

    def __init__(self, session: ServerSession, server: Server) -> None:
        super().__init__(session, server.clock, server.flusher.soon)
        self.sockets: dict[str, Socket] = {}
        self._server = server
        self._joins: deque[Join] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    # -- from the line

    def _hand_over(self) -> None:
        if not self.working:
            self.working = True
            self._spawn(self._work())

    def _clean_up(self) -> None:
        self._server.registry.bury(self, self._clock())
        for socket in self.sockets.values():
            socket.gone()
        self._hand_over()  # what was accepted is handled before the sockets are seen off

    # -- the worker

    async def _work(self) -> None:
        """Run handlers in the order in which their packets came."""
        hand_over = self.session.inbox.hand_over
        outbox, flusher = self.session.outbox, self._server.flusher
        try:
            while self._joins:
                await self._join(self._joins.popleft())
                flusher.soon()
            while (packet := hand_over()) is not None:
                kind = type(packet)
                if kind is Event or kind is Call or kind is Volatile:
                    socket = self.sockets.get(packet.namespace)  # type: ignore[attr-defined]
                    handler = None if socket is None else socket.namespace.handlers.get(packet.name)  # type: ignore[attr-defined]
                    if socket is not None and handler is not None and not handler.concurrent:
                        # What happens nearly always, without a call in between; `_handle` does the rest.
                        try:
                            args = handler.plan.arguments(packet.args)  # type: ignore[attr-defined]
                        except PayloadError as error:
                            self._misfit(packet, error)
                        else:
                            await self._run(handler, socket, packet, args)
                    else:
                        await self._handle(packet, socket)
                elif kind is Join:
                    await self._join(packet)  # type: ignore[arg-type]
                elif kind is Leave:
                    await self._leave(packet)  # type: ignore[arg-type]
                if outbox.dirty:
                    flusher.soon()
            if self._ended:
                await self._see_off()
        finally:
            self.working = False

    async def _run(self, handler: Handler, socket: Socket, packet: Packet, args: Any) -> None:
        """Run one handler and answer with what it returns. Its exceptions go to the log and to its caller only."""
        call = packet.id if type(packet) is Call else None
        try:
            result = handler.function(socket, *args)
            if handler.is_async:
                result = await result
            if call is not None:
                self._answer(Reply(call, to_wire(result, f"the reply of handler {handler.name!r}")))
        except CallFailed as error:
            if call is None:
                log.warning("handler %r of namespace %r failed: %s", handler.name, socket.namespace.name, error)
            else:
                self._answer(Failed(call, error.code, error.message, to_wire(error.data, "the data of a CallFailed")))
        except (ConnectionClosed, CallError) as error:
            # The client went while its handler waited for it: that is no fault of the handler.
            log.info("handler %r of namespace %r ended: %s", handler.name, socket.namespace.name, error)
            if call is not None:
                self._answer(Failed(call, "error", "the handler's own call had no answer"))
        except Exception:
            incident = self._server.new_incident()
            log.exception("handler %r of namespace %r raised [%s]", handler.name, socket.namespace.name, incident)
            if call is not None:
                self._answer(Failed(call, "error", "the handler failed", {"id": incident}))

    def _answer(self, packet: Reply | Failed) -> None:
        if self.session.ending is not None:
            return
        try:
            self.session.send(packet)
        except OutboxFull as error:
            self.session.send(Failed(packet.id, "too_large", str(error)))
        self._server.flusher.soon()

    async def _handle(self, packet: Packet, socket: Socket | None) -> None:
        """What is not the common case: nobody to handle it, a catch-all, or a handler that runs beside."""
        assert isinstance(packet, Event | Call | Volatile)
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
            args = [*leading, *handler.plan.arguments(packet.args)]
        except PayloadError as error:
            self._misfit(packet, error)
            return
        running = self._run(handler, socket, packet, args)
        if handler.concurrent:
            self._spawn(running)
        else:
            await running

    def _misfit(self, packet: Packet, error: PayloadError) -> None:
        self._server.counters.misfits += 1
        if isinstance(packet, Call):
            data = {"parameter": error.parameter, "expected": error.expected}
            self._answer(Failed(packet.id, "payload", str(error), data))
        else:
            log.info("an event was dropped: %s", error)

    def _nobody(self, packet: Event | Call | Volatile, code: str, message: str) -> None:
        self._server.counters.unhandled += 1
        if isinstance(packet, Call):
            self._answer(Failed(packet.id, code, message))

    # -- namespaces

    def admit(self, joins: tuple[tuple[str, Any], ...]) -> None:
        """Join what the Hello asked for that made the session; a repeated Hello adds only what is new."""
        self._joins += [Join(namespace, auth) for namespace, auth in joins if namespace not in self.sockets]
        if self._joins:
            self._hand_over()

    async def _join(self, packet: Join) -> None:
        name = packet.namespace
        namespace = self._server.find(name)
        if name in self.sockets:
            self._tell(Refused(name, "joined already"))
        elif namespace is None:
            self._tell(Refused(name, f"there is no namespace {name!r}"[:200]))
        elif len(self.sockets) >= self._server.limits.namespaces:
            self._tell(Refused(name, f"a client may join {self._server.limits.namespaces} namespaces"))
        elif not self._ended:
            socket = self.sockets[name] = Socket(self, namespace)
            namespace.rooms.enter(socket)
            refusal = await self._admission(namespace.handlers.connect, socket, packet)
            if refusal is None:
                self._tell(Joined(name, socket.id))
            else:
                socket.gone()
                self.sockets.pop(name, None)
                self._tell(refusal)

    async def _admission(self, handler: Handler | None, socket: Socket, packet: Join) -> Refused | None:
        """Ask the connect handler; None when it lets the socket in."""
        if handler is None:
            return None
        name = packet.namespace
        try:
            result = handler.function(socket, *handler.plan.arguments([packet.auth]))
            if handler.is_async:
                await result
        except RefusedError as error:
            return Refused(name, error.reason, to_wire(error.data, "the data of a Refused"))
        except PayloadError as error:
            return Refused(name, str(error), {"parameter": error.parameter, "expected": error.expected})
        except Exception:
            incident = self._server.new_incident()
            log.exception("on_connect of namespace %r raised [%s]", name, incident)
            return Refused(name, "the connect handler failed", {"id": incident})
        return None

    def _tell(self, packet: Packet) -> None:
        if self.session.ending is None:
            self.session.send(packet)

    async def _leave(self, packet: Leave) -> None:
        socket = self.sockets.get(packet.namespace)
        if socket is not None:
            await self.part(socket, packet.reason or "left")

    async def part(self, socket: Socket, reason: str) -> None:
        """One socket leaves, the session goes on."""
        if self.sockets.get(socket.namespace.name) is socket:
            del self.sockets[socket.namespace.name]
            socket.gone()
            await self._disconnected(socket, reason)

    async def _see_off(self) -> None:
        ending = self.session.ending
        reason = ending.code if ending is not None else "closed"
        while self.sockets:
            _, socket = self.sockets.popitem()
            socket.gone()
            await self._disconnected(socket, reason)

    async def _disconnected(self, socket: Socket, reason: str) -> None:
        handler = socket.namespace.handlers.disconnect
        if handler is not None:
            packet = Event(socket.namespace.name, "disconnect", [reason])
            await self._run(handler, socket, packet, handler.plan.arguments([reason]))

    # -- for sockets

    async def call(self, packet: Callable[[int], Call], timeout: float) -> Any:
        """Send a call to the client and return its answer, or raise its CallError."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()

        def settle(outcome: Any) -> None:
            if not future.done():
                future.set_result(outcome)

        deadline = self._clock() + timeout
        pending = self.session.call(packet(self._server.next_call()), settle, deadline)
        self._server.flusher.soon()
        # The server's ticker is too coarse for a short timeout.
        timer = loop.call_later(timeout, self._tick_now)
        try:
            outcome = await future
        except asyncio.CancelledError:
            self.session.cancel(pending)
            self._server.flusher.soon()
            raise
        finally:
            timer.cancel()
        if isinstance(outcome, CallError):
            raise outcome
        return outcome

    def _tick_now(self) -> None:
        self.tick(self._clock() + 0.001)
        self._server.flusher.soon()

    async def wait_for_room(self) -> None:
        """Wait until less than half of what may wait for the client does: while it is attached, 10 s at most."""
        if not self.session.attached:
            return
        room = asyncio.get_running_loop().create_future()
        others = self.on_room

        def let_in() -> None:
            if others is not None:
                others()
            if not room.done():
                room.set_result(None)

        self.on_room = let_in
        await asyncio.wait((room,), timeout=ROOM_WAIT)

    # -- tasks

    def _spawn(self, coroutine: Any) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Wait until every handler is done."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))
