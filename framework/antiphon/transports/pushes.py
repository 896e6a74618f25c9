"""What the HTTP transports have in common: messages come up by requests of their own, doubled and late at times."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from antiphon.protocol.closing import Closing
from antiphon.transports.base import Receiver
from antiphon.types import NOTHING, Data

__all__ = ["PushedTransport"]


class PushedTransport(ABC):
    """A Transport that pushes reach (contract rule 18). The server's clock moves it on, should it need one."""

    __slots__ = ("_closed", "_newest_push")

    name: str
    address: str
    headers: Mapping[str, str] = NOTHING
    receiver: Receiver
    single: bool
    pings: bool
    congested: bool

    def __init__(self) -> None:
        self._closed: Closing | None = None
        self._newest_push = -1

    @abstractmethod
    def write(self, message: Data) -> None:
        """See Transport.write."""

    @abstractmethod
    def close(self, closing: Closing) -> None:
        """See Transport.close."""

    @property
    def closed(self) -> Closing | None:
        """How it was closed, None while it lives."""
        return self._closed

    # -- what the gateway tells

    def newest_push(self, request: int) -> bool:
        """Whether a push is newer than all before it: only then its volatile packets count."""
        newest = request > self._newest_push
        self._newest_push = max(self._newest_push, request)
        return newest

    def heard(self, now: float) -> None:  # noqa: B027 - not all have a clock
        """Any request is a sign of life, where a transport is lost by silence of its own."""

    # -- time

    @property
    def due(self) -> float:
        """When to call `tick`; never, where the session's heartbeat watches over the transport."""
        return float("inf")

    def tick(self, now: float) -> None:  # noqa: B027 - not all have a clock
        """Let time pass."""

    def postpone(self, seconds: float) -> None:  # noqa: B027 - not all have a clock
        """Our own process stalled for so long."""
