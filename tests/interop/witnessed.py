"""A server with a witness in its room, who must not notice what others do, and a log in which nothing may be wrong."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from antiphon import Limits, Server, Socket
from antiphon.config import Inbox, Socketio
from antiphon.hosts.aiohttp import mount
from tests.hosts.rig import until
from tests.interop.engine_client import Engine, Frames, Polls, talking

__all__ = ["LIMITS", "MESSAGE", "Place", "witnessed"]

# Bytes of one message; small, so that too large ones are quickly sent.
MESSAGE = 10_000
LIMITS = Limits(namespaces=3, hello=1000, inbox=Inbox(packets=8))


class Standing(NamedTuple):
    """What is kept for clients: it grows with each that comes, and shrinks when it goes."""

    sessions: int
    opening: int
    polled: int
    rooms: int
    handlers: int
    lingering: int
    sockets: dict[str, int]
    transports: dict[str, int]


class Place:
    """A server, its Engine.IO, and what its handlers heard."""

    def __init__(self, server: Server, engine: Engine) -> None:
        self.server, self.engine = server, engine
        self.heard: list[Any] = []

    @property
    def standing(self) -> Standing:
        """What is kept now."""
        now, engines = self.server.statistics(), self.server.engines
        return Standing(
            sessions=now.sessions,
            opening=sum(engine.opening for engine in engines),
            polled=sum(engine.polled for engine in engines),
            rooms=now.rooms,
            handlers=now.handlers,
            lingering=now.lingering,
            sockets=dict(now.sockets),
            transports=dict(now.transports),
        )

    @asynccontextmanager
    async def joined(self) -> AsyncIterator[Frames]:
        """A WebSocket that is in "/", and in the room."""
        async with self.engine.frames() as frames:
            await frames.enter()
            yield frames

    async def polls(self) -> Polls:
        """A session on polling that is in "/", and in the room."""
        polls = await self.engine.polls()
        await polls.say("40")
        told = await polls.hear()
        assert told is not None and told.startswith('40{"sid":'), told
        return polls

    async def over(self, polls: Polls) -> None:
        """Make sure that a session on polling has ended."""
        while (answer := await polls.poll()).status == 200:
            assert answer.text != "2", "it lives"
        assert (answer.status, answer.code) == (400, 1)


def make_server(limits: Limits) -> Server:
    """Everybody in "/" is in one room."""
    server = Server(limits=limits, origins=["https://app.example"])
    root = server.namespace("/")
    for name in ("/one", "/two", "/three"):
        server.namespace(name)

    @root.on_connect
    async def connect(socket: Socket) -> None:
        await socket.join("room")

    @root.on("echo")
    async def echo(socket: Socket, *args: Any) -> tuple[Any, ...]:
        return args

    return server


@asynccontextmanager
async def witnessed(caplog: pytest.LogCaptureFixture, limits: Limits = LIMITS, **settings: Any) -> AsyncIterator[Place]:
    """Whatever happens inside: the witness gets the next broadcast, nothing is kept of it, and nothing has failed."""
    caplog.set_level(logging.DEBUG)
    server, app = make_server(limits), web.Application()
    mount(app, server, window=None, socketio=Socketio(max_http_buffer_size=MESSAGE, **settings))
    async with TestServer(app) as test, talking(str(test.make_url("/socket.io/"))) as engine:
        place = Place(server, engine)
        server.namespace("/").on("note")(lambda socket, *args: place.heard.append(args))
        async with place.joined() as witness:
            await until(lambda: place.standing.handlers == 0)
            before = place.standing

            yield place

            await server.namespace("/").to("room").emit("news", 1)
            while (heard := await witness.hear_beside_pings()) != '42["news",1]':
                assert heard is not None, "the witness was closed"
            await until(lambda: place.standing == before)
    faults = [r for r in caplog.records if r.levelno >= logging.ERROR or r.exc_info or r.name == "asyncio"]
    assert [r.getMessage() for r in faults if "selector" not in r.getMessage()] == []
