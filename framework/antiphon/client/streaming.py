"""An event stream from the client's end. Pure: it says which requests to make, and reads what they bring.

The stream brings every message down, so its silence is the transport's: what a push is answered is not read, or pushes
that work would hide a stream that does not. One push at most is in flight.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Callable, Iterator
from typing import NamedTuple

from antiphon.client.requests import PUSH_WAIT, HttpRequest, Keyholder, Requests, Told, lost_by
from antiphon.protocol.codec import Codec
from antiphon.types import Data

__all__ = ["Event", "EventParser", "StreamingPort"]

CONTENT_TYPE = "text/event-stream"
# Names of fields and line breaks around the text of an event.
HEAD = 64
NEVER = float("inf")


class Event(NamedTuple):
    """One event: messages have no name, the last event of a closed stream is named "close"."""

    name: str
    text: bytes


class EventParser:
    """Events out of bytes, however they are cut. Only what our server writes: lines end with a line feed."""

    def __init__(self, most: int) -> None:
        """`most` bounds one event, in bytes."""
        self._most = most
        self._held = bytearray()

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that are complete with these bytes. Raises ValueError for one that is too long."""
        held = self._held
        looked_at = max(len(held) - 1, 0)
        held += chunk
        while (end := held.find(b"\n\n", looked_at)) >= 0 and end <= self._most:
            event = _read(bytes(held[:end]))
            del held[: end + 2]
            looked_at = 0
            if event is not None:
                yield event
        if len(held) > self._most + 1:
            raise ValueError(f"an event has at most {self._most} bytes; this one has more")


def _read(block: bytes) -> Event | None:
    """None for comments, and for fields that nobody knows."""
    name, text = "", None
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            text = value
        elif field == b"event":
            name = value.decode(errors="replace")
    return None if text is None else Event(name, text)


class StreamingPort:
    """One attach over an event stream. `request` makes a POST and returns at once.

    How a push ends is told by `answered` or `failed`. Of a stream it is told that it `opened`, what `came`, and that
    it `failed`, however it ended.
    """

    single = True
    pings = True

    def __init__(self, codec: Codec, owner: Keyholder, request: Callable[[HttpRequest], None], *, limit: int) -> None:
        """`limit` bounds a message, in bytes."""
        self.congested = False
        self._binary = codec.form == "msgpack"
        self._most = HEAD + (limit + 2) // 3 * 4
        self._requests = Requests(codec, owner, request)
        self._parser = EventParser(self._most)
        self._stream = 0
        self._push = 0
        self._closed = False

    def write(self, message: Data) -> None:
        """See Port.write: before Welcome it asks for a stream, then it is a push."""
        if self._closed:
            return
        if self._requests.attached:
            self.congested = True
            self._push = self._requests.later("push", message, PUSH_WAIT)
        else:
            # The Hello behind the Pong of a probe: what that stream still brings does not count.
            self._parser = EventParser(self._most)
            self._stream = self._requests.first("stream", message, NEVER)

    def close(self) -> None:
        """See Port.close."""
        self._closed = True
        self.congested = True

    def opened(self, token: int, status: int, content_type: str) -> Told:
        """The head of the answer to a stream's request came."""
        if self._closed or token != self._stream or (status == 200 and content_type == CONTENT_TYPE):
            return Told()
        return lost_by()

    def came(self, token: int, chunk: bytes) -> Iterator[Told]:
        """Bytes of a stream came: tell the connector of each message before the next is asked for."""
        events = self._parser.feed(chunk)
        while not self._closed and token == self._stream:
            try:
                event = next(events, None)
                if event is None:
                    return
                if event.name == "close":
                    yield lost_by(event.text.decode())
                    return
                message = a2b_base64(event.text, strict_mode=True) if self._binary else event.text.decode()
            except ValueError:
                yield lost_by()
                return
            if not self._requests.attached:
                self._requests.look_for_welcome(message)
            yield Told(message=message)

    def answered(self, token: int, status: int, reason: str = "") -> Told:
        """A push was answered; the shell then says that there is room."""
        if self._closed or token != self._push:
            return Told()
        self._push = 0
        self.congested = False
        if status == 200:
            return Told()
        return lost_by(reason if status == 409 else "")

    def failed(self, token: int) -> Told:
        """A push had no answer, or a stream ended."""
        if self._closed or token not in (self._stream, self._push):
            return Told()
        return lost_by()
