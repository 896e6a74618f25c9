"""What page and server say to each other: the payloads of the chat, with their bounds."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from examples.names import LONGEST_NAME

__all__ = ["Counting", "Draft", "Login", "Message", "Room", "RoomName", "RoomView"]

Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=2000)]
RoomName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]


class Login(Struct, frozen=True):
    """Who wants to come in. The page made up the token: it proves that a name that comes back is the same person."""

    name: str
    token: Annotated[str, Meta(min_length=8, max_length=64)]


class Draft(Struct, frozen=True):
    """A message on its way to the server. By `ref` the page knows it again; a `number` is shown as a chip."""

    room: RoomName
    text: Text
    ref: Annotated[str, Meta(max_length=64)] = ""
    number: Annotated[int, Meta(ge=0)] = 0


class Counting(Struct, frozen=True):
    """A wish: let the server count aloud in a room, so many numbers per second."""

    room: RoomName
    to: Annotated[int, Meta(ge=1, le=1000)]
    rate: Annotated[float, Meta(ge=1, le=200)]


class Message(Struct, frozen=True):
    """What everybody in a room sees. `id` counts the messages of the room without a gap; `at` is in ms since 1970."""

    id: int
    at: int
    author: str
    text: str
    ref: str = ""
    number: int = 0


class Room(Struct, frozen=True):
    """A room as it is given to whoever enters it. `next` is the id that its next message will have."""

    name: str
    people: list[str]
    history: list[Message]
    next: int


class RoomView(Struct, frozen=True):
    """A room as the list of rooms shows it."""

    name: str
    people: int
