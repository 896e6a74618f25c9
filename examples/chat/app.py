"""The chat's server: who is let in, who is where, and what was said there.

Everything is in memory: a new process begins with empty rooms.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import deque
from pathlib import Path

from aiohttp import web

from antiphon import CallFailed, Heartbeat, Namespace, Refused, Server, Socket
from antiphon.hosts.aiohttp import mount
from examples.chat.words import Counting, Draft, Login, Message, Room, RoomName, RoomView
from examples.names import tidy
from examples.pages import serve_page

__all__ = ["make_app", "serve_chat"]

STATIC = Path(__file__).parent / "static"

# These are always there; another room exists while somebody is in it.
ROOMS = ("lobby", "garden", "workshop")
MOST_ROOMS = 50
HISTORY = 100
# It speaks for the chat itself, so nobody else may have the name.
SERVER = "server"

DICE = re.compile(r"(\d{1,2})d(\d{1,4})")


class Log:
    """The last messages of one room, and the id of the next."""

    def __init__(self) -> None:
        self.messages: deque[Message] = deque(maxlen=HISTORY)
        # It begins with the time, so that ids go on growing when the server starts anew, or a room is made again.
        self.next = time.time_ns() // 1_000_000

    def add(self, author: str, text: str, ref: str = "", number: int = 0) -> Message:
        """Keep a message, and return it as it is sent."""
        message = Message(self.next, time.time_ns() // 1_000_000, author, text, ref, number)
        self.messages.append(message)
        self.next += 1
        return message


def make_app(server: Server | None = None) -> web.Application:
    """The page at / and the chat behind it, in the namespace /chat of `server`."""
    # A shorter heartbeat than usual, so that a stalled network is noticed while one looks.
    server = server or Server(heartbeat=Heartbeat(interval=5, timeout=5))
    serve_chat(server.namespace("/chat"))

    app = web.Application()
    # Few people come back at once, so they need not be spread over half a minute.
    mount(app, server, window=2.0)
    serve_page(app, STATIC)
    return app


def serve_chat(chat: Namespace) -> None:
    """Let `chat` be a chat."""
    logs = {name: Log() for name in ROOMS}

    # -- who is let in, and who went

    @chat.on_connect
    async def admit(socket: Socket, login: Login) -> None:
        name = tidy(login.name)
        if name is None:
            raise Refused("A name has 1 to 24 characters. Please choose another one.")
        if name.casefold() == SERVER or any(
            name.casefold() == name_of(other).casefold() and login.token != other.data["token"]
            for other in chat.sockets - {socket}
            if "name" in other.data
        ):
            raise Refused(f"{name} is here already. Please choose another name.")
        socket.data.update(name=name, token=login.token)

    @chat.on_disconnect
    async def see_off(socket: Socket) -> None:
        for room in socket.rooms:
            await show_people(room)
        await show_rooms()

    # -- rooms

    @chat.on("enter")
    async def enter(socket: Socket, name: RoomName) -> str:
        room = tidy(name.lower())
        if room is None:
            raise CallFailed("name", "A room's name has 1 to 24 characters.")
        if room not in logs and len(logs) >= MOST_ROOMS:
            raise CallFailed("full", f"There are {MOST_ROOMS} rooms already; enter one of them.")
        log = logs.setdefault(room, Log())
        await socket.join(room)
        # As an event and not in the reply: events keep their order, so what is said from now on comes behind it.
        await socket.emit("entered", Room(room, people(room), list(log.messages), log.next))
        await show_people(room)
        await show_rooms()
        return room

    @chat.on("leave")
    async def leave(socket: Socket, room: RoomName) -> None:
        await socket.leave(room)
        await show_people(room)
        await show_rooms()

    def people(room: str) -> list[str]:
        return sorted({name_of(socket) for socket in chat.to(room).sockets}, key=str.casefold)

    async def show_people(room: str) -> None:
        if room not in ROOMS and not chat.count(room):
            logs.pop(room, None)
        await chat.to(room).emit("people", room, people(room))

    async def show_rooms() -> None:
        await chat.emit("rooms", [RoomView(room, len(people(room))) for room in logs])

    # -- what is said

    @chat.on("say")
    async def say(socket: Socket, draft: Draft) -> None:
        # After a lost session a page says what still waited there before it can enter its rooms again.
        room = draft.room if draft.room in socket.rooms else await enter(socket, draft.room)
        await tell(room, name_of(socket), draft.text, draft.ref, draft.number)

    @chat.on("typing")
    async def typing(socket: Socket, room: RoomName) -> None:
        if room in socket.rooms:
            await socket.to(room).emit("typing", room, name_of(socket), volatile=True)

    @chat.on("roll")
    async def roll(socket: Socket, room: RoomName, dice: str = "1d6") -> list[int]:
        match = DICE.fullmatch(dice)
        count, sides = (int(group) for group in match.groups()) if match else (0, 0)
        if room not in socket.rooms or not (count and sides):
            raise CallFailed("dice", "Write dice as 2d6: two dice with six sides.")
        thrown = [random.randint(1, sides) for _ in range(count)]
        await tell(room, SERVER, f"{name_of(socket)} rolled {dice}: {' + '.join(map(str, thrown))} = {sum(thrown)}")
        return thrown

    @chat.on("count", concurrent=True)
    async def count(socket: Socket, counting: Counting) -> None:
        """Count aloud, whatever becomes of the network meanwhile. Concurrent, so that the socket can go on talking."""
        for number in range(1, counting.to + 1):
            if counting.room not in socket.rooms or not socket.connected:
                return
            await tell(counting.room, SERVER, f"{number} of {counting.to}", number=number)
            await asyncio.sleep(1 / counting.rate)

    async def tell(room: str, author: str, text: str, ref: str = "", number: int = 0) -> None:
        await chat.to(room).emit("said", room, logs[room].add(author, text, ref, number))


def name_of(socket: Socket) -> str:
    """The name under which a socket was let in."""
    return str(socket.data["name"])
