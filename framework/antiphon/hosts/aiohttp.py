"""antiphon in an aiohttp application: `mount(app, server)`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from importlib.resources import as_file, files

from aiohttp import web

from antiphon.config import Socketio
from antiphon.dialects.base import Answer, Attach, LeaveBeacon, OpenWebSocket, Poll, Push, Request, Stream
from antiphon.hosts.aiohttp_bad_requests import quiet_bad_requests
from antiphon.hosts.aiohttp_doorman import Doorman, lower_headers, plain
from antiphon.hosts.aiohttp_signals import MOUNTED, drain_on_signals
from antiphon.hosts.aiohttp_socketio import SocketioEndpoint, settings_of
from antiphon.hosts.aiohttp_stream import AiohttpEventStream
from antiphon.hosts.aiohttp_timers import runner_options
from antiphon.hosts.aiohttp_websocket import handshake, take_over
from antiphon.protocol.closing import Closing, TransportCode
from antiphon.server.server import Server
from antiphon.transports.tcp_websocket import TcpWebSocket
from antiphon.transports.websocket_group import WebSocketGroup
from antiphon.types import Data

__all__ = ["drain_on_signals", "mount", "quiet_bad_requests", "runner_options"]

log = logging.getLogger("antiphon.session")

ALLOWED_HEADERS = "Content-Type, Antiphon-Session, Antiphon-Key, Antiphon-Attempt, Antiphon-Request"
FORMS = {bytes: "application/msgpack", str: "application/json"}


def mount(
    app: web.Application,
    server: Server,
    *,
    path: str = "/antiphon",
    window: float | None = 30.0,
    patience: float = 10.0,
    socketio: bool | Socketio = False,
) -> None:
    """Serve `server` under `path`: the WebSocket there, HTTP below it, and the browser client at `path`/antiphon.js.

    The server starts and stops with the application. It stops by `drain`: clients are told to come back some time
    within `window` seconds, handlers are waited for `patience` seconds. With `window=None` it stops by `close`, and
    clients come back as soon as they can. `socketio=True` serves Socket.IO clients as well, at "/socket.io/"; a record
    of settings may stand in its place. See `drain_on_signals` for Ctrl-C, `runner_options` for how to start aiohttp.
    """
    host = _Host(server, window, patience)
    app.router.add_get(path, host.websocket)
    app.router.add_get(f"{path}/antiphon.js", host.browser_client)
    app.router.add_post(path + "/{verb}", host.post)
    app.router.add_route("OPTIONS", path + "/{verb}", host.preflight)
    if (settings := settings_of(socketio)) is not None:
        endpoint = host.socketio(settings)
        # Some clients leave out the slash at the end.
        for beside in {settings.path, settings.path.rstrip("/") or "/"}:
            app.router.add_route("*", beside, endpoint.handle)
    app.cleanup_ctx.append(host.life)
    app.on_shutdown.append(host.shut_down)
    app.setdefault(MOUNTED, []).append(host)


class _Host:
    """The handlers of one mounted server."""

    def __init__(self, server: Server, window: float | None, patience: float) -> None:
        self._server = server
        self._doorman = Doorman(server)
        self._window = window
        self._patience = patience
        self._hurried = False
        self._streams: set[AiohttpEventStream] = set()
        self._websockets = [WebSocketGroup(server.limits, server.counters.hit)]

    async def life(self, app: web.Application) -> AsyncIterator[None]:
        """Start the server with the application."""
        self._server.start()
        yield

    async def shut_down(self, app: web.Application) -> None:
        """Stop the server."""
        # Before the connections are closed: held polls and WebSockets would delay the shutdown by a minute.
        await (self._server.close(patience=0.0) if self._hurried else self.drain(hears=False))
        for stream in self._streams:
            stream.end()  # nobody is attached to it: it was a probe
        # aiohttp knows none of them any more, so nobody else would wait for their goodbyes.
        going = Closing(TransportCode.GOING_AWAY, "the server stops")
        await asyncio.gather(*(group.close(going) for group in self._websockets))

    def socketio(self, settings: Socketio) -> SocketioEndpoint:
        """What serves the clients of that wire: who may come is the same."""
        endpoint = SocketioEndpoint(self._server, settings, self._doorman)
        self._websockets.append(endpoint.websockets)
        return endpoint

    # -- Stoppable

    async def drain(self, *, hears: bool = True) -> None:
        """See Stoppable.drain. `hears`: aiohttp reads nothing from its connections once it shuts down."""
        if self._window is None:
            await self._server.close(patience=self._patience)
        else:
            await self._server.drain(window=self._window, patience=self._patience, hears=hears)

    def hurry(self) -> None:
        """See Stoppable.hurry."""
        self._hurried = True

    # -- requests

    async def websocket(self, request: web.Request) -> web.StreamResponse:
        """GET at the mount point."""
        doorman = self._doorman
        visit = doorman.visit(request)
        if (refusal := doorman.refusal(request, visit)) is not None:
            return doorman.answered(request, refusal)
        headers = lower_headers(request)
        intent = self._server.dialect.interpret(Request("GET", "", headers))
        if not isinstance(intent, OpenWebSocket):
            assert isinstance(intent, Answer)
            return doorman.answered(request, intent)
        accept = handshake(request)
        if isinstance(accept, Answer):
            return doorman.answered(request, accept, last=True)
        response = take_over(
            request,
            accept,
            lambda tcp: TcpWebSocket(self._websockets[0], self._server.gateway, tcp, visit.address, headers),
        )
        return plain(Answer(400, "the client is gone")) if response is None else response

    async def post(self, request: web.Request) -> web.StreamResponse:
        """POST below the mount point."""
        doorman = self._doorman
        visit = doorman.visit(request)
        if (refusal := doorman.refusal(request, visit)) is not None:
            return doorman.answered(request, refusal)
        verb = request.match_info["verb"]
        first = verb in ("attach", "stream", "leave")
        limits = self._server.limits
        body = await doorman.body(request, limits.hello if first else limits.message, "hello" if first else "message")
        if isinstance(body, Answer):
            return doorman.answered(request, body, last=True)
        port, address, headers = _HttpPort(), visit.address, lower_headers(request)
        intent = self._server.dialect.interpret(Request(request.method, verb, headers, body))
        gateway = self._server.gateway
        match intent:
            case Stream():
                stream = AiohttpEventStream(gateway, request)
                self._streams.add(stream)
                gateway.stream(intent, stream, address, headers)
                try:
                    return await stream.run(lambda response: doorman.label(request, response), plain)
                finally:
                    self._streams.discard(stream)
            case Attach():
                gateway.attach(intent, port, address, headers)
            case Poll():
                gateway.poll(intent, port, address)
            case Push():
                gateway.push(intent, port, address)
            case LeaveBeacon():
                gateway.leave(intent, port, address)
            case Answer():
                port.status(intent)
            case OpenWebSocket():
                port.status(Answer(426, "a WebSocket is opened at the address above"))
        return doorman.labelled(request, await port.response)

    async def preflight(self, request: web.Request) -> web.StreamResponse:
        """OPTIONS: a browser asks whether a page of another origin may send this."""
        if (refusal := self._doorman.refusal(request, self._doorman.visit(request))) is not None:
            return self._doorman.answered(request, refusal)
        return self._doorman.preflight(request, methods="POST", headers=ALLOWED_HEADERS)

    async def browser_client(self, request: web.Request) -> web.StreamResponse:
        """The single-file browser client, so that a page needs no npm."""
        with as_file(files("antiphon") / "browser" / "antiphon.js") as path:
            response = web.FileResponse(
                path, headers={"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
            )
            response.content_type = "text/javascript"
            return response


class _HttpPort:
    """One HTTP request, as the gateway answers it."""

    def __init__(self) -> None:
        self.response: asyncio.Future[web.Response] = asyncio.get_running_loop().create_future()

    def answer(self, message: Data | None) -> None:
        """See HttpPort.answer."""
        if message is None:
            self._settle(web.Response(status=204))
        else:
            body = message if isinstance(message, bytes) else message.encode()
            self._settle(web.Response(body=body, content_type=FORMS[type(message)]))

    def refuse(self, closing: Closing) -> None:
        """See HttpPort.refuse."""
        self.status(Answer(409, closing.line, (("Antiphon-Reason", closing.line),)))

    def status(self, answer: Answer) -> None:
        """See HttpPort.status."""
        self._settle(plain(answer))

    def _settle(self, response: web.Response) -> None:
        if not self.response.done():
            self.response.set_result(response)
