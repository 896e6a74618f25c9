"""Who is where: sockets by room and rooms by socket, kept as mirror images."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from antiphon.server.socket import Socket

__all__ = ["Audience", "Rooms"]


class Audience(NamedTuple):
    """Which sockets: those in any of `rooms` (all, if none is named), without those in `but_rooms` or `but`."""

    rooms: tuple[str, ...] = ()
    but_rooms: tuple[str, ...] = ()
    but: frozenset[Socket] = frozenset()


class Rooms:
    """The rooms of one namespace. A room exists while somebody is in it."""

    def __init__(self) -> None:
        self.everybody: set[Socket] = set()
        self._sockets: dict[str, set[Socket]] = {}
        # Two dicts instead of one with pairs: `select` is on the path of every broadcast.
        self._rooms: dict[Socket, set[str]] = {}

    def __len__(self) -> int:
        return len(self._sockets)

    def enter(self, socket: Socket) -> None:
        """A socket comes into the namespace."""
        self.everybody.add(socket)

    def exit(self, socket: Socket) -> frozenset[str]:
        """A socket leaves the namespace and all its rooms, which are returned."""
        self.everybody.discard(socket)
        rooms = frozenset(self._rooms.get(socket, ()))
        for room in rooms:
            self.leave(socket, room)
        return rooms

    def join(self, socket: Socket, room: str) -> None:
        """A socket comes into a room, even before it enters the namespace. Joining twice is joining once."""
        self._sockets.setdefault(room, set()).add(socket)
        self._rooms.setdefault(socket, set()).add(room)

    def leave(self, socket: Socket, room: str) -> None:
        """A socket leaves a room; nothing happens when it is not there."""
        sockets, rooms = self._sockets.get(room), self._rooms.get(socket)
        if sockets is None or rooms is None:
            return
        sockets.discard(socket)
        rooms.discard(room)
        if not sockets:
            del self._sockets[room]
        if not rooms:
            del self._rooms[socket]

    def of(self, socket: Socket) -> frozenset[str]:
        """The rooms a socket is in."""
        return frozenset(self._rooms.get(socket, ()))

    def select(self, audience: Audience) -> Collection[Socket]:
        """The sockets of an audience, each once. One room and nothing excluded: the set itself, not a copy."""
        rooms, but_rooms, but = audience
        if not rooms:
            found: set[Socket] = self.everybody
        elif len(rooms) == 1:
            found = self._sockets.get(rooms[0], set())
        else:
            found = self._union(rooms)
        if but_rooms:
            found = found - self._union(but_rooms)
        return found - but if but else found

    def _union(self, rooms: Iterable[str]) -> set[Socket]:
        return set().union(*(self._sockets.get(room, ()) for room in rooms))
