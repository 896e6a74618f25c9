"""The check of brokers names the clause that a broken broker breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from antiphon.brokers.base import Broker, Destination, Envelope, Receive
from antiphon.testing import Broken, check_broker
from antiphon.testing.conformance import broken


@dataclass(eq=False)
class Subscriber:
    """One node at a broken broker."""

    broker: BrokenBroker
    node: str
    receive: Receive

    async def ready(self) -> None:
        """It is."""

    def close(self) -> None:
        if self in self.broker.nodes:
            self.broker.nodes.remove(self)


@dataclass(eq=False)
class BrokenBroker:
    """A broker with one fault that its subclass plants; without one it is sound."""

    nodes: list[Subscriber] = field(default_factory=list)
    published: int = 0

    def subscribe(self, node: str, receive: Receive) -> Subscriber:
        self.nodes.append(Subscriber(self, node, receive))
        return self.nodes[-1]

    def publish(self, envelope: Envelope) -> None:
        self.published += 1
        for node in self.nodes:
            if node.node != envelope.origin:
                self.carry(node, envelope)

    def carry(self, node: Subscriber, envelope: Envelope) -> None:
        asyncio.get_running_loop().call_soon(self.hand, node, envelope)

    def hand(self, node: Subscriber, envelope: Envelope) -> None:
        if node in self.nodes:
            node.receive(envelope)


class Reordering(BrokenBroker):
    """Every tenth envelope is one turn late."""

    def carry(self, node: Subscriber, envelope: Envelope) -> None:
        if self.published % 10 == 3:
            asyncio.get_running_loop().call_soon(super().carry, node, envelope)
        else:
            super().carry(node, envelope)


class Duplicating(BrokenBroker):
    """What was not confirmed in time is published again."""

    def carry(self, node: Subscriber, envelope: Envelope) -> None:
        super().carry(node, envelope)
        if self.published % 50 == 7:
            super().carry(node, envelope)


class Echoing(BrokenBroker):
    """As a plain publish-subscribe server: whoever subscribes hears everything."""

    def publish(self, envelope: Envelope) -> None:
        for node in self.nodes:
            self.carry(node, envelope)


class Losing(BrokenBroker):
    """It loses one in a hundred."""

    def carry(self, node: Subscriber, envelope: Envelope) -> None:
        if self.published != 4:
            super().carry(node, envelope)


class Forgetful(BrokenBroker):
    """The excluded sockets are not spelled out."""

    def carry(self, node: Subscriber, envelope: Envelope) -> None:
        destination = envelope.destination
        super().carry(node, envelope._replace(destination=Destination(destination.rooms, destination.users)))


class Hasty(BrokenBroker):
    """It calls receivers within publish()."""

    def carry(self, node: Subscriber, envelope: Envelope) -> None:
        self.hand(node, envelope)


class Clinging(BrokenBroker):
    """What is under way still reaches who has left."""

    def hand(self, node: Subscriber, envelope: Envelope) -> None:
        node.receive(envelope)


class Remembering(BrokenBroker):
    """Whoever comes gets the history."""

    history: tuple[Envelope, ...] = ()

    def subscribe(self, node: str, receive: Receive) -> Subscriber:
        subscriber = super().subscribe(node, receive)
        for envelope in self.history:
            self.carry(subscriber, envelope)
        return subscriber

    def publish(self, envelope: Envelope) -> None:
        self.history += (envelope,)
        super().publish(envelope)


async def check(kind: type[BrokenBroker]) -> None:
    @asynccontextmanager
    async def factory() -> AsyncIterator[Callable[[], Broker]]:
        broker = kind()
        yield lambda: broker

    await check_broker(factory)


async def test_a_sound_broker_passes() -> None:
    await check(BrokenBroker)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Reordering, "In order per publisher and namespace"),
        (Duplicating, "At most once"),
        (Echoing, "Never back to its origin"),
        (Losing, "every other node receives"),
        (Forgetful, "every other node receives"),
        (Hasty, r"publish\(\) calls nobody"),
        (Clinging, "A subscription that was closed"),
        (Remembering, "A node that subscribes"),
    ],
)
async def test_a_fault_is_named_by_the_clause_that_it_breaks(kind: type[BrokenBroker], words: str) -> None:
    with pytest.raises(Broken, match=words):
        await check(kind)


async def test_a_broker_that_carries_nothing_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(BrokenBroker):
        def carry(self, node: Subscriber, envelope: Envelope) -> None:
            """Nothing."""

    monkeypatch.setattr(broken, "PATIENCE", 0.01)

    with pytest.raises(Broken, match="nothing more happened"):
        await check(Silent)
