"""One asyncio client under chaos, in the process of the test."""

from __future__ import annotations

import asyncio

from antiphon import Backoff, Client
from antiphon.protocol.client_session import Loss as Told
from tests.chaos.history import Loss, Side
from tests.chaos.server import NAMESPACE
from tests.chaos.traffic import EVENT, QUESTION, Traffic, answer

__all__ = ["BACKOFF", "PythonClient"]

# Short, so that hundreds of cuts in 20 s leave time for traffic between them.
BACKOFF = Backoff(first=0.05, base=0.05, ceiling=0.3, stable=5)


class PythonClient:
    """A client of this name that may use these transports."""

    def __init__(self, name: str, transports: tuple[str, ...], url: str, rate: float) -> None:
        self.name = name
        self.side = Side()
        self.attaches = 0
        self._client = Client(url, transports=transports, backoff=BACKOFF)
        self._client.on_loss = self._lost
        self._client.on_state = self._state
        self._namespace = self._client.namespace(NAMESPACE, auth=name)
        self._namespace.on(EVENT)(self._event)
        self._namespace.on(QUESTION)(self._question)
        self._traffic = Traffic(self.side, lambda: self._namespace, rate=rate, seed=name)
        self._sending: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Come in; returns when the server has let us in."""
        await self._client.connect()
        await self._namespace.ready()

    def begin(self) -> None:
        """Send until `stop`."""
        self._sending = asyncio.get_running_loop().create_task(self._traffic.run())

    def stop(self) -> None:
        """Send no more; calls under way may still be answered."""
        self._traffic.stop()

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

    def _event(self, number: int, padding: bytes) -> None:
        self.side.deliver(number, self._client.transport)

    def _question(self, number: int, padding: bytes) -> int:
        self._event(number, padding)
        return answer(number)

    def _lost(self, loss: Told) -> None:
        packets = [unconfirmed.packet for unconfirmed in loss.unconfirmed] + loss.unsent
        numbers = [packet.args[0] for packet in packets]  # type: ignore[attr-defined]  # only events and calls are reported
        self.side.losses.append(Loss(loss.reason, numbers))

    def _state(self, state: str) -> None:
        self.attaches += state == "connected"
