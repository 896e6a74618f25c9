"""The server that the public conformance suites of Engine.IO v4 and Socket.IO v5 expect.

`python -m tests.interop.socketio_conformance PORT`: Socket.IO at /socket.io/, with antiphon's public API, and Engine.IO
at /engine.io/, which has no namespaces: every message comes back as it was.
"""

from __future__ import annotations

import argparse
from typing import Any

from aiohttp import web

from antiphon import Server, Socket
from antiphon.config import Socketio
from antiphon.dialects.socketio import engine
from antiphon.dialects.socketio.frames import binary_frame, text_frame
from antiphon.errors import RemoteProtocolError
from antiphon.hosts.aiohttp import mount, runner_options
from antiphon.protocol.closing import Closing, TransportCode
from antiphon.server.engine_session import EngineSession
from antiphon.server.engineio import EngineGateway
from antiphon.types import Data

__all__ = ["EchoServer", "conforming", "make_app"]

# Longer than any suite runs: who only echoes never asks for a namespace.
FOR_EVER = 86_400.0


def conforming() -> Server:
    """The namespaces and events that the suite of Socket.IO uses."""
    server = Server(origins=["*"])
    for namespace in map(server.namespace, ("/", "/custom")):

        @namespace.on_connect
        async def connect(socket: Socket, auth: Any) -> None:
            await socket.emit("auth", {} if auth is None else auth)

        @namespace.on("message")
        async def message(socket: Socket, *args: Any) -> None:
            await socket.emit("message-back", *args)

        @namespace.on("message-with-ack")
        async def message_with_ack(socket: Socket, *args: Any) -> tuple[Any, ...]:
            return args

    return server


class Echo(EngineSession):
    """A connection of Engine.IO with nothing above it."""

    def said(self, message: Data) -> None:
        """See EngineSession.said."""
        assert self.transport is not None, "nothing came from a transport that is not there"
        if isinstance(message, bytes):
            self.transport.write(binary_frame(message))
        elif message == engine.CLOSE:
            self.close(Closing(TransportCode.ENDED, "the client closed the connection"))
        elif message.startswith(engine.MESSAGE):
            self.transport.write(text_frame(message.encode()))
        else:
            raise RemoteProtocolError("protocol", "no packet of Engine.IO that a client sends")


class EchoServer(Server):
    """A server without Socket.IO: its clients' messages come back to them."""

    def serve_socketio(self, settings: Socketio, kind: type[EngineSession] = Echo) -> EngineGateway:
        """See Server.serve_socketio."""
        return super().serve_socketio(settings, kind)


def make_app(server: Server | None = None, echo: Server | None = None) -> web.Application:
    """Both of them, with the intervals that the suites have in them; the own wire is out of the way."""
    app = web.Application()
    mount(app, server or conforming(), window=None, path="/antiphon", socketio=_settings("/socket.io/", 1.0))
    echo = echo or EchoServer(origins=["*"])
    mount(app, echo, window=None, path="/antiphon-echo", socketio=_settings("/engine.io/", FOR_EVER))
    return app


def _settings(path: str, connect_timeout: float) -> Socketio:
    return Socketio(
        path=path,
        ping_interval=0.3,
        ping_timeout=0.2,
        max_http_buffer_size=1_000_000,
        connect_timeout=connect_timeout,
    )


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.interop.socketio_conformance", description=__doc__)
    parser.add_argument("port", type=int, help="where to listen, on localhost; the suites want 3000")
    port: int = parser.parse_args().port
    print(f"Socket.IO on http://localhost:{port}/socket.io/, Engine.IO on /engine.io/ (Ctrl-C stops it)", flush=True)
    # By its name, which a machine may have an address of each family for: the suites take whichever they find.
    web.run_app(make_app(), host="localhost", port=port, print=None, access_log=None, **runner_options())


if __name__ == "__main__":
    main()
