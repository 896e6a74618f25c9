"""Who is where: sockets by room and rooms by socket, kept as mirror images."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from antiphon.server.socket import Socket

__all__ = ["Audience", "Person", "Room", "Rooms"]


class Person(NamedTuple):
    """The room that all sockets of one principal are in. It has no name, so an application cannot take it for one."""

    id: str


Room: TypeAlias = str | Person


class Audience(NamedTuple):
    """Which sockets: those in any of `rooms` (all, if none is named), without those in `but_rooms` or `but`.

    And of these the ones that all of `where` are true of.
    """

    rooms: tuple[Room, ...] = ()
    but_rooms: tuple[Room, ...] = ()
    but: frozenset[Socket] = frozenset()
    where: tuple[Callable[[Socket], object], ...] = ()


class Rooms:
    """The rooms of one namespace. A room exists while somebody is in it."""

    def __init__(self) -> None:
        self.everybody: set[Socket] = set()
        self._sockets: dict[Room, set[Socket]] = {}
        # Two dicts instead of one with pairs: `select` is on the path of every broadcast.
        self._rooms: dict[Socket, set[Room]] = {}

    def __len__(self) -> int:
        return sum(type(room) is str for room in self._sockets)

    def enter(self, socket: Socket) -> None:
        """A socket comes into the namespace."""
        self.everybody.add(socket)

    def exit(self, socket: Socket) -> frozenset[str]:
        """A socket leaves the namespace and all its rooms, which are returned."""
        self.everybody.discard(socket)
        rooms = self.of(socket)
        for room in tuple(self._rooms.get(socket, ())):
            self.leave(socket, room)
        return rooms

    def join(self, socket: Socket, room: Room) -> None:
        """A socket comes into a room, even before it enters the namespace. Joining twice is joining once."""
        self._sockets.setdefault(room, set()).add(socket)
        self._rooms.setdefault(socket, set()).add(room)

    def leave(self, socket: Socket, room: Room) -> None:
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
        """The rooms a socket is in, by name: whose it is, is none of them."""
        return frozenset(room for room in self._rooms.get(socket, ()) if type(room) is str)

    def about(self, socket: Socket) -> int:
        """In how many rooms a socket is, its person's included."""
        return len(self._rooms.get(socket, ()))

    def select(self, audience: Audience) -> Collection[Socket]:
        """The sockets of an audience, each once. One room and nothing excluded: the set itself, not a copy."""
        rooms, but_rooms, but, where = audience
        if not rooms:
            found: set[Socket] = self.everybody
        elif len(rooms) == 1:
            found = self._sockets.get(rooms[0], set())
        else:
            found = self._union(rooms)
        if but_rooms:
            found = found - self._union(but_rooms)
        if but:
            found = found - but
        # A copy first: a predicate is the application's, and may change who is where.
        return {socket for socket in tuple(found) if all(true(socket) for true in where)} if where else found

    def counts(self) -> dict[str, int]:
        """The rooms by name, and how many sockets are in each."""
        return {room: len(sockets) for room, sockets in self._sockets.items() if isinstance(room, str)}

    def _union(self, rooms: Iterable[Room]) -> set[Socket]:
        return set().union(*(self._sockets.get(room, ()) for room in rooms))
