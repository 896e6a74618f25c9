"""The pond's server: it passes on where everybody swims, feeds and counts, and tells how it is doing.

Each event is kept as it deserves: what was eaten arrives once and in order, of a position the newest counts, and a
ripple that comes late is not worth coming.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from aiohttp import web

from antiphon import Broadcast, Heartbeat, Namespace, Refused, Server, Socket
from antiphon.hosts.aiohttp import mount
from examples.names import tidy
from examples.pages import serve_page
from examples.pond.pond import Pond
from examples.pond.words import PONDS, Fish, PondName, Pulse, Visitor, Water, X, Y

__all__ = ["make_app", "serve_pond"]

STATIC = Path(__file__).parent / "static"
TICKS = 20  # per second


def make_app(server: Server | None = None) -> web.Application:
    """The page at / and the ponds behind it, in the namespace /pond of `server`."""
    # A shorter heartbeat than usual: it measures the round trip that the page shows.
    server = server or Server(heartbeat=Heartbeat(interval=2, timeout=5))
    tick = serve_pond(server.namespace("/pond"))

    async def live(app: web.Application) -> AsyncIterator[None]:
        living = asyncio.create_task(every(1 / TICKS, tick))
        yield
        living.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await living

    app = web.Application()
    app.cleanup_ctx.append(live)
    mount(app, server, window=2.0)
    serve_page(app, STATIC)
    return app


async def every(seconds: float, step: Callable[[], Awaitable[None]]) -> None:
    """Take a step every so many seconds, for ever."""
    while True:
        await asyncio.sleep(seconds)
        await step()


def serve_pond(
    namespace: Namespace,
    *,
    chance: Callable[[], float] = random.random,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Callable[[], Awaitable[None]]:
    """Let a namespace be two ponds; each is a room. Returns the tick that feeds the fish."""
    ponds = {name: Pond(chance) for name in PONDS}
    heard = said = 0

    # -- what is said to the pages, where it is not kept like any event

    @namespace.event("swim", latest="id")
    def swim(id: str, x: float, y: float) -> None: ...

    @namespace.event("ripple", volatile=True)
    def ripple(x: float, y: float) -> None: ...

    # -- who comes and goes

    @namespace.on_connect
    async def admit(socket: Socket, visitor: Visitor) -> None:
        name = tidy(visitor.name)
        if name is None:
            raise Refused("A name has 1 to 24 characters. Please choose another one.")
        socket.data["fish"] = Fish(socket.id, name, visitor.colour, 0, 0)

    @namespace.on("enter")
    async def enter(socket: Socket, name: PondName) -> None:
        await leave(socket)
        fish, pond = fish_of(socket), ponds[name]
        pond.enter(fish)
        await socket.join(name)
        # As an event and not as an answer: events keep their order, so what happens from now on comes behind it.
        await socket.emit("entered", Water(name, list(pond.fish.values()), list(pond.flakes.values())))
        await socket.to(name).emit("came", fish)
        await show_ponds()

    @namespace.on_disconnect
    async def see_off(socket: Socket) -> None:
        await leave(socket)
        await show_ponds()

    async def leave(socket: Socket) -> None:
        for name, pond in ponds.items():
            if pond.fish.pop(socket.id, None) is not None:
                await socket.leave(name)
                await namespace.to(name).emit("left", socket.id)

    async def show_ponds() -> None:
        await namespace.emit("ponds", {name: len(pond.fish) for name, pond in ponds.items()}, latest="ponds")

    def beside(socket: Socket) -> Broadcast:
        """The others in its pond. Who is in none speaks to nobody; `socket.to()` would be everybody."""
        return socket.to(*socket.rooms or {"no pond"})

    # A cut is no farewell: the fish stays where it is, and dozes.

    @namespace.on_suspend
    async def doze(socket: Socket) -> None:
        await show_away(socket, True)

    @namespace.on_resume
    async def wake(socket: Socket) -> None:
        await show_away(socket, False)

    async def show_away(socket: Socket, away: bool) -> None:
        fish_of(socket).away = away
        await beside(socket).emit("away", socket.id, away)

    # -- what a fish does

    @namespace.on("swim")
    async def swam(socket: Socket, x: X, y: Y) -> None:
        fish = fish_of(socket)
        fish.x, fish.y = x, y
        await beside(socket).emit("swim", fish.id, x, y)

    @namespace.on("ripple")
    async def rippled(socket: Socket, x: X, y: Y) -> None:
        await beside(socket).emit("ripple", x, y)

    # -- what the server does

    async def tick() -> None:
        for name, pond in ponds.items():
            room = namespace.to(name)
            if (flake := pond.feed()) is not None:
                await room.emit("flake", flake)
            for meal in pond.eat():
                await room.emit("eaten", *meal)

    @namespace.on_any
    def count_heard(socket: Socket, event: str, *args: object) -> None:
        nonlocal heard
        heard += 1

    @namespace.on_any_outgoing
    def count_said(event: str, *args: object) -> None:
        nonlocal said
        said += 1

    @namespace.on("pulse")
    async def pulse(socket: Socket) -> AsyncIterator[Pulse]:
        """Once per second, until the page has seen enough."""
        while True:
            began, heard_before, said_before = clock(), heard, said
            await sleep(1)
            passed = clock() - began
            round_trip = socket.statistics().round_trip
            yield Pulse(
                fish=namespace.count(),
                heard=round((heard - heard_before) / passed, 1),
                said=round((said - said_before) / passed, 1),
                round_trip=None if round_trip is None else round(round_trip * 1000, 1),
            )

    return tick


def fish_of(socket: Socket) -> Fish:
    """The fish that a socket swims as."""
    fish = socket.data["fish"]
    assert isinstance(fish, Fish)
    return fish
