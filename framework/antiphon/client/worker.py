"""It runs the client's handlers one after another, in the order in which their packets came."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Any

from antiphon.dispatch.handlers import Handler
from antiphon.dispatch.runner import Runner
from antiphon.errors import ConnectionClosed, ConnectionRefused, PayloadError
from antiphon.protocol.packets import Call, Event, Failed, Joined, Leave, Packet, Refused, Volatile

if TYPE_CHECKING:
    from antiphon.client.client import Client
    from antiphon.client.namespace import ClientNamespace

__all__ = ["Worker"]

log = logging.getLogger("antiphon.client")


class Worker(Runner):
    """The handlers of one client. A task exists while there is something to handle."""

    def __init__(self, client: Client) -> None:
        super().__init__(client.session, client.after, log)
        self._client = client
        # What a lost session leaves to be done: packets, then the namespaces that are out, session after session.
        self._left: deque[Packet | tuple[ClientNamespace, str]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._beside: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Something may have come."""
        if self._task is None and (self._client.session.waits or self._left):
            self._task = self._client.spawn(self._work())

    def lost(self, namespaces: list[ClientNamespace], reason: str) -> None:
        """A session is lost: `namespaces` are out. Their handlers run behind what had been accepted before."""
        self._left += self._client.session.leave_behind()
        self._left += [(namespace, reason) for namespace in namespaces]

    def left(self, namespace: ClientNamespace) -> None:
        """The application left a namespace: its disconnect handler is what runs next."""
        self._left.append((namespace, "left"))

    async def settled(self) -> None:
        """Wait until every handler is done, unless one of them asks."""
        while tasks := [task for task in (self._task, *self._beside) if task not in (None, asyncio.current_task())]:
            await asyncio.wait([task for task in tasks if task is not None])

    async def _work(self) -> None:
        try:
            while True:
                if self._left:
                    left = self._left.popleft()
                    if isinstance(left, tuple):
                        await self._hook(left[0].name, left[0].handlers.disconnect, [left[1]])
                    else:
                        await self._handle(left, None)
                elif (packet := self._client.session.deliver()) is not None:
                    await self._handle(packet, self._client.session.sid)
                else:
                    return
        finally:
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
                    await self._hook(name, namespace.handlers.connect, [])
                    client.session.open(name)
            case Refused(name, reason, data):
                namespace = client.find(name)
                if namespace is not None and client.session.refused(name) is not None:
                    namespace.kept_out(ConnectionRefused(name, reason, data))
            case Leave(name, reason):
                namespace = client.find(name)
                client.session.put_out(name)
                if namespace is not None and namespace.connected:
                    namespace.kept_out(ConnectionClosed("disconnected", reason or ""))
                    await self._hook(name, namespace.handlers.disconnect, [reason])
            case _:
                pass  # counted, and nothing that a client has to do with
        client.after()

    async def _event(self, packet: Event | Call | Volatile, sid: str | None) -> None:
        namespace = self._client.find(packet.namespace)
        handlers = namespace.handlers if namespace is not None else None
        handler, leading = (handlers.get(packet.name) if handlers is not None else None), []
        if handler is None and handlers is not None:
            handler, leading = handlers.any, [packet.name]
        if handler is None:
            if isinstance(packet, Call):
                message = f"the client has no handler for {packet.name!r}"
                self._answer(Failed(packet.id, "unknown_event", message), sid)
            return
        try:
            args = [*leading, *handler.plan.arguments(packet.args)]
        except PayloadError as error:
            log.info("an event of the server does not fit: %s", error)
            if isinstance(packet, Call):
                data = {"parameter": error.parameter, "expected": error.expected}
                self._answer(Failed(packet.id, "payload", str(error), data), sid)
            return
        running = self._run(handler, packet, args, sid)
        if handler.concurrent:
            task = self._client.spawn(running)
            self._beside.add(task)
            task.add_done_callback(self._beside.discard)
        else:
            await running

    async def _hook(self, namespace: str, handler: Handler | None, args: list[Any]) -> None:
        if handler is None:
            return
        try:
            bound = [*handler.plan.arguments(args)]
        except PayloadError as error:
            log.error("a hook did not run: %s", error)
        else:
            await self._run(handler, Event(namespace, handler.name, args), bound, None)

    def _new_incident(self) -> None:
        """A client has no log that a server's people could look into."""
