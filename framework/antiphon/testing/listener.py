"""A client that keeps what it hears, so that a test can wait for it: what all test clients have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from antiphon.client.client import Client
from antiphon.client.namespace import ClientNamespace
from antiphon.protocol.client_session import Loss
from antiphon.testing.turns import finished, settle
from antiphon.types import Value

__all__ = ["Listener", "NothingCame"]

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

# More of what came instead would not be read.
SHOWN = 10


class NothingCame(AssertionError):
    """What a test waited for did not happen; the message says what did."""


class Listener:
    """A real client in one namespace.

    `received` holds every event and call that came, as (name, arguments); `next` goes through them name by name.
    `losses` holds every lost session. `client` and `namespace` are the real ones, for whatever has no shortcut here.
    """

    def __init__(self, client: Client, namespace: str, auth: Value, *, patience: float) -> None:
        """`patience`: real seconds to wait for what does not happen within the turns of the loop alone."""
        self.client = client
        self.namespace: ClientNamespace = client.namespace(namespace, auth=auth)
        self.received: list[tuple[str, tuple[Any, ...]]] = []
        self.losses: list[Loss] = []
        self._patience = patience
        self._not_taken: list[tuple[str, tuple[Any, ...]]] = []
        self._waiting: list[tuple[str, asyncio.Future[tuple[Any, ...]]]] = []
        client.on_loss = self.losses.append
        self.namespace.on_any(self._hear)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} in {self.namespace.name}, {self.client.state}>"

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Connect, and wait until the namespace is joined. Raises ConnectionRefused when the server says no."""
        try:
            await self._bounded(self._enter(), "the server has not let the client in")
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Say goodbye."""
        await self.client.close()

    @property
    def id(self) -> str | None:
        """The id that the server knows this socket by, None while it is not let in."""
        return self.namespace.id

    # -- what it says

    async def emit(self, event: str, *args: Any, **options: Any) -> None:
        """Emit an event, and let happen what follows from it at once. `emit_nowait` leaves that to the next await."""
        await self.namespace.emit(event, *args, **options)
        await settle()

    def emit_nowait(self, event: str, *args: Any, **options: Any) -> None:
        """Emit an event."""
        self.namespace.emit_nowait(event, *args, **options)

    async def call(self, event: str, *args: Any, timeout: float = 30.0) -> Any:
        """Call the server and return its answer.

        Raises NothingCame when its handler waits for something else than the loop (see `patience`, or let time pass
        in another task), and what a call of a client raises.
        """
        return await self._bounded(
            self.namespace.call(event, *args, timeout=timeout), f"the call {event!r} has not been answered"
        )

    # -- what it hears

    def on(self, event: str, *, concurrent: bool = False) -> Callable[[F], F]:
        """As ClientNamespace.on: decorate the handler that answers a call of the server."""
        return self.namespace.on(event, concurrent=concurrent)

    async def next(self, event: str) -> tuple[Any, ...]:
        """The arguments of the next event of this name, whether it came already or comes now.

        Events of other names are left for their own `next`. Raises NothingCame, with what came instead.
        """
        for position, (name, args) in enumerate(self._not_taken):
            if name == event:
                del self._not_taken[position]
                return args
        heard: asyncio.Future[tuple[Any, ...]] = asyncio.get_running_loop().create_future()
        entry = (event, heard)
        self._waiting.append(entry)
        try:
            if await self._finished(heard):
                return heard.result()
        finally:
            if entry in self._waiting:
                self._waiting.remove(entry)
        raise NothingCame(f"no {event!r} came to {self!r}{self._instead()}")

    async def nothing(self, event: str) -> None:
        """Assert that no event of this name is left for `next`, and that none comes now."""
        await settle()
        left = [args for name, args in self._not_taken if name == event]
        assert not left, f"no {event!r} was to come to {self!r}, but {len(left)} did: {left[:SHOWN]}"

    # -- within

    async def _enter(self) -> None:
        await self.client.connect()
        await self.namespace.ready()

    def _hear(self, event: str, *args: Any) -> None:
        self.received.append((event, args))
        for entry in self._waiting:
            if entry[0] == event and not entry[1].done():
                entry[1].set_result(args)
                self._waiting.remove(entry)
                return
        self._not_taken.append((event, args))

    def _instead(self) -> str:
        if not self._not_taken:
            return "; nothing else came either" if not self.received else "; everything that came was taken before"
        names = ", ".join(f"{name}{args}" for name, args in self._not_taken[:SHOWN])
        more = len(self._not_taken) - SHOWN
        return f"; instead came {names}{f' and {more} more' if more > 0 else ''}"

    async def _bounded(self, doing: Coroutine[Any, Any, T], complaint: str) -> T:
        task = asyncio.get_running_loop().create_task(doing)
        try:
            if await self._finished(task):
                return task.result()
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait((task,))
        raise NothingCame(f"{complaint}: {self!r}{self._instead()}")

    async def _finished(self, future: asyncio.Future[Any]) -> bool:
        return await finished(future, self.client.clock, patience=self._patience)
