"""The native wire over HTTP: which request means what, and how the answers are labelled.

Every request carries sid, key, attempt and a growing request number in headers, never in the URL.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from antiphon.config import Limits
from antiphon.dialects.base import (
    Answer,
    Attach,
    Credentials,
    Intent,
    LeaveBeacon,
    OpenWebSocket,
    Poll,
    Push,
    Request,
    Stream,
)
from antiphon.dialects.native.forms import JsonCodec, MsgpackCodec
from antiphon.protocol.packets import MAX_NUMBER
from antiphon.types import Data

__all__ = ["CONTENT_TYPES", "HEADERS", "NativeDialect"]

SESSION, KEY, ATTEMPT, REQUEST = "antiphon-session", "antiphon-key", "antiphon-attempt", "antiphon-request"
# What a page of another origin must be allowed to send.
HEADERS = ("content-type", SESSION, KEY, ATTEMPT, REQUEST)

PATHS = ("attach", "stream", "poll", "push", "leave")
CONTENT_TYPES = {"msgpack": "application/msgpack", "json": "application/json"}
_FORMS = {content_type: form for form, content_type in CONTENT_TYPES.items()}
# The longest a credential may be: 43 characters of key, 22 of sid, with room for other lengths.
_CREDENTIAL = 128


class NativeDialect:
    """Our own wire, under `path`."""

    def __init__(self, limits: Limits, path: str = "/antiphon") -> None:
        self.path = path
        self._limits = limits

    def codec_of(self, data: Data) -> MsgpackCodec | JsonCodec:
        """See Dialect.codec_of: binary is msgpack, text is JSON."""
        return MsgpackCodec(self._limits) if isinstance(data, bytes) else JsonCodec(self._limits)

    def interpret(self, request: Request) -> Intent:
        """See Dialect.interpret."""
        if not request.path:
            return _websocket(request)
        if request.path not in PATHS:
            return Answer(
                404, f"{request.path[:64]!r} is none of {', '.join(PATHS)}; is the client's version this server's?"
            )
        if request.method != "POST":
            return Answer(405, f"{request.path} takes POST, not {request.method[:16]!r}", (("Allow", "POST"),))
        if request.path == "leave":
            return _beacon(request.body)
        message = _message(request)
        if isinstance(message, Answer):
            return message
        if request.path in ("attach", "stream"):
            return (Attach if request.path == "attach" else Stream)(self.codec_of(message), message)
        credentials = _credentials(request.headers)
        if isinstance(credentials, Answer):
            return credentials
        return Poll(credentials, message) if request.path == "poll" else Push(credentials, message)


def _websocket(request: Request) -> Intent:
    if request.method == "GET" and request.headers.get("upgrade", "").lower() == "websocket":
        return OpenWebSocket()
    return Answer(
        426,
        "this is the address of a WebSocket, and the header Upgrade: websocket is missing; a proxy in front has to "
        "speak HTTP/1.1 to here, and to pass on Upgrade: websocket and Connection: Upgrade",
        (("Upgrade", "websocket"),),
    )


def _message(request: Request) -> Data | Answer:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    form = _FORMS.get(content_type)
    if form is None:
        return Answer(415, f"Content-Type must be application/msgpack or application/json, not {content_type[:64]!r}")
    if form == "msgpack":
        return request.body
    try:
        return request.body.decode()
    except UnicodeDecodeError:
        return Answer(400, "the body is not UTF-8")


def _credentials(headers: Mapping[str, str]) -> Credentials | Answer:
    sid, key = headers.get(SESSION, ""), headers.get(KEY, "")
    attempt, request = _number(headers.get(ATTEMPT)), _number(headers.get(REQUEST))
    if attempt is None or request is None:
        return Answer(400, "Antiphon-Attempt and Antiphon-Request must be whole numbers")
    if not (_may_be(sid) and _may_be(key)):
        # The same answer as for a wrong key: a stranger learns nothing.
        return Answer(401, "unknown session or wrong key; attach again")
    return Credentials(sid, key, attempt, request)


def _may_be(credential: str) -> bool:
    """Whether it is worth asking for. Hosts read other bytes of a header as surrogates, which nothing can encode."""
    return 0 < len(credential) <= _CREDENTIAL and credential.isascii()


def _number(text: str | None) -> int | None:
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > 16:
        return None
    number = int(text)
    return number if number <= MAX_NUMBER else None


class _Leaving(msgspec.Struct):
    session: str
    key: str
    attempt: int


def _beacon(body: bytes) -> Intent:
    """Beacons can set no headers, so everything is in the body, as JSON under any content type."""
    try:
        leaving = msgspec.json.decode(body, type=_Leaving)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Answer(400, 'leave takes {"session": ..., "key": ..., "attempt": ...} as JSON')
    return LeaveBeacon(leaving.session, leaving.key, leaving.attempt)
