"""The server under chaos, a process of its own: `python -m tests.chaos.server NAME...` prints its port.

It talks to the clients of these names through antiphon, and is told what to do over plain HTTP: POST /begin,
POST /stop, GET /record, GET /resources.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import count
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from antiphon import DisconnectCode, Disconnected, Heartbeat, Outbox, Server, Socket
from antiphon.hosts.aiohttp import mount
from tests.chaos.broadcasts import Broadcasts
from tests.chaos.complaints import Complaints
from tests.chaos.history import DOOMED, Side
from tests.chaos.outages import Outages
from tests.chaos.resources import resources
from tests.chaos.streams import GATHER, ITEMS, Streams, gather, items
from tests.chaos.traffic import (
    BEAT,
    ECHO,
    ENTER,
    EVENT,
    EXIT,
    MAIN,
    NEWS,
    PACE,
    QUESTION,
    SIDE,
    Traffic,
    answer,
)

__all__ = ["ChaosServer"]

# Half of the black holes are not cut: the ends have to notice them, and shall do so within the run.
HEARTBEAT = Heartbeat(interval=2, timeout=2)
# What everybody hears in PACE.
LINE = "n" * 500
# So often the session of a doomed client is lost.
DOOMS = 3
# More packets than an outbox holds.
TOO_MUCH = Outbox().packets + 1


class Latest:
    """The socket that a client of this name has now, or had last: a lost session is followed by another one."""

    def __init__(self, sockets: dict[str, Socket], name: str) -> None:
        self._sockets = sockets
        self._name = name

    async def emit(self, event: str, number: int, padding: bytes, /) -> None:
        """See Socket.emit."""
        await self._sockets[self._name].emit(event, number, padding)

    async def call(self, event: str, number: int, padding: bytes, /, *, timeout: float) -> object:
        """See Socket.call."""
        return await self._sockets[self._name].call(event, number, padding, timeout=timeout)


class ChaosServer:
    """Its clients, by name: a client whose session is lost comes back as the same one and is judged as one."""

    def __init__(self, names: list[str], rate: float, complaints: Complaints) -> None:
        self.server = Server(heartbeat=HEARTBEAT)
        self._complaints = complaints
        self._rate = rate
        self._sides = {name: Side() for name in names}
        self._outages = {name: Outages(side) for name, side in self._sides.items()}
        self._sockets: dict[str, Socket] = {}
        self._entered = dict.fromkeys(names, 0)
        self._beyond = count(1_000_000)
        self._traffic: dict[Socket, Traffic] = {}
        self._streams: list[Streams] = []
        self._stopped = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self._sending: asyncio.Task[None] | None = None
        self._news: asyncio.Task[None] | None = None
        main, side = self.server.namespace(MAIN), self.server.namespace(SIDE)
        self._broadcasts = Broadcasts(self._sides, main, side)
        main.on_connect(self._enter_main)
        main.on_disconnect(self._leave_main)
        main.on_suspend(self._suspend)
        main.on_resume(self._resume)
        main.on(ENTER)(self._enter_room)
        main.on(EXIT)(self._exit_room)
        main.on(ITEMS)(self._items)
        main.on(GATHER)(self._gather)
        side.on_connect(self._enter_side)
        side.on_disconnect(self._leave_side)
        pace = self.server.namespace(PACE)
        pace.on_connect(self._set_the_pace)
        pace.on(ECHO)(self._echo)
        for namespace in (main, side):
            namespace.on(EVENT)(self._event)
            namespace.on(QUESTION)(self._question)

    def application(self) -> web.Application:
        """antiphon and the commands."""
        app = web.Application()
        mount(app, self.server)
        app.router.add_post("/begin", self._begin)
        app.router.add_post("/stop", self._stop)
        app.router.add_get("/record", self._record)
        app.router.add_get("/resources", self._resources)
        app.cleanup_ctx.append(self._life)
        return app

    # -- what clients do

    def _enter_main(self, socket: Socket, auth: dict[str, Any]) -> None:
        socket.data.update(auth)
        self._sockets[auth["name"]] = socket
        self._entered[auth["name"]] += 1
        self._broadcasts.arrived(socket)

    def _leave_main(self, socket: Socket, reason: Disconnected) -> None:
        self._broadcasts.departed(socket)
        name = socket.data["name"]
        if reason.code is not DisconnectCode.CLOSED:
            self._outages[name].lose(reason.code)
        elif self._sockets.get(name) is socket:
            del self._sockets[name]

    def _suspend(self, socket: Socket) -> None:
        name = socket.data["name"]
        self._outages[name].begin()
        if DOOMED in name and len(self._sides[name].losses) < DOOMS and not self._stopped.is_set():
            self._overflow(name, socket)

    def _overflow(self, name: str, socket: Socket) -> None:
        """Say more to who is away than may wait: the session ends, and both ends are told."""
        for _ in range(TOO_MUCH):
            number = next(self._beyond)
            self._sides[name].say("main", number)
            socket.emit_nowait(EVENT, number, b"too much")

    def _resume(self, socket: Socket) -> None:
        self._outages[socket.data["name"]].resume()

    def _enter_side(self, socket: Socket, auth: dict[str, Any]) -> None:
        socket.data.update(auth)
        self._broadcasts.arrived(socket)
        name, channel = auth["name"], auth["channel"]
        traffic = Traffic(self._sides[name], channel, socket, rate=0.3 * self._rate, seed=f"server {name}")
        if self._tasks is not None and not self._stopped.is_set():
            self._traffic[socket] = traffic
            self._tasks.create_task(traffic.run())

    def _leave_side(self, socket: Socket) -> None:
        self._broadcasts.departed(socket)
        if (traffic := self._traffic.pop(socket, None)) is not None:
            traffic.stop()

    async def _enter_room(self, socket: Socket, number: int, room: str) -> int:
        self._side(socket).hear("moves", number, socket.transport)
        await socket.join(room)
        self._broadcasts.joined(socket, room)
        return answer(number)

    async def _exit_room(self, socket: Socket, number: int, room: str) -> int:
        self._side(socket).hear("moves", number, socket.transport)
        await socket.leave(room)
        self._broadcasts.left(socket, room)
        return answer(number)

    def _event(self, socket: Socket, number: int, padding: bytes) -> None:
        self._side(socket).hear(socket.data["channel"], number, socket.transport)

    def _question(self, socket: Socket, number: int, padding: bytes) -> int:
        self._event(socket, number, padding)
        return answer(number)

    async def _items(self, socket: Socket, channel: str, size: int, pause: float) -> AsyncIterator[int]:
        async for number in items(self._side(socket), channel, size, pause):
            yield number

    async def _gather(self, socket: Socket, channel: str, numbers: AsyncIterator[int], most: int) -> int:
        return await gather(self._side(socket), channel, numbers, most)

    def _set_the_pace(self, socket: Socket) -> None:
        if self._news is None:
            self._news = asyncio.get_running_loop().create_task(self._tell_news())

    def _echo(self, socket: Socket, text: str) -> str:
        return text

    async def _tell_news(self) -> None:
        """Something for everybody as long as anybody is there; who does not read it is full after a while."""
        pace = self.server.namespace(PACE)
        while pace.count():
            await pace.emit(NEWS, LINE)
            await asyncio.sleep(BEAT)
        self._news = None

    def _side(self, socket: Socket) -> Side:
        return self._sides[socket.data["name"]]

    # -- what the test does

    async def _begin(self, request: web.Request) -> web.Response:
        self._sending = asyncio.get_running_loop().create_task(self._send())
        return web.Response()

    async def _stop(self, request: web.Request) -> web.Response:
        self._stopped.set()
        for traffic in self._traffic.values():
            traffic.stop()
        for streams in self._streams:
            streams.stop()
        return web.Response()

    async def _record(self, request: web.Request) -> web.Response:
        statistics = self.server.statistics()
        return web.json_response(
            {
                "sides": {name: side.to_json() for name, side in self._sides.items()},
                "done": self._sending is not None and self._sending.done(),
                "complaints": self._complaints.heard,
                "broadcasts": self._broadcasts.sent,
                "entered": self._entered,
                "duplicates": statistics.duplicates,
                "gaps": statistics.gaps,
                "cpu": time.process_time(),
            }
        )

    async def _resources(self, request: web.Request) -> web.Response:
        return web.json_response(resources(self.server))

    async def _send(self) -> None:
        async with asyncio.TaskGroup() as self._tasks:
            for name, socket in self._sockets.items():
                side, seed = self._sides[name], f"server {name}"
                peer = Latest(self._sockets, name)
                traffic = self._traffic[socket] = Traffic(side, "main", peer, rate=0.7 * self._rate, seed=seed)
                if DOOMED in name:
                    self._tasks.create_task(traffic.run())
                    continue
                streams = Streams(side, "s", socket, seed=seed)
                self._streams.append(streams)
                self._tasks.create_task(traffic.run())
                self._tasks.create_task(streams.run())
            self._tasks.create_task(self._broadcasts.run(self._stopped))
            await self._stopped.wait()
        self._traffic.clear()
        self._streams.clear()

    async def _life(self, app: web.Application) -> AsyncIterator[None]:
        yield
        if self._sending is not None:
            self._sending.cancel()
            with suppress(asyncio.CancelledError):
                await self._sending


async def _serve(names: list[str], rate: float) -> None:
    with Complaints() as complaints:
        async with TestServer(ChaosServer(names, rate, complaints).application()) as server:
            print(json.dumps({"port": server.port}), flush=True)
            # Until whoever started it closes the pipe, or dies.
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("names", nargs="+")
    arguments.add_argument("--rate", type=float, required=True)
    options = arguments.parse_args()
    asyncio.run(_serve(options.names, options.rate))
