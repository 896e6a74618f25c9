"""It runs the client's handlers one after another, in the order in which their packets came."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Any

from antiphon.dispatch.handlers import Handler
from antiphon.dispatch.payloads import to_wire
from antiphon.errors import CallFailed, ConnectionRefused, OutboxFull, PayloadError
from antiphon.protocol.packets import Call, Event, Failed, Joined, Leave, Packet, Refused, Reply, Volatile

if TYPE_CHECKING:
    from antiphon.client.client import Client
    from antiphon.client.namespace import ClientNamespace

__all__ = ["Worker"]

log = logging.getLogger("antiphon.client")


class Worker:
    """The handlers of one client. A task exists while there is something to handle."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._gone: deque[tuple[ClientNamespace, str]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._beside: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Something may have come."""
        if self._task is None and (self._client.session.waits or self._gone):
            self._task = self._client.spawn(self._work())

    def disconnected(self, namespace: ClientNamespace, reason: str) -> None:
        """A namespace is out: its handler runs behind what had been accepted before."""
        self._gone.append((namespace, reason))

    async def settled(self) -> None:
        """Wait until every handler is done, unless one of them asks."""
        while tasks := [task for task in (self._task, *self._beside) if task not in (None, asyncio.current_task())]:
            await asyncio.wait([task for task in tasks if task is not None])

    async def _work(self) -> None:
        try:
            while True:
                packet = self._client.session.deliver()
                if packet is not None:
                    await self._handle(packet)
                elif self._gone:
                    namespace, reason = self._gone.popleft()
                    await self._hook(namespace.handlers.disconnect, [reason])
                else:
                    return
        finally:
            self._task = None

    async def _handle(self, packet: Packet) -> None:
        client = self._client
        match packet:
            case Event() | Call() | Volatile():
                await self._event(packet)
            case Joined(name, socket):
                namespace = client.find(name)
                if namespace is not None and client.session.joined(name, socket) is not None:
                    namespace.entered(socket)
                    await self._hook(namespace.handlers.connect, [])
                    client.session.open(name)
            case Refused(name, reason, data):
                namespace = client.find(name)
                if namespace is not None and client.session.refused(name) is not None:
                    namespace.kept_out(ConnectionRefused(name, reason, data))
            case Leave(name, reason):
                namespace = client.find(name)
                client.session.put_out(name)
                if namespace is not None and namespace.connected:
                    namespace.id = None
                    await self._hook(namespace.handlers.disconnect, [reason])
            case _:
                pass  # counted, and nothing that a client has to do with
        client.after()

    async def _event(self, packet: Event | Call | Volatile) -> None:
        namespace = self._client.find(packet.namespace)
        handlers = namespace.handlers if namespace is not None else None
        handler, leading = (handlers.get(packet.name) if handlers is not None else None), []
        if handler is None and handlers is not None:
            handler, leading = handlers.any, [packet.name]
        if handler is None:
            if isinstance(packet, Call):
                self._answer(Failed(packet.id, "unknown_event", f"the client has no handler for {packet.name!r}"))
            return
        try:
            args = [*leading, *handler.plan.arguments(packet.args)]
        except PayloadError as error:
            log.info("an event of the server does not fit: %s", error)
            if isinstance(packet, Call):
                data = {"parameter": error.parameter, "expected": error.expected}
                self._answer(Failed(packet.id, "payload", str(error), data))
            return
        running = self._run(handler, packet, args)
        if handler.concurrent:
            task = self._client.spawn(running)
            self._beside.add(task)
            task.add_done_callback(self._beside.discard)
        else:
            await running

    async def _run(self, handler: Handler, packet: Packet, args: list[Any]) -> None:
        call = packet.id if isinstance(packet, Call) else None
        try:
            result = handler.function(*args)
            if handler.is_async:
                result = await result
            if call is not None:
                self._answer(Reply(call, to_wire(result, f"the reply of handler {handler.name!r}")))
        except CallFailed as error:
            if call is not None:
                self._answer(Failed(call, error.code, error.message, to_wire(error.data, "the data of a CallFailed")))
            else:
                log.warning("handler %r failed: %s", handler.name, error)
        except Exception:
            log.exception("handler %r raised", handler.name)
            if call is not None:
                self._answer(Failed(call, "error", "the handler failed"))

    async def _hook(self, handler: Handler | None, args: list[Any]) -> None:
        if handler is not None:
            await self._run(handler, Event("", handler.name, args), [*handler.plan.arguments(args)])

    def _answer(self, packet: Reply | Failed) -> None:
        session = self._client.session
        if session.ending is None and session.sid is not None:
            try:
                session.send(packet)
            except OutboxFull as error:
                session.send(Failed(packet.id, "too_large", str(error)))
            self._client.after()
