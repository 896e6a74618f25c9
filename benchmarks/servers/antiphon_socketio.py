"""What Socket.IO clients can ask of it: `tick` is broadcast to a room of everybody, `echo` comes back.

`python benchmarks/servers/antiphon_socketio.py PORT` serves it, with the public API and the default configuration only.
"""

from __future__ import annotations

import sys
from typing import Any

import uvloop
from aiohttp import web

from antiphon import Server, Socket
from antiphon.hosts.aiohttp import mount

server = Server()
root = server.namespace("/")


@root.on_connect
async def connect(socket: Socket) -> None:
    """Everybody is in one room."""
    await socket.join("room")


@root.on("tick")
async def tick(socket: Socket, payload: Any) -> None:
    """Tell everybody."""
    await root.to("room").emit("msg", payload)


@root.on("echo")
async def echo(socket: Socket, payload: Any) -> Any:
    """Tell who asked."""
    return payload


if __name__ == "__main__":
    app = web.Application()
    mount(app, server, socketio=True)
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None, backlog=4096)
