"""A real client without a socket: it stands in the same process and loop as the server under test."""

from __future__ import annotations

from collections.abc import Mapping

from antiphon.client.client import Client
from antiphon.client.credentials import Auth
from antiphon.config import Backoff, Limits, Outbox
from antiphon.server.server import Server
from antiphon.testing.listener import Listener, NothingCame
from antiphon.testing.network import Network
from antiphon.testing.proxy.faults import Direction
from antiphon.testing.turns import settle
from antiphon.testing.virtual_clock import VirtualClock
from antiphon.transports.memory import MemoryTransport
from antiphon.types import NOTHING, Value

__all__ = ["TestClient"]


class TestClient(Listener):
    """A client of `server` in one namespace, over a network that a test can break.

        async with TestClient(server, namespace="/chat", auth={"name": "Ann"}) as ann:
            await ann.emit("say", "hello")
            assert await ann.next("said") == ("Ann", "hello")

    The server need not be mounted anywhere. If its clock is a VirtualClock, server and client both go by it: windows,
    heartbeats and timeouts pass by `await clock.advance(120)`. `auth` is for `on_connect`, `credentials` and `headers`
    are for the server's authentication hook. `patience`: real seconds that handlers may take which wait for something
    real, a database for instance; without it a test never waits for real.
    """

    __test__ = False  # pytest would take it for a class of tests

    def __init__(
        self,
        server: Server,
        *,
        namespace: str = "/",
        auth: Value = None,
        credentials: Auth = None,
        headers: Mapping[str, str] = NOTHING,
        form: str = "msgpack",
        backoff: Backoff = Backoff(),
        outbox: Outbox = Outbox(packets=1024),
        limits: Limits = Limits(),
        patience: float = 0.0,
    ) -> None:
        self.server = server
        clock = server.clock if isinstance(server.clock, VirtualClock) else None
        self.network = Network(server, headers, clock.stir if clock is not None else None)
        client = Client(
            "memory:",
            transports=(MemoryTransport.name,),
            backoff=backoff,
            outbox=outbox,
            limits=limits,
            form=form,
            auth=credentials,
            clock=server.clock,
            opener=self.network.open,
            call_later=clock.call_later if clock is not None else None,
        )
        super().__init__(client, namespace, auth, patience=patience)

    async def open(self) -> None:
        """Start the server unless that was done, connect, and wait until the namespace is joined.

        Raises ConnectionRefused when the server says no.
        """
        if isinstance(self.server.clock, VirtualClock):
            self.server.clock.drive(self.server)
        self.server.start(ticking=False)
        await super().open()

    async def close(self) -> None:
        """Say goodbye, if the network lets it through."""
        self.network.release()
        closing = self._bounded(self.client.close(), "the goodbye was not heard")
        try:
            await closing
        except NothingCame:
            # Something was lost on the way that the server waits for, or a handler does not end.
            self.network.cut()
            await self.client.close(patience=0.0)

    # -- the network

    def cut(self) -> None:
        """The network is gone: both ends lose the transport, and the client cannot come back before `resume`."""
        self.network.cut()

    async def resume(self) -> None:
        """The network is back: the client attaches at once, to its old session if that is still there."""
        self.network.resume()
        self.client.retry()
        await settle()
        if self.client.state != "connected":
            raise NothingCame(f"the client did not come back: {self!r}")

    def stall(self, direction: Direction = Direction.BOTH) -> None:
        """Nothing goes through any more, and nothing is lost: whoever writes sees congestion."""
        self.network.stall(direction)

    def black_hole(self, direction: Direction = Direction.BOTH) -> None:
        """What is written is lost and nobody is told, until a heartbeat misses it."""
        self.network.black_hole(direction)

    def release(self) -> None:
        """End stalls and black holes."""
        self.network.release()
