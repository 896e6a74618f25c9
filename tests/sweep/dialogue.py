"""A dialogue of a real client with a real server, and whether it went as if nothing had been cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.client_proto import ResponseHandler

from antiphon import Backoff, Client, Server, Socket
from antiphon.hosts.aiohttp import mount
from tests.sweep.pipes import Scissors, connect

__all__ = ["Stage"]

SAID_UP = ["one", b"\x00two", {"three": 3}]
SAID_DOWN = ["eins", b"\x00zwei", {"drei": 3}]
# Longer than any wait for a lost transport, for a dialogue that does not get on.
PATIENCE = 90.0


class Stage:
    """A server in an application of aiohttp, which clients reach without a socket."""

    def __init__(self, runner: web.AppRunner, server: Server) -> None:
        self.server = server
        self.runner = runner
        self._heard: dict[str, list[Any]] = {}
        self._met: dict[str, Socket] = {}
        self._count = 0
        chat = server.namespace()

        @chat.on_connect
        async def entered(socket: Socket, name: str) -> None:
            self._met[name] = socket

        @chat.on("say")
        async def say(socket: Socket, name: str, what: Any) -> None:
            self._heard[name].append(what)

        @chat.on("double")
        async def double(socket: Socket, number: int) -> int:
            return number * 2

        @chat.on("count")
        async def count(socket: Socket, up_to: int) -> AsyncIterator[int]:
            for number in range(up_to):
                yield number

    @classmethod
    @asynccontextmanager
    async def set(cls) -> AsyncIterator[Stage]:
        """Set it up, and strike it."""
        server = Server(clock=asyncio.get_running_loop().time)
        app = web.Application()
        mount(app, server, window=None, patience=0.0)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            yield cls(runner, server)
        finally:
            await runner.cleanup()

    async def play_in_memory(self, kind: str, scissors: Scissors) -> list[str]:
        """One dialogue over streams in memory; see `play`."""
        async with _Connector(self.runner, scissors) as connections:
            return await self.play(kind, "http://memory/antiphon", connections)

    async def play(self, kind: str, url: str, connections: aiohttp.BaseConnector | None = None) -> list[str]:
        """One dialogue; returns what went otherwise than without a cut."""
        loop = asyncio.get_running_loop()
        name = f"client {self._count}"
        self._count += 1
        said_down: list[Any] = []
        self._heard[name] = []
        made = self.server.statistics().sessions_made
        client = Client(
            url,
            transports=(kind,),
            backoff=Backoff(first=0.01, base=0.01, ceiling=0.01),
            connector=connections,
            clock=loop.time,
        )
        chat = client.namespace(auth=name)

        @chat.on("said")
        async def said(what: Any) -> None:
            said_down.append(what)

        @chat.on("ask")
        async def ask(number: int) -> int:
            return number + 1

        wrong: list[str] = []
        try:
            async with asyncio.timeout(PATIENCE):
                async with client:
                    await chat.ready()
                    for what in SAID_UP:
                        await chat.emit("say", name, what)
                    socket = self._met.pop(name)
                    for what in SAID_DOWN:
                        await socket.emit("said", what)
                    answers = await asyncio.gather(chat.call("double", 21), socket.call("ask", 41))
                    items = [item async for item in chat.stream("count", 3)]
        except TimeoutError:
            return [f"not over within {PATIENCE:.0f} s"]
        if list(answers) != [42, 42] or items != [0, 1, 2]:
            wrong.append(f"answered {answers} and {items}")
        if self._heard.pop(name) != SAID_UP:
            wrong.append("the server heard something else")
        if said_down != SAID_DOWN:
            wrong.append(f"the client heard {said_down}")
        if self.server.statistics().sessions_made != made + 1:
            wrong.append("it took more than one session")
        return wrong


class _Connector(aiohttp.BaseConnector):
    """Connects to the application, wherever that is said to be."""

    def __init__(self, runner: web.AppRunner, scissors: Scissors) -> None:
        super().__init__()
        self._runner = runner
        self._scissors = scissors

    async def _create_connection(self, req: Any, traces: Any, timeout: Any) -> ResponseHandler:
        protocol = self._factory()
        assert self._runner.server is not None
        connect(protocol, self._runner.server(), self._scissors, self._loop)
        return protocol
