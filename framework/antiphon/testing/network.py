"""What lies between one client and its server when there is no socket: it opens, stalls, swallows and cuts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from antiphon.client.connector import Link, Port
from antiphon.client.transports import Events
from antiphon.protocol.closing import Closing, TransportCode
from antiphon.server.server import Server
from antiphon.testing.proxy.faults import Direction
from antiphon.transports.base import Transport
from antiphon.transports.memory import MemoryTransport, memory_pair
from antiphon.types import NOTHING, Data

__all__ = ["Network"]


class MemoryPort:
    """The client's end of a memory transport, as the connector wants it."""

    single = MemoryTransport.single
    pings = MemoryTransport.pings

    def __init__(self, events: Events, link: Link) -> None:
        self.end: MemoryTransport | None = None  # until the network lets it through
        self.closed = False
        self._events = events
        self._link = link

    @property
    def congested(self) -> bool:
        """See Port."""
        return self.end is not None and self.end.congested

    def write(self, message: Data) -> None:
        """See Port.write."""
        if self.end is not None:
            self.end.write(message)

    def close(self) -> None:
        """See Port.close."""
        self.closed = True
        if self.end is not None:
            self.end.close(Closing(TransportCode.ENDED))

    def connect(
        self, server: Server, headers: Mapping[str, str], call_soon: Callable[[Callable[[], None]], object]
    ) -> None:
        """The network lets it through."""
        if not self.closed:
            self.end, servers_end = memory_pair(self, server.gateway, call_soon)
            servers_end.headers = headers
            self._events.on_opened(self._link)

    # -- Receiver

    def on_message(self, transport: Transport, message: Data) -> None:
        """See Receiver."""
        if not self.closed:
            self._events.on_message(self._link, message)

    def on_drained(self, transport: Transport) -> None:
        """See Receiver."""
        if not self.closed:
            self._events.on_drained(self._link)

    def on_lost(self, transport: Transport) -> None:
        """See Receiver."""
        if not self.closed:
            self.closed = True
            closing = self.end.ended if self.end is not None else None
            code, reason = (closing.code, closing.reason) if closing is not None else (0, "")
            self._events.on_lost(self._link, code, reason)


class Network:
    """The way of one client to `server`. While it is away, whoever opens a transport waits for it."""

    def __init__(
        self, server: Server, headers: Mapping[str, str] = NOTHING, stir: Callable[[], None] | None = None
    ) -> None:
        """`headers`: those of every request that opens a transport, names in lower case.

        `stir` is called whenever a message is under way.
        """
        self._server = server
        self._headers = headers
        self._stir = stir
        self._away = False
        self._ports: list[MemoryPort] = []
        self._stalled = Direction(0)
        self._swallowed = Direction(0)

    def open(self, kind: str, link: Link, events: Events) -> Port:
        """Begin to open a transport; see `Client(opener=)`."""
        port = MemoryPort(events, link)
        self._ports = [port, *(other for other in self._ports if not other.closed)]
        if not self._away:
            asyncio.get_running_loop().call_soon(self._connect, port)
        return port

    def cut(self) -> None:
        """Every transport is lost, and no other one opens until `resume`."""
        self._away = True
        for port in self._ports:
            if port.end is not None:
                port.end.cut()

    def resume(self) -> None:
        """The network is back; faults of a direction are not over by that."""
        self._away = False
        for port in self._ports:
            if port.end is None:
                self._connect(port)

    def stall(self, direction: Direction) -> None:
        """Hold back what goes in a direction, which is congestion."""
        self._stalled |= direction
        self._strike()

    def black_hole(self, direction: Direction) -> None:
        """Lose what goes in a direction, and tell nobody."""
        self._swallowed |= direction
        self._strike()

    def release(self) -> None:
        """End stalls and black holes."""
        self._stalled = self._swallowed = Direction(0)
        for port in self._ports:
            if port.end is not None:
                port.end.release()
                port.end.other.release()

    def _soon(self, callback: Callable[[], None]) -> None:
        if self._stir is not None:
            self._stir()
        asyncio.get_running_loop().call_soon(callback)

    def _connect(self, port: MemoryPort) -> None:
        if not self._away and port.end is None:
            port.connect(self._server, self._headers, self._soon)
            self._strike()

    def _strike(self) -> None:
        for end in (port.end for port in self._ports if port.end is not None):
            for side, writer in ((Direction.UP, end), (Direction.DOWN, end.other)):
                if side in self._stalled:
                    writer.stall()
                if side in self._swallowed:
                    writer.black_hole()
