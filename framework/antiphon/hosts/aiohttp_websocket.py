"""The opening handshake of a WebSocket in aiohttp, and how its TCP connection is taken over afterwards."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Callable

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter

from antiphon.dialects.base import Answer
from antiphon.transports.tcp_websocket import TcpWebSocket

__all__ = ["handshake", "take_over"]

# RFC 6455, 1.3.
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PROXY = "a proxy in front has to speak HTTP/1.1 to here, and to pass on Upgrade: websocket and Connection: Upgrade"


def handshake(request: web.Request) -> str | Answer:
    """The Sec-WebSocket-Accept of a request that opens a WebSocket, or why it does not (RFC 6455, 4.2.1)."""
    headers = request.headers
    if request.method != "GET":
        return Answer(405, f"a WebSocket is opened by GET, not by {request.method}", (("Allow", "GET"),))
    if request.version < HttpVersion11:
        return _upgrade_required(f"a WebSocket is opened with HTTP/1.1, not 1.{request.version.minor}; {PROXY}")
    # Once and alone, as aiohttp's parser wants it, which would take the frames behind it for requests otherwise.
    if [value.lower() for value in headers.getall("Upgrade", ())] != ["websocket"]:
        return _upgrade_required(f"the header Upgrade must be websocket and nothing else; {PROXY}")
    connection = ",".join(headers.getall("Connection", ()))
    if "upgrade" not in [token.strip().lower() for token in connection.split(",")]:
        return _upgrade_required(f"the header Connection must have Upgrade in it; {PROXY}")
    if request.body_exists:
        return Answer(400, "a request that opens a WebSocket has no body; send the first message once it is open")
    keys = headers.getall("Sec-WebSocket-Key", ())
    if len(keys) != 1 or not _is_key(keys[0]):
        return Answer(400, "the header Sec-WebSocket-Key must be there once, as 16 bytes in base64; send random ones")
    if headers.getall("Sec-WebSocket-Version", ()) != ["13"]:
        return Answer(
            426,
            "the header Sec-WebSocket-Version must be 13, once; a client of RFC 6455 sends that",
            (("Sec-WebSocket-Version", "13"), ("Upgrade", "websocket")),
        )
    return base64.b64encode(hashlib.sha1(keys[0].encode() + GUID, usedforsecurity=False).digest()).decode()


def _upgrade_required(reason: str) -> Answer:
    return Answer(426, reason, (("Upgrade", "websocket"),))


def _is_key(value: str) -> bool:
    try:
        return len(value) == 24 and len(base64.b64decode(value, validate=True)) == 16
    except (binascii.Error, ValueError):  # ValueError: characters beyond ASCII
        return False


def take_over(
    request: web.Request, accept: str, opened: Callable[[asyncio.Transport], TcpWebSocket], cookie: str = ""
) -> web.StreamResponse | None:
    """Answer 101 and give the TCP connection to the WebSocket that `opened` makes of it; None: the client is gone.

    A WebSocketResponse would keep the request, two tasks and the buffers of both for as long as the connection lasts.
    So aiohttp is told that the connection is lost, but without its transport, and forgets all of that. There is no
    await in between: nothing can be received by nobody.
    """
    tcp, http = request.transport, request.protocol
    if tcp is None or tcp.is_closing():
        return None
    tcp.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %b\r\n%b\r\n"
        % (accept.encode(), f"Set-Cookie: {cookie}\r\n".encode() if cookie else b"")
    )
    early = _Early()
    http.set_parser(early)  # type: ignore[arg-type]  # it wants its own, and uses these two methods of it
    websocket = opened(tcp)
    tcp.set_protocol(websocket)
    http.transport = None
    http.connection_lost(None)
    if not tcp.is_reading():
        tcp.resume_reading()  # aiohttp holds back a client that sends much behind its handshake
    if early.received:
        websocket.data_received(early.received)
    return _Answered(status=101)


class _Early:
    """As a parser of aiohttp's: it is fed what came behind the request, a Hello of an eager client."""

    def __init__(self) -> None:
        self.received = b""

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self.received += data
        return False, b""

    def feed_eof(self) -> None:
        """aiohttp was told that the connection is lost."""


class _Answered(web.StreamResponse):
    """For aiohttp and its access log: the request was answered, and nothing more is to be written."""

    @property
    def prepared(self) -> bool:
        return True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """There is nothing to end."""
