"""One person with all that is theirs: sockets in any namespace, on any device."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from antiphon.errors import CallError
from antiphon.server.broadcast import Broadcast
from antiphon.server.calling import Replies, sort
from antiphon.server.socket import Socket

if TYPE_CHECKING:
    from antiphon.server.server import Server

__all__ = ["User"]


class User:
    """Everybody who has proved to be `id`. Made by `Server.user`; there is one for people who are not here, too.

    What is said reaches each socket in the namespace that it is in. `within` has the sockets of one namespace.
    """

    __slots__ = ("_server", "id")

    def __init__(self, server: Server, id: str) -> None:
        self.id = id
        self._server = server

    def __repr__(self) -> str:
        return f"<User {self.id} with {len(self.sockets)} sockets>"

    @property
    def sockets(self) -> frozenset[Socket]:
        """The person's sockets in all namespaces."""
        return frozenset(socket for here in self._everywhere() for socket in here.sockets)

    def within(self, namespace: str) -> Broadcast:
        """The person's sockets in one namespace, as `server.namespace(namespace).user(id)` has them."""
        return self._server.namespace(namespace).user(self.id)

    def _everywhere(self) -> list[Broadcast]:
        """The person's sockets, namespace by namespace."""
        return [namespace.user(self.id) for namespace in self._server.where(self.id)]

    # -- what is said to them

    async def emit(self, event: str, *args: Any, **options: Any) -> None:
        """Send an event to all sockets of the person. `options` are those of `Broadcast.emit`."""
        for here in self._everywhere():
            await here.emit(event, *args, **options)

    def emit_nowait(self, event: str, *args: Any, **options: Any) -> None:
        """As `emit`, for code that is not async."""
        for here in self._everywhere():
            here.emit_nowait(event, *args, **options)

    async def call(self, event: str, *args: Any, timeout: float | None = None) -> Replies:
        """Ask all sockets of the person, and return their answers as `Broadcast.call` does.

        What middleware of one namespace raises is raised here, and the calls in the others are cancelled.
        """
        # All of them before the first is asked: arguments that do not fit in one namespace are raised here.
        asked = [here.replies(event, *args, timeout=timeout) for here in self._everywhere()]
        values: dict[Socket, Any] = {}
        errors: dict[Socket, CallError] = {}
        raised: Exception | None = None
        try:
            async with asyncio.TaskGroup() as group:
                for replies in asked:
                    group.create_task(sort(replies, values, errors))
        except ExceptionGroup as group_of_them:
            raised = group_of_them.exceptions[0]
        if raised is not None:
            raise raised  # out here, so that it keeps the cause that it was given
        return Replies(values, errors)

    # -- what is done to them

    async def join(self, *rooms: str) -> None:
        """All sockets of the person come into rooms, each in its own namespace."""
        for here in self._everywhere():
            await here.join(*rooms)

    async def leave(self, *rooms: str) -> None:
        """All sockets of the person leave rooms."""
        for here in self._everywhere():
            await here.leave(*rooms)

    async def disconnect(self, reason: str = "disconnected by the server") -> None:
        """Put all sockets of the person out of their namespaces. The sessions go on; `revoke` ends them."""
        for here in self._everywhere():
            await here.disconnect(reason)

    async def revoke(self, reason: str = "") -> None:
        """See Server.revoke."""
        await self._server.revoke(self.id, reason)
