"""A connector on a stage: the transports that it opens, and what a server would say."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from antiphon.client.backoff import Backoff
from antiphon.client.connector import Connector, Link
from antiphon.config import Backoff as BackoffSettings
from antiphon.config import Limits, Outbox
from antiphon.protocol.client_session import ClientSession
from antiphon.protocol.packets import Hello, Packet, Welcome
from antiphon.types import Data
from tests.protocol.wire import CODEC, message, packets_in

__all__ = ["NEVER", "Stage", "Transport"]

NEVER = float("inf")


class Transport:
    """One transport as a shell would lend it: it keeps what is written."""

    def __init__(self, kind: str, link: Link) -> None:
        self.kind = kind
        self.link = link
        self.single = kind != "websocket"
        self.pings = kind != "longpoll"
        self.congested = False
        self.written: list[Data] = []
        self.closed = False

    def write(self, message: Data) -> None:
        self.written.append(message)

    def close(self) -> None:
        self.closed = True

    @property
    def said(self) -> list[Packet]:
        return packets_in(self.written)

    @property
    def hello(self) -> Hello:
        (hello,) = (packet for packet in self.said if isinstance(packet, Hello))
        return hello


class Stage:
    """A connector, the transports that it opened, and what a server would say."""

    def __init__(
        self,
        *,
        kinds: Sequence[str] = ("websocket", "longpoll"),
        random: float = 1.0,
        outbox: Outbox = Outbox(),
        ask: Callable[[Link], object] | None = None,
    ) -> None:
        self.session = ClientSession(CODEC, "the-secret-key", outbox=outbox, limits=Limits(), wake=lambda: None)
        self.transports: list[Transport] = []
        self.connector = Connector(
            self.session,
            self._open,
            kinds=kinds,
            backoff=Backoff(BackoffSettings(first=1.0, base=0.5), lambda: random),
            ask=ask,
        )

    def _open(self, kind: str, link: Link) -> Transport:
        self.transports.append(Transport(kind, link))
        return self.transports[-1]

    @property
    def newest(self) -> Transport:
        return self.transports[-1]

    @property
    def kinds(self) -> list[str]:
        return [transport.kind for transport in self.transports]

    @property
    def live(self) -> Transport | None:
        link = self.connector.live
        return next((transport for transport in self.transports if transport.link is link), None)

    def start(self, now: float = 0.0) -> Transport:
        self.connector.start(now)
        return self.newest

    def opened(self, now: float = 0.0, transport: Transport | None = None) -> Transport:
        transport = transport or self.newest
        self.connector.opened(transport.link, now)
        return transport

    def answer(self, *packets: Packet, now: float = 0.0, number: int = 0, by: Transport | None = None) -> None:
        self.connector.received((by or self.newest).link, message(number, *packets), now)

    def welcome(self, now: float = 0.0, *, resumed: bool = False, sid: str = "s1", received: int = 0) -> None:
        packet = Welcome(
            epoch="e1",
            sid=sid,
            received=received,
            next=self.session.inbox.received + 1 if resumed else 1,
            resumed=resumed,
        )
        self.answer(packet, now=now)

    def lost(self, now: float = 0.0, code: int = 0, reason: str = "", *, transport: Transport | None = None) -> None:
        self.connector.lost((transport or self.newest).link, now, code, reason)

    def attach(self, now: float = 0.0) -> Transport:
        """Start, open and be welcomed on the first kind."""
        self.start(now)
        self.opened(now)
        self.welcome(now)
        return self.newest

    def fall_back(self, now: float = 0.0) -> Transport:
        """Be attached on long-polling, since the first kind does not work."""
        self.start(now)
        self.lost(now)
        self.opened(now)
        self.welcome(now)
        assert self.live is not None
        assert self.live.kind == "longpoll"
        return self.live
