"""One asyncio client under chaos: what it says, hears and is told, and how it wanders about."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from itertools import count

from antiphon import Backoff, CallError, Client, ClientNamespace, OutboxFull
from antiphon.protocol.client_session import Loss
from tests.chaos.history import DOOMED, VALUE, Side
from tests.chaos.outages import Outages
from tests.chaos.streams import GATHER, ITEMS, Streams, gather, items
from tests.chaos.traffic import CALL_TIMEOUT, ENTER, EVENT, EXIT, MAIN, QUESTION, ROOMS, SIDE, Traffic, answer

__all__ = ["BACKOFF", "PythonClient"]

# Short, so that thousands of cuts in a minute leave time for traffic between them.
BACKOFF = Backoff(first=0.05, base=0.05, ceiling=0.3, stable=5)
# Seconds at most: of one stay in SIDE, and of staying away from it.
STAY = 3.0
AWAY = 1.0
# What a client may still be handling when it learns that the server has let it go.
AFTERMATH = 0.05


class Ears:
    """Hears in one namespace, and writes down in which channel; None once we have left."""

    def __init__(self, side: Side, client: Client, channel: str | None = None) -> None:
        self.channel = channel
        self._side = side
        self._client = client

    def listen(self, namespace: ClientNamespace) -> None:
        """Hear what is said there."""
        namespace.on(EVENT)(self._event)
        namespace.on(QUESTION)(self._question)

    def _event(self, number: int, padding: bytes) -> None:
        self._side.hear(self.channel, number, self._client.transport)

    def _question(self, number: int, padding: bytes) -> int:
        self._event(number, padding)
        return answer(number)


class PythonClient:
    """A client of this name that may use these transports; it sends `rate` packets a second, and streams."""

    def __init__(self, name: str, transports: tuple[str, ...], url: str, rate: float) -> None:
        self.name = name
        self.side = Side()
        self.attaches = 0
        self._rate = rate
        self._dice = random.Random(name)
        self._outages = Outages(self.side)
        self._client = Client(url, transports=transports, backoff=BACKOFF)
        self._client.on_loss = self._lost
        self._client.on_state = self._state
        self._main = self._client.namespace(MAIN, auth={"name": name, "channel": "main"})
        self._main.on(ITEMS)(self._items)
        self._main.on(GATHER)(self._gather)
        Ears(self.side, self._client, "main").listen(self._main)
        self._ears: Ears | None = None
        self._traffic = Traffic(self.side, "main", self._main, rate=0.7 * rate, seed=name)
        self._streams = Streams(self.side, "c", self._main, seed=name)
        self._moves = count(1)
        self._stopped = asyncio.Event()
        self._sending: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Come in; returns when the server has let us in."""
        await self._client.connect()
        await self._main.ready()

    def begin(self) -> None:
        """Send until `stop`."""
        self._sending = asyncio.get_running_loop().create_task(self._send())

    def stop(self) -> None:
        """Send no more; calls and streams under way may still be answered."""
        self._stopped.set()
        self._traffic.stop()
        self._streams.stop()

    @property
    def done(self) -> bool:
        """Nothing more is sent and every call has its outcome."""
        return self._sending is not None and self._sending.done()

    async def close(self) -> None:
        """Say goodbye. Raises what went wrong while sending."""
        if self._sending is not None:
            self._sending.cancel()
            (outcome,) = await asyncio.gather(self._sending, return_exceptions=True)
            if isinstance(outcome, Exception):
                raise outcome
        await self._client.close()

    # -- what it does

    async def _send(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._traffic.run())
            if DOOMED not in self.name:
                for work in (self._streams.run(), self._come_and_go(), self._change_rooms()):
                    tasks.create_task(work)

    async def _come_and_go(self) -> None:
        for number in count(1):
            channel = f"side {number}"
            namespace = self._client.namespace(SIDE, auth={"name": self.name, "channel": channel})
            if self._ears is None:
                self._ears = Ears(self.side, self._client)
                self._ears.listen(namespace)
            self._ears.channel = channel
            traffic = Traffic(self.side, channel, namespace, rate=0.3 * self._rate, seed=self.name)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(traffic.run())
                await self._pause(STAY)
                if self._stopped.is_set():
                    # The last stay is not given up: all of it has to arrive.
                    traffic.stop()
                    return
                # What waits for the namespace to be joined is dropped by who leaves it; and once the move is answered
                # little is unacked, so that nothing is held back which a Leave may overtake.
                await namespace.ready()
                await self._move(EXIT, self._dice.choice(ROOMS))
                self.side.left.append(channel)
                await namespace.leave()
                self._ears.channel = None
                traffic.stop()
            # Once this is answered the server knows that we left, and nothing of the old stay comes any more.
            await self._move(ENTER, self._dice.choice(ROOMS))
            await asyncio.sleep(AFTERMATH)
            await self._pause(AWAY)

    async def _change_rooms(self) -> None:
        while not self._stopped.is_set():
            await self._pause(1.0)
            await self._move(self._dice.choice((ENTER, EXIT)), self._dice.choice(ROOMS))

    async def _move(self, event: str, room: str) -> None:
        """Ask the server to let us into a room, or out."""
        number = next(self._moves)
        self.side.say("moves", number)
        self.side.calls.append(("moves", number))
        try:
            value = await self._main.call(event, number, room, timeout=CALL_TIMEOUT)
        except OutboxFull:
            self.side.refuse("moves", number)
        except CallError as error:
            self.side.outcomes.append(("moves", number, type(error).__name__))
        else:
            self.side.outcomes.append(("moves", number, VALUE if value == answer(number) else f"another {value!r}"))

    async def _pause(self, longest: float) -> None:
        try:
            async with asyncio.timeout(self._dice.uniform(0, longest)):
                await self._stopped.wait()
        except TimeoutError:
            pass

    # -- what it is told

    async def _items(self, channel: str, size: int, pause: float) -> AsyncIterator[int]:
        async for number in items(self.side, channel, size, pause):
            yield number

    async def _gather(self, channel: str, numbers: AsyncIterator[int], most: int) -> int:
        return await gather(self.side, channel, numbers, most)

    def _lost(self, loss: Loss) -> None:
        packets = [unconfirmed.packet for unconfirmed in loss.unconfirmed] + loss.unsent
        reported: list[tuple[str, int]] = []
        for packet in packets:
            namespace, number = packet.namespace, packet.args[0]  # type: ignore[attr-defined]  # only events and calls
            channel = "main" if namespace == MAIN or self._ears is None else self._ears.channel
            if packet.name in (ENTER, EXIT):  # type: ignore[attr-defined]  # see above
                channel = "moves"
            if channel is not None and isinstance(number, int):
                reported.append((channel, number))
        self._outages.lose(loss.reason, reported)

    def _state(self, state: str) -> None:
        if state == "connected":
            self.attaches += 1
            self._outages.resume()
        else:
            self._outages.begin()
