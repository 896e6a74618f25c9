"""The seam of a transport, and who listens to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from antiphon.protocol.closing import Closing
from antiphon.types import Data

__all__ = ["Receiver", "Transport"]


class Transport(Protocol):
    """One way to one peer.

    `single`: one message at a time leaves it. `pings`: silence means nothing on it, so the session has to ping.
    `congested`: nothing more should be written now; `Receiver.on_drained` says when that is over.
    `address`: where the peer is in the network, as far as the host knows. `headers`: those of the request that it came
    by, names in lower case.
    """

    name: str
    address: str
    headers: Mapping[str, str]
    receiver: Receiver
    single: bool
    pings: bool
    congested: bool

    def write(self, message: Data) -> None:
        """Send one whole message. Never raises: a transport that broke says so to its receiver."""
        ...

    def close(self, closing: Closing) -> None:
        """Send what was written, then close. Nothing is received from it any more. Closing twice is harmless."""
        ...


class Receiver(Protocol):
    """Who listens to a transport."""

    def on_message(self, transport: Transport, message: Data) -> None:
        """One whole message came."""
        ...

    def on_drained(self, transport: Transport) -> None:
        """The transport is not congested any more."""
        ...

    def on_lost(self, transport: Transport) -> None:
        """The transport ended by itself; it is not told after `close`."""
        ...
