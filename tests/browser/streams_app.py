"""The server of the browser tests that streams, both ways, and notes down what its handlers went through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from antiphon import Socket
from tests.browser.app import Counting, main


async def up_to(count: int) -> AsyncIterator[int]:
    """The numbers 1 to `count`."""
    for number in range(1, count + 1):
        yield number


class Streaming(Counting):
    """`log` has what happened to handlers, and what came of events that may be lost or replaced."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[str] = []
        self.newest: Socket | None = None

        @self.root.on_connect
        async def arrive(socket: Socket) -> None:
            self.newest = socket

        @self.root.on("ticks")
        async def ticks(socket: Socket, count: int, pause: float) -> AsyncIterator[int]:
            try:
                async for number in up_to(count):
                    yield number
                    await asyncio.sleep(pause)
            finally:
                self.log.append("ticks stopped")

        @self.root.on("large")
        async def large(socket: Socket, count: int, size: int) -> AsyncIterator[bytes]:
            async for number in up_to(count):
                yield bytes([number % 256]) * size

        @self.root.on("total")
        async def total(socket: Socket, rows: AsyncIterator[int], others: AsyncIterator[int]) -> list[int]:
            return [sum([row async for row in rows]), sum([row async for row in others])]

        @self.root.on("first")
        async def first(socket: Socket, rows: AsyncIterator[int]) -> int:
            return await anext(rows)

        @self.root.on("double")
        async def double(socket: Socket, rows: AsyncIterator[int]) -> AsyncIterator[int]:
            async for row in rows:
                yield 2 * row

        @self.root.on("think")
        async def think(socket: Socket) -> None:
            self.log.append("thinking")
            try:
                await asyncio.Event().wait()
            finally:
                self.log.append("thought enough")

        @self.root.on("note")
        async def note(socket: Socket, text: str) -> None:
            self.log.append(text)

    def application(self) -> web.Application:
        """See Counting.application."""
        app = super().application()
        app.router.add_post("/log", self.tell)
        app.router.add_post("/ask", self.ask)
        return app

    async def tell(self, request: web.Request) -> web.Response:
        """POST /log: what is noted down, which is forgotten then."""
        log, self.log = self.log, []
        return web.json_response(log)

    async def ask(self, request: web.Request) -> web.Response:
        """POST /ask?what=...: let the page that came last stream."""
        page = self.newest
        assert page is not None
        match request.query["what"]:
            case "ticks":
                return web.json_response([tick async for tick in page.stream("ticks", 100)])
            case "some":
                async with page.stream("ticks", 1000) as stream:
                    return web.json_response(await anext(stream))
            case "total":
                return web.json_response(await page.call("total", up_to(100)))
            case "double":
                return web.json_response([row async for row in page.stream("double", up_to(100))])
            case "think":
                try:
                    async with asyncio.timeout(0.2):
                        await page.call("think")
                except TimeoutError:
                    return web.json_response("never mind")
        return web.json_response(None)


if __name__ == "__main__":
    main(Streaming().application())
