"""The server of the browser tests that wants to know who comes: tokens are good for some seconds, and all are Ann's."""

from __future__ import annotations

import secrets
import time

from aiohttp import web

from antiphon import Principal, Refused
from tests.browser.app import Counting, main


class Guarded(Counting):
    """It counts how often it was asked who somebody is."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: dict[str, float] = {}
        self.asked = 0

        @self.server.authenticate
        async def who(auth: str) -> Principal:
            self.asked += 1
            if auth not in self.tokens:
                raise Refused("no such token")
            return Principal("ann", expires=self.tokens[auth])

    def application(self) -> web.Application:
        """See Counting.application."""
        app = super().application()
        app.router.add_post("/token", self.token)
        app.router.add_post("/revoke", self.revoke)
        app.router.add_get("/asked", self.tell)
        return app

    async def token(self, request: web.Request) -> web.Response:
        """POST /token?seconds=3: a token that is good for so long."""
        token = secrets.token_urlsafe()
        self.tokens[token] = time.time() + float(request.query["seconds"])
        return web.Response(text=token)

    async def revoke(self, request: web.Request) -> web.Response:
        """POST /revoke?reason=...: send Ann away, and make her tokens worthless."""
        self.tokens.clear()
        await self.server.revoke("ann", request.query["reason"])
        return web.Response()

    async def tell(self, request: web.Request) -> web.Response:
        """GET /asked: how often the hook ran."""
        return web.json_response(self.asked)


if __name__ == "__main__":
    main(Guarded().application())
