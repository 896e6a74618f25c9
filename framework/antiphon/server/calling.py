"""One call to many: asked with the same bytes, answered by each socket in its own time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from antiphon.errors import CallAbandoned, CallError, CallFailed, CallNotSent, ConnectionClosed
from antiphon.protocol.calls import Outcome, Pending
from antiphon.protocol.codec import Prepared
from antiphon.protocol.outbox import Entry
from antiphon.protocol.packets import Call
from antiphon.protocol.sizes import too_large
from antiphon.server.anteroom import Anteroom

if TYPE_CHECKING:
    from antiphon.server.server import Server
    from antiphon.server.socket import Socket

__all__ = ["Replies", "replies", "sort"]


@dataclass(frozen=True, slots=True)
class Replies:
    """What a call to many brought: a value or a CallError of each socket that was asked."""

    values: Mapping[Socket, Any]
    errors: Mapping[Socket, CallError]

    @property
    def missing(self) -> frozenset[Socket]:
        """Who gave no answer: too late, gone, or never reached. Who failed has answered, and is in `errors` only."""
        return frozenset(socket for socket, error in self.errors.items() if not isinstance(error, CallFailed))


async def sort(
    outcomes: AsyncIterator[tuple[Socket, Any]], values: dict[Socket, Any], errors: dict[Socket, CallError]
) -> None:
    """Wait for all outcomes of a call, and put each where Replies has it."""
    async for socket, outcome in outcomes:
        if isinstance(outcome, CallError):
            errors[socket] = outcome
        else:
            values[socket] = outcome


async def replies(
    server: Server, select: Callable[[], Iterable[Socket]], prepared: Prepared, timeout: float
) -> AsyncGenerator[tuple[Socket, Any], None]:
    """Ask everybody in the audience, and give their outcomes as they come. Closing it cancels what is still owed."""
    survey = _Survey(server)
    try:
        survey.ask(select(), prepared, timeout)
        while survey.owing or survey.came:
            if not survey.came:
                await survey.something()
            yield survey.came.popleft()
    finally:
        survey.stop()


class _Survey:
    """A call under way to many: who still owes an answer, and what came. No task and no timer per receiver."""

    def __init__(self, server: Server) -> None:
        self.owing: dict[Socket, Pending] = {}
        self.came: deque[tuple[Socket, Outcome]] = deque()
        self._server = server
        self._waiting: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def ask(self, sockets: Iterable[Socket], prepared: Prepared, timeout: float) -> None:
        """Send it to everybody. Who joins later is not asked."""
        deadline = self._server.clock() + timeout
        for socket in tuple(sockets):
            self._ask_one(socket, prepared, deadline)
        if self.owing:
            self._server.flusher.soon()
            # The server's ticker is too coarse for a short timeout.
            self._timer = asyncio.get_running_loop().call_later(timeout, self._time_is_over)

    def _ask_one(self, socket: Socket, prepared: Prepared, deadline: float) -> None:
        if type(socket.outbox) is Anteroom:  # `socket.heard`, without its call: this is per receiver
            self.came.append((socket, CallNotSent("the client is not let in yet")))
            return
        packet, session = prepared.packet, socket.connection.session
        if prepared.unsaid and session.codec.form in prepared.unsaid:
            self.came.append((socket, CallNotSent(str(prepared.unsaid[session.codec.form]))))
            return
        assert isinstance(packet, Call)
        encoded = prepared.forms.get(session.codec.form) or prepared.encode(session.codec)
        if len(encoded) > session.largest:
            # It fitted in the form that was looked at, not in this one.
            self.came.append((socket, CallNotSent(str(too_large("a call", len(encoded), session.largest)))))
            return
        try:
            pending = session.call(packet, partial(self._settle, socket), deadline, Entry(packet, encoded))
        except ConnectionClosed as error:
            self.came.append((socket, CallNotSent(str(error))))
            return
        self.owing[socket] = pending
        socket.when_gone(self._gone)

    async def something(self) -> None:
        """Wait until an outcome came."""
        self._waiting = asyncio.get_running_loop().create_future()
        await self._waiting

    def stop(self) -> None:
        """Nobody waits any more: cancel what is still owed."""
        if self._timer is not None:
            self._timer.cancel()
        for socket, pending in tuple(self.owing.items()):
            socket.connection.session.cancel(pending)
        self._server.flusher.soon()

    def _settle(self, socket: Socket, outcome: Outcome) -> None:
        if self.owing.pop(socket, None) is None:
            return
        socket.forget(self._gone)
        self.came.append((socket, outcome))
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _gone(self, socket: Socket) -> None:
        """A socket has left its namespace: whatever its client still does, the application knows it no longer."""
        pending = self.owing[socket]
        self._settle(socket, CallAbandoned("the socket left its namespace before it answered"))
        socket.connection.session.cancel(pending)

    def _time_is_over(self) -> None:
        now = self._server.clock() + 0.001
        for socket in tuple(self.owing):
            socket.connection.tick(now)
        self._server.flusher.soon()
