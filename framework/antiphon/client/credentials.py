"""What a client proves itself with: a value, or a function that is asked for a fresh one at every attach."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from antiphon.client.connector import Connector, Link
from antiphon.dispatch.payloads import to_wire
from antiphon.errors import ConnectionClosed
from antiphon.protocol.packets import Renew
from antiphon.types import Value

if TYPE_CHECKING:
    from antiphon.client.client import Client

__all__ = ["Auth", "Credentials"]

log = logging.getLogger("antiphon.client")

Auth: TypeAlias = Value | Callable[[], Value | Awaitable[Value]]


class Credentials:
    """The `auth` of one client. It never shows in a log or a repr."""

    def __init__(self, client: Client, auth: Auth) -> None:
        """Raises PayloadError for a value that cannot travel."""
        self._client = client
        self._auth: Auth = auth if callable(auth) else to_wire(auth, "auth")
        self._asking: asyncio.Task[None] | None = None
        self._renewing: asyncio.Task[None] | None = None

    def give(self, connector: Connector, link: Link) -> None:
        """Credentials for one attach: at once, or when the application's function has some."""
        if self._asking is not None:
            self._asking.cancel()
        if callable(self._auth):
            self._asking = self._client.spawn(self._fetch(connector, link))
        else:
            connector.authorized(link, self._auth, self._client.clock())

    async def renew(self, auth: Auth) -> None:
        """See Client.renew."""
        if auth is not None:
            self._auth = auth if callable(auth) else to_wire(auth, "auth")
        fresh = await self._fresh()
        session = self._client.session
        if session.ending is not None:
            raise ConnectionClosed(session.ending.code, session.ending.reason)
        if session.attached:
            session.send(Renew(fresh))
            self._client.after()

    def wanted(self, _: Value) -> None:
        """The server says that the credentials expire soon."""
        if self._renewing is None or self._renewing.done():
            self._renewing = self._client.spawn(self._renew_as_asked())

    def stop(self) -> None:
        """Nobody waits for credentials any more."""
        for task in (self._asking, self._renewing):
            if task is not None:
                task.cancel()
        self._asking = self._renewing = None

    async def _fresh(self) -> Value:
        if not callable(self._auth):
            return self._auth
        auth = self._auth()
        return to_wire(await auth if inspect.isawaitable(auth) else auth, "auth")

    async def _fetch(self, connector: Connector, link: Link) -> None:
        try:
            auth = await self._fresh()
        except Exception:
            # Perhaps what it asks cannot be reached either. It is asked again with the next try.
            log.exception("the function that gives credentials raised")
            connector.unauthorized(link, self._client.clock())
        else:
            connector.authorized(link, auth, self._client.clock())
        self._client.after()

    async def _renew_as_asked(self) -> None:
        try:
            await self.renew(None)
        except ConnectionClosed:
            pass  # the session ended meanwhile
        except Exception:
            log.exception("the function that gives credentials raised")
