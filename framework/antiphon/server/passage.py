"""One event on its way through middleware: what is run for it in place of its handler."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from antiphon.dispatch.binding import Plan
from antiphon.dispatch.handlers import Handler
from antiphon.dispatch.middleware import Around
from antiphon.errors import CallFailed, PayloadError
from antiphon.protocol.loglines import one_line
from antiphon.protocol.packets import Call, Event, Packet, Volatile
from antiphon.server.around import Incoming, Kind, kept

if TYPE_CHECKING:
    from antiphon.server.counters import Counters
    from antiphon.server.socket import Socket

__all__ = ["Passage"]

log = logging.getLogger("antiphon.server")

_KINDS: dict[type[Packet], Kind] = {Event: "event", Call: "call", Volatile: "volatile"}
_NO_PLAN = Plan("middleware", [], [])


class Undelivered(CallFailed):
    """Middleware proceeded, and no handler takes what it proceeded with."""


class Passage:
    """Middleware around the handler of one event.

    `handler` stands for both, and is given `packet.args`. It runs as the handler of the event would that came: beside
    others, or with streams. `behind` is what runs after its answer: handlers, what each is told, and what it is given
    first.
    """

    def __init__(self, around: Around, socket: Socket, packet: Event | Call | Volatile, counters: Counters) -> None:
        self._around = around
        self._socket = socket
        self._packet = packet
        self._counters = counters
        first, _ = socket.namespace.handlers.first(packet.name, ())
        plan = _NO_PLAN if first is None else first.plan
        run = self._stream if plan.is_stream else self._value
        concurrent = first is not None and first.concurrent
        self.handler = Handler(packet.name, run, plan, concurrent, is_async=not plan.is_stream)
        self.behind: list[tuple[Handler, Event, tuple[Any, ...]]] = []

    async def _value(self, *args: Any) -> Any:
        packet = self._packet
        incoming = Incoming(self._socket, packet.name, args, _KINDS[type(packet)])

        async def proceed(record: Incoming) -> Any:
            return await self._proceed(kept(incoming, record))

        try:
            return await self._around(incoming, proceed)
        except Undelivered as error:
            if isinstance(packet, Call):
                raise
            log.info("an event was dropped: %s", one_line(error))

    async def _stream(self, *args: Any) -> AsyncIterator[Any]:
        items = aiter(await self._value(*args))
        try:
            async for item in items:
                yield item
        finally:
            # Whoever stops reading stops the handler's generator, not only this one.
            close = getattr(items, "aclose", None)
            if close is not None:
                await close()

    async def _proceed(self, incoming: Incoming) -> Any:
        """Run the handler of what middleware made of the event; its name is looked up anew."""
        handlers, name, listening = self._socket.namespace.handlers, incoming.name, self._socket.listening
        heard = listening is not None and await listening.put(name, incoming.args)
        first, leading = handlers.first(name, (self._socket,))
        if first is None and heard and not isinstance(self._packet, Call):
            return None
        if first is None:
            self._counters.unhandled += 1
            raise Undelivered("unknown_event", f"namespace {handlers.namespace!r} has no handler for {name!r}")
        plan, planned = first.plan, self.handler.plan
        if plan.is_stream is not planned.is_stream or plan.streams.keys() != planned.streams.keys():
            message = f"handler {name!r} of namespace {handlers.namespace!r} has other streams than the call began with"
            raise Undelivered("not_a_stream", message)
        args = list(incoming.args)
        self.behind = [(other, Event(handlers.namespace, name, args), leading) for other in first.others]
        try:
            bound = plan.arguments(args)
        except PayloadError as error:
            self._counters.misfits += 1
            raise Undelivered("payload", str(error), error.told) from error
        if first.once:
            handlers.spend(first)
        result = first.function(*leading, *bound)
        return await result if first.is_async else result
