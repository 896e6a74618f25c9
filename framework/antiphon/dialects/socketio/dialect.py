"""The wire of Socket.IO over HTTP: what a request under its path wants, and what a client is told first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from antiphon.config import Limits, Outbox, Socketio
from antiphon.dialects.base import Answer, Request
from antiphon.dialects.socketio import engine
from antiphon.dialects.socketio.codec import SocketioCodec
from antiphon.dialects.socketio.engine import EngineError, EngineRefusal, read_payload
from antiphon.dialects.socketio.frames import text_frame
from antiphon.dialects.socketio.recovery import Offsets
from antiphon.dialects.socketio.request import read_query
from antiphon.types import NOTHING, Data

__all__ = ["JSON", "EngineIntent", "OpenSession", "OpenSocket", "PollSession", "PushSession", "SocketioDialect"]

JSON = (("Content-Type", "application/json"),)
# How browsers send bytes; payloads are text since EIO=4.
BYTES = "application/octet-stream"


class OpenSession(NamedTuple):
    """Begin a session that is polled; the answer is its open packet. `query`: what its application said in the URL."""

    query: Mapping[str, str] = NOTHING


class OpenSocket(NamedTuple):
    """Open a WebSocket: for a session of its own, or to take over that of `sid` from its polls.

    `query`: what its application said in the URL.
    """

    sid: str | None
    query: Mapping[str, str] = NOTHING


class PollSession(NamedTuple):
    """Answer with what is there for the client, now or as soon as there is something."""

    sid: str


class PushSession(NamedTuple):
    """The body is a payload."""

    sid: str


EngineIntent: TypeAlias = OpenSession | OpenSocket | PollSession | PushSession | Answer


class SocketioDialect:
    """Socket.IO v5 over Engine.IO v4, as `settings` want it."""

    def __init__(
        self,
        settings: Socketio,
        limits: Limits,
        outbox: Outbox,
        *,
        offsets: Offsets,
        attempts: Iterator[int],
        new_key: Callable[[], str],
    ) -> None:
        """`outbox` bounds what is kept for a client that comes back. `offsets` and `attempts` are the server's.

        A broadcast is spelled once for all clients, whichever way they came in, and they may come back by another.
        `new_key()` is the proof of a new session, 43 characters or more that nobody can guess.
        """
        self.settings = settings
        self._limits = replace(limits, message=settings.max_http_buffer_size)
        self._kept = outbox if settings.recovery else None
        self._offsets = offsets
        self._new_key = new_key
        self._attempts = attempts

    def interpret(self, request: Request) -> EngineIntent:
        """What a request wants. Never raises; refusals are JSON, with the numbers that clients know."""
        asked = read_query(request.query)
        if isinstance(asked, EngineRefusal):
            return self.refusal(asked)
        transports = self.settings.transports
        if asked.transport not in transports:
            remedy = f"this server serves {' and '.join(transports)}; list only that: transports: {[*transports]}"
            return self.refusal(EngineRefusal(EngineError.TRANSPORT_UNKNOWN, remedy))
        if asked.transport == "websocket":
            if request.method != "GET":
                return self.refusal(EngineRefusal(EngineError.BAD_METHOD, "a WebSocket is opened by GET"))
            return OpenSocket(asked.sid, asked.query)
        if asked.sid is None:
            if request.method != "GET":
                return self.refusal(EngineRefusal(EngineError.BAD_METHOD, "a session begins with GET"))
            return OpenSession(asked.query)
        if request.method == "GET":
            return PollSession(asked.sid)
        if request.method == "POST":
            return PushSession(asked.sid)
        return self.refusal(EngineRefusal(EngineError.BAD_REQUEST, "a session is polled by GET and written to by POST"))

    def refusal(self, refusal: EngineRefusal) -> Answer:
        """The answer to a request that is refused."""
        return Answer(refusal.status, refusal.body.decode(), JSON)

    def payload(self, body: bytes, content_type: str) -> Iterator[Data]:
        """The packets in the body of a POST: see read_payload."""
        text = content_type.partition(";")[0].strip().lower() != BYTES
        return read_payload(body, size=self.largest_payload, message=self.settings.max_http_buffer_size, text=text)

    @property
    def largest_payload(self) -> int:
        """How many bytes a POST may have.

        Clients fill it up to what they were told, and count bytes for a third more, not as base64 has them: one byte
        for two, where there are five.
        """
        return self.settings.max_http_buffer_size * 3 // 2

    def codec_of(self, data: Data) -> SocketioCodec:
        """A codec of its own for a session whose first CONNECT is `data`: a binary one uses the msgpack parser."""
        return SocketioCodec(
            self._limits,
            key=self._new_key(),
            attempt=next(self._attempts),
            msgpack=isinstance(data, bytes),
            kept=self._kept,
            offsets=self._offsets,
        )

    def greeting(self, sid: str, *, polled: bool) -> bytes:
        """The frame that a session begins with; `sid` names it until it is on a WebSocket, and proves nothing else."""
        settings = self.settings
        upgrades = ["websocket"] if polled and "websocket" in settings.transports else []
        told = engine.opening(
            sid,
            upgrades,
            interval=settings.ping_interval,
            timeout=settings.ping_timeout,
            size=settings.max_http_buffer_size,
        )
        return text_frame(told.encode())
