"""The listening proxy: takes connections in, and ends them all when it is left."""

import asyncio
import random
import ssl
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from antiphon.testing.proxy.chaos import Chaos
from antiphon.testing.proxy.faults import Ending
from antiphon.testing.proxy.link import Link, reset
from antiphon.testing.proxy.schedule import Weights
from antiphon.testing.proxy.switches import Switches
from antiphon.testing.proxy.tasks import Tasks


class FaultProxy(Switches):
    """A TCP proxy on 127.0.0.1 in front of a server, with faults that can be switched while it runs.

        async with FaultProxy("http://127.0.0.1:8000") as proxy:
            ... connect clients to proxy.url ...
            proxy.cut()

    `target` is the server's address, or its host beside `target_port`. A `seed` makes chaos the same every time.
    It reads enough HTTP/1.1 and WebSocket framing to refuse upgrades, to lose responses, to repeat POSTs
    and to know whether a cut fell inside a message; anything else goes through as plain bytes.
    With `ssl_context` clients speak TLS to it; the server behind always gets plain TCP.
    """

    def __init__(
        self,
        target: str,
        target_port: int | None = None,
        *,
        seed: int | None = None,
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__()
        self.target(*_address(target, target_port))
        self.port = port
        self._random = random.Random(seed)
        self._ssl_context = ssl_context
        self._server: asyncio.Server | None = None
        self._tasks = Tasks()

    @property
    def url(self) -> str:
        return f"{'https' if self._ssl_context else 'http'}://127.0.0.1:{self.port}"

    def chaos(
        self,
        seed: int | None = None,
        *,
        cuts_per_second: float = 15.0,
        inside: float = 0.5,
        spare: int = 0,
        disturbances_per_second: float = 4.0,
        longest: float = 0.2,
        weights: Weights | None = None,
        path: str | None = None,
    ) -> Chaos:
        """Random faults for as long as the returned context lasts; see Chaos. Without a seed, the proxy's decides."""
        return Chaos(
            self,
            seed=self._random.getrandbits(64) if seed is None else seed,
            cuts_per_second=cuts_per_second,
            inside=inside,
            spare=spare,
            disturbances_per_second=disturbances_per_second,
            longest=longest,
            weights=weights or Weights(),
            path=path,
        )

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Listen; raises OSError when the port is taken."""
        # A client that answers neither TLS handshake nor closing must not keep a test waiting.
        patience = 5.0 if self._ssl_context else None
        self._server = await asyncio.start_server(
            self._accept,
            "127.0.0.1",
            self.port,
            ssl=self._ssl_context,
            ssl_handshake_timeout=patience,
            ssl_shutdown_timeout=patience,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """End everything, and raise what went wrong in the proxy itself while it ran."""
        if self._server is not None:
            # Its wait_closed() would wait for clients still in their TLS handshake (from Python 3.12).
            self._server.close()
        for link in self.links:
            link.end(Ending.RESET)
        await self._tasks.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._faults.offline:
            self._tally.connections_refused += 1
            reset(writer)
            return
        self._tally.connections += 1
        link = Link(
            reader,
            writer,
            number=self._tally.connections,
            target=self._address,
            faults=self._faults,
            tally=self._tally,
            spawn=self._tasks.spawn,
        )
        self._links.add(link)
        self._tasks.spawn(self._carry(link))

    async def _carry(self, link: Link) -> None:
        try:
            await link.run()
        finally:
            self._links.discard(link)


def _address(target: str, port: int | None) -> tuple[int, str]:
    """The port and host that a target names."""
    if port is not None:
        return port, target
    url = urlsplit(target)
    if url.scheme != "http" or url.hostname is None:
        raise ValueError(f"a FaultProxy stands before 'http://127.0.0.1:8000' or a host and a port, not {target!r}")
    return url.port or 80, url.hostname
