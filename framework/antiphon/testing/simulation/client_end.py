"""The client's end: the product's Client on a loop of virtual time, with ports into the simulated network."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from antiphon.client.asking import ClientAsking
from antiphon.client.backoff import Backoff
from antiphon.client.client import Client
from antiphon.client.connector import Connector, Link, Port
from antiphon.client.credentials import Credentials
from antiphon.client.leaving import word_of
from antiphon.client.namespace import ClientNamespace
from antiphon.client.requests import HttpRequest
from antiphon.client.worker import Worker
from antiphon.config import Backoff as BackoffSettings
from antiphon.errors import ConnectionClosed
from antiphon.protocol.calls import Outcome, Pending
from antiphon.protocol.client_session import ClientSession, Loss
from antiphon.protocol.outbox import Entry
from antiphon.protocol.packets import Call, Event, Volatile
from antiphon.testing.simulation import invariants
from antiphon.testing.simulation.answering import RecordedAnswering
from antiphon.testing.simulation.client_ports import EventStreamAdapter, PollingAdapter, StreamPort
from antiphon.testing.simulation.history import History, Sent, kind_of
from antiphon.testing.simulation.page import Setting
from antiphon.testing.simulation.people import OWNER
from antiphon.testing.simulation.process import Process

if TYPE_CHECKING:
    import aiohttp

__all__ = ["ClientEnd"]


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


class RecordedClientAsking(ClientAsking):
    """The product's calls; each is written down with its outcome."""

    history: History

    def _open(self, packet: Call, settle: Callable[[Outcome], None], deadline: float, repeatable: bool) -> Pending:
        history = self.history
        sent = Sent(packet.args[0], kind_of(packet), packet.namespace, self._clock(), repeatable=repeatable)

        def settled(outcome: Outcome) -> None:
            sent.outcomes.append(outcome)
            history.open_up.pop(sent.serial, None)  # whatever becomes of it, nobody waits for it
            settle(outcome)

        pending = super()._open(packet, settled, deadline, repeatable)
        sent.entry = pending.entry
        sent.held = pending.entry.held
        history.up[sent.serial] = sent
        history.calls.append(sent)
        if sent.kind == "call":
            history.open_up[sent.serial] = sent
        return pending


class RecordedClientWorker(Worker):
    """The product's worker; it is written down which events are nobody's."""

    def __init__(self, client: ClientEnd) -> None:
        super().__init__(client)
        self._end = client

    def _nobody(self, packet: Event | Call | Volatile, code: str, message: str, era: Any) -> None:
        super()._nobody(packet, code, message, era)
        if not isinstance(packet, Volatile):
            sent = self._end.history.down[packet.args[0]]
            invariants.i1_nobodys(self._end.history, sent, wanted=self._end.wanted())


class _NoHttp:
    """Where the product has aiohttp: nothing of that is asked, and in the end it is closed."""

    async def close(self) -> None:
        """There is nothing to close."""


class ClientEnd(Client):
    """One client object and what a process has around it."""

    session: RecordedSession

    def __init__(self, setting: Setting) -> None:
        profile = setting.profile
        self.time = time = setting.time
        self.network = setting.network
        self.history = history = setting.history
        self.process = Process(time)
        self.high_water = profile.high_water
        self.known: str | None = None  # the session that the application last knew of
        self._window = profile.resume.window
        super().__init__("simulated:", limits=profile.limits, form=profile.form, clock=time.clock, opener=self._open)
        # What the product draws from `secrets` and `random` has to be the same whenever the schedule is played again.
        session = self.session = RecordedSession(
            self.session.codec,
            setting.key,
            outbox=profile.client_outbox,
            inbox=profile.client_inbox,
            limits=profile.limits,
            wake=self._soon,
        )
        session.history = history
        session.answering = self.answering = RecordedAnswering(history, self.process)
        self._credentials = Credentials(self, OWNER)
        session.on_renew = self._credentials.wanted
        self.connector = self._connector = Connector(
            session,
            self._open_port,
            kinds=profile.transports,
            backoff=Backoff(BackoffSettings(), setting.random.random),
            ask=lambda link: self._credentials.give(self.connector, link),
        )
        self.asking = asking = RecordedClientAsking(self)
        asking.history = history
        self._worker = RecordedClientWorker(self)
        self._goodbye: asyncio.Task[None] | None = None

    @property
    def namespaces(self) -> dict[str, ClientNamespace]:
        """Those that were asked for."""
        return self._namespaces

    # -- what the application does, as a task of its own where it may take time

    @property
    def leaving(self) -> bool:
        """Whether a goodbye is being said."""
        return self._goodbye is not None and not self._goodbye.done()

    def begin(self) -> None:
        """Connect, unless a goodbye is still being said."""
        if not self.leaving:
            # So that what the application does is flushed, without a session of aiohttp.
            self._http = cast("aiohttp.ClientSession", _NoHttp())
            _task = self.process.loop.create_task(self._connect())

    async def _connect(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            await self.connect()

    def say_goodbye(self) -> None:
        """Close it."""
        if not self.leaving:
            self._goodbye = self.process.loop.create_task(self.close())

    def vanish(self) -> None:
        """The process ends without a word."""
        self.process.gone = True
        self.connector.stop("gone")

    def offline(self) -> None:
        """The machine says that it has no network."""
        self.connector.offline(self.time.now)
        self.after()

    def online(self) -> None:
        """The machine says that it has one again."""
        self.connector.online(self.time.now, 0.3)
        self.after()

    def hide(self) -> bool:
        """The last word of a page; what runs without one goes on."""
        word = word_of(self.session)
        if word is not None:
            request = HttpRequest(0, "leave", (), word, 10.0)
            self.network.post(request, self.session.codec.form, lambda reply: None)
        return False

    def wanted(self) -> list[str]:
        """The namespaces that were asked for and did not refuse."""
        return [member.namespace for member in self.session.members.wanted()]

    def judge_calls(self) -> None:
        """See whether the handlers that run are those that somebody waits for."""
        self.answering.judge(self.time.now)

    # -- what is written down

    def after(self) -> None:
        """See Client.after."""
        for entry in self.session.expired:
            tell(self.history, entry.packet, "expired")
        super().after()
        self.known = self.session.sid or self.known

    def _tell_loss(self, loss: Loss) -> None:
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
        super()._tell_loss(loss)

    def _open(self, kind: str, link: Link, events: object) -> Port:
        if kind == "websocket":
            return StreamPort(self, link)
        if kind == "sse":
            return EventStreamAdapter(self, link)
        return PollingAdapter(self, link)

    def later(self, callback: Callable[..., object], *args: Any) -> None:
        """Call it in this process at the end of the turn."""
        self.time.soon(partial(self.process.do, partial(callback, *args)))


def tell(history: History, packet: Any, fate: str, sid: str = "") -> None:
    """The application was told what became of a packet, in session `sid` if it was sent in one."""
    sent = history.up.get(packet.args[0]) if hasattr(packet, "args") else None
    if sent is not None:
        sent.fate, sent.lost_with = fate, sid
        history.open_up.pop(sent.serial, None)
