"""What a stage wants of a client, its end and its application, in whatever language they are written."""

from __future__ import annotations

from collections.abc import Callable, Sized
from dataclasses import dataclass
from random import Random
from typing import NamedTuple, Protocol

from antiphon.config import Inbox, Outbox
from antiphon.protocol.closing import Ending
from antiphon.protocol.codec import Codec
from antiphon.testing.simulation.conversation import Shape
from antiphon.testing.simulation.history import History, Sent
from antiphon.testing.simulation.network import Network
from antiphon.testing.simulation.process import Process
from antiphon.testing.simulation.profile import Profile
from antiphon.testing.simulation.virtual_time import VirtualTime

__all__ = ["ClientSide", "ClientTalk", "OpenPage", "Page", "SessionSide", "Setting"]


class OutboxSide(Protocol):
    """What is looked at of an outbox."""

    @property
    def packets(self) -> int: ...

    @property
    def size(self) -> int: ...

    @property
    def bounds(self) -> Outbox: ...

    @property
    def numbered(self) -> int: ...

    @property
    def idle(self) -> bool: ...


class InboxSide(Sized, Protocol):
    """What is looked at of an inbox."""

    @property
    def bounds(self) -> Inbox: ...


class SessionSide(Protocol):
    """What is looked at of either end's session."""

    @property
    def ending(self) -> Ending | None: ...

    @property
    def outbox(self) -> OutboxSide: ...

    @property
    def inbox(self) -> InboxSide: ...

    @property
    def streams(self) -> Sized: ...

    @property
    def answering(self) -> Sized: ...

    @property
    def calls(self) -> Sized: ...


class GatesSide(Protocol):
    """What waits at the gates of namespaces, where that is not part of the outbox."""

    @property
    def packets(self) -> int: ...

    @property
    def size(self) -> int: ...


class ClientSessionSide(SessionSide, Protocol):
    """What is looked at of a client's session."""

    @property
    def sid(self) -> str | None: ...

    @property
    def key(self) -> str: ...

    @property
    def codec(self) -> Codec: ...

    @property
    def members(self) -> GatesSide: ...

    @property
    def detaches(self) -> int: ...


class LinkSide(Protocol):
    """The transport in use."""

    @property
    def kind(self) -> str: ...


class StoppedSide(Protocol):
    """Why a client does not try any more."""

    @property
    def code(self) -> str: ...

    @property
    def reason(self) -> str: ...


class ConnectorSide(Protocol):
    """What is looked at of a connector."""

    @property
    def live(self) -> LinkSide | None: ...

    @property
    def stopped(self) -> StoppedSide | None: ...


class ClientSide(Protocol):
    """A client's end: one client of the product, with ports into the simulated network."""

    time: VirtualTime
    history: History
    process: Process

    @property
    def known(self) -> str | None:
        """The session that the application last knew of."""
        ...

    @property
    def session(self) -> ClientSessionSide: ...

    @property
    def connector(self) -> ConnectorSide: ...

    @property
    def leaving(self) -> bool:
        """Whether a goodbye is being said."""
        ...

    def wanted(self) -> list[str]:
        """The namespaces that were asked for and did not refuse."""
        ...

    def begin(self) -> None:
        """Connect, unless a goodbye is still being said."""
        ...

    def say_goodbye(self) -> None:
        """Close it."""
        ...

    def offline(self) -> None:
        """The machine says that it has no network."""
        ...

    def online(self) -> None:
        """The machine says that it has one again."""
        ...

    def hide(self) -> bool:
        """The page says that it goes away; True when it is offline until `online` from then on."""
        ...

    def vanish(self) -> None:
        """The process ends without a word."""
        ...

    def judge_calls(self) -> None:
        """See whether the handlers that run are those that somebody waits for."""
        ...


class ClientTalk(Protocol):
    """A client's application."""

    latest: list[Sent]
    inside: dict[str, bool]

    def wanted(self, which: int) -> str | None:
        """One of the namespaces that were asked for and did not refuse."""
        ...

    def join(self, name: str, auth: str) -> None:
        """Ask for a namespace."""
        ...

    def leave(self, name: str) -> None:
        """Leave a namespace."""
        ...

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
        ...

    def emit_volatile(self, name: str) -> None:
        """An event that may be dropped."""
        ...

    def call(
        self, name: str, delay: int, timeout: float, *, repeatable: bool = False, gives_up: float | None = None
    ) -> None:
        """A call to the server; its outcome is written down."""
        ...

    def stream(self, name: str, shape: Shape) -> None:
        """A call with streams to the server."""
        ...


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What surrounds a client: `key` is its secret, and `random` its dice."""

    time: VirtualTime
    network: Network
    history: History
    profile: Profile
    key: str
    random: Random


class Page(NamedTuple):
    """A client and its application."""

    client: ClientSide
    app: ClientTalk


# A function of a module or an object that can be pickled: schedules are played in several processes.
OpenPage = Callable[[Setting], Page]
