"""The two applications that talk: their handlers write down what they are handed, take their time, and ask back.

A schedule registers handlers anew, and reading their signatures takes its time: so most take what comes (`*said`), and
annotations are no strings in this file.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from copy import copy
from functools import partial
from random import Random
from typing import Any

from antiphon.client.namespace import ClientNamespace
from antiphon.dispatch.handlers import Handlers
from antiphon.errors import ConnectionClosed, LocalProtocolError, OutboxFull, Refused
from antiphon.protocol.packets import Event, Volatile
from antiphon.server.namespace import Namespace
from antiphon.server.socket import Socket
from antiphon.testing.simulation import invariants
from antiphon.testing.simulation.client_end import ClientEnd
from antiphon.testing.simulation.conversation import Conversation, Shape
from antiphon.testing.simulation.history import Sent, SessionLog
from antiphon.testing.simulation.page import Page, Setting
from antiphon.testing.simulation.server_connection import SimulatedConnection
from antiphon.testing.simulation.server_end import ServerEnd

__all__ = ["NAMESPACES", "ClientApplication", "ServerApplication", "open_page"]

NAMESPACES = ("/a", "/b", "/c")


class ServerApplication:
    """What runs on the server."""

    def __init__(self, server: ServerEnd, random: Random) -> None:
        self.server = server
        self.history = server.history
        self.talk = Conversation(server.history, server.process, up=False)
        self.random = random
        self.latest: list[Sent] = []
        first, *others = map(server.namespace, NAMESPACES)
        self._register(first)
        for namespace in others:
            # The same handlers: reading their signatures once more would only take its time.
            namespace.handlers = first.handlers

    def _register(self, namespace: Namespace) -> None:
        namespace.on_connect(self._connect)
        namespace.on_disconnect(self._disconnect)
        namespace.on("e")(self._event)
        namespace.on("c")(self._call)
        namespace.on("v")(self._volatile)
        namespace.on("ticks")(self._ticks)
        namespace.on("sum")(self._sum)
        namespace.on("echo")(self._echo)

    def log(self, socket: Socket) -> SessionLog:
        """The log of a socket's session."""
        return self.history.sessions[socket.id.partition("/")[0]]

    # -- handlers

    async def _connect(self, socket: Socket, auth: Any) -> None:
        log, name = self.log(socket), socket.namespace.name
        invariants.i15_entered(self.history, log, name)
        socket.data["name"] = log.sid
        await socket.join("lobby")
        if auth == "slow":
            await asyncio.sleep(0.5)
        if auth == "no":
            invariants.i15_left(self.history, log, name)
            raise Refused("not you")
        log.rooms[name], log.data[name] = {"lobby"}, {"name": log.sid}

    async def _disconnect(self, socket: Socket) -> None:
        log, name = self.log(socket), socket.namespace.name
        invariants.i15_left(self.history, log, name)
        log.rooms.pop(name, None)
        log.data.pop(name, None)

    async def _event(self, socket: Socket, *said: Any) -> None:
        serial, delay, ask, again, _ = said
        invariants.i2_up_in_order_once(self.history, self.log(socket), self.history.up[serial], again)
        if delay:
            await asyncio.sleep(delay / 1000)
        if ask:
            await self.talk.call(socket, delay, 5.0)

    async def _call(self, socket: Socket, *asked: Any) -> Any:
        serial, delay, again = asked
        invariants.i2_up_in_order_once(self.history, self.log(socket), self.history.up[serial], again)
        if delay:
            await asyncio.sleep(delay / 1000)
        return serial

    async def _volatile(self, socket: Socket, mark: Any) -> None:
        invariants.i16_volatile_at_most_once_up(self.history, self.log(socket), int(mark[2:]))

    async def _ticks(self, socket: Socket, *asked: Any) -> AsyncGenerator[Any, None]:
        async with aclosing(self.talk.ticks(*asked)) as items:
            async for item in items:
                yield item

    async def _sum(self, socket: Socket, serial: Any, rows: AsyncIterator[Any], *how: Any) -> Any:
        return await self.talk.sum(serial, rows, *how)

    async def _echo(self, socket: Socket, serial: Any, rows: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
        async with aclosing(self.talk.echo(serial, rows)) as items:
            async for item in items:
                yield item

    # -- what it emits by itself

    def socket(self, line: SimulatedConnection, which: int) -> Socket | None:
        """One of the sockets of a client that are in."""
        sockets = [socket for name, socket in line.sockets.items() if name in line.log.rooms]
        return sockets[which % len(sockets)] if sockets else None

    def emit(self, line: SimulatedConnection, socket: Socket, how: int, delay: int, ask: bool, pad: int) -> Sent:
        """An event to a client: to its socket, or to a room that it is in."""
        sent = Sent(self.history.serial(), "event", socket.namespace.name, self.server.time.now, sid=line.log.sid)
        args = [sent.serial, delay, ask, bytes(pad)]
        if how % 2:
            if socket.rooms:
                socket.namespace.to(*sorted(socket.rooms)).emit_nowait("e", *args)
                self.server.emitted(line, sent)
                self.server.note_bounds()  # it went to the sessions of pages that are gone as well
        else:
            socket.emit_nowait("e", *args)
            self.server.emitted(line, sent)
        return sent

    def emit_latest(self, line: SimulatedConnection, socket: Socket, key: str) -> None:
        """A value of which only the newest counts."""
        name = socket.namespace.name
        sent = Sent(self.history.serial(), "latest", name, self.server.time.now, sid=line.log.sid, key=key)
        socket.emit_nowait("e", sent.serial, 0, False, key, latest=key)
        sent.entry = line.session.outbox.unsent((name, "e", key))
        self.server.emitted(line, sent)
        self.history.newest[line.log.sid, name, key] = sent
        self.latest.append(sent)

    def emit_volatile(self, line: SimulatedConnection, socket: Socket) -> None:
        """An event that may be dropped."""
        serial, now = self.history.serial(), self.server.time.now
        line.log.volatile[serial] = (now, line.log.detaches)
        socket.emit_nowait("v", f"~d{serial:06}", volatile=True)

    def call(self, socket: Socket, delay: int, timeout: float, gives_up: float | None = None) -> None:
        """A call to a client; its outcome is written down by the connection."""
        _task = self.talk.begin(self.talk.call(socket, delay, timeout), gives_up)

    def stream(self, socket: Socket, shape: Shape) -> None:
        """A call with streams to a client."""
        _task = self.talk.begin(self.talk.stream(socket, shape), shape.gives_up)


class ClientApplication:
    """What runs at the client."""

    def __init__(self, client: ClientEnd, random: Random) -> None:
        self.client = client
        self.history = client.history
        self.talk = Conversation(client.history, client.process, up=True)
        self.random = random
        self.inside: dict[str, bool] = {}
        self._handlers: Handlers | None = None  # that all namespaces have in common
        self.clears = False
        self.latest: list[Sent] = []

    def join(self, name: str, auth: str) -> None:
        """Ask for a namespace."""
        fresh = name not in self.client.namespaces
        namespace = self.client.namespace(name, auth=auth)
        if fresh:
            self._register(namespace)

    def leave(self, name: str) -> None:
        """Leave a namespace."""
        self.client.left(self.client.namespaces[name])

    def _register(self, namespace: ClientNamespace) -> None:
        if self._handlers is None:
            namespace.on("e")(self._event)
            namespace.on("c")(self._call)
            namespace.on("v")(self._volatile)
            namespace.on("ticks")(self.talk.ticks)
            namespace.on("sum")(self.talk.sum)
            namespace.on("echo")(self.talk.echo)
            self._handlers = namespace.handlers
        namespace.handlers = copy(self._handlers)
        namespace.on_connect(partial(self._connect, namespace.name))
        namespace.on_disconnect(partial(self._disconnect, namespace.name))

    # -- handlers

    async def _connect(self, name: str) -> None:
        if self.inside.get(name):
            self.history.violated(f"the client entered {name} twice", "I15")
        self.inside[name] = True
        if self.clears:
            self.client.session.clear(name)
        if self.random.random() < 0.5:
            self.emit(name, 0, False, 0, False)
        if self.random.random() < 0.3:
            await asyncio.sleep(0.3)

    async def _disconnect(self, name: str) -> None:
        if not self.inside.get(name):
            self.history.violated(f"the client left {name} without being there", "I15")
        self.inside[name] = False

    async def _event(self, *said: Any) -> None:
        serial, delay, ask, _ = said
        invariants.i1_down_in_order_once(self.history, self.history.down[serial])
        if delay:
            await asyncio.sleep(delay / 1000)
        if ask:
            place = self.client.namespaces[self.history.down[serial].namespace]
            await self.talk.call(place, 0, 5.0, repeatable=False)

    async def _call(self, *asked: Any) -> Any:
        serial, delay = asked
        invariants.i1_down_in_order_once(self.history, self.history.down[serial])
        if delay:
            await asyncio.sleep(delay / 1000)
        return serial

    async def _volatile(self, mark: Any) -> None:
        known = self.client.known
        serial = int(mark[2:])
        for log in self.history.sessions.values():
            if serial in log.volatile:
                invariants.i16_volatile_at_most_once_down(self.history, log, serial)
        assert known is not None

    # -- what it emits

    def wanted(self, which: int) -> str | None:
        """One of the namespaces that were asked for and did not refuse."""
        names = self.client.wanted()
        return names[which % len(names)] if names else None

    def emit(
        self,
        name: str,
        delay: int,
        ask: bool,
        pad: int,
        repeatable: bool,
        *,
        deadline: float | None = None,
        key: str = "",
    ) -> Sent | None:
        """An event to the server; None when it was refused here."""
        client = self.client
        kind = "latest" if key else "event"
        sent = Sent(self.history.serial(), kind, name, client.time.now, key=key, repeatable=repeatable)
        packet = Event(name, "e", [sent.serial, delay, ask, repeatable, key or bytes(pad)])
        try:
            sent.entry = client.session.emit(
                packet,
                deadline=None if deadline is None else client.time.now + deadline,
                key=(name, "e", key) if key else None,
                repeatable=repeatable,
            )
        except (OutboxFull, ConnectionClosed, LocalProtocolError):
            return None
        sent.held = sent.entry.held
        self.history.up[sent.serial] = self.history.open_up[sent.serial] = sent
        if key:
            self.history.newest["", name, key] = sent
            self.latest.append(sent)
        client.after()
        return sent

    def emit_volatile(self, name: str) -> None:
        """An event that may be dropped."""
        serial, client = self.history.serial(), self.client
        self.history.volatile_up[serial] = (client.time.now, client.session.detaches)
        client.session.emit_volatile(Volatile(name, "v", [f"~u{serial:06}"]), client.time.now)
        client.after()

    def call(
        self, name: str, delay: int, timeout: float, *, repeatable: bool = False, gives_up: float | None = None
    ) -> None:
        """A call to the server; its outcome is written down by the client's end."""
        place = self.client.namespaces[name]
        _task = self.talk.begin(self.talk.call(place, delay, timeout, repeatable=repeatable), gives_up)

    def stream(self, name: str, shape: Shape) -> None:
        """A call with streams to the server."""
        _task = self.talk.begin(self.talk.stream(self.client.namespaces[name], shape), shape.gives_up)


def open_page(setting: Setting) -> Page:
    """A client in Python."""
    client = ClientEnd(setting)
    return Page(client, ClientApplication(client, setting.random))
