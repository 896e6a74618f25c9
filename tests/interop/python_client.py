"""The asyncio client of python-socketio, which keeps what it hears."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import socketio

from tests.interop.clients import PATIENCE, TRANSPORTS, Wire

__all__ = ["PythonClient", "carried_by", "python_client"]


def carried_by(wire: Wire) -> str:
    """The transport that such a client has in the end."""
    return TRANSPORTS[wire][-1]


class PythonClient:
    """`heard` holds ("connect",), ("disconnect", reason), ("connect_error", what) and each event with its arguments.

    Outside of "/" the name of the namespace stands before. `answers` has what a call of the server is answered.
    """

    def __init__(self, namespaces: Sequence[str] = ("/",), http: aiohttp.ClientSession | None = None) -> None:
        # It comes back at once, and at the same times in each run.
        self.real = socketio.AsyncClient(
            handle_sigint=False,
            http_session=http,
            reconnection_delay=0.05,
            reconnection_delay_max=0.2,
            randomization_factor=0,
        )
        self.heard: list[tuple[Any, ...]] = []
        self.answers: dict[str, Callable[..., Any]] = {}
        for namespace in namespaces:
            self._listen(namespace)

    def _listen(self, namespace: str) -> None:
        where = () if namespace == "/" else (namespace,)

        def hear(event: str, *args: Any) -> Any:
            self.heard.append((*where, event, *args))
            answer = self.answers.get(event)
            return None if answer is None else answer(*args)

        def connect() -> None:
            hear("connect")

        def disconnect(reason: str) -> None:
            hear("disconnect", reason)

        def connect_error(what: Any) -> None:
            hear("connect_error", what)

        for handler in (connect, disconnect, connect_error):
            self.real.on(handler.__name__, handler, namespace=namespace)
        self.real.on("*", hear, namespace=namespace)

    async def connect(self, origin: str, wire: Wire, auth: Any = None) -> None:
        """Come in; raises ConnectionError of the library when it is refused."""
        await self.real.connect(origin, transports=TRANSPORTS[wire], auth=auth, wait_timeout=PATIENCE)

    async def call(self, event: str, *args: Any, namespace: str = "/", timeout: float = PATIENCE) -> Any:
        """Emit an event and return what is acknowledged: a value, None for none, or a tuple of several."""
        return await self.real.call(event, args, namespace=namespace, timeout=timeout)


@asynccontextmanager
async def python_client(
    origin: str,
    wire: Wire,
    *,
    namespaces: Sequence[str] = ("/",),
    auth: Any = None,
    http: aiohttp.ClientSession | None = None,
) -> AsyncIterator[PythonClient]:
    """A client that was let in to `namespaces`; its requests are made by `http`, if it is given."""
    client = PythonClient(namespaces, http)
    try:
        await client.connect(origin, wire, auth)
        yield client
    finally:
        await client.real.shutdown()
