"""It runs the client's handlers one after another, in the order in which their packets came."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from antiphon.dispatch.deadlines import nobody_waits
from antiphon.dispatch.delivery import Deliverer
from antiphon.errors import ConnectionClosed, ConnectionRefused
from antiphon.protocol.disconnects import DisconnectCode, Disconnected
from antiphon.protocol.membership import Place
from antiphon.protocol.packets import Call, Event, Joined, Leave, Packet, Refused, Volatile

if TYPE_CHECKING:
    from antiphon.client.client import Client
    from antiphon.client.namespace import ClientNamespace

__all__ = ["Worker"]

log = logging.getLogger("antiphon.client")


class Worker(Deliverer):
    """The handlers of one client. A task exists while there is something to handle."""

    def __init__(self, client: Client) -> None:
        super().__init__(client.session, client.after, client.clock, log, client.limits.streaming)
        self._client = client
        # What a lost session leaves to be done: packets, then the namespaces that are out, session after session.
        self._left: deque[Packet | tuple[ClientNamespace, Disconnected]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._besides: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Something may have come."""
        if self._task is None and (self._client.session.waits or self._left):
            self._task = self._client.spawn(self._work())

    def step_aside(self) -> None:
        """What runs waits for events itself: the packets behind it are no longer its affair."""
        task = self._task
        if task is not None and task is self._current():
            self._keep(task)
            self._task = self._client.spawn(self._work())

    def lost(self, namespaces: list[ClientNamespace], reason: Disconnected) -> None:
        """A session is lost: `namespaces` are out. Their handlers run behind what had been accepted before."""
        self._left += self._client.session.leave_behind()
        self._left += [(namespace, reason) for namespace in namespaces]

    def left(self, namespace: ClientNamespace) -> None:
        """The application left a namespace: its disconnect handler is what runs next."""
        self._stop_streams(namespace.name)
        self._left.append((namespace, Disconnected(DisconnectCode.LEFT)))

    @property
    def running(self) -> int:
        """How many tasks run handlers."""
        return len(self._besides) + (self._task is not None)

    async def settled(self) -> None:
        """Wait until every handler is done, unless one of them asks."""
        while tasks := {task for task in (self._task, *self._besides) if task is not None} - {asyncio.current_task()}:
            await asyncio.wait(tasks)

    async def _work(self) -> None:
        nobody_waits()
        this = self._current()
        try:
            while self._task is this:
                if self._left:
                    left = self._left.popleft()
                    if isinstance(left, tuple):
                        await self._disconnected(*left)
                    else:
                        await self._handle(left, None)
                elif (packet := self._client.session.deliver()) is not None:
                    await self._handle(packet, self._client.session.sid)
                else:
                    return
        finally:
            if self._task is this:
                self._task = None

    async def _handle(self, packet: Packet, sid: str | None) -> None:
        """`sid` is the session that the packet came in, None for one that is lost: nobody waits for its answers."""
        client = self._client
        match packet:
            case Event() | Call() | Volatile():
                await self._event(packet, sid)
            case Joined(name, socket):
                namespace = client.find(name)
                if namespace is not None and client.session.joined(name, socket) is not None:
                    namespace.entered(socket)
                    for handler in namespace.handlers.connect:
                        await self._hook(handler, name, (), [])
                    client.session.open(name)
            case Refused(name, reason, data):
                namespace = client.find(name)
                if namespace is not None and client.session.refused(name) is not None:
                    namespace.kept_out(ConnectionRefused(name, reason, data))
            case Leave(name, reason):
                namespace = client.find(name)
                if namespace is not None:  # else it is remembered nowhere: a server may send any number of names
                    client.session.put_out(name)
                    self._stop_streams(name)
                    if namespace.connected:
                        namespace.kept_out(ConnectionClosed(DisconnectCode.PUT_OUT, reason))
                        await self._disconnected(namespace, Disconnected(DisconnectCode.PUT_OUT, reason))
            case _:
                pass  # counted, and nothing that a client has to do with
        client.after()

    async def _event(self, packet: Event | Call | Volatile, sid: str | None) -> None:
        namespace = self._client.find(packet.namespace)
        # What the server said before it learned that we left is nobody's any more.
        if namespace is None or self._client.session.members[packet.namespace].place in (Place.OUT, Place.REFUSED):
            self._nobody(packet, "not_joined", f"namespace {packet.namespace!r} is not joined", sid)
        else:
            await self._deliver(namespace.handlers, packet, (), sid, namespace.listening)

    def _aside(self, running: Coroutine[Any, Any, None]) -> None:
        self._keep(self._client.spawn(running))

    def _keep(self, task: asyncio.Task[None]) -> None:
        """Know of it for as long as it runs."""
        self._besides.add(task)
        task.add_done_callback(self._besides.discard)

    async def _beside(self, running: Coroutine[Any, Any, None]) -> None:
        self._aside(running)

    async def _disconnected(self, namespace: ClientNamespace, reason: Disconnected) -> None:
        for handler in namespace.handlers.disconnect:
            await self._hook(handler, namespace.name, (), handler.told(reason))

    def _new_incident(self) -> None:
        """A client has no log that a server's people could look into."""
