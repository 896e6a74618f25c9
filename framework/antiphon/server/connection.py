"""The asyncio half of a session: it runs handlers in order, and lives as long as the session does."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from antiphon.dispatch.handlers import Handler
from antiphon.dispatch.outcomes import cancelled_by_us, tellable
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
from antiphon.server.tasks import Tasks

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
        # What the worker does before it takes the next packet: joins of a Hello, goodbyes that the server said.
        self._errands: deque[Callable[[], Coroutine[Any, Any, None]]] = deque()
        self._asked_in_hello: set[str] = set()
        self._put_out_at_the_door: dict[Socket, str] = {}  # by their own connect handler, and why
        self._tasks = Tasks()
        self._want_room: set[asyncio.Future[None]] = set()

    # -- from the line

    def _hand_over(self) -> None:
        if not self.working:
            self.working = True
            self._tasks.spawn(self._work())

    def _clean_up(self) -> None:
        self._server.registry.bury(self, self._clock())
        for socket in self.sockets.values():
            socket.gone()
        self._hand_over()  # what was accepted is handled before the sockets are seen off

    # -- the worker

    async def _work(self) -> None:
        """Run handlers in the order in which their packets came."""
        hand_over = self.session.inbox.hand_over
        outbox, flusher, errands = self.session.outbox, self._server.flusher, self._errands
        try:
            while True:
                while errands:
                    await errands.popleft()()
                    flusher.soon()
                packet = hand_over()
                if packet is None:
                    break
                # On the path of every event, so by identity; the first of these is nearly always true.
                if type(packet) is Event or type(packet) is Call or type(packet) is Volatile:
                    socket = self.sockets.get(packet.namespace)
                    handler = None if socket is None else socket.namespace.handlers.get(packet.name)
                    if socket is not None and handler is not None and not handler.concurrent:
                        # What happens nearly always, without a call in between; `_handle` does the rest.
                        try:
                            args = handler.plan.arguments(packet.args)
                        except PayloadError as error:
                            self._misfit(packet, error)
                        else:
                            await self._run(handler, socket, packet, args)
                    else:
                        await self._handle(packet, socket)
                elif type(packet) is Join:
                    await self._join(packet)
                elif type(packet) is Leave:
                    await self._leave(packet)
                if outbox.dirty:
                    flusher.soon()
            if self._ended:
                await self._see_off()
        finally:
            self.working = False

    async def _run(self, handler: Handler, socket: Socket, packet: Event | Call | Volatile, args: Any) -> None:
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
                log.warning("handler %r of namespace %r failed: %s", packet.name, socket.namespace.name, error)
            else:
                self._answer(self._told(call, error, packet.name, socket.namespace.name))
        except (ConnectionClosed, CallError) as error:
            # The client went while its handler waited for it: that is no fault of the handler.
            log.info("handler %r of namespace %r ended: %s", packet.name, socket.namespace.name, error)
            if call is not None:
                self._answer(Failed(call, "error", "the handler's own call had no answer"))
        except (Exception, asyncio.CancelledError) as error:
            if cancelled_by_us(error):
                raise
            incident = self._incident("handler %r of namespace %r", packet.name, socket.namespace.name)
            if call is not None:
                self._answer(Failed(call, "error", "the handler failed", incident))

    def _told(self, call: int, error: CallFailed, name: str, namespace: str) -> Failed:
        """What a handler wants its caller to know; if that cannot travel, it is the handler's failure."""
        try:
            code, message, data = tellable(error.code, error.message, error.data)
        except PayloadError:
            incident = self._incident("the CallFailed of handler %r of namespace %r", name, namespace)
            return Failed(call, "error", "the handler failed", incident)
        return Failed(call, code, message, data)

    def _incident(self, who: str, *names: str) -> dict[str, str]:
        """Log the exception that is being handled; what it was stays here, its id may be told."""
        incident = self._server.new_incident()
        log.exception(f"{who} raised [%s]", *names, incident)
        return {"id": incident}

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
        if not handler.concurrent:
            await self._run(handler, socket, packet, args)
            return
        await self._tasks.room_beside()
        self._tasks.spawn_beside(self._run(handler, socket, packet, args))

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
        for namespace, auth in joins:
            # Remembered, not looked up in `sockets`: it may wait for its turn, or have been put out again.
            if namespace not in self._asked_in_hello:
                self._asked_in_hello.add(namespace)
                self._errands.append(partial(self._join, Join(namespace, auth)))
        if self._errands:
            self._hand_over()

    async def _join(self, packet: Join) -> None:
        name, limits = packet.namespace, self._server.limits
        namespace = self._server.find(name)
        if len(name) > limits.name:
            # Its own words would not fit into the answer, so it gets as much of them back as a name may have.
            self._tell(Refused(name[: limits.name], f"the name of a namespace has at most {limits.name} characters"))
        elif name in self.sockets:
            self._tell(Refused(name, "joined already"))
        elif namespace is None:
            self._tell(Refused(name, f"there is no namespace {name!r}"))
        elif len(self.sockets) >= limits.namespaces:
            self._tell(Refused(name, f"a client may join {limits.namespaces} namespaces"))
        elif not self._ended:
            socket = self.sockets[name] = Socket(self, namespace)
            refusal = await self._admission(namespace.handlers.connect, socket, packet)
            if refusal is not None:
                socket.gone()
                self.sockets.pop(name, None)
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
        if self.session.ending is not None:
            return
        try:
            self.session.send(packet)
        except OutboxFull as error:
            log.error("the Refused of namespace %r cannot be told: %s", packet.namespace, error)
            self.session.send(Refused(packet.namespace, "refused"))

    async def _leave(self, packet: Leave) -> None:
        socket = self.sockets.pop(packet.namespace, None)
        if socket is not None:
            socket.gone()
            await self._disconnected(socket, packet.reason or "left")

    def put_out(self, socket: Socket, reason: str) -> None:
        """The server has one socket leave, the session goes on. Its disconnect handler is run in its turn."""
        if self.sockets.get(socket.namespace.name) is socket and self.session.ending is None:
            del self.sockets[socket.namespace.name]
            if socket in socket.namespace.rooms.everybody:
                self.session.send(Leave(socket.namespace.name, reason))
            else:
                # Its connect handler did it: the join has no answer yet, and waits for one, not for a Leave.
                self._put_out_at_the_door[socket] = reason
            socket.gone()
            self._errands.append(partial(self._disconnected, socket, reason))
            self._hand_over()
            self._server.flusher.soon()

    async def _see_off(self) -> None:
        ending = self.session.ending
        reason = ending.code if ending is not None else "closed"
        while self.sockets:
            _, socket = self.sockets.popitem()
            socket.gone()
            await self._disconnected(socket, reason)

    async def _disconnected(self, socket: Socket, reason: str) -> None:
        handler = socket.namespace.handlers.disconnect
        if handler is None:
            return
        try:
            args = handler.plan.arguments([reason])
        except PayloadError as error:
            log.error("a disconnect handler did not run: %s", error)
        else:
            await self._run(handler, socket, Event(socket.namespace.name, "disconnect", [reason]), args)

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
        room: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._want_room.add(room)
        self.on_room = self._room
        try:
            await asyncio.wait((room,), timeout=ROOM_WAIT)
        finally:
            self._want_room.discard(room)

    def _room(self) -> None:
        for room in self._want_room:
            if not room.done():
                room.set_result(None)

    async def settled(self, patience: float, asking: asyncio.Task[Any] | None) -> None:
        """Wait until every handler is done, but for the one that is `asking`.

        What takes longer than `patience` seconds is cancelled, and the sockets are then seen off without it.
        """
        if not await self._tasks.done(patience, asking):
            self._tasks.spawn(self._see_off())
            await self._tasks.done(patience, asking)
