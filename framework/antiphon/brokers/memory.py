"""A broker for several servers in one process: for tests, and as the shortest example of the contract."""

from __future__ import annotations

import asyncio

from antiphon.brokers.base import Envelope, Receive

__all__ = ["MemoryBroker"]


class MemoryBroker:
    """Joins the servers that are given it: `Server(broker=broker)`. They share one loop."""

    def __init__(self) -> None:
        self._nodes: list[_Node] = []

    @property
    def nodes(self) -> tuple[str, ...]:
        """The servers that it joins now, by their epochs."""
        return tuple(node.name for node in self._nodes)

    def subscribe(self, node: str, receive: Receive) -> _Node:
        """See Broker.subscribe."""
        subscription = _Node(self._nodes, node, receive)
        self._nodes.append(subscription)
        return subscription

    def publish(self, envelope: Envelope) -> None:
        """See Broker.publish. The loop keeps the order, and what one node raises to itself."""
        call_soon = asyncio.get_running_loop().call_soon
        for node in self._nodes:
            if node.name != envelope.origin:
                call_soon(node.hand, envelope)


class _Node:
    """One server at this broker."""

    def __init__(self, nodes: list[_Node], name: str, receive: Receive) -> None:
        self.name = name
        self._nodes = nodes
        self._receive: Receive | None = receive

    def hand(self, envelope: Envelope) -> None:
        """It may have left while the envelope was under way."""
        if self._receive is not None:
            self._receive(envelope)

    async def ready(self) -> None:
        """See Subscription.ready: it is."""

    def close(self) -> None:
        """See Subscription.close."""
        if self._receive is not None:
            self._receive = None
            self._nodes.remove(self)
