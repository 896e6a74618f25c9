"""The composition root: it puts the parts of one node together, and lets time pass for them."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import time
from collections.abc import Callable, Sequence
from itertools import count as counter
from threading import get_ident
from typing import Any, TypeVar

from antiphon.brokers.base import Broker
from antiphon.config import Heartbeat, Limits, Outbox, Resume, Socketio
from antiphon.dialects.native.forms import MsgpackCodec
from antiphon.dialects.native.http import NativeDialect
from antiphon.dialects.socketio.dialect import SocketioDialect
from antiphon.dialects.socketio.recovery import Offsets
from antiphon.dispatch.middleware import Middleware
from antiphon.dispatch.naming import check_namespace
from antiphon.errors import LocalProtocolError, PayloadError
from antiphon.protocol.codec import Codec, Prepared
from antiphon.protocol.disconnects import DisconnectCode
from antiphon.protocol.packets import MAX_NUMBER, Hello
from antiphon.protocol.server_session import ServerSession, Settings
from antiphon.protocol.sizes import largest_packet, too_large
from antiphon.server.authentication import STOPPING, Authentication
from antiphon.server.connection import Connection
from antiphon.server.counters import Counters
from antiphon.server.draining import Draining
from antiphon.server.engine_session import EngineSession
from antiphon.server.engineio import EngineGateway
from antiphon.server.flusher import Flusher
from antiphon.server.gateway import Gateway
from antiphon.server.line import Line
from antiphon.server.namespace import Namespace
from antiphon.server.node import Node
from antiphon.server.origins import Origins
from antiphon.server.own_hosts import OwnHosts
from antiphon.server.proxies import LOOPBACK, Proxies
from antiphon.server.registry import Registry
from antiphon.server.statistics import ServerStatistics, of_server
from antiphon.server.users import User
from antiphon.transports.pushes import PushedTransport

__all__ = ["Server"]

F = TypeVar("F", bound=Callable[..., Any])

# Deadlines are looked after so often; what is that late already is far below what any of them means.
TICK = 0.25
# A tick later than this was our own stall: nobody else is to pay for it (contract rule 20).
STALL = 1.0
# What is left to be done behind a drain has so many seconds: handlers had their time, disconnect handlers may not.
LAST_PATIENCE = 1.0


class Server:
    """Namespaces, rooms and sessions of one process. A host mounts it: `antiphon.hosts.aiohttp.mount(app, server)`.

    `origins`: pages of these origins may connect besides those of the server's own, for instance
    "https://app.example", or "*" for any; a client that sends no Origin is no browser, and may. `hosts`: who asks for
    another host than these is refused; by default any may be asked for (docs/security.md). `trusted_proxies`: what
    proxies in these networks say of a client's address and of what it asked for is believed; by default those on this
    machine, [] for none (docs/deploy.md). `clock` gives monotonic seconds, `wall` unix time, by which credentials
    expire, `random` numbers from 0 to 1, by which clients are spread over time.
    Servers that share a `broker` hear each other's emits to namespaces and rooms; calls and handles stay with their
    server.
    """

    def __init__(
        self,
        *,
        origins: Sequence[str] = (),
        hosts: Sequence[str] = (),
        trusted_proxies: Sequence[str] = LOOPBACK,
        heartbeat: Heartbeat = Heartbeat(),
        resume: Resume = Resume(),
        limits: Limits = Limits(),
        outbox: Outbox = Outbox(),
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        broker: Broker | None = None,
        random: Callable[[], float] = random.random,
    ) -> None:
        self.limits = limits
        self.random = random
        self.clock = clock
        self.epoch = secrets.token_urlsafe(8)
        self.origins = Origins(origins)
        self.hosts = OwnHosts(hosts)
        self.proxies = Proxies(trusted_proxies)
        self.dialect = NativeDialect(limits)
        self.counters = Counters()
        self.flusher = Flusher(self._call_soon, clock)
        self._settings = Settings(epoch=self.epoch, heartbeat=heartbeat, resume=resume, limits=limits, outbox=outbox)
        self.registry = Registry(
            self._settings,
            new_sid=lambda: secrets.token_urlsafe(16),
            open_line=self._open_line,
            counters=self.counters,
            random=random,
        )
        self.authentication = Authentication(clock, wall, self.new_incident, self.counters, limits.authenticating)
        self.gateway = Gateway(
            self.registry,
            self.dialect,
            clock,
            hello_limit=limits.hello,
            authentication=self.authentication,
            admitted=self._admitted,
        )
        self.engines: list[EngineGateway] = []  # of Socket.IO
        self._offsets, self._attempts = Offsets(self.epoch), counter(1)
        self.around = Middleware("the server")
        self.node = Node(self.epoch, broker, self.find) if broker is not None else None
        self._namespaces: dict[str, Namespace] = {}
        self._codec = MsgpackCodec(limits)
        self._largest = largest_packet(outbox, limits.message)
        self._calls = counter(1)
        self._ticker: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: int | None = None
        self.lingering: list[Connection] = []  # their sessions are over, and their handlers perhaps not
        self._closed = False
        self._draining: Draining | None = None
        self._tick = TICK

    # -- namespaces

    def namespace(self, name: str = "/") -> Namespace:
        """The namespace of this name, made when it is asked for first. A name begins with "/"."""
        check_namespace(name, self.limits)
        namespace = self._namespaces.get(name)
        if namespace is None:
            namespace = self._namespaces[name] = Namespace(self, name)
        return namespace

    def find(self, name: str) -> Namespace | None:
        """The namespace of this name, if there is one: a client cannot make any."""
        return self._namespaces.get(name)

    # -- users

    def authenticate(self, function: F) -> F:
        """Decorate what says who a client is: `async def who(auth)` or `who(auth, request)`, once per server.

        `auth` is what the client was given as its `auth`, bound to the annotation; `request` is an Arrival. Return a
        Principal, or its id alone, or None for nobody in particular. Raise Refused to turn the client away: it does
        not come back by itself. Whatever else is raised, or takes longer than 5 s, has the client try again later.
        It runs whenever a client attaches, so after every cut, and for the fresh credentials that a client sends.
        """
        return self.authentication.register(function)

    def user(self, id: str) -> User:
        """The person whose Principal has this id: all of their sockets, in every namespace."""
        return User(self, id)

    async def revoke(self, id: str, reason: str = "") -> None:
        """End every session of a person, attached or not. Their clients are told `reason`, and do not come back.

        Should they be told to connect again all the same, the authentication hook decides.
        """
        self.authentication.revoke(id, reason)
        for line in self.registry.of(id):
            line.end("revoked", reason)

    # -- middleware: outside of that of the namespaces, old and new ones

    def around_connect(self, function: F) -> F:
        """Decorate what is around the `on_connect` of all namespaces: `async def middleware(arriving, proceed)`.

        `await proceed(arriving)` asks the handlers. Who raises Refused, or does not proceed, keeps the client out.
        """
        return self.around.add("connect", function)

    def around_event(self, function: F) -> F:
        """Decorate what is around every event that comes: `async def middleware(incoming, proceed)`.

        `await proceed(incoming)` runs the handler and gives its value; what the middleware returns answers a call.
        Proceed with `dataclasses.replace(incoming, args=...)` to change the event; raise Refused, or do not proceed,
        to drop it.
        """
        return self.around.add("event", function)

    def around_emit(self, function: F) -> F:
        """Decorate what is around every event that is emitted: `async def middleware(outgoing, proceed)`.

        It runs once per emit, not once per receiver. With it, `emit_nowait` is refused: it cannot wait for middleware.
        """
        return self.around.add("emit", function)

    def statistics(self) -> ServerStatistics:
        """How things stand now."""
        sockets = {name: namespace.count() for name, namespace in self._namespaces.items()}
        rooms = sum(len(namespace.rooms) for namespace in self._namespaces.values())
        lines, checks = list(self.registry), len(self.authentication)
        return of_server(lines, self.lingering, sockets, rooms, checks, self.counters)

    # -- life

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that the server was started in, for other threads: asyncio.run_coroutine_threadsafe(..., loop)."""
        if self._loop is None:
            raise LocalProtocolError("the server is not started; mount it into a host, or call start() in its loop")
        return self._loop

    def start(self, *, ticking: bool = True) -> None:
        """Let time pass; a host calls it once its loop runs.

        With `ticking=False` whoever moves the clock calls `tick`: for tests, in which no second passes by itself.
        """
        if self._closed:
            raise LocalProtocolError("this server was closed; make a new one")
        self._loop = asyncio.get_running_loop()
        self._thread = get_ident()
        if ticking and self._ticker is None:
            self._ticker = self._loop.create_task(self._tick_for_ever())
        if self.node is not None:
            self.node.start()

    def serve_socketio(self, settings: Socketio, kind: type[EngineSession] = EngineSession) -> EngineGateway:
        """The way in of Socket.IO clients, for a host. `kind`: see EngineGateway."""
        dialect = SocketioDialect(
            settings,
            self.limits,
            self._settings.outbox,
            offsets=self._offsets,
            attempts=self._attempts,
            new_key=lambda: secrets.token_urlsafe(32),
        )
        engine = EngineGateway(self.gateway, dialect, self.limits, self.clock, self._call_soon, kind)
        self.engines.append(engine)
        # Their clients count from ping to ping, and a late one is none.
        self._tick = min(self._tick, min(settings.ping_interval, settings.ping_timeout) / 10)
        return engine

    async def drain(self, *, window: float = 30.0, patience: float = 10.0, hears: bool = True) -> None:
        """The process is to stop, with grace: have clients come back to the next one, and close.

        Nobody new is let in. Sessions end when their handlers are done; streamed answers end at once, and handlers that
        take longer than `patience` seconds are cancelled. Each client is told when to come back, some time within
        `window` seconds, once it has received what was sent to it, if that takes no longer than 2 s. `hears=False` is
        for hosts that let nothing in any more: then nobody can say what it has received, and is not waited for.

        May be called twice, and by a handler; `close` cuts it short.
        """
        asking = asyncio.current_task()
        while not self._closed:
            if self._draining is not None:
                self._draining.asking.add(asking)
                await self._draining.over.wait()
                continue
            self._draining = Draining(self, window=window, patience=patience, hears=hears)
            self._draining.asking.add(asking)
            try:
                await self._draining.run()
            finally:
                self._draining = None
            await self.close(patience=LAST_PATIENCE)

    async def close(self, *, patience: float = 5.0) -> None:
        """The process stops: close every transport, end every session, and wait for their handlers.

        Handlers that take longer than `patience` seconds are cancelled. Clients are not told to stay away: they come
        back to the next process and learn `server_restart`.
        """
        self._closed = True
        if self.gateway.refusing is None:
            self.gateway.refusing = lambda: STOPPING
        if self._draining is not None:
            self._draining.hurry()
        if self.node is not None:
            self.node.close()
        if self._ticker is not None:
            self._ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticker
            self._ticker = None
        await self.authentication.close(patience)
        for line in self.registry:
            line.abandon(DisconnectCode.SHUTDOWN, "the server stops")
        for engine in self.engines:
            engine.close()
        asking = asyncio.current_task()  # a handler that closes the server is not waited for
        await asyncio.gather(*(connection.settled(patience, asking) for connection in tuple(self.lingering)))

    async def _tick_for_ever(self) -> None:
        last = self.clock()
        while True:
            await asyncio.sleep(self._tick)
            now = self.clock()
            self.tick(now, now - last - self._tick)
            last = now

    def tick(self, now: float, late: float = 0.0) -> None:
        """Let time pass for every session and transport; `late` is by how many seconds this tick was."""
        if self._draining is not None:
            if late > STALL:
                self._draining.postpone(late)
            self._draining.tick(now)
        for line in self.registry:
            transport = line.transport
            pushed = transport if isinstance(transport, PushedTransport) else None
            if late > STALL:
                line.session.postpone(late)
                if pushed is not None:
                    pushed.postpone(late)
            if pushed is not None and pushed.due <= now:
                pushed.tick(now)
            if line.session.due <= now:
                line.tick(now)
        self.registry.forget(now)
        for engine in self.engines:
            if late > STALL:
                engine.postpone(late)
            engine.tick(now)
        if self.lingering:
            self.lingering = [connection for connection in self.lingering if connection.handlers]
        self.flusher.soon()

    # -- for the parts

    def prepare(self, prepared: Prepared, codec: Codec | None = None) -> Prepared:
        """Encode a packet for the one receiver that has `codec`, or in every form that a living session speaks.

        Raises OutboxFull when so much may not be sent, and PayloadError when that one wire cannot say it. Of many,
        those that cannot are in `unsaid`: a visitor of another wire must not decide what may be said to all.
        """
        self._check_thread()
        size = len(prepared.encode(codec or self._codec))
        if size > self._largest:
            self.counters.hit("packet")
            raise too_large("an event", size, self._largest)
        if codec is None:
            for other in self.registry.forms:
                if other.form not in prepared.forms:
                    try:
                        prepared.encode(other)
                    except PayloadError as error:
                        prepared.unsaid[other.form] = error
        return prepared

    def where(self, id: str) -> list[Namespace]:
        """The namespaces in which a person is; all of them, where other nodes may have more of their sockets."""
        if self.node is not None:
            return list(self._namespaces.values())
        lines = [line for line in self.registry.of(id) if isinstance(line, Connection)]
        return list({socket.namespace: None for line in lines for socket in line.sockets.values()})

    def next_call(self) -> int:
        """An id for a call: one counter per node, so that a call to many is encoded once."""
        self._check_thread()
        return next(self._calls) % MAX_NUMBER + 1

    def new_incident(self) -> str:
        """An id that joins an error that somebody was told to a line in the log."""
        return secrets.token_hex(4)

    def _open_line(self, sid: str, proof: bytes, codec: Codec, now: float) -> Line:
        spread = (self.random() - 0.5) / 5
        session = ServerSession(sid, proof, codec, self._settings, now, wake=_nobody, spread=spread)
        connection = Connection(session, self)
        session.wake_by(self.flusher.mark_of(connection))
        return connection

    def _admitted(self, line: Line, hello: Hello) -> None:
        assert isinstance(line, Connection)
        line.joining.admit(hello.joins)

    def _check_thread(self) -> None:
        """Once per act, not per receiver: whoever emits from another thread would corrupt outboxes, and not always."""
        if self._thread is not None and get_ident() != self._thread:
            raise LocalProtocolError(
                "this is not the thread of the server's loop; from here, use "
                "asyncio.run_coroutine_threadsafe(namespace.emit(...), server.loop).result()"
            )

    def _call_soon(self, callback: Callable[[], None]) -> object:
        return self.loop.call_soon(callback)


def _nobody() -> None:
    """Nobody is to be woken yet."""
