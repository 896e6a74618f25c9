"""An audience and what is said to it: immutable, so that one may be kept and used again."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from antiphon.dispatch.asking import CALL_TIMEOUT, asked
from antiphon.dispatch.deadlines import within
from antiphon.dispatch.middleware import Around
from antiphon.dispatch.outgoing import outgoing, said
from antiphon.dispatch.telling import tell_outgoing
from antiphon.errors import CallError
from antiphon.protocol.codec import Prepared
from antiphon.server.around import cannot_wait, go_out
from antiphon.server.calling import Replies, replies, sort
from antiphon.server.rooms import Audience
from antiphon.server.socket import Socket
from antiphon.server.statistics import RoomStatistics, of_room

if TYPE_CHECKING:
    from antiphon.server.namespace import Namespace

__all__ = ["Broadcast"]


class Broadcast:
    """Sockets of a namespace; each step returns a new one: `chat.to("lobby", "bar").except_("muted").emit("said")`."""

    __slots__ = ("_audience", "_namespace")

    def __init__(self, namespace: Namespace, audience: Audience = Audience()) -> None:  # noqa: B008 - immutable
        self._namespace = namespace
        self._audience = audience

    # -- who

    def to(self, *rooms: str) -> Broadcast:
        """The sockets in any of `rooms`, and in those named before."""
        audience = self._audience
        return Broadcast(self._namespace, audience._replace(rooms=audience.rooms + rooms))

    def except_(self, *but: str | Socket) -> Broadcast:
        """Without these sockets, and without those in these rooms."""
        rooms = tuple(item for item in but if isinstance(item, str))
        sockets = frozenset(item for item in but if isinstance(item, Socket))
        audience = self._audience
        return Broadcast(
            self._namespace, audience._replace(but_rooms=audience.but_rooms + rooms, but=audience.but | sockets)
        )

    def where(self, predicate: Callable[[Socket], object]) -> Broadcast:
        """Only those that `predicate` is true of, asked whenever something is said. What it raises is raised there."""
        if not callable(predicate):
            raise TypeError(f"where() takes a function of a socket, not {predicate!r:.60}; write lambda socket: ...")
        audience = self._audience
        return Broadcast(self._namespace, audience._replace(where=(*audience.where, predicate)))

    @property
    def sockets(self) -> frozenset[Socket]:
        """The sockets that are in it now."""
        return frozenset(self._namespace.rooms.select(self._audience))

    def statistics(self) -> RoomStatistics:
        """How they stand now: `chat.to("lobby").statistics()` is about a room."""
        return of_room(self.sockets)

    # -- said to all of them

    async def emit(self, event: str, *args: Any, volatile: bool = False, latest: str | int | None = None) -> None:
        """Send an event to all of them. A broadcast never waits for a slow receiver.

        `volatile`: it may be lost; to whom it cannot leave within 250 ms, it never does. `latest`: it replaces the
        one of the same event and key that has not left yet; the last one always arrives. Raises PayloadError for a
        value that cannot travel, and OutboxFull for one that is too large.
        """
        namespace = self._namespace
        if namespace.around.emit is None:
            self._say(volatile, latest, event, args)
        else:

            async def send(event: str, args: tuple[Any, ...]) -> None:
                self._say(volatile, latest, event, args)

            kind = namespace.kind(event, volatile)
            await go_out(namespace.around.emit, self, namespace, kind, event, args, send)

    def emit_nowait(self, event: str, *args: Any, volatile: bool = False, latest: str | int | None = None) -> None:
        """As `emit`, for code that is not async."""
        if self._namespace.around.emit is not None:
            raise cannot_wait(event, self._namespace, "use await emit(...)")
        self._say(volatile, latest, event, args)

    def _say(self, volatile: bool, latest: str | int | None, event: str, args: tuple[Any, ...]) -> None:
        namespace = self._namespace
        one = said(namespace.name, namespace.declared, event, args, namespace.server.limits, volatile, latest)
        namespace.deliver(self._audience, one)

    async def call(self, event: str, *args: Any, timeout: float | None = None) -> Replies:
        """Send an event to all of them and return their answers, once all are there or `timeout` seconds are over.

        `timeout` is 30 s, or what is left of the time of the call that is being answered.
        `values` has what each answered, `errors` why another has no value; `missing` are those who gave no answer.
        Only who is in the audience now is asked; of an empty one there are no answers, at once.
        """
        values: dict[Socket, Any] = {}
        errors: dict[Socket, CallError] = {}
        await sort(self.replies(event, *args, timeout=timeout), values, errors)
        return Replies(values, errors)

    def replies(self, event: str, *args: Any, timeout: float | None = None) -> AsyncIterator[tuple[Socket, Any]]:
        """As `call`, but each answer as it comes: `async for socket, outcome in room.replies("vote", timeout=2)`.

        An outcome is a value or a CallError. The event is sent when the loop begins; leaving it early cancels the call
        at all who still owe an answer.
        """
        timeout = within(timeout, CALL_TIMEOUT)
        if self._namespace.around.emit is None:
            return self._ask(timeout, event, args)
        return self._ask_within(self._namespace.around.emit, timeout, event, args)

    async def _ask_within(
        self, around: Around, timeout: float, event: str, args: tuple[Any, ...]
    ) -> AsyncGenerator[tuple[Socket, Any], None]:
        async def send(event: str, args: tuple[Any, ...]) -> AsyncGenerator[tuple[Socket, Any], None]:
            return self._ask(timeout, event, args)

        outcomes = await go_out(around, self, self._namespace, "call", event, args, send)
        if outcomes is not None:  # nobody was asked if the middleware did not proceed
            async with aclosing(outcomes):
                async for outcome in outcomes:
                    yield outcome

    def _ask(self, timeout: float, event: str, args: tuple[Any, ...]) -> AsyncGenerator[tuple[Socket, Any], None]:
        namespace, server = self._namespace, self._namespace.server
        packet_args = outgoing(event, args, server.limits, namespace.declared.get(event))
        if namespace.handlers.outgoing:
            tell_outgoing(namespace.handlers, event, packet_args)
        packet = asked(namespace.name, event, packet_args, timeout, {}, None)(server.next_call())
        prepared = server.prepare(Prepared(packet))
        return replies(server, lambda: namespace.rooms.select(self._audience), prepared, timeout)

    # -- done to all of them

    async def join(self, *rooms: str) -> None:
        """Have them come into rooms; when one of them may not, none does. See Socket.join."""
        sockets = self.sockets
        self._namespace.check_rooms(sockets, rooms)
        for socket in sockets:
            await socket.join(*rooms)

    async def leave(self, *rooms: str) -> None:
        """Have them leave rooms."""
        for socket in self.sockets:
            await socket.leave(*rooms)

    async def move(self, from_room: str, to_room: str) -> None:
        """Have those of them who are in one room leave it for another."""
        for socket in self.sockets:
            if from_room in socket.rooms:
                await socket.leave(from_room)
                await socket.join(to_room)

    async def disconnect(self, reason: str = "disconnected by the server") -> None:
        """Put them out of the namespace; their clients are told `reason` and do not come back by themselves."""
        for socket in self.sockets:
            await socket.disconnect(reason)

    async def end(self, reason: str = "ended by the server") -> None:
        """End their whole sessions; see Socket.end."""
        for socket in self.sockets:
            await socket.end(reason)
