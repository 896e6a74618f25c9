"""One direction of a connection, split into HTTP/1.1 messages for as long as it is HTTP."""

from abc import ABC, abstractmethod
from collections import deque

from antiphon.testing.proxy.http_bodies import Body, BodyUntilEnd, ChunkedBody, SizedBody
from antiphon.testing.proxy.pieces import Piece, RequestHead, ResponseHead
from antiphon.testing.proxy.websocket_frames import WebSocketFrames

LONGEST_HEAD = 65_536
METHODS = (b"GET ", b"POST ", b"HEAD ", b"OPTIONS ", b"PUT ", b"PATCH ", b"DELETE ")


class HttpStream(ABC):
    """Holds back a head until it is complete, and nothing else.

    What is not HTTP is `opaque` from there on: it passes as it comes, and where its messages end is not known.
    """

    def __init__(self) -> None:
        self.opaque = False
        self._held = b""
        self._body: Body | None = None
        self._frames: WebSocketFrames | None = None

    @property
    def inside_head(self) -> bool:
        return bool(self._held)

    def feed(self, received: bytes) -> list[Piece]:
        pieces: list[Piece] = []
        rest, self._held = self._held + received, b""
        while rest:
            if self._frames is not None:
                return pieces + self._frames.split(rest)
            if self.opaque:
                return [*pieces, Piece(rest, ends=False)]
            try:
                taken = self._next(rest, pieces)
            except ValueError:
                self.opaque = True
                continue
            if not taken:
                self._held = rest
                break
            rest = rest[taken:]
        return pieces

    def finish(self) -> list[Piece]:
        """What the end of the connection still brings: half a head, or the end of a body that lasts until then."""
        held, self._held = self._held, b""
        if held:
            return [Piece(held, ends=False)]
        return [Piece(b"", ends=True)] if isinstance(self._body, BodyUntilEnd) else []

    def upgrade(self) -> list[Piece]:
        """WebSocket frames follow; returned are those of an impatient client, held back until now."""
        self._frames = WebSocketFrames()
        return self.feed(b"")

    def _next(self, rest: bytes, pieces: list[Piece]) -> int:
        if self._body is not None:
            taken, ended = self._body.take(rest)
            pieces.append(Piece(rest[:taken], ends=ended))
            if ended:
                self._body = None
            return taken
        if not self._may_be_head(rest):
            raise ValueError("not HTTP")
        taken = rest.find(b"\r\n\r\n") + 4
        if taken < 4:
            if len(rest) > LONGEST_HEAD:
                raise ValueError("the head is too long")
            return 0
        pieces.append(self._read_head(rest[:taken]))
        return taken

    @abstractmethod
    def _may_be_head(self, start: bytes) -> bool: ...

    @abstractmethod
    def _read_head(self, head: bytes) -> Piece:
        """The head as a piece; sets the body that follows. Raises ValueError."""


class RequestStream(HttpStream):
    def _may_be_head(self, start: bytes) -> bool:
        return any(start.startswith(method) or method.startswith(start) for method in METHODS)

    def _read_head(self, head: bytes) -> Piece:
        line, fields = _parse(head)
        method, path, _version = line.split(" ")
        if "chunked" in fields.get("transfer-encoding", "").lower():
            self._body = ChunkedBody()
        elif length := _length(fields):
            self._body = SizedBody(length)
        return Piece(head, ends=self._body is None, head=RequestHead(method, path, fields))


class ResponseStream(HttpStream):
    def __init__(self) -> None:
        super().__init__()
        self._methods: deque[str] = deque()

    def expect(self, method: str) -> None:
        """A request with this method went up; its response has yet to come (one to HEAD has no body)."""
        self._methods.append(method)

    def _may_be_head(self, start: bytes) -> bool:
        return start[:7] == b"HTTP/1."[: len(start)]

    def _read_head(self, head: bytes) -> Piece:
        line, fields = _parse(head)
        _version, code, *_reason = line.split(" ")
        status = int(code)
        parsed = ResponseHead(status, fields)
        if status == 101:
            if fields.get("upgrade", "").lower() == "websocket":
                self._frames = WebSocketFrames()
            else:
                self.opaque = True
            return Piece(head, ends=True, head=parsed)
        if status < 200:
            return Piece(head, ends=False, head=parsed)
        method = self._methods.popleft() if self._methods else "GET"
        if method == "HEAD" or status in (204, 304):
            self._body = None
        elif "chunked" in fields.get("transfer-encoding", "").lower():
            self._body = ChunkedBody()
        elif "content-length" in fields:
            length = _length(fields)
            self._body = SizedBody(length) if length else None
        else:
            self._body = BodyUntilEnd()
        return Piece(head, ends=self._body is None, head=parsed)


def _parse(head: bytes) -> tuple[str, dict[str, str]]:
    line, *rest = head[:-4].decode("latin-1").split("\r\n")
    fields: dict[str, str] = {}
    for field in rest:
        name, colon, content = field.partition(":")
        if not colon:
            raise ValueError(f"not a header field: {field!r}")
        fields[name.strip().lower()] = content.strip()
    return line, fields


def _length(fields: dict[str, str]) -> int:
    length = int(fields.get("content-length", "0"))
    if length < 0:
        raise ValueError(f"a body cannot have a length of {length}")
    return length
