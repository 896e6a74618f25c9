"""The stage of one schedule: the server as it is, its application, and clients that come and go on bad networks."""

from __future__ import annotations

import asyncio
from functools import partial
from random import Random
from typing import Any

from antiphon import CallError, Disconnected, Limits, Namespace, Refused, Resume, Server, Socket, Socketio
from antiphon.config import Inbox
from antiphon.testing.simulation.process import Process
from antiphon.testing.simulation.virtual_time import VirtualTime
from tests.simulation.socketio.client import Client
from tests.simulation.socketio.history import Call, History, Life, content
from tests.simulation.socketio.network import Way

__all__ = ["NAMESPACES", "Stage"]

NAMESPACES = ("/", "/b", "/c")
TICK = 0.25
WINDOW = 12.0
CALL_TIMEOUT = 4.0


class Stage:
    """Everything there is."""

    def __init__(self, seed: int) -> None:
        self.random = random = Random(~seed)
        self.time = VirtualTime()
        self.history = History(self.time.clock)
        self.process = Process(self.time)
        self.recovery = random.random() < 0.6
        self.server = Server(
            clock=self.time.clock,
            wall=self.time.clock,
            resume=Resume(window=WINDOW),
            limits=Limits(inbox=Inbox(packets=random.choice((4, 16, 256))), attaches=1000.0),
            random=random.random,
        )
        settings = Socketio(
            ping_interval=3.0,
            ping_timeout=2.0,
            connect_timeout=5.0,
            max_http_buffer_size=random.choice((2_000, 100_000)),
            recovery=self.recovery,
        )
        with self.process.running():
            self.server.start(ticking=False)
            self.engine = self.server.serve_socketio(settings)
        self.door = random.choice((0.0, 0.0, 0.3))  # how long it takes to come into a namespace
        self.namespaces = [self._namespace(name) for name in NAMESPACES]
        if random.random() < 0.25:
            self._ask_who_comes(random.choice((0.0, 0.2)))
        self.of_socket: dict[Socket, Life] = {}
        self.clients = [self._client(number, Random(seed * 8 + number)) for number in range(random.choice((1, 2, 3)))]
        self.ticking = True
        self.tick = TICK
        self.time.after(TICK, self._tick)

    def _client(self, number: int, random: Random) -> Client:
        way = Way(self.time, random, self.process, self.engine, f"192.0.2.{number}")
        way.pace = random.choice((0.0, 0.01, 0.1, 0.2))
        both = ("polling", "websocket")
        transports = random.choice((both, both, ("polling",), ("websocket",)))
        client = Client(number, way, self.time, random, self.history, transports, random.random() < 0.3)
        for name in NAMESPACES[: random.choice((1, 2, 3))]:
            client.socket(name)
        return client

    def _tick(self) -> None:
        if self.ticking:
            self.process.do(partial(self.server.tick, self.time.now))
            self.time.after(self.tick, self._tick)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.time.run(seconds)
        if self.process.loop.errors:
            raise self.process.loop.errors.pop()

    # -- the application

    def _ask_who_comes(self, seconds: float) -> None:
        @self.server.authenticate
        async def who(auth: Any) -> str:
            await asyncio.sleep(seconds)
            return "ann"

    def _namespace(self, name: str) -> Namespace:
        namespace = self.server.namespace(name)
        history = self.history

        @namespace.on_connect
        async def connect(socket: Socket, auth: Any) -> None:
            life = self.of_socket[socket] = history.lives[auth["life"]]
            life.connects += 1
            if life.connects > 1 or set(auth) != {"life"}:
                history.violate("recovered", f"the connect handler of life {life.number} ran with {auth}")
            await asyncio.sleep(self.door * (life.number % 3))
            if life.number % 2:
                self.emit_to(socket, "event")  # it waits until the client is in
            await socket.join("even" if life.client % 2 == 0 else "odd", "all")

        @namespace.on_disconnect
        async def disconnect(socket: Socket, reason: Disconnected) -> None:
            life = self.of_socket[socket]
            life.goodbyes.append(str(reason))
            history.note(f"server: life {life.number} is over, {reason}")

        @namespace.on("say")
        async def say(socket: Socket, serial: int, slow: float, *rest: Any) -> None:
            self._heard(socket, serial, rest)
            if slow:
                await asyncio.sleep(slow)

        @namespace.on("shout")
        async def shout(socket: Socket, serial: int, how: Any, *rest: Any) -> None:
            self._heard(socket, serial, rest)
            self.emit(namespace, "all", "event")

        @namespace.on("ask")
        async def ask(socket: Socket, serial: int, how: str, *rest: Any) -> Any:
            self._heard(socket, serial, rest)
            if how == "late":
                await asyncio.sleep(1.0)
            if how == "withheld":
                raise Refused("no")
            if how == "none":
                return None
            return (serial, content(serial)) if how == "several" else [serial, content(serial)]

        return namespace

    def _heard(self, socket: Socket, serial: int, rest: tuple[Any, ...]) -> None:
        self.history.heard(serial, self.of_socket[socket])
        self.history.check(serial, list(rest))

    # -- what the server does

    def sockets(self, room: str | None = None) -> list[Socket]:
        """Those who are in, in the order in which they came."""
        found = [socket for namespace in self.namespaces for socket in namespace.sockets]
        found = [socket for socket in found if room is None or room in socket.rooms]
        return sorted(found, key=lambda socket: self.of_socket[socket].number)

    def emit(self, namespace: Namespace, room: str | None, kind: str) -> None:
        """To everybody in a namespace, or in a room of it."""
        audience = [socket for socket in self.sockets(room) if socket.namespace is namespace]
        serial = self.history.number()
        self.history.emitted(serial, [self.of_socket[socket] for socket in audience], kind)
        to = namespace if room is None else namespace.to(room)
        to.emit_nowait("said", serial, 0, *content(serial), volatile=kind == "volatile")

    def emit_to(self, socket: Socket, kind: str) -> None:
        """To one."""
        serial = self.history.number()
        self.history.emitted(serial, [self.of_socket[socket]], kind)
        socket.emit_nowait("said", serial, 0, *content(serial), volatile=kind == "volatile")

    def call(self, socket: Socket, how: Any) -> None:
        """Ask one; it answers at once, late or never."""
        serial = self.history.number()
        self.history.emitted(serial, [self.of_socket[socket]], "call")
        call = self.history.server_calls[serial] = Call(str(how))
        _task = asyncio.get_running_loop().create_task(self._call(socket, serial, how, call))  # the loop keeps it

    async def _call(self, socket: Socket, serial: int, how: Any, call: Call) -> None:
        try:
            answer = await socket.call("asked", serial, how, *content(serial), timeout=CALL_TIMEOUT)
        except CallError as error:
            call.answers.append(type(error).__name__)
        else:
            call.answers.append(answer)
            if answer != [serial, content(serial)]:
                self.history.violate("call", f"call {serial} was answered with {answer!r}")

    # -- the end

    def discard(self) -> None:
        """It was judged."""
        self.ticking = False
        self.process.discard()
