"""Long-polling from the client's end. Pure: it says which requests to make and is told how they went.

One poll is always open and one push at most is in flight. Whatever goes wrong with a request, the transport is lost:
the next attach finds out what arrived, so nothing has to be repeated here (contract rule 18).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from antiphon.errors import RemoteProtocolError
from antiphon.protocol.closing import TransportCode
from antiphon.protocol.codec import Codec
from antiphon.protocol.packets import Ack, Welcome
from antiphon.types import Data

__all__ = ["HttpRequest", "PollingPort"]

# A poll is answered within 20 s; with so much more the network had its time (contract rule 20).
POLL_WAIT = 40.0
PUSH_WAIT = 20.0


class HttpRequest(NamedTuple):
    """One POST to make. `token` comes back with the answer."""

    token: int
    verb: str
    headers: tuple[tuple[str, str], ...]
    body: Data
    timeout: float

    def __repr__(self) -> str:
        return f"HttpRequest({self.token}, {self.verb!r}, {len(self.body)} bytes)"  # the rest holds a key


class Told(NamedTuple):
    """What became of a request: a message for the connector, or the transport is lost with a code."""

    message: Data | None = None
    lost: bool = False
    code: int = 0
    reason: str = ""


class Owner(Protocol):
    """What the polls and headers are made from: the session."""

    attempt: int

    @property
    def key(self) -> str: ...

    def progress(self) -> Ack: ...


class PollingPort:
    """One attach over HTTP. `request` makes a POST and returns at once; its end is told by `answered` or `failed`."""

    single = True
    pings = False

    def __init__(self, codec: Codec, owner: Owner, request: Callable[[HttpRequest], None]) -> None:
        self.congested = False
        self._codec = codec
        self._owner = owner
        self._request = request
        self._token = 0
        self._poll = 0
        self._push = 0
        self._attached = False
        self._closed = False
        self._attempt = 0
        self._sid = ""

    def write(self, message: Data) -> None:
        """See Port.write: before Welcome it is an attach, then a push."""
        if self._closed:
            return
        self.congested = True
        if self._attached:
            self._push = self._post("push", message, PUSH_WAIT)
        else:
            self._attempt = self._owner.attempt
            self._push = self._post("attach", message, PUSH_WAIT)

    def close(self) -> None:
        """See Port.close."""
        self._closed = True
        self.congested = True

    def poll(self) -> None:
        """Open the next poll, once the last answer was taken in."""
        if self._attached and not self._closed and not self._poll:
            head = self._codec.pack(0, 0, [self._codec.encode(self._owner.progress())])
            self._poll = self._post("poll", head, POLL_WAIT)

    def answered(self, token: int, status: int, body: Data, reason: str = "") -> Told:
        """A request was answered. After a message was taken in the shell calls `poll`."""
        if self._closed or token not in (self._poll, self._push):
            return Told()
        was_poll = token == self._poll
        if was_poll:
            self._poll = 0
        else:
            self._push = 0
            self.congested = False
        if status == 200:
            if not self._attached and not was_poll:
                self._sid = _welcomed_as(self._codec, body)
                self._attached = bool(self._sid)
            return Told(message=body)
        if status == 204 and was_poll:
            return Told()
        code = TransportCode.FENCED if status == 409 and reason.startswith("fenced:") else 0
        return Told(lost=True, code=code, reason=reason.removeprefix("fenced:"))

    def failed(self, token: int) -> Told:
        """A request had no answer."""
        if self._closed or token not in (self._poll, self._push):
            return Told()
        return Told(lost=True)

    def _post(self, verb: str, message: Data, timeout: float) -> int:
        self._token += 1
        headers: list[tuple[str, str]] = []
        if verb != "attach":
            headers = [
                ("Antiphon-Session", self._sid),
                ("Antiphon-Key", self._owner.key),
                ("Antiphon-Attempt", str(self._attempt)),
                ("Antiphon-Request", str(self._token)),
            ]
        self._request(HttpRequest(self._token, verb, tuple(headers), message, timeout))
        return self._token


def _welcomed_as(codec: Codec, body: Data) -> str:
    """The sid of a Welcome. Kept here, since the last push of a session leaves when the session has forgotten it."""
    try:
        packets = codec.decode(body).packets
    except RemoteProtocolError:
        return ""  # the connector reads it too, and drops the link
    return next((packet.sid for packet in packets if isinstance(packet, Welcome)), "")
