"""Who comes to an aiohttp application, whether they may, and how they are answered: the same for every wire."""

from __future__ import annotations

import asyncio
import logging

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from antiphon.dialects.base import Answer
from antiphon.hosts.aiohttp_timers import IdleWatch
from antiphon.protocol.loglines import one_line
from antiphon.server.counters import Limit
from antiphon.server.proxies import Visit
from antiphon.server.server import Server
from antiphon.transports.websocket_group import CLOSE_WAIT

__all__ = ["Doorman", "lower_headers", "plain"]

log = logging.getLogger("antiphon.session")

PREFLIGHT_AGE = "600"


class Doorman:
    """That of one mounted server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._idle = IdleWatch()

    def visit(self, request: web.Request) -> Visit:
        """Who comes, and what for."""
        headers = request.headers
        visit = self._server.proxies.visit(
            request.remote or "", request.scheme, request.host, lambda name: headers.getall(name, ())
        )
        self._idle.look(request, visit.address)
        return visit

    def refusal(self, request: web.Request, visit: Visit) -> Answer | None:
        """Why they may not: the host that was asked for, or the page that asks."""
        status, reason = 421, self._server.hosts.refusal(visit.host)
        if reason is None:
            origins = request.headers.getall("Origin", [])
            status, reason = 403, self._server.origins.refusal(origins, visit.scheme, visit.host)
            if reason is None:
                return None
            self._server.counters.hit("origins")
        log.info("a request from %s was refused: %s", visit.address, one_line(reason))
        return Answer(status, reason)

    async def body(self, request: web.Request, limit: int, named: Limit) -> bytes | Answer:
        """The whole body, or why it is not taken. `named`: the limit that it breaks if it is larger."""
        body = await _body(request, limit, self._server.limits.body_timeout)
        if isinstance(body, Answer) and body.status == 413:
            self._server.counters.hit(named)
        elif isinstance(body, Answer) and body.status == 408:
            self._server.counters.hit("body_timeout")
        return body

    def answered(self, request: web.Request, answer: Answer, *, last: bool = False) -> web.Response:
        """The response that says `answer`; `last`: the body of the request is not read to its end."""
        return self.labelled(request, _last(request, answer) if last else plain(answer))

    def labelled(self, request: web.Request, response: web.Response) -> web.Response:
        """`response`, labelled."""
        self.label(request, response)
        return response

    def label(self, request: web.Request, response: web.StreamResponse) -> None:
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

    def preflight(self, request: web.Request, *, methods: str, headers: str) -> web.Response:
        """The answer to a browser that asks whether a page of another origin may send this."""
        response = self.labelled(request, web.Response(status=204))
        if "Access-Control-Allow-Origin" in response.headers:
            response.headers["Access-Control-Allow-Methods"] = methods
            response.headers["Access-Control-Allow-Headers"] = headers
            response.headers["Access-Control-Max-Age"] = PREFLIGHT_AGE
        return response


def plain(answer: Answer) -> web.Response:
    """The response that says `answer`."""
    return web.Response(status=answer.status, text=answer.reason + "\n", headers=dict(answer.headers))


def lower_headers(request: web.Request) -> dict[str, str]:
    """Its headers, names in lower case."""
    return {name.lower(): value for name, value in request.headers.items()}


def _last(request: web.Request, answer: Answer) -> web.Response:
    """The answer to a body that is not read to its end: the connection is of no more use, and not kept for it.

    aiohttp reads on for 10 s, so that the answer arrives before a reset does. 2 s are enough for that.
    """
    if request.transport is not None and not request.content.is_eof():
        asyncio.get_running_loop().call_later(CLOSE_WAIT, request.transport.abort)
    response = plain(answer)
    response.force_close()
    return response


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
