"""The server under chaos, a process of its own: `python -m tests.chaos.server NAME...` prints its port.

It talks numbers to the clients of these names through antiphon, and is told what to do over plain HTTP: POST /begin,
POST /stop, GET /record.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator
from itertools import count

from aiohttp import web
from aiohttp.test_utils import TestServer

from antiphon import DisconnectCode, Disconnected, Server, Socket
from antiphon.hosts.aiohttp import mount
from tests.chaos.complaints import Complaints
from tests.chaos.history import Loss, Side
from tests.chaos.traffic import BEAT, EVENT, QUESTION, Traffic, answer

__all__ = ["NAMESPACE", "ChaosServer"]

NAMESPACE = "/chaos"


class ChaosServer:
    """Its clients, by name: a client whose session is lost comes back as the same one and is judged as one."""

    def __init__(self, names: list[str], rate: float, complaints: Complaints) -> None:
        self.server = Server()
        self._complaints = complaints
        self._rate = rate
        self._sides = {name: Side() for name in names}
        self._sockets: dict[str, Socket] = {}
        self._traffic: list[Traffic] = []
        self._stopped = asyncio.Event()
        self._sending: asyncio.Task[None] | None = None
        namespace = self._namespace = self.server.namespace(NAMESPACE)
        namespace.on_connect(self._enter)
        namespace.on_disconnect(self._disconnected)
        namespace.on(EVENT)(self._event)
        namespace.on(QUESTION)(self._question)

    def application(self) -> web.Application:
        """antiphon and the four commands."""
        app = web.Application()
        mount(app, self.server)
        app.router.add_post("/begin", self._begin)
        app.router.add_post("/stop", self._stop)
        app.router.add_get("/record", self._record)
        app.cleanup_ctx.append(self._life)
        return app

    # -- what clients do

    async def _enter(self, socket: Socket, auth: str) -> None:
        socket.data["name"] = auth
        self._sockets[auth] = socket
        await socket.join("everybody")

    def _disconnected(self, socket: Socket, reason: Disconnected) -> None:
        if reason.code is not DisconnectCode.CLOSED:
            self._sides[socket.data["name"]].losses.append(Loss(reason.code))

    def _event(self, socket: Socket, number: int, padding: bytes) -> None:
        self._sides[socket.data["name"]].deliver(number, socket.transport)

    def _question(self, socket: Socket, number: int, padding: bytes) -> int:
        self._event(socket, number, padding)
        return answer(number)

    # -- what the test does

    async def _begin(self, request: web.Request) -> web.Response:
        self._sending = asyncio.get_running_loop().create_task(self._send())
        return web.Response()

    async def _stop(self, request: web.Request) -> web.Response:
        self._stopped.set()
        for traffic in self._traffic:
            traffic.stop()
        return web.Response()

    async def _record(self, request: web.Request) -> web.Response:
        statistics = self.server.statistics()
        return web.json_response(
            {
                "sides": {name: side.to_json() for name, side in self._sides.items()},
                "done": self._sending is not None and self._sending.done(),
                "complaints": self._complaints.heard,
                "sessions": statistics.sessions_made,
                "left": statistics.sessions,
                "duplicates": statistics.duplicates,
                "gaps": statistics.gaps,
            }
        )

    async def _send(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for name, side in self._sides.items():
                traffic = Traffic(side, lambda name=name: self._sockets[name], rate=self._rate, seed=f"server {name}")  # type: ignore[misc]  # mypy infers no default
                self._traffic.append(traffic)
                tasks.create_task(traffic.run())
            tasks.create_task(self._broadcast())

    async def _broadcast(self) -> None:
        """The same to everybody, between what each is sent alone: below zero, to be told from those numbers."""
        room = self._namespace.to("everybody")
        for number in count(1):
            await asyncio.sleep(2 * BEAT)
            if self._stopped.is_set():
                return
            for side in self._sides.values():
                side.sent.append(-number)
            await room.emit(EVENT, -number, b"everybody")

    async def _life(self, app: web.Application) -> AsyncIterator[None]:
        yield
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)


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
