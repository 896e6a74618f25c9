"""The broker of one process keeps the contract of brokers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from antiphon.brokers.base import Broker, Destination, Envelope
from antiphon.brokers.memory import MemoryBroker
from antiphon.protocol.packets import Event
from antiphon.testing import check_broker
from antiphon.testing.turns import settle


@asynccontextmanager
async def memory() -> AsyncIterator[Callable[[], Broker]]:
    broker = MemoryBroker()
    yield lambda: broker


async def test_it_keeps_the_contract() -> None:
    await check_broker(memory)


async def test_a_node_that_raises_disturbs_no_other() -> None:
    broker = MemoryBroker()
    heard: list[Envelope] = []

    def fail(envelope: Envelope) -> None:
        raise RuntimeError("this node is broken")

    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(str(context["exception"])))
    broker.subscribe("broken", fail)
    broker.subscribe("whole", heard.append)

    broker.publish(Envelope("origin", Destination(), Event("/", "tick", [])))
    await settle()

    assert told == ["this node is broken"]
    assert len(heard) == 1
