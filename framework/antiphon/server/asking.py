"""The calls of a server to one client: ids from the counter of the node, and an alarm, for its ticker is too coarse."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from antiphon.dispatch.asking import Asking
from antiphon.errors import CallAbandoned
from antiphon.protocol.calls import Outcome, Pending
from antiphon.protocol.packets import Call
from antiphon.protocol.session import NEVER

if TYPE_CHECKING:
    from antiphon.server.connection import Connection
    from antiphon.server.server import Server
    from antiphon.server.socket import Socket

__all__ = ["ServerAsking"]


class ServerAsking(Asking):
    """See Asking."""

    def __init__(self, connection: Connection, server: Server) -> None:
        super().__init__(connection.session, server.flusher.soon, server.clock)
        self._connection = connection

    def _open(self, packet: Call, settle: Callable[[Outcome], None], deadline: float, repeatable: bool) -> Pending:
        alarm: asyncio.TimerHandle | None = None
        # Our own clients answer what they were asked, even if they have left since. Others forget it.
        forgets = not self._connection.session.codec.acks
        socket = self._connection.sockets.get(packet.namespace) if forgets else None
        over = False

        def settled(outcome: Outcome) -> None:
            nonlocal over
            if over:
                return
            over = True
            if alarm is not None:
                alarm.cancel()
            if socket is not None:
                socket.forget(gone)
            settle(outcome)

        def gone(socket: Socket) -> None:
            settled(CallAbandoned("the socket left its namespace before it answered"))

        pending = self._connection.session.call(packet, settled, deadline)
        if socket is not None:
            socket.when_gone(gone)
        if deadline != NEVER:
            wait = max(deadline - self._clock(), 0.0)
            alarm = asyncio.get_running_loop().call_later(wait, self._connection.tick_now)
        return pending

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return self._connection.tasks.spawn(coroutine)
