"""One event and all who hear it: who is told of every event, who reads it in a loop, then its handlers in order."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Coroutine, Sequence
from typing import Any

from antiphon.dispatch.handlers import Handler, Handlers
from antiphon.dispatch.listening import Listening
from antiphon.dispatch.runner import Runner
from antiphon.errors import PayloadError
from antiphon.protocol.loglines import one_line
from antiphon.protocol.packets import Call, Event, Failed, Volatile

__all__ = ["Deliverer"]


class Deliverer(Runner):
    """Brings events to handlers: one after another, but for those that run beside.

    `leading` is what every handler is given first, and `era` as in Runner. An exception in one keeps no other from
    running. Of a call the first handler answers; the others are not asked, they are told of it as of an event.
    """

    @abstractmethod
    async def _beside(self, running: Coroutine[Any, Any, None]) -> None:
        """Begin it in a task of its own, once there is room for one more."""

    @abstractmethod
    def _aside(self, running: Coroutine[Any, Any, None]) -> None:
        """Begin it in a task of its own, at once."""

    async def _deliver(
        self,
        handlers: Handlers,
        packet: Event | Call | Volatile,
        leading: tuple[Any, ...],
        era: Any,
        listening: Listening | None,
    ) -> None:
        self._expect(packet, era)
        await self._tell(handlers, packet, leading)
        heard = listening is not None and await listening.put(packet.name, packet.args)
        first, leading = handlers.first(packet.name, leading)
        if first is None and heard and not isinstance(packet, Call):
            return
        if first is None:
            message = f"namespace {packet.namespace!r} has no handler for {packet.name!r}"
            self._nobody(packet, "unknown_event", message, era)
            return
        for handler in (first, *first.others):
            await self._take_turn(handlers, handler, packet, leading, era)
            packet = _further(packet)

    async def _tell(self, handlers: Handlers, packet: Event | Call | Volatile, leading: tuple[Any, ...]) -> None:
        """Tell those who asked for every event; they have no answer."""
        for listener in handlers.any:
            told = Event(packet.namespace, f"{listener.name}: {packet.name}", packet.args)
            try:
                args = listener.plan.arguments(packet.args)
            except PayloadError as error:
                self._log.info("it was not told: %s", one_line(error))
            else:
                await self._run(listener, told, (*leading, packet.name, *args), None)

    async def _hook(self, handler: Handler, namespace: str, leading: tuple[Any, ...], args: list[Any]) -> None:
        """Run a hook of the application with what it is told; its exceptions end in the log."""
        try:
            bound = handler.plan.arguments(args)
        except PayloadError as error:
            self._log.error("a hook did not run: %s", one_line(error))
        else:
            await self._run(handler, Event(namespace, handler.name, args), (*leading, *bound), None)

    async def _take_turn(
        self,
        handlers: Handlers,
        handler: Handler,
        packet: Event | Call | Volatile,
        leading: tuple[Any, ...],
        era: Any,
    ) -> None:
        try:
            args = handler.plan.arguments(packet.args)
        except PayloadError as error:
            self._misfit(packet, error, era)
            return
        if handler.once and not handlers.spend(handler):
            return
        await self._begin(handler, self._running(handler, packet, (*leading, *args), era))

    def _running(
        self, handler: Handler, packet: Event | Call | Volatile, args: Sequence[Any], era: Any
    ) -> Coroutine[Any, Any, None]:
        if handler.streams:
            return self._run_streams(handler, packet, args, era, self._departures[packet.namespace])
        return self._run(handler, packet, args, era)

    async def _begin(self, handler: Handler, running: Coroutine[Any, Any, None]) -> None:
        """Run a handler in its turn, or beside if that is how it is run."""
        if handler.streams:
            # It may go on for as long as its caller likes: it keeps nothing waiting, and has a bound of its own.
            self._aside(running)
        elif handler.concurrent:
            await self._beside(running)
        else:
            await running

    def _misfit(self, packet: Event | Call | Volatile, error: PayloadError, era: Any) -> None:
        """What came does not fit its handler."""
        if isinstance(packet, Call):
            # Not every wire can say it, and on none does it reach who runs the server.
            self._log.info("a call of %r of %r was refused: %s", packet.name, packet.namespace, one_line(error))
            self._answer(Failed(packet.id, "payload", str(error), error.told), era)
        else:
            self._log.info("an event was dropped: %s", one_line(error))

    def _nobody(self, packet: Event | Call | Volatile, code: str, message: str, era: Any) -> None:
        """There is no handler for what came."""
        if isinstance(packet, Call):
            self._log.info("a call was refused: %s", one_line(message))
            self._answer(Failed(packet.id, code, message), era)


def _further(packet: Event | Call | Volatile) -> Event | Volatile:
    """What handlers behind the first one are told: they do not answer."""
    return Event(packet.namespace, packet.name, packet.args) if isinstance(packet, Call) else packet
