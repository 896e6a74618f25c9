"""The client's end: the product's session, connector and worker, in a shell as thin as client/client.py."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from antiphon.client.backoff import Backoff
from antiphon.client.connector import Connector, Link, Port
from antiphon.client.namespace import ClientNamespace
from antiphon.client.worker import Worker
from antiphon.config import Backoff as BackoffSettings
from antiphon.dialects.native.forms import JsonCodec, MsgpackCodec
from antiphon.errors import ConnectionClosed
from antiphon.protocol.client_session import ClientSession, Loss
from antiphon.protocol.membership import Place
from antiphon.protocol.outbox import Entry
from antiphon.testing.simulation import invariants
from antiphon.testing.simulation.client_ports import PollingAdapter, StreamPort
from antiphon.testing.simulation.history import History
from antiphon.testing.simulation.network import Network
from antiphon.testing.simulation.profile import Profile
from antiphon.testing.simulation.tasks import Task
from antiphon.testing.simulation.virtual_time import Process, VirtualTime
from antiphon.types import Data

if TYPE_CHECKING:
    from antiphon.client.client import Client

__all__ = ["ClientEnd"]

NEVER = float("inf")
CLOSE_WAIT = 3.0


class RecordedSession(ClientSession):
    """The product's session; what it gives back, and how often it is detached, is written down."""

    history: History
    detaches = 0

    def detach(self, now: float) -> None:
        """See Session.detach."""
        self.detaches += 1
        super().detach(now)

    def _give_back(self, entries: list[Entry]) -> list[Entry]:
        for entry in entries:
            again = getattr(entry.packet, "redelivered", False)  # it may have run in the session that was lost
            tell(self.history, entry.packet, "unconfirmed" if again else "returned")
        return super()._give_back(entries)


class ClientEnd:
    """One client object and what a process has around it."""

    def __init__(
        self,
        time: VirtualTime,
        network: Network,
        history: History,
        profile: Profile,
        key: str,
        random: Callable[[], float],
    ) -> None:
        self.time = time
        self.network = network
        self.history = history
        self.process = Process(time)
        self.high_water = profile.high_water
        self._window = profile.resume.window
        codec = MsgpackCodec(profile.limits) if profile.form == "msgpack" else JsonCodec(profile.limits)
        self.session = RecordedSession(
            codec, key, outbox=profile.client_outbox, inbox=profile.client_inbox, limits=profile.limits, wake=self._soon
        )
        self.session.history = history
        self.connector = Connector(
            self.session,
            self._open_port,
            kinds=("websocket", "longpoll"),
            backoff=Backoff(BackoffSettings(), random),
        )
        self.known: str | None = None  # the session that the application last knew of
        self.namespaces: dict[str, ClientNamespace] = {}
        self._worker = Worker(cast("Client", self))
        self._timer_at = NEVER
        self._flushing = False
        self._closing = 0
        self._stopped = self.connector.stopped

    # -- what the application does

    def namespace(self, name: str, auth: str) -> ClientNamespace:
        """As Client.namespace."""
        namespace = self.namespaces.get(name)
        if namespace is None:
            namespace = self.namespaces[name] = ClientNamespace(cast("Client", self), name)
        if self.session.members[name].place in (Place.OUT, Place.REFUSED):
            namespace.wanted()
        self.session.join(name, auth)
        self.after()
        return namespace

    def leave(self, name: str) -> None:
        """As Client.left."""
        namespace = self.namespaces[name]
        self.session.leave(name)
        if namespace.connected:
            self._worker.left(namespace)
        namespace.kept_out(ConnectionClosed("left", name))
        self.after()

    def connect(self) -> None:
        """As Client.connect."""
        self._closing += 1
        if self.session.ending is not None:
            self.session.renew()
        self.connector.start(self.time.now)
        self.after()

    def close(self) -> None:
        """As Client.close, without the waiting."""
        self._closing += 1
        self.session.close(self.time.now)
        self.after()
        wait = CLOSE_WAIT if self.session.ending is None else 0.0
        self.time.after(wait, partial(self.process.do, partial(self._closed, self._closing)))

    def _closed(self, closing: int) -> None:
        if closing != self._closing:
            return
        if self.session.ending is None:
            self.session.end("closed", tell=False)
        if self.connector.stopped is None:
            self.connector.stop("closed")
        self.after()

    def vanish(self) -> None:
        """The process ends without a word."""
        self.process.gone = True
        self.connector.stop("gone")

    # -- what transports tell, as in Client

    def on_opened(self, link: Link) -> None:
        """A transport is open."""
        self.connector.opened(link, self.time.now)
        self.after()

    def on_message(self, link: Link, message: Data) -> None:
        """A message came."""
        self.connector.received(link, message, self.time.now)
        self.after()

    def on_drained(self, link: Link) -> None:
        """A transport takes more."""
        self.session.outbox.mark()
        self.after()

    def on_lost(self, link: Link, code: int, reason: str) -> None:
        """A transport ended."""
        self.connector.lost(link, self.time.now, code, reason)
        self.after()

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> Task:
        """Run it."""
        return Task(self.time, self.process, coroutine)

    def find(self, name: str) -> ClientNamespace | None:
        """The namespace of this name, if it was asked for."""
        return self.namespaces.get(name)

    # -- what follows, as in Client

    def after(self) -> None:
        """As Client.after."""
        session = self.session
        while session.losses:
            self._tell_loss(session.losses.pop(0))
        if session.expired:
            for entry in session.expired:
                tell(self.history, entry.packet, "expired")
            session.expired.clear()
        self.known = session.sid or self.known
        self._worker.wake()
        stopped = self.connector.stopped
        changed, self._stopped = stopped is not self._stopped, stopped
        if changed and stopped is not None:
            for namespace in self.namespaces.values():
                namespace.kept_out(ConnectionClosed(stopped.code, stopped.reason))
        if session.outbox.dirty:
            self._soon()
        self._set_timer()

    def _tell_loss(self, loss: Loss) -> None:
        out = [namespace for namespace in self.namespaces.values() if namespace.connected]
        for namespace in out:
            namespace.id = None
        self._worker.lost(out, loss.reason)
        for packet, arrived in loss.unconfirmed:
            # Whoever forged packets in our name has made the server count them.
            known = None if self.known is not None and self.history.log(self.known).abused else arrived
            tell(
                self.history,
                packet,
                {None: "unconfirmed", True: "arrived", False: "not arrived"}[known],
                self.known or "",
            )
        for packet in loss.unsent:
            tell(self.history, packet, "unsent")
        for sent in self.history.open_up.values():
            sent.held = True  # it waits at its gate again
        if self.known is not None:
            self.history.losses[self.known] = loss.reason
            invariants.i3_losses_are_told_with_their_reason(self.history, self.known, loss, self.time.now, self._window)

    def _soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            self.time.soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        self.connector.flush(self.time.now)
        self.after()

    def _set_timer(self) -> None:
        due = self.connector.due
        if due != self._timer_at:
            self._timer_at = due
            if due != NEVER:
                self.time.at(due, partial(self.process.do, partial(self._tick, due)))

    def _tick(self, due: float) -> None:
        if due == self._timer_at:
            self._timer_at = NEVER
            self.connector.tick(self.time.now)
            self.after()

    def _open_port(self, kind: str, link: Link) -> Port:
        return StreamPort(self, link) if kind == "websocket" else PollingAdapter(self, link)


def tell(history: History, packet: Any, fate: str, sid: str = "") -> None:
    """The application was told what became of a packet, in session `sid` if it was sent in one."""
    sent = history.up.get(packet.args[0]) if hasattr(packet, "args") else None
    if sent is not None:
        sent.fate, sent.lost_with = fate, sid
        history.open_up.pop(sent.serial, None)
