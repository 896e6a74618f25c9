"""The contract of a broker (antiphon.brokers.base) as checks: a new broker is done when they pass."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TypeAlias

from antiphon.brokers.base import Broker, Destination, Envelope
from antiphon.protocol.packets import Event, Volatile
from antiphon.testing.conformance.broken import clause
from antiphon.testing.turns import settle

__all__ = ["BROKER_CLAUSES", "BrokerFactory", "check_broker"]

# Makes one application's worth of brokers: what it gives is called once per node, for the broker of that node.
BrokerFactory: TypeAlias = Callable[[], AbstractAsyncContextManager[Callable[[], Broker]]]

MANY = 200
LAST = "the last of all"


class Node:
    """One server, as a broker sees it. It keeps what it receives."""

    def __init__(self, name: str, broker: Broker) -> None:
        self.name = name
        self.received: list[Envelope] = []
        self._broker = broker
        self._changed = asyncio.Event()
        self.subscription = broker.subscribe(name, self._receive)

    def say(self, text: object, namespace: str = "/chat") -> Envelope:
        """Publish one event."""
        envelope = Envelope(self.name, Destination(("lobby",)), Event(namespace, "said", [text]))
        self.publish(envelope)
        return envelope

    def publish(self, envelope: Envelope) -> None:
        self._broker.publish(envelope)

    def _receive(self, envelope: Envelope) -> None:
        self.received.append(envelope)
        self._changed.set()

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for what is still under way."""
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    def heard(self, origin: Node, namespace: str = "/chat") -> list[object]:
        """What came from a node in a namespace, in the order of its coming."""
        return [
            envelope.packet.args[0]
            for envelope in self.received
            if envelope.origin == origin.name and envelope.packet.namespace == namespace
        ]


async def join(node: Callable[[], Broker], *names: str) -> list[Node]:
    """So many more nodes."""
    nodes = [Node(name, node()) for name in names]
    for each in nodes:
        await each.subscription.ready()
    return nodes


async def all_heard(*nodes: Node) -> None:
    """Wait until everything that was published has arrived: behind it, each node says one thing more."""
    for node in nodes:
        node.say(LAST, "/end")
    for node in nodes:
        for other in nodes:
            if other is not node:
                await node.until(partial(node.heard, other, "/end"))
    await settle()


async def every_other_node_receives(node: Callable[[], Broker]) -> None:
    """What one node publishes, every other node receives as it was."""
    ann, ben, cy = await join(node, "ann", "ben", "cy")
    envelopes = [
        Envelope("ann", Destination(), Event("/", "tick", [])),
        Envelope("ann", Destination(("a", "b"), ("u",), ("c",), ("v",), ("x/chat",)), Event("/chat", "said", [1, "é"])),
        Envelope("ann", Destination(("a",)), Volatile("/chat", "pose", [{"x": 0.5, "of": [None, True, b"\0\xff"]}])),
        Envelope("ann", Destination(), Event("/chat", "price", ["acme", 2**53]), "acme"),
        Envelope("ann", Destination(), Event("/chat", "price", [7, -1]), 7),
    ]

    for envelope in envelopes:
        ann.publish(envelope)
    await all_heard(ann, ben, cy)

    for other in (ben, cy):
        got = [e for e in other.received if e.origin == "ann" and e.packet.namespace != "/end"]
        arrived = [envelope for envelope in envelopes if envelope in got]
        assert arrived == envelopes, (
            f"{other.name} did not receive {[envelope for envelope in envelopes if envelope not in got]}, "
            f"but {[envelope for envelope in got if envelope not in envelopes]}"
        )


async def order_is_kept(node: Callable[[], Broker]) -> None:
    """In order per publisher and namespace."""
    ann, ben, cy = await join(node, "ann", "ben", "cy")

    for number in range(MANY):
        ann.say(number)
        ben.say(number)
        ann.say(number, "/game")
    await all_heard(ann, ben, cy)

    ways = ((ann, cy, "/chat"), (ben, cy, "/chat"), (ann, cy, "/game"), (ann, ben, "/chat"))
    for origin, receiver, namespace in ways:
        heard = list(dict.fromkeys(receiver.heard(origin, namespace)))
        assert heard == sorted(heard, key=lambda number: int(str(number))), (
            f"{receiver.name} received from {origin.name} in {namespace}: {heard[:20]}..."
        )


async def nothing_comes_twice(node: Callable[[], Broker]) -> None:
    """At most once: nothing is delivered twice."""
    ann, ben, cy = await join(node, "ann", "ben", "cy")

    for number in range(MANY):
        ann.say(number)
    await all_heard(ann, ben, cy)

    for receiver in (ben, cy):
        heard = receiver.heard(ann)
        twice = sorted({str(number) for number in heard if heard.count(number) > 1})
        assert not twice, f"{receiver.name} received more than once: {', '.join(twice[:20])}"


async def nothing_comes_back(node: Callable[[], Broker]) -> None:
    """Never back to its origin."""
    ann, ben = await join(node, "ann", "ben")

    for number in range(3):
        ann.say(number)
    await all_heard(ann, ben)

    echoes = [envelope for envelope in ann.received if envelope.origin == "ann"]
    assert not echoes, f"the publisher received {len(echoes)} of its own envelopes: {echoes[:3]}"


async def publish_calls_nobody(node: Callable[[], Broker]) -> None:
    """publish() calls nobody before it returns."""
    ann, ben = await join(node, "ann", "ben")

    ann.say("hello")
    at_once = list(ben.received)

    assert not at_once, "the receiver of another node was called within publish()"
    await ben.until(partial(ben.heard, ann))


async def a_closed_subscription_is_silent(node: Callable[[], Broker]) -> None:
    """A subscription that was closed receives nothing more, also of what was under way, and the others go on."""
    ann, ben, cy = await join(node, "ann", "ben", "cy")
    await all_heard(ann, ben, cy)
    before = len(ben.received)

    ann.say("under way")
    ben.subscription.close()
    ben.subscription.close()
    ann.say("afterwards")
    await all_heard(ann, cy)

    assert ben.received[before:] == [], f"a closed subscription received {ben.received[before:]}"
    assert cy.heard(ann) == ["under way", "afterwards"], f"the other node received {cy.heard(ann)}"


async def a_late_node_receives_from_now_on(node: Callable[[], Broker]) -> None:
    """A node that subscribes receives what is published from then on."""
    ann, ben = await join(node, "ann", "ben")
    ann.say("before")
    await all_heard(ann, ben)

    [cy] = await join(node, "cy")
    ann.say("after")
    await all_heard(ann, ben, cy)

    assert cy.heard(ann) == ["after"], f"a node that came later received {cy.heard(ann)}, not ['after']"


BROKER_CLAUSES: tuple[Callable[[Callable[[], Broker]], Awaitable[None]], ...] = (
    every_other_node_receives,
    order_is_kept,
    nothing_comes_twice,
    nothing_comes_back,
    publish_calls_nobody,
    a_closed_subscription_is_silent,
    a_late_node_receives_from_now_on,
)


async def check_broker(factory: BrokerFactory) -> None:
    """Hold a broker to its contract; raises Broken, which names the first clause that does not hold.

    @asynccontextmanager
    async def memory():
        broker = MemoryBroker()
        yield lambda: broker

    async def test_it_is_a_broker():
        await check_broker(memory)
    """
    for check in BROKER_CLAUSES:
        async with factory() as node, clause(check.__doc__ or check.__name__):
            await check(node)
