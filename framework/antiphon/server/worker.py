"""It runs the handlers of one session in the order in which their packets came."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from antiphon.dispatch.deadlines import nobody_waits
from antiphon.dispatch.delivery import Deliverer
from antiphon.dispatch.handlers import Handler
from antiphon.dispatch.middleware import Around
from antiphon.errors import CallFailed, PayloadError
from antiphon.protocol.pace import Pace, burst
from antiphon.protocol.packets import Call, Event, Failed, Join, Leave, Volatile
from antiphon.server.passage import Passage

if TYPE_CHECKING:
    from antiphon.server.connection import Connection
    from antiphon.server.server import Server
    from antiphon.server.socket import Socket

__all__ = ["Worker"]

log = logging.getLogger("antiphon.server")

# So many errands wait in one session at most that its client can cause as often as it likes.
CROWD = 256
# What may be made up for of `Limits.rate`, and how long a pause at least is, for each takes a timer; in seconds.
BURST = 2.0
PAUSE = 0.05
# After so many packets in a row whose handlers waited for nothing, others have their turn.
TURN = 16


class Worker(Deliverer):
    """The handlers of one connection. A task exists while the inbox is not empty; there is no task per event."""

    def __init__(self, connection: Connection, server: Server) -> None:
        super().__init__(connection.session, server.flusher.soon, server.clock, log, server.limits.streaming)
        self._connection = connection
        self._server = server
        # What is done before the next packet is taken: joins of a Hello, goodbyes that the server said.
        self._errands: deque[Callable[[], Coroutine[Any, Any, None]]] = deque()
        self._working: Any = None  # the task that takes packets
        self._pace = Pace(server.limits.rate, burst(server.limits.rate, BURST), server.clock())
        self._pause: asyncio.Future[None] | None = None  # while too much came

    def wake(self) -> None:
        """There is something to do."""
        if not self._connection.working:
            self._connection.working = True
            self._working = self._connection.tasks.spawn(self._work())
        else:
            self.go_on()

    def go_on(self) -> None:
        """Should it pause, it may have done so for long enough."""
        if self._pause is not None and not self._pause.done():
            self._pause.set_result(None)

    def step_aside(self) -> None:
        """What runs waits for events itself: the packets behind it are no longer its affair.

        Raises CallFailed when so many do that nothing would bound them.
        """
        if (task := self._current()) is self._working:
            tasks, limits = self._connection.tasks, self._server.limits
            if not tasks.step_beside(task):
                raise CallFailed("too_many", f"{limits.concurrent} handlers run beside the others in this session")
            self._working = tasks.spawn(self._work())

    def errand(self, errand: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Have something done in its turn, before the next packet; `wake` begins it."""
        self._errands.append(errand)

    @property
    def crowded(self) -> bool:
        """Whether so much is to be done already that what can be spared is."""
        return len(self._errands) >= CROWD

    async def _work(self) -> None:
        connection = self._connection
        session, sockets, errands = connection.session, connection.sockets, self._errands
        hand_over, outbox, soon = session.inbox.hand_over, session.outbox, self._server.flusher.soon
        sid, this, pace, heard = session.sid, self._current(), self._pace, session.heartbeat.heard
        turn = TURN
        nobody_waits()
        if heard > pace.at + 1.0:
            pace.refill(heard)
        try:
            while True:
                while errands and self._working is this:
                    await errands.popleft()()
                    soon()
                if self._working is not this:
                    return
                if pace.left < 1.0 and self._too_fast():
                    await self._rest()
                    continue
                packet = hand_over()
                if packet is None:
                    break
                pace.left -= 1.0
                # On the path of every event, so by identity; the first of these is nearly always true.
                if type(packet) is Event or type(packet) is Call or type(packet) is Volatile:
                    socket = sockets.get(packet.namespace)
                    handler = None if socket is None else socket.namespace.handlers.direct(packet.name)
                    if handler is not None and socket is not None and socket.listening is None:
                        # What happens nearly always, without a call in between; `_handle` does the rest.
                        try:
                            args = handler.plan.arguments(packet.args)
                        except PayloadError as error:
                            self._misfit(packet, error, sid)
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
                turn -= 1
                if not turn:
                    turn = TURN
                    await asyncio.sleep(0)
            if connection.ended:
                await connection.joining.see_off()
        finally:
            if self._working is this:
                connection.working = False

    def _too_fast(self) -> bool:
        """Whether more came than may. The rest of a session that is over is handled without delay."""
        waits = bool(self._connection.session.inbox.queue) and not self._connection.ended
        return waits and self._pace.wait(self._clock()) > 0.0

    async def _rest(self) -> None:
        """Leave what waits unacked for a moment, so that the client holds back what would come behind it."""
        connection, loop = self._connection, asyncio.get_running_loop()
        if self._pause is None:
            self._server.counters.hit("rate")
        self._pause = loop.create_future()
        # Either of them ends it: the time of the server passes by its ticks, which may be a test's.
        connection.session.due = min(connection.session.due, self._clock())
        timer = loop.call_later(max(self._pace.wait(self._clock()), PAUSE), connection.tick_now)
        try:
            await self._pause
        finally:
            timer.cancel()
        if not self._pace.wait(self._clock()):
            self._pause = None

    async def _handle(self, packet: Event | Call | Volatile, socket: Socket | None) -> None:
        """What is not the common case: nobody to handle it, several who do, or one that runs beside."""
        sid = self._connection.session.sid
        if socket is None:
            self._nobody(packet, "not_joined", f"namespace {packet.namespace!r} is not joined", sid)
            return
        around = socket.namespace.around.event
        if around is None:
            await self._deliver(socket.namespace.handlers, packet, (socket,), sid, socket.listening)
        else:
            await self._deliver_within(around, socket, packet, sid)

    async def _deliver_within(self, around: Around, socket: Socket, packet: Event | Call | Volatile, sid: str) -> None:
        """Have the event pass through middleware on its way."""
        self._expect(packet, sid)
        await self._tell(socket.namespace.handlers, packet, (socket,))
        passage = Passage(around, socket, packet, self._server.counters)
        await self._begin(passage.handler, self._pass(passage, socket, packet, sid, self._departures[packet.namespace]))

    async def _pass(
        self, passage: Passage, socket: Socket, packet: Event | Call | Volatile, sid: str, departures: int
    ) -> None:
        if passage.handler.streams:
            await self._run_streams(passage.handler, packet, packet.args, sid, departures)
        else:
            await self._run(passage.handler, packet, packet.args, sid)
        for handler, told, leading in passage.behind:
            await self._take_turn(socket.namespace.handlers, handler, told, leading, sid)

    def _aside(self, running: Coroutine[Any, Any, None]) -> None:
        _task = self._connection.tasks.spawn(running)

    def stop_streams(self, namespace: str) -> None:
        """The client is out of a namespace: what streams to it or from it there ends."""
        self._stop_streams(namespace)

    def end_streams(self) -> None:
        """The server stops: answers that are streamed end here."""
        self._end_streams()

    async def _beside(self, running: Coroutine[Any, Any, None]) -> None:
        try:
            await self._connection.tasks.room_beside()
        except asyncio.CancelledError:
            running.close()  # it never began
            raise
        self._connection.tasks.spawn_beside(running)

    async def run_hook(self, handler: Handler, socket: Socket, args: list[Any]) -> None:
        """See Deliverer._hook."""
        await self._hook(handler, socket.namespace.name, (socket,), args)

    def incident(self, who: str, *names: str) -> dict[str, str] | None:
        """Log the exception that is being handled; returns what the client may be told of it."""
        return self._incident(who, *names)

    def _misfit(self, packet: Event | Call | Volatile, error: PayloadError, era: Any) -> None:
        self._server.counters.misfits += 1
        super()._misfit(packet, error, era)

    def _nobody(self, packet: Event | Call | Volatile, code: str, message: str, era: Any) -> None:
        self._server.counters.unhandled += 1
        super()._nobody(packet, code, message, era)

    def _stop(self, task: Any, *, tell: bool = False) -> None:
        self._server.counters.handlers_cancelled += task not in self._stopped
        super()._stop(task, tell=tell)

    def _refuse_streams(self, handler: Handler, packet: Call) -> Failed | None:
        refused = super()._refuse_streams(handler, packet)
        if refused is not None and refused.code == "too_many":
            self._server.counters.hit("streaming")
        return refused

    def _new_incident(self) -> dict[str, str]:
        return {"id": self._server.new_incident()}
