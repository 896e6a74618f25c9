"""An audience and what is said to it: immutable, so that one may be kept and used again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from antiphon.dispatch.outgoing import outgoing
from antiphon.protocol.packets import Event
from antiphon.server.rooms import Audience
from antiphon.server.socket import Socket

if TYPE_CHECKING:
    from antiphon.server.namespace import Namespace

__all__ = ["Broadcast"]


class Broadcast:
    """Sockets of a namespace; each step returns a new one: `chat.to("lobby", "bar").except_("muted").emit("said")`."""

    __slots__ = ("_audience", "_namespace")

    def __init__(self, namespace: Namespace, audience: Audience = Audience()) -> None:  # noqa: B008 - immutable
        self._namespace = namespace
        self._audience = audience

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

    async def emit(self, event: str, *args: Any) -> None:
        """Send an event to all of them. A broadcast never waits for a slow receiver."""
        self.emit_nowait(event, *args)

    def emit_nowait(self, event: str, *args: Any) -> None:
        """As `emit`, for code that is not async.

        Raises PayloadError for a value that cannot travel, and OutboxFull for one that is too large.
        """
        namespace = self._namespace
        namespace.deliver(self._audience, Event(namespace.name, event, outgoing(event, args, namespace.server.limits)))

    @property
    def sockets(self) -> frozenset[Socket]:
        """The sockets that are in it now."""
        return frozenset(self._namespace.rooms.select(self._audience))
