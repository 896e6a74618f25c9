"""The asyncio half of a client: it opens what the connector wants, and runs handlers in order."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections.abc import Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp

from antiphon.client.asking import ClientAsking
from antiphon.client.backoff import Backoff
from antiphon.client.clock import CallLater, Clock, Timer
from antiphon.client.connector import Connector, Link, Port
from antiphon.client.credentials import Auth, Credentials
from antiphon.client.leaving import leave, word_of
from antiphon.client.namespace import ClientNamespace
from antiphon.client.transports import EventStream, LongPoll, Opener, WebSocket
from antiphon.client.worker import Worker
from antiphon.config import Backoff as BackoffSettings
from antiphon.config import Limits, Outbox
from antiphon.dialects.native.forms import JsonCodec, MsgpackCodec
from antiphon.dispatch.naming import check_namespace
from antiphon.dispatch.payloads import to_wire
from antiphon.errors import ConnectionClosed
from antiphon.protocol.client_session import ClientSession, Loss
from antiphon.protocol.disconnects import DisconnectCode, Disconnected
from antiphon.protocol.loglines import one_line
from antiphon.protocol.membership import Place
from antiphon.protocol.statistics import Amount, SessionStatistics, describe
from antiphon.types import Data, Value

__all__ = ["TRANSPORTS", "Client"]

log = logging.getLogger("antiphon.client")

T = TypeVar("T")

# In order of choice.
TRANSPORTS = ("websocket", "sse", "longpoll")
# A goodbye waits so long for acks (contract rule 26), and for the transport to carry it.
CLOSE_WAIT = 3.0


class Client:
    """One session with a server, for as long as it is wanted: it reconnects, falls back and moves over by itself.

    `url` is where the server is mounted, for instance "http://localhost:8000/antiphon". `transports` are tried in this
    order. `auth` is what the server's authentication hook is given, or a function that gives it, async or not: it is
    asked whenever the client attaches, and when the server says that what it gave expires soon. `form` is "msgpack", or
    "json" to look at it. `connector` makes the connections, for a certificate of your own, a proxy or a Unix socket; it
    stays yours to close. `clock` gives seconds that never go back.

    For tests without a socket or real time (antiphon.testing): `opener(kind, link, events)` begins to open a transport
    in place of the network, `call_later` sets timers in place of the loop.
    """

    def __init__(
        self,
        url: str,
        *,
        transports: Sequence[str] = TRANSPORTS,
        backoff: BackoffSettings = BackoffSettings(),
        outbox: Outbox = Outbox(packets=1024),
        limits: Limits = Limits(),
        form: str = "msgpack",
        headers: dict[str, str] | None = None,
        auth: Auth = None,
        connector: aiohttp.BaseConnector | None = None,
        clock: Callable[[], float] | None = None,
        opener: Opener | None = None,
        call_later: CallLater | None = None,
    ) -> None:
        unknown = set(transports) - set(TRANSPORTS) if opener is None else ()
        if unknown or not transports:
            known = ", ".join(map(repr, TRANSPORTS))
            raise ValueError(f"transports are {known}, at least one, not {list(transports)!r}")
        if form not in ("msgpack", "json"):
            raise ValueError(f"form is 'msgpack' or 'json', not {form!r}")
        self.url = url.rstrip("/")
        self.clock = clock or Clock()
        self.session = ClientSession(
            MsgpackCodec(limits) if form == "msgpack" else JsonCodec(limits),
            secrets.token_urlsafe(32),
            outbox=outbox,
            limits=limits,
            wake=self._soon,
        )
        self.on_state: Callable[[str], None] | None = None
        self.on_loss: Callable[[Loss], None] | None = None
        self.limits = limits
        self._headers = headers or {}
        self._credentials = Credentials(self, auth)
        self.session.on_renew = self._credentials.wanted
        self._connector = Connector(
            self.session,
            self._open_port,
            kinds=transports,
            backoff=Backoff(backoff, random.random),
            ask=lambda link: self._credentials.give(self._connector, link),
        )
        self._namespaces: dict[str, ClientNamespace] = {}
        self.asking = ClientAsking(self)
        self._worker = Worker(self)
        self._http: aiohttp.ClientSession | None = None
        self._connections = connector
        self._tasks: set[asyncio.Task[None]] = set()
        self._opener = opener
        self._call_later = call_later
        self._timer: Timer | None = None
        self._timer_at = float("inf")
        self._flushing = False
        self._state = "closed"
        self._changed = asyncio.Event()
        self._closing = 0  # how many are just closing it
        self._closed = asyncio.Event()
        self._unheard = False  # whether its goodbye was lost

    # -- what the application does

    def namespace(self, name: str = "/", *, auth: Value = None) -> ClientNamespace:
        """A namespace of the server; `auth` is what its on_connect is given. It is joined once the client connects.

        Raises LocalProtocolError for a name that no namespace can have, and PayloadError for `auth` that cannot travel.
        """
        check_namespace(name, self.limits)
        auth = to_wire(auth, "auth")
        namespace = self._namespaces.get(name)
        if namespace is None:
            namespace = self._namespaces[name] = ClientNamespace(self, name)
        if self.session.members[name].place in (Place.OUT, Place.REFUSED):
            namespace.wanted()
        self.session.join(name, auth)
        if self._http is not None:
            self.after()
        return namespace

    async def connect(self) -> None:
        """Connect, and stay connected. Returns when the session is attached for the first time.

        Raises ConnectionClosed when the server does not want this client. While it is being closed, that is waited for;
        a handler cannot, since closing waits for it: it is told by ConnectionClosed.
        """
        while self._closing:
            if asyncio.current_task() in self._tasks:
                raise ConnectionClosed(
                    DisconnectCode.CLOSED, "the client is being closed; connect once close() has returned"
                )
            await self._closed.wait()
        if self._http is None:
            self._http = aiohttp.ClientSession(
                headers=self._headers, connector=self._connections, connector_owner=self._connections is None
            )
        if self.session.ending is not None:
            self.session.renew()
            for namespace in self._namespaces.values():
                namespace.wanted()
        for name, namespace in self._namespaces.items():
            # What kept it out was that the client was turned away as a whole.
            if self.session.members[name].place in (Place.WANTED, Place.JOINING):
                namespace.wanted()
        self._connector.start(self.clock())
        self.after()
        while self._connector.live is None:
            if self._connector.stopped is not None:
                raise ConnectionClosed(self._connector.stopped.code, self._connector.stopped.reason)
            self._changed.clear()
            await self._changed.wait()

    async def renew(self, auth: Auth = None) -> None:
        """Send fresh credentials now, before the server asks: `auth`, which is what the client has from now on.

        Without it, those that the client's `auth` gives; what a function raises is raised here. While there is no
        connection nothing is sent, since the next attach brings them. Raises ConnectionClosed when all is over.
        """
        await self._credentials.renew(auth)

    def retry(self) -> None:
        """Try at once instead of after the backoff: somebody knows that the network is back."""
        self._connector.online(self.clock())
        self.after()

    async def close(self, *, patience: float = CLOSE_WAIT) -> None:
        """Say goodbye: what was emitted is still delivered, if that takes no longer than 2 s.

        Handlers that take longer than `patience` seconds are cancelled.
        """
        self._closing += 1
        self._closed.clear()
        try:
            await self._close(patience)
        finally:
            self._closing -= 1
            if not self._closing:
                self._closed.set()

    async def _close(self, patience: float) -> None:
        self._unheard, word = not self.session.attached, word_of(self.session)
        self.session.close(self.clock())
        self.after()
        try:
            async with asyncio.timeout(CLOSE_WAIT):
                while self.session.ending is None:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            self.session.end("closed", tell=False)
            self._unheard = True
        if self._connector.stopped is None:
            self._connector.stop("closed")
        self._credentials.stop()
        self.after()
        if self._unheard and word is not None and self._http is not None and self._opener is None:
            _task = self.spawn(leave(self._http, self.url, word))
        await self._wind_up(patience)
        if self._timer is not None:
            self._timer.cancel()
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def _wind_up(self, patience: float) -> None:
        """Wait for handlers and transports; whatever takes too long is cancelled."""
        # A handler may close its own client: it is not to wait for itself.
        own = asyncio.current_task()
        try:
            async with asyncio.timeout(patience):
                await self._worker.settled()
                while tasks := self._tasks - {own}:
                    await asyncio.wait(tasks)
        except TimeoutError:
            if pending := self._tasks - {own}:
                for task in pending:
                    task.cancel()
                await asyncio.wait(pending, timeout=CLOSE_WAIT)

    async def __aenter__(self) -> Self:
        try:
            await self.connect()
        except BaseException:
            # Nobody calls __aexit__ now, and what was begun would go on for ever.
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def state(self) -> str:
        """ "connected", "connecting", "waiting" (for the next try), or "closed"."""
        connector = self._connector
        if connector.stopped is not None:
            return "closed"
        if connector.carrier is not None:
            return "connected"
        return "connecting" if connector.candidate is not None else "waiting"

    @property
    def transport(self) -> str | None:
        """The transport in use, None while there is none."""
        return self._connector.carrier.kind if self._connector.carrier is not None else None

    def statistics(self) -> SessionStatistics:
        """How the session stands now. What is counted since the beginning is, over all sessions of this client.

        The server pings, so `round_trip` and `clock_offset` are None here. What waits at the gate of a namespace that
        is not joined yet is `waiting` as well.
        """
        members = self.session.members
        held, sid = Amount(members.packets, members.size), self.session.sid
        return describe(
            self.session, self.clock(), sid=sid, transport=self.transport, handlers=self._worker.running, held=held
        )

    # -- Events: what transports tell

    def on_opened(self, link: Link) -> None:
        """A transport is open."""
        self._connector.opened(link, self.clock())
        self.after()

    def on_message(self, link: Link, message: Data) -> None:
        """A message came."""
        self._connector.received(link, message, self.clock())
        self.after()

    def on_drained(self, link: Link) -> None:
        """A transport takes more."""
        self.session.outbox.mark()
        self.after()

    def on_lost(self, link: Link, code: int, reason: str) -> None:
        """A transport ended."""
        if link is self._connector.live:
            self._unheard = True
        self._connector.lost(link, self.clock(), code, reason)
        self.after()

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run it as long as the client lives."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # -- what follows from anything that happened

    def after(self) -> None:
        """Look at what the core has become: tell the application, and be called again in time."""
        while self.session.losses:
            self._tell_loss(self.session.losses.pop(0))
        while self.session.oversized:
            entry = self.session.oversized.pop(0)
            log.error("an event of %d bytes was dropped: this server takes less, see its Limits", len(entry.encoded))
        self.session.expired.clear()  # whoever gave a deadline knows it; an expired call has its outcome
        self._worker.wake()
        if self.state != self._state:
            self._state = self.state
            self._changed.set()
            self._tell(self.on_state, self._state)
            if self._connector.stopped is not None:
                error = ConnectionClosed(self._connector.stopped.code, self._connector.stopped.reason)
                for namespace in self._namespaces.values():
                    # While the session lives, who is in stays in: with other credentials it can be resumed.
                    if self.session.ending is not None or not namespace.connected:
                        namespace.kept_out(error)
        if self.session.outbox.dirty:
            self._soon()
        self._set_timer()

    def _tell_loss(self, loss: Loss) -> None:
        out = [namespace for namespace in self._namespaces.values() if namespace.connected]
        for namespace in out:
            namespace.id = None
        self._worker.lost(out, Disconnected.by(loss.reason, loss.detail))
        if loss.reason == "closed" and not (loss.unconfirmed or loss.unsent):
            return  # our own goodbye, and nothing was lost
        if self.on_loss is not None:
            self._tell(self.on_loss, loss)
        elif loss.unconfirmed:
            reason, count = one_line(loss.reason), len(loss.unconfirmed)
            log.warning("the session was lost (%s) with %d packets unconfirmed", reason, count)

    def _tell(self, listener: Callable[[T], None] | None, what: T) -> None:
        """Tell the application's listener. It runs within a transport: what it raises must not end that."""
        if listener is not None:
            try:
                listener(what)
            except Exception:
                log.exception("the listener %r raised", listener)

    def _soon(self) -> None:
        """Write at the end of this turn of the loop."""
        if not self._flushing and self._http is not None:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        self._connector.flush(self.clock())
        self.after()

    def _set_timer(self) -> None:
        due = self._connector.due
        if self._timer is not None:
            if due == self._timer_at:
                return
            self._timer.cancel()
            self._timer = None
        self._timer_at = due
        if due != float("inf") and self._http is not None:
            delay = max(0.0, due - self.clock())
            call_later = self._call_later or asyncio.get_running_loop().call_later
            self._timer = call_later(delay, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._connector.tick(self.clock())
        self.after()

    def _open_port(self, kind: str, link: Link) -> Port:
        assert self._http is not None
        if self._opener is not None:
            return self._opener(kind, link, self)
        limit = self.limits.message
        if kind == "websocket":
            return WebSocket(self, link, self._http, self.url, limit)
        over_http = EventStream if kind == "sse" else LongPoll
        return over_http(self, link, self._http, self.url, self.session, limit)

    def left(self, namespace: ClientNamespace) -> None:
        """The application left it. Namespaces use it."""
        self.session.leave(namespace.name)
        if namespace.connected:
            self._worker.left(namespace)
        namespace.kept_out(ConnectionClosed(DisconnectCode.LEFT, f"namespace {namespace.name!r} was left"))
        self.after()

    def step_aside(self) -> None:
        """Whoever waits for events may be what keeps them waiting. Namespaces use it."""
        self._worker.step_aside()

    def find(self, name: str) -> ClientNamespace | None:
        """The namespace of this name, if it was asked for."""
        return self._namespaces.get(name)
