"""Socket.IO clients in an aiohttp application: their polls, POSTs and WebSockets, at a path of their own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace

from aiohttp import web

from antiphon.config import Socketio
from antiphon.dialects.base import Answer, Request
from antiphon.dialects.socketio.dialect import JSON, OpenSession, OpenSocket, PollSession, PushSession
from antiphon.dialects.socketio.engine import EngineError, EngineRefusal
from antiphon.hosts.aiohttp_doorman import Doorman, lower_headers
from antiphon.hosts.aiohttp_websocket import handshake, take_over
from antiphon.protocol.closing import Loss
from antiphon.server.engine_session import EngineSession
from antiphon.server.engineio import EngineGateway
from antiphon.server.proxies import Visit
from antiphon.server.server import Server
from antiphon.transports.framed_websocket import FramedWebSocket
from antiphon.transports.websocket_group import WebSocketGroup
from antiphon.types import NOTHING

__all__ = ["SocketioEndpoint", "settings_of"]

# What a page of another origin may send along, when it asks: names of headers, and not without end.
HEADER_NAMES = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,1024}")

# Of a body: it is too large, or compressed. Others did not come, or not to their end.
NOT_TAKEN = frozenset({413, 415})


def settings_of(socketio: bool | Socketio) -> Socketio | None:
    """What the argument of `mount` means; None: it is not served."""
    if isinstance(socketio, bool):
        return Socketio() if socketio else None
    return socketio


class SocketioEndpoint:
    """The handler of one mounted server."""

    def __init__(self, server: Server, settings: Socketio, doorman: Doorman) -> None:
        self.engine: EngineGateway = server.serve_socketio(settings)
        limits = replace(server.limits, message=settings.max_http_buffer_size, hello_timeout=settings.connect_timeout)
        self.websockets = WebSocketGroup(limits, server.counters.hit)
        self._server = server
        self._settings = settings
        self._doorman = doorman

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Any request at the path."""
        visit = self._doorman.visit(request)
        if (refusal := self._doorman.refusal(request, visit)) is not None:
            return self._answered(request, refusal)
        if request.method == "OPTIONS":
            return self._preflight(request)
        asked = Request(request.method, "", NOTHING, query=request.rel_url.raw_query_string)
        match self.engine.dialect.interpret(asked):
            case OpenSession(query):
                return await self._open(request, visit, query)
            case OpenSocket(sid, query):
                return self._websocket(request, visit, sid, query)
            case PollSession(sid):
                port = _Port(request)
                self.engine.poll(sid, port)
                return await self._said(request, port)
            case PushSession(sid):
                return await self._push(request, sid)
            case Answer() as answer:
                return self._answered(request, answer, last=True)

    async def _open(self, request: web.Request, visit: Visit, query: Mapping[str, str]) -> web.StreamResponse:
        port = _Port(request)
        sid = self.engine.open(visit.address, lower_headers(request), port, query)
        response = await self._said(request, port)
        if sid and (cookie := self._cookie(sid, visit)):
            response.headers["Set-Cookie"] = cookie
        return response

    async def _push(self, request: web.Request, sid: str) -> web.StreamResponse:
        port = _Port(request)
        polling = self.engine.expect_push(sid, port)
        if polling is None:
            return await self._said(request, port, last=True)
        try:
            body = await self._doorman.body(request, self.engine.size_of(sid), "message")
            if isinstance(body, Answer):
                polling.broken(Loss(body.reason, violation=body.status in NOT_TAKEN))
                return self._answered(request, body, last=True)
            # Not `content_type`: that is what aiohttp makes of none, and of what says nothing.
            self.engine.push(polling, body, request.headers.get("Content-Type", ""))
            del body  # what is not taken yet keeps it
            return await self._said(request, port, content_type="text/html")
        except asyncio.CancelledError:
            polling.lost()  # its client is gone, and aiohttp was asked to cancel handlers for that
            raise

    def _websocket(
        self, request: web.Request, visit: Visit, sid: str | None, query: Mapping[str, str]
    ) -> web.StreamResponse:
        accept = handshake(request)
        if isinstance(accept, Answer):
            return self._answered(request, accept, last=True)
        receiver = self.engine.expect_websocket(sid, visit.address, query)
        if isinstance(receiver, EngineRefusal):
            return self._answered(request, self.engine.dialect.refusal(receiver))

        def opened(tcp: asyncio.Transport) -> FramedWebSocket:
            websocket = FramedWebSocket(self.websockets, receiver, tcp, visit.address, lower_headers(request))
            receiver.begin(websocket)
            return websocket

        cookie = self._cookie(receiver.sid, visit) if isinstance(receiver, EngineSession) else ""
        response = take_over(request, accept, opened, cookie)
        if response is None:
            receiver.give_up()
            return self._answered(request, Answer(400, "the client is gone"))
        return response

    def _cookie(self, sid: str, visit: Visit) -> str:
        """What a new session is named by, for proxies; "" unless that was asked for."""
        if self._settings.cookie is None:
            return ""
        secure = "; Secure" if visit.scheme == "https" else ""
        return f"{self._settings.cookie}={sid}; HttpOnly; Path=/; SameSite=Lax{secure}"

    async def _said(
        self, request: web.Request, port: _Port, content_type: str = "text/plain", *, last: bool = False
    ) -> web.Response:
        answer = await port.answered
        if isinstance(answer, EngineRefusal):
            return self._answered(request, self.engine.dialect.refusal(answer), last=last)
        response = web.Response(text=answer, content_type=content_type, charset="utf-8")
        self._doorman.label(request, response)
        self._credit(request, response)
        return response

    def _answered(self, request: web.Request, answer: Answer, *, last: bool = False) -> web.Response:
        """A refusal, whoever has it: clients of this wire read JSON."""
        if JSON[0] not in answer.headers:
            error = EngineError.FORBIDDEN if answer.status == 403 else EngineError.BAD_REQUEST
            told = self.engine.dialect.refusal(EngineRefusal(error, answer.reason))
            answer = Answer(answer.status, told.reason, (*answer.headers, *told.headers))
        response = self._doorman.answered(request, answer, last=last)
        self._credit(request, response)
        return response

    def _preflight(self, request: web.Request) -> web.StreamResponse:
        """Clients are given headers by their applications, so any may be sent along."""
        wanted = request.headers.get("Access-Control-Request-Headers", "")
        response = self._doorman.preflight(
            request, methods="GET, POST", headers=wanted if HEADER_NAMES.fullmatch(wanted) else "Content-Type"
        )
        self._credit(request, response)
        return response

    def _credit(self, request: web.Request, response: web.Response) -> None:
        """Pages of origins that were listed by name may send cookies along, as proxies want them to."""
        if self._server.origins.trusted(request.headers.get("Origin", "")):
            response.headers["Access-Control-Allow-Credentials"] = "true"


class _Port:
    """One request, as the gateway answers it. See EnginePort."""

    def __init__(self, request: web.Request) -> None:
        self.answered: asyncio.Future[str | EngineRefusal] = asyncio.get_running_loop().create_future()
        self._request = request

    @property
    def gone(self) -> bool:
        tcp = self._request.transport
        return tcp is None or tcp.is_closing()

    def answer(self, text: str) -> None:
        if not self.answered.done():
            self.answered.set_result(text)

    def refuse(self, refusal: EngineRefusal) -> None:
        if not self.answered.done():
            self.answered.set_result(refusal)
