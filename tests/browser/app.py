"""The server of the browser tests: it counts down to the page, hears the page count up, and tells its statistics.

`python -m tests.browser.app --port 0 [--certificate FILE --key FILE]` prints one line of JSON with its port.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
from pathlib import Path

from aiohttp import web

from antiphon import Server, Socket
from antiphon.hosts.aiohttp import mount

HERE = Path(__file__).parent
FILES = ("worker.html", "worker.js", "users.html")


class Counting:
    """What the server sends and hears, both numbered from 1."""

    def __init__(self) -> None:
        self.server = Server()
        self.heard: list[int] = []
        self.root = root = self.server.namespace("/")

        @root.on("up")
        async def up(socket: Socket, number: int) -> int:
            self.heard.append(number)
            return number

        @root.on("echo")
        async def echo(socket: Socket, payload: bytes) -> bytes:
            return payload

    async def count(self, request: web.Request) -> web.Response:
        """POST /count?to=200&every=20: send the numbers 1 to `to`, one every `every` milliseconds."""
        to, every = int(request.query["to"]), int(request.query["every"]) / 1000
        for number in range(1, to + 1):
            await self.root.emit("down", number)
            await asyncio.sleep(every)
        return web.json_response({"sent": to})

    async def statistics(self, request: web.Request) -> web.Response:
        """GET /statistics: which transports are in use, and what was heard."""
        now = self.server.statistics()
        return web.json_response({"made": now.sessions_made, "transports": dict(now.transports), "heard": self.heard})

    def application(self) -> web.Application:
        """The pages, the server, and what the tests ask it."""
        app = web.Application()
        app.router.add_get("/", page)
        for name in FILES:
            app.router.add_get(f"/{name}", page)
        app.router.add_post("/count", self.count)
        app.router.add_get("/statistics", self.statistics)
        mount(app, self.server)
        return app


async def page(request: web.Request) -> web.FileResponse:
    return web.FileResponse(HERE / (request.path[1:] or "page.html"))


async def run(app: web.Application, port: int, certificate: str | None, key: str | None) -> None:
    runner = web.AppRunner(app)
    await runner.setup()
    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
    await asyncio.Event().wait()


def main(app: web.Application) -> None:
    """Serve it until the process is killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    options = parser.parse_args()
    asyncio.run(run(app, options.port, options.certificate, options.key))


if __name__ == "__main__":
    main(Counting().application())
