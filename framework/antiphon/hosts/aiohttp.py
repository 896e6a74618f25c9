"""antiphon in an aiohttp application: `mount(app, server)`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from importlib.resources import as_file, files

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from antiphon.dialects.base import Answer, Attach, LeaveBeacon, OpenWebSocket, Poll, Push, Request, Stream
from antiphon.hosts.aiohttp_bad_requests import quiet_bad_requests
from antiphon.hosts.aiohttp_signals import MOUNTED, drain_on_signals
from antiphon.hosts.aiohttp_socketio import SocketioEndpoint, path_of
from antiphon.hosts.aiohttp_stream import AiohttpEventStream
from antiphon.hosts.aiohttp_timers import IdleWatch, runner_options
from antiphon.hosts.aiohttp_websocket import handshake, take_over
from antiphon.protocol.closing import Closing, TransportCode
from antiphon.protocol.loglines import one_line
from antiphon.server.proxies import Visit
from antiphon.server.server import Server
from antiphon.transports.tcp_websocket import TcpWebSocket
from antiphon.transports.websocket_group import CLOSE_WAIT, WebSocketGroup
from antiphon.types import Data

__all__ = ["drain_on_signals", "mount", "quiet_bad_requests", "runner_options"]

log = logging.getLogger("antiphon.session")

PREFLIGHT_AGE = "600"
ALLOWED_HEADERS = "Content-Type, Antiphon-Session, Antiphon-Key, Antiphon-Attempt, Antiphon-Request"
FORMS = {bytes: "application/msgpack", str: "application/json"}


def mount(
    app: web.Application,
    server: Server,
    *,
    path: str = "/antiphon",
    window: float | None = 30.0,
    patience: float = 10.0,
    socketio: bool | str = False,
) -> None:
    """Serve `server` under `path`: the WebSocket there, HTTP below it, and the browser client at `path`/antiphon.js.

    The server starts and stops with the application. It stops by `drain`: clients are told to come back some time
    within `window` seconds, handlers are waited for `patience` seconds. With `window=None` it stops by `close`, and
    clients come back as soon as they can. `socketio=True` serves Socket.IO clients as well, at "/socket.io/"; a path
    may stand in its place. See `drain_on_signals` for Ctrl-C, `runner_options` for how to start aiohttp.
    """
    host = _Host(server, window, patience)
    app.router.add_get(path, host.websocket)
    app.router.add_get(f"{path}/antiphon.js", host.browser_client)
    app.router.add_post(path + "/{verb}", host.post)
    app.router.add_route("OPTIONS", path + "/{verb}", host.preflight)
    if (beside := path_of(socketio)) is not None:
        app.router.add_get(beside, host.socketio().get)
    app.cleanup_ctx.append(host.life)
    app.on_shutdown.append(host.shut_down)
    app.setdefault(MOUNTED, []).append(host)


class _Host:
    """The handlers of one mounted server."""

    def __init__(self, server: Server, window: float | None, patience: float) -> None:
        self._server = server
        self._window = window
        self._patience = patience
        self._hurried = False
        self._idle = IdleWatch()
        self._streams: set[AiohttpEventStream] = set()
        self._websockets = WebSocketGroup(server.limits, server.counters.hit)

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
        await self._websockets.close(Closing(TransportCode.GOING_AWAY, "the server stops"))

    def socketio(self) -> SocketioEndpoint:
        """What serves the clients of that wire: who may come is the same."""
        return SocketioEndpoint(
            self._server,
            self._websockets,
            visit=self._visit,
            refusal=self._refusal,
            answered=lambda request, answer: self._labelled(request, _last(request, answer)),
            headers=_headers,
        )

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
        visit = self._visit(request)
        if (refusal := self._refusal(request, visit)) is not None:
            return refusal
        headers = _headers(request)
        intent = self._server.dialect.interpret(Request("GET", "", headers))
        if not isinstance(intent, OpenWebSocket):
            assert isinstance(intent, Answer)
            return self._labelled(request, _plain(intent))
        accept = handshake(request)
        if isinstance(accept, Answer):
            return self._labelled(request, _last(request, accept))
        response = take_over(
            request,
            accept,
            lambda tcp: TcpWebSocket(self._websockets, self._server.gateway, tcp, visit.address, headers),
        )
        return _plain(Answer(400, "the client is gone")) if response is None else response

    async def post(self, request: web.Request) -> web.StreamResponse:
        """POST below the mount point."""
        visit = self._visit(request)
        if (refusal := self._refusal(request, visit)) is not None:
            return refusal
        verb = request.match_info["verb"]
        first = verb in ("attach", "stream", "leave")
        limits = self._server.limits
        body = await _body(request, limits.hello if first else limits.message, limits.body_timeout)
        if isinstance(body, Answer):
            self._count_body(body, first)
            return self._labelled(request, _last(request, body))
        port, address, headers = _HttpPort(), visit.address, _headers(request)
        intent = self._server.dialect.interpret(Request(request.method, verb, headers, body))
        gateway = self._server.gateway
        match intent:
            case Stream():
                stream = AiohttpEventStream(gateway, request)
                self._streams.add(stream)
                gateway.stream(intent, stream, address, headers)
                try:
                    return await stream.run(lambda response: self._label(request, response), _plain)
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
        return self._labelled(request, await port.response)

    async def preflight(self, request: web.Request) -> web.StreamResponse:
        """OPTIONS: a browser asks whether a page of another origin may send this."""
        if (refusal := self._refusal(request, self._visit(request))) is not None:
            return refusal
        response = self._labelled(request, web.Response(status=204))
        if "Access-Control-Allow-Origin" in response.headers:
            response.headers["Access-Control-Allow-Methods"] = "POST"
            response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
            response.headers["Access-Control-Max-Age"] = PREFLIGHT_AGE
        return response

    async def browser_client(self, request: web.Request) -> web.StreamResponse:
        """The single-file browser client, so that a page needs no npm."""
        with as_file(files("antiphon") / "browser" / "antiphon.js") as path:
            response = web.FileResponse(
                path, headers={"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
            )
            response.content_type = "text/javascript"
            return response

    # -- who comes, and from which page

    def _visit(self, request: web.Request) -> Visit:
        headers = request.headers
        visit = self._server.proxies.visit(
            request.remote or "", request.scheme, request.host, lambda name: headers.getall(name, ())
        )
        self._idle.look(request, visit.address)
        return visit

    def _refusal(self, request: web.Request, visit: Visit) -> web.Response | None:
        status, reason = 421, self._server.hosts.refusal(visit.host)
        if reason is None:
            origins = request.headers.getall("Origin", [])
            status, reason = 403, self._server.origins.refusal(origins, visit.scheme, visit.host)
            if reason is None:
                return None
            self._server.counters.hit("origins")
        log.info("a request from %s was refused: %s", visit.address, one_line(reason))
        return self._labelled(request, _plain(Answer(status, reason)))

    def _count_body(self, answer: Answer, first: bool) -> None:
        """A body was not taken; `first`: it would have been a Hello, or a farewell."""
        if answer.status == 413:
            self._server.counters.hit("hello" if first else "message")
        elif answer.status == 408:
            self._server.counters.hit("body_timeout")

    def _labelled(self, request: web.Request, response: web.Response) -> web.Response:
        self._label(request, response)
        return response

    def _label(self, request: web.Request, response: web.StreamResponse) -> None:
        """Nothing of this may be kept by a cache; a listed origin may read it."""
        if response.status >= 400:
            self._server.counters.requests_refused[response.status] += 1
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        origin = request.headers.get("Origin", "")
        if self._server.origins.allowed(origin):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = "Antiphon-Reason"
            response.headers["Vary"] = "Origin"


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
        self._settle(_plain(answer))

    def _settle(self, response: web.Response) -> None:
        if not self.response.done():
            self.response.set_result(response)


def _plain(answer: Answer) -> web.Response:
    return web.Response(status=answer.status, text=answer.reason + "\n", headers=dict(answer.headers))


def _last(request: web.Request, answer: Answer) -> web.Response:
    """The answer to a body that is not read to its end: the connection is of no more use, and not kept for it.

    aiohttp reads on for 10 s, so that the answer arrives before a reset does. 2 s are enough for that.
    """
    if request.transport is not None and not request.content.is_eof():
        asyncio.get_running_loop().call_later(CLOSE_WAIT, request.transport.abort)
    response = _plain(answer)
    response.force_close()
    return response


def _headers(request: web.Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


async def _body(request: web.Request, limit: int, timeout: float) -> bytes | Answer:
    """The whole body, or why it is not taken: its length is looked at before it is read."""
    too_large = Answer(413, f"the body may have {limit} bytes")
    if (request.content_length or 0) > limit:
        return too_large
    if set(request.headers.getall("Content-Encoding", ())) - {"identity"}:
        return Answer(415, "bodies are taken as they are, without Content-Encoding")
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(timeout):  # aiohttp itself has no timer for it
            async for part in request.content.iter_any():
                size += len(part)
                if size > limit:
                    return too_large
                parts.append(part)
    except TimeoutError:
        return Answer(408, f"the body did not come within {timeout:g} s")
    except (web.RequestPayloadError, HttpProcessingError):
        # Only from aiohttp's parser in Python; the one in C tells nobody who reads already, so that the time runs out.
        return Answer(400, "the body is broken: its chunks or its length cannot be right")
    except (ConnectionError, RuntimeError):
        # The connection broke while we read, or (aiohttp's RuntimeError) before. Nobody gets this answer.
        return Answer(400, "the client is gone")
    return b"".join(parts)
