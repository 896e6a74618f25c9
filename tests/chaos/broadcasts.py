"""The same to several: who is in which room is remembered here as well, so that the server's own rooms are judged."""

from __future__ import annotations

import asyncio
import random
from itertools import count

from antiphon import Namespace, Socket
from tests.chaos.history import Side
from tests.chaos.traffic import EVENT, ROOMS

__all__ = ["Broadcasts"]

# Seconds between two broadcasts, and of how many packets they come in a burst.
PAUSE = 0.05
BURST = 3


class Broadcasts:
    """Says numbers to rooms and namespaces: below zero, to be told from what is sent to one alone."""

    def __init__(self, sides: dict[str, Side], main: Namespace, side: Namespace) -> None:
        self.sent = 0
        self._sides = sides
        self._main = main
        self._namespaces = (main, side)
        self._here: dict[Namespace, set[Socket]] = {main: set(), side: set()}
        self._rooms: dict[str, set[Socket]] = {room: set() for room in ROOMS}
        self._dice = random.Random("broadcasts")

    def arrived(self, socket: Socket) -> None:
        """It is being let into its namespace."""
        self._here[socket.namespace].add(socket)

    def departed(self, socket: Socket) -> None:
        """It is out of its namespace."""
        self._here[socket.namespace].discard(socket)
        for members in self._rooms.values():
            members.discard(socket)

    def joined(self, socket: Socket, room: str) -> None:
        """It came into a room."""
        self._rooms[room].add(socket)

    def left(self, socket: Socket, room: str) -> None:
        """It left a room."""
        self._rooms[room].discard(socket)

    async def run(self, stopped: asyncio.Event) -> None:
        """Broadcast until `stopped`."""
        numbers = count(1)
        while not stopped.is_set():
            await asyncio.sleep(self._dice.uniform(0, 2 * PAUSE))
            for _ in range(self._dice.randint(1, BURST)):
                await self._say(-next(numbers))

    async def _say(self, number: int) -> None:
        if self._dice.randrange(5) == 0:
            namespace = self._dice.choice(self._namespaces)
            audience, receivers = namespace.to(), self._here[namespace]
        else:
            rooms = self._dice.sample(ROOMS, self._dice.randint(1, 2))
            audience, receivers = self._main.to(*rooms), set().union(*(self._rooms[room] for room in rooms))
        for socket in receivers:
            self._sides[socket.data["name"]].say(socket.data["channel"], number)
        self.sent += 1
        await audience.emit(EVENT, number, b"to several")
