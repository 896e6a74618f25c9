"""The composition root: it puts the parts of one node together, and lets time pass for them."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Sequence
from itertools import count as counter

from antiphon.config import Heartbeat, Inbox, Limits, Outbox, Resume
from antiphon.dialects.native.forms import MsgpackCodec
from antiphon.dialects.native.http import NativeDialect
from antiphon.errors import LocalProtocolError, OutboxFull
from antiphon.protocol.closing import Closing, TransportCode
from antiphon.protocol.codec import Codec, Prepared
from antiphon.protocol.packets import MAX_NUMBER, Hello
from antiphon.protocol.server_session import ServerSession, Settings
from antiphon.server.connection import Connection
from antiphon.server.flusher import Flusher
from antiphon.server.gateway import Gateway
from antiphon.server.line import Line
from antiphon.server.namespace import Namespace
from antiphon.server.origins import Origins
from antiphon.server.registry import Registry
from antiphon.server.statistics import Counters, ServerStatistics, count
from antiphon.transports.longpoll import LongPollTransport

__all__ = ["Server"]

# Deadlines are looked after so often; what is that late already is far below what any of them means.
TICK = 0.25
# A tick later than this was our own stall: nobody else is to pay for it (contract rule 20).
STALL = 1.0


class Server:
    """Namespaces, rooms and sessions of one process. A host mounts it: `antiphon.hosts.aiohttp.mount(app, server)`.

    `origins`: pages of these origins may connect besides those of the server's own, for instance
    "https://app.example"; a client that sends no Origin is no browser, and may. `clock` gives monotonic seconds.
    """

    def __init__(
        self,
        *,
        origins: Sequence[str] = (),
        heartbeat: Heartbeat = Heartbeat(),
        resume: Resume = Resume(),
        limits: Limits = Limits(),
        inbox: Inbox = Inbox(),
        outbox: Outbox = Outbox(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        self.clock = clock
        self.epoch = secrets.token_urlsafe(8)
        self.origins = Origins(origins)
        self.dialect = NativeDialect(limits)
        self.counters = Counters()
        self.flusher = Flusher(self._call_soon, clock)
        self._settings = Settings(
            epoch=self.epoch, heartbeat=heartbeat, resume=resume, limits=limits, inbox=inbox, outbox=outbox
        )
        self.registry = Registry(
            self._settings, new_sid=lambda: secrets.token_urlsafe(16), open_line=self._open_line, counters=self.counters
        )
        self.gateway = Gateway(self.registry, self.dialect, clock, hello_limit=limits.hello, admitted=self._admitted)
        self._namespaces: dict[str, Namespace] = {}
        self._codec = MsgpackCodec(limits)
        self._largest = min(outbox.size // 4, limits.message - 64)
        self._calls = counter(1)
        self._ticker: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    # -- namespaces

    def namespace(self, name: str = "/") -> Namespace:
        """The namespace of this name, made when it is asked for first. A name begins with "/"."""
        if not name.startswith("/") or len(name) > self.limits.name:
            raise LocalProtocolError(
                f'a namespace is named "/" or "/something", at most {self.limits.name} characters, not {name!r}'
            )
        namespace = self._namespaces.get(name)
        if namespace is None:
            namespace = self._namespaces[name] = Namespace(self, name)
        return namespace

    def find(self, name: str) -> Namespace | None:
        """The namespace of this name, if there is one: a client cannot make any."""
        return self._namespaces.get(name)

    def statistics(self) -> ServerStatistics:
        """How things stand now."""
        sockets = {name: namespace.count() for name, namespace in self._namespaces.items()}
        rooms = sum(len(namespace.rooms) for namespace in self._namespaces.values())
        return count(list(self.registry), sockets, rooms, self.counters)

    # -- life

    def start(self, *, ticking: bool = True) -> None:
        """Let time pass; a host calls it once its loop runs.

        With `ticking=False` whoever moves the clock calls `tick`: for tests, in which no second passes by itself.
        """
        if self._closed:
            raise LocalProtocolError("this server was closed; make a new one")
        self._loop = asyncio.get_running_loop()
        if ticking and self._ticker is None:
            self._ticker = self._loop.create_task(self._tick_for_ever())

    async def close(self, *, patience: float = 5.0) -> None:
        """The process stops: close every transport, end every session, and wait for their handlers.

        Handlers that take longer than `patience` seconds are cancelled. Clients are not told to stay away: they come
        back to the next process and learn `server_restart`.
        """
        self._closed = True
        self.gateway.closed = True
        if self._ticker is not None:
            self._ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticker
            self._ticker = None
        lines = list(self.registry)
        for line in lines:
            if line.transport is not None:
                line.detach(Closing(TransportCode.GOING_AWAY, "the server stops"))
            line.session.end("shutdown", "the server stops")
            line.finish()
        asking = asyncio.current_task()  # a handler that closes the server is not waited for
        await asyncio.gather(*(line.settled(patience, asking) for line in lines if isinstance(line, Connection)))

    async def _tick_for_ever(self) -> None:
        last = self.clock()
        while True:
            await asyncio.sleep(TICK)
            now = self.clock()
            self.tick(now, now - last - TICK)
            last = now

    def tick(self, now: float, late: float = 0.0) -> None:
        """Let time pass for every session and transport; `late` is by how many seconds this tick was."""
        for line in self.registry:
            transport = line.transport
            polling = transport if isinstance(transport, LongPollTransport) else None
            if late > STALL:
                line.session.postpone(late)
                if polling is not None:
                    polling.postpone(late)
            if polling is not None and polling.due <= now:
                polling.tick(now)
            if line.session.due <= now:
                line.tick(now)
        self.registry.forget(now)
        self.flusher.soon()

    # -- for the parts

    def prepare(self, prepared: Prepared, codec: Codec | None = None) -> Prepared:
        """Encode a packet for the one receiver that has `codec`, or in the form that nearly everybody has.

        Raises OutboxFull when so much may not be sent.
        """
        size = len(prepared.encode(codec or self._codec))
        if size > self._largest:
            raise OutboxFull(
                f"an event of {size} bytes is larger than one packet may be ({self._largest} bytes); "
                f"send it in parts or by reference"
            )
        return prepared

    def next_call(self) -> int:
        """An id for a call: one counter per node, so that a call to many is encoded once."""
        return next(self._calls) % MAX_NUMBER + 1

    def new_incident(self) -> str:
        """An id that joins an error that somebody was told to a line in the log."""
        return secrets.token_hex(4)

    def _open_line(self, sid: str, proof: bytes, codec: Codec, now: float) -> Line:
        spread = (secrets.randbelow(2001) - 1000) / 10_000
        session = ServerSession(sid, proof, codec, self._settings, now, wake=_nobody, spread=spread)
        connection = Connection(session, self)
        session.wake_by(self.flusher.mark_of(connection))
        return connection

    def _admitted(self, line: Line, hello: Hello) -> None:
        assert isinstance(line, Connection)
        line.joining.admit(hello.joins)

    def _call_soon(self, callback: Callable[[], None]) -> object:
        if self._loop is None:
            raise LocalProtocolError("the server is not started; mount it into a host, or call start() in its loop")
        return self._loop.call_soon(callback)


def _nobody() -> None:
    """Nobody is to be woken yet."""
