"""This server among others at a broker: what it says to all of them, and what they say to its sockets."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from antiphon.brokers.base import Broker, Destination, Envelope, Subscription
from antiphon.dispatch.outgoing import Said
from antiphon.errors import LocalProtocolError, OutboxFull
from antiphon.protocol.loglines import one_line
from antiphon.server.rooms import Audience, Person, Room

if TYPE_CHECKING:
    from antiphon.server.namespace import Namespace

__all__ = ["Node"]

log = logging.getLogger("antiphon.server")


class Node:
    """One server that has a broker; a server without one has no node, and publishes nothing."""

    def __init__(self, name: str, broker: Broker, find: Callable[[str], Namespace | None]) -> None:
        self._name = name
        self._broker = broker
        self._find = find
        self._subscription: Subscription | None = None

    def start(self) -> None:
        """Receive what the others publish."""
        if self._subscription is None:
            self._subscription = self._broker.subscribe(self._name, self._receive)

    def close(self) -> None:
        """Receive nothing more."""
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None

    def envelope(self, audience: Audience, one: Said) -> Envelope:
        """An emit as it travels. Raises LocalProtocolError for an audience that cannot: no function of a socket can."""
        if audience.where:
            raise LocalProtocolError(
                "where() takes a function, which a broker cannot carry to the other nodes; "
                "let the sockets in question join a room, and emit to that"
            )
        destination = Destination(
            rooms=_names(audience.rooms),
            users=_people(audience.rooms),
            but_rooms=_names(audience.but_rooms),
            but_users=_people(audience.but_rooms),
            but=tuple(socket.id for socket in audience.but),
        )
        return Envelope(self._name, destination, one.packet, one.key[2] if one.key is not None else None)

    def publish(self, envelope: Envelope) -> None:
        """Say it to the other nodes."""
        self._broker.publish(envelope)

    def _receive(self, envelope: Envelope) -> None:
        """Another node says something to its sockets and to ours."""
        packet, to = envelope.packet, envelope.destination
        namespace = self._find(packet.namespace)
        if namespace is None:
            return  # served by others only
        but = (namespace.socket(id) for id in to.but)
        audience = Audience(
            rooms=(*to.rooms, *map(Person, to.users)),
            but_rooms=(*to.but_rooms, *map(Person, to.but_users)),
            but=frozenset(socket for socket in but if socket is not None),
        )
        key = (packet.namespace, packet.name, envelope.latest) if envelope.latest is not None else None
        try:
            namespace.send(namespace.rooms.select(audience), Said(packet, key), ours=False)
        except OutboxFull as error:
            log.error("an event %r of another node is not sent: its limits are wider: %s", packet.name, one_line(error))


def _names(rooms: tuple[Room, ...]) -> tuple[str, ...]:
    return tuple(room for room in rooms if isinstance(room, str))


def _people(rooms: tuple[Room, ...]) -> tuple[str, ...]:
    return tuple(room.id for room in rooms if isinstance(room, Person))
