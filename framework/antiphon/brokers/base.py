"""The seam of a broker, and what it carries between nodes.

The contract, which `antiphon.testing.check_broker` holds a broker to:

- At most once: an envelope may be lost with the connection to the broker, and is never delivered twice.
- In order per publisher and namespace: what one node says in one namespace arrives as it was said.
- Never back to its origin: the publisher has delivered to its own sockets before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeAlias

from antiphon.protocol.packets import Event, Volatile

__all__ = ["Broker", "Destination", "Envelope", "Receive", "Subscription"]


class Destination(NamedTuple):
    """An audience as it travels, by names and ids.

    The sockets in any of `rooms` or of any of `users` (all of the namespace, if neither is named), without those in
    `but_rooms`, those of `but_users`, and those whose ids are in `but`.
    """

    rooms: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    but_rooms: tuple[str, ...] = ()
    but_users: tuple[str, ...] = ()
    but: tuple[str, ...] = ()


class Envelope(NamedTuple):
    """One event on its way to the sockets of other nodes; its namespace is in the packet.

    `origin`: the node that published it. `latest`: the key of a latest value, None for any other event.
    """

    origin: str
    destination: Destination
    packet: Event | Volatile
    latest: str | int | None = None


Receive: TypeAlias = Callable[[Envelope], None]


class Subscription(Protocol):
    """One node at a broker."""

    async def ready(self) -> None:
        """Wait until it receives: what is published before it does may pass it by."""
        ...

    def close(self) -> None:
        """Nothing is received any more; closing twice is harmless."""
        ...


class Broker(Protocol):
    """What joins nodes. Whoever makes one closes it; the servers that use it only subscribe."""

    def subscribe(self, node: str, receive: Receive) -> Subscription:
        """Have `receive` called in the running loop with what other nodes publish, as soon as that can be."""
        ...

    def publish(self, envelope: Envelope) -> None:
        """Carry it to every other node, soon.

        Never waits, never raises, and calls nobody before it returns: it is called for every broadcast. A broker that
        is cut off from the others drops what it cannot carry.
        """
        ...
