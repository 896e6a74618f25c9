"""The server of the browser tests with pages of Socket.IO: it echoes, asks back, broadcasts, and says who is gone.

`python -m tests.browser.socketio_app --port 0 [--origin ORIGIN] [--recovery]` prints one line of JSON with its port.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from aiohttp import web

from antiphon import Refused, Server, Socket
from antiphon.config import Socketio
from antiphon.hosts.aiohttp import mount
from tests.browser.app import run

HERE = Path(__file__).parent
BUILDS = HERE.parent / "interop" / "node_modules" / "socket.io-client" / "dist"
FILES = {
    "/": HERE / "socketio.html",
    "/socket.io.min.js": BUILDS / "socket.io.min.js",
    "/socket.io.msgpack.min.js": BUILDS / "socket.io.msgpack.min.js",
}


class Hall:
    """One room, which everybody is in, and a namespace that wants a token; `gone` are the ids of who left."""

    def __init__(self, origins: list[str], options: Socketio) -> None:
        self.server = Server(origins=origins)
        self.options = options
        self.gone: list[str] = []
        self.root = root = self.server.namespace("/")

        @root.on_connect
        async def connect(socket: Socket) -> None:
            await socket.join("room")

        @root.on_disconnect
        async def disconnect(socket: Socket) -> None:
            self.gone.append(socket.id)

        @root.on("echo")
        async def echo(socket: Socket, *args: Any) -> tuple[Any, ...]:
            return args

        @root.on("mute")
        async def mute(socket: Socket) -> None:
            raise Refused("nothing is said of it")

        @root.on("note")
        async def note(socket: Socket, number: int) -> None:
            socket.data.setdefault("noted", []).append(number)

        @root.on("noted")
        async def noted(socket: Socket) -> list[int]:
            return list(socket.data.get("noted", ()))

        @root.on("count")
        async def count(socket: Socket, to: int) -> None:
            for number in range(1, to + 1):
                await socket.emit("number", number)
                await asyncio.sleep(0.002)

        @root.on("ask me")
        async def ask(socket: Socket, *args: Any) -> list[Any]:
            return ["it said", await socket.call("what", *args)]

        @root.on("say")
        async def say(socket: Socket, what: Any) -> int:
            await root.to("room").emit("said", what)
            return 1

        @root.on("cookie")
        async def cookie(socket: Socket) -> str | None:
            return socket.arrival.headers.get("cookie")

        guarded = self.server.namespace("/guarded")

        @guarded.on_connect
        async def guard(socket: Socket, auth: Any) -> None:
            if auth != {"token": "open"}:
                raise Refused("who are you?", {"wanted": ["token"]})

        @guarded.on("echo")
        async def guarded_echo(socket: Socket, what: Any) -> list[Any]:
            return ["guarded", what]

    async def count_down(self, request: web.Request) -> web.Response:
        """POST /count?from=1&to=20: send these numbers to the room."""
        first, last = int(request.query["from"]), int(request.query["to"])
        for number in range(first, last + 1):
            await self.root.to("room").emit("number", number)
        return web.json_response({"sent": last})

    async def tell(self, request: web.Request) -> web.Response:
        """GET /gone: who left."""
        return web.json_response(self.gone)

    async def statistics(self, request: web.Request) -> web.Response:
        """GET /statistics: how many sessions there were, and how often a page of another origin was refused."""
        now = self.server.statistics()
        return web.json_response({"made": now.sessions_made, "refused": now.limits.origins})

    def application(self) -> web.Application:
        """The page, its scripts, the server, and what the tests ask it."""
        app = web.Application()
        for path in FILES:
            app.router.add_get(path, file)
        app.router.add_post("/count", self.count_down)
        app.router.add_get("/gone", self.tell)
        app.router.add_get("/statistics", self.statistics)
        mount(app, self.server, socketio=self.options)
        return app


async def file(request: web.Request) -> web.FileResponse:
    return web.FileResponse(FILES[request.path])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--origin", action="append", default=[])
    parser.add_argument("--recovery", action="store_true")
    chosen = parser.parse_args()
    hall = Hall(chosen.origin, Socketio(recovery=chosen.recovery))
    asyncio.run(run(hall.application(), chosen.port, None, None))
