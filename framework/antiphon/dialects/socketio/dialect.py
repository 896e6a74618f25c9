"""The wire of Socket.IO over HTTP: what a request under its path wants, and what a client is told first."""

from __future__ import annotations

from collections.abc import Callable

from antiphon.config import Heartbeat, Limits
from antiphon.dialects.base import Answer, Intent, OpenWebSocket, Request
from antiphon.dialects.socketio import engine
from antiphon.dialects.socketio.codec import SocketioCodec
from antiphon.dialects.socketio.engine import EngineError, EngineRefusal
from antiphon.dialects.socketio.frames import text_frame
from antiphon.dialects.socketio.request import read_query
from antiphon.types import Data

__all__ = ["PATH", "PING", "SocketioDialect", "forbidden", "is_pong"]

# Where clients of this wire look for it.
PATH = "/socket.io/"
# What a client is sent from time to time before it has asked for a namespace; afterwards its codec says it.
PING = text_frame(engine.PING.encode())

JSON = (("Content-Type", "application/json"),)


class SocketioDialect:
    """Socket.IO v5 over Engine.IO v4, under `path`: on WebSockets."""

    def __init__(self, limits: Limits, heartbeat: Heartbeat, new_key: Callable[[], str], path: str = PATH) -> None:
        """`new_key()` is the proof of a new session, 43 characters or more that nobody can guess."""
        self.path = path
        self._limits = limits
        self._heartbeat = heartbeat
        self._new_key = new_key

    def interpret(self, request: Request) -> Intent:
        """See Dialect.interpret. Refusals are JSON, with the numbers that clients know."""
        asked = read_query(request.query)
        if isinstance(asked, EngineRefusal):
            return _answer(asked)
        if request.method != "GET":
            return _answer(EngineRefusal(EngineError.BAD_METHOD, "a WebSocket is opened by GET"))
        if asked.sid is not None:
            return _answer(EngineRefusal(EngineError.SESSION_UNKNOWN))
        if asked.transport != "websocket":
            remedy = 'WebSockets are served here; connect with transports: ["websocket"]'
            return _answer(EngineRefusal(EngineError.TRANSPORT_UNKNOWN, remedy))
        return OpenWebSocket()  # whether the rest of it is right is looked at where it is opened

    def codec_of(self, data: Data) -> SocketioCodec:
        """See Dialect.codec_of: whose first CONNECT is binary uses the msgpack parser."""
        return SocketioCodec(self._limits, key=self._new_key(), msgpack=isinstance(data, bytes))

    def greeting(self, sid: str) -> bytes:
        """The frame that a WebSocket begins with; `sid` names the connection, and proves nothing."""
        heartbeat = self._heartbeat
        told = engine.opening(
            sid, (), interval=heartbeat.interval, timeout=heartbeat.timeout, size=self._limits.message
        )
        return text_frame(told.encode())


def forbidden(reason: str) -> Answer:
    """The answer to a page of another origin."""
    return _answer(EngineRefusal(EngineError.FORBIDDEN, reason))


def is_pong(message: Data) -> bool:
    """Whether a message answers a ping, and says nothing else."""
    return message == engine.PONG


def _answer(refusal: EngineRefusal) -> Answer:
    return Answer(refusal.status, refusal.body.decode(), JSON)
