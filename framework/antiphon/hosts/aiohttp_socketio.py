"""Socket.IO clients in an aiohttp application: their WebSockets, at a path of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from antiphon.dialects.base import Answer, OpenWebSocket, Request
from antiphon.dialects.socketio.dialect import PATH, forbidden
from antiphon.hosts.aiohttp_websocket import handshake, take_over
from antiphon.server.proxies import Visit
from antiphon.server.server import Server
from antiphon.transports.framed_websocket import FramedWebSocket
from antiphon.transports.websocket_group import WebSocketGroup

__all__ = ["SocketioEndpoint", "path_of"]


def path_of(socketio: bool | str) -> str | None:
    """Where Socket.IO is to be served, by the argument of `mount`; None: nowhere. Clients want the slash at the end."""
    if isinstance(socketio, bool):
        return PATH if socketio else None
    if not socketio.startswith("/") or not socketio.endswith("/"):
        raise ValueError(f"socketio={socketio!r} must begin and end with a slash, as {PATH!r} does; or be True")
    return socketio


class SocketioEndpoint:
    """The handler of one mounted server."""

    def __init__(
        self,
        server: Server,
        websockets: WebSocketGroup,
        *,
        visit: Callable[[web.Request], Visit],
        refusal: Callable[[web.Request, Visit], web.Response | None],
        answered: Callable[[web.Request, Answer], web.Response],
        headers: Callable[[web.Request], dict[str, str]],
    ) -> None:
        """The functions are those of the host: who comes, whether they may, and how an answer is labelled."""
        self._server = server
        self._websockets = websockets
        self._visit = visit
        self._refusal = refusal
        self._answered = answered
        self._headers = headers

    async def get(self, request: web.Request) -> web.StreamResponse:
        """GET at the path."""
        visit = self._visit(request)
        if (refusal := self._refusal(request, visit)) is not None:
            if refusal.status == 403:
                refusal.text, refusal.content_type = forbidden(refusal.text or "").reason, "application/json"
            return refusal
        headers, engine = self._headers(request), self._server.socketio
        asked = Request("GET", "", headers, query=request.rel_url.raw_query_string)
        intent = engine.dialect.interpret(asked)
        if not isinstance(intent, OpenWebSocket):
            assert isinstance(intent, Answer)
            return self._answered(request, intent)
        accept = handshake(request)
        if isinstance(accept, Answer):
            return self._answered(request, accept)

        def opened(tcp: asyncio.Transport) -> FramedWebSocket:
            opening = engine.expect()
            websocket = FramedWebSocket(self._websockets, opening, tcp, visit.address, headers)
            opening.begin(websocket)
            return websocket

        response = take_over(request, accept, opened)
        return self._answered(request, Answer(400, "the client is gone")) if response is None else response
