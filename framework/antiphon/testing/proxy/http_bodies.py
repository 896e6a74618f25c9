"""How long an HTTP/1.1 body is (RFC 9112, section 6): three ways to find its end."""

from typing import Protocol

LONGEST_CHUNK_LINE = 8_192


class Body(Protocol):
    def take(self, received: bytes) -> tuple[int, bool]:
        """How many of these bytes belong to the body, and whether it ends with them."""
        ...


class SizedBody:
    def __init__(self, length: int) -> None:
        self._left = length

    def take(self, received: bytes) -> tuple[int, bool]:
        taken = min(self._left, len(received))
        self._left -= taken
        return taken, not self._left


class ChunkedBody:
    """Raises ValueError when what arrives is not the chunked coding."""

    def __init__(self) -> None:
        self._line = b""
        self._chunk_left = 0
        self._in_trailer = False

    def take(self, received: bytes) -> tuple[int, bool]:
        at = 0
        while at < len(received):
            if self._chunk_left:
                step = min(self._chunk_left, len(received) - at)
                self._chunk_left -= step
                at += step
                continue
            line_end = received.find(b"\n", at) + 1
            self._line += received[at : line_end or len(received)]
            if len(self._line) > LONGEST_CHUNK_LINE:
                raise ValueError("the size line of a chunk is too long")
            if not line_end:
                return len(received), False
            at = line_end
            if self._end_line():
                return at, True
        return at, False

    def _end_line(self) -> bool:
        line, self._line = self._line.strip(), b""
        if self._in_trailer:
            return not line
        size = int(line.partition(b";")[0], 16)
        self._in_trailer = size == 0
        # The two bytes of the line end behind the chunk belong to it.
        self._chunk_left = size + 2 if size else 0
        return False


class BodyUntilEnd:
    """Ends with the connection; only responses may."""

    def take(self, received: bytes) -> tuple[int, bool]:
        return len(received), False
