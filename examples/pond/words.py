"""What page and server say to each other: the payloads of the pond, with their bounds."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

__all__ = ["HEIGHT", "PONDS", "WIDTH", "Colour", "Fish", "Flake", "PondName", "Pulse", "Visitor", "Water", "X", "Y"]

# A pond is so large, in units of its own: each page draws it as large as its window is.
WIDTH, HEIGHT = 1200, 900

X: TypeAlias = Annotated[float, Meta(ge=0, le=WIDTH)]
Y: TypeAlias = Annotated[float, Meta(ge=0, le=HEIGHT)]
Colour: TypeAlias = Literal["coral", "amber", "pearl", "moss", "sky", "plum"]
PondName: TypeAlias = Literal["lily", "stone"]

PONDS: tuple[PondName, ...] = ("lily", "stone")


class Visitor(Struct, frozen=True):
    """Who wants to come in."""

    name: str
    colour: Colour


class Fish(Struct):
    """One visitor in the water. `away`: its connection is cut, and it dozes until it is back."""

    id: str
    name: str
    colour: Colour
    x: float
    y: float
    score: int = 0
    away: bool = False


class Flake(Struct, frozen=True):
    """Something to eat."""

    id: int
    x: float
    y: float


class Water(Struct, frozen=True):
    """A pond as it is given to whoever comes into it."""

    name: PondName
    fish: list[Fish]
    flakes: list[Flake]


class Pulse(Struct, frozen=True):
    """What the server did lately. Events are per second; `round_trip` is in ms, None while it is not known."""

    fish: int
    heard: float
    said: float
    round_trip: float | None
