"""What the HTTP transports of a client have in common: requests that speak for a session, and what a bad end says."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from antiphon.errors import RemoteProtocolError
from antiphon.protocol.closing import TransportCode
from antiphon.protocol.codec import Codec
from antiphon.protocol.packets import Welcome
from antiphon.types import Data

__all__ = ["PUSH_WAIT", "HttpRequest", "Keyholder", "Requests", "Told", "lost_by"]

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


class Keyholder(Protocol):
    """Whom the requests speak for: the session."""

    attempt: int

    @property
    def key(self) -> str: ...


class Requests:
    """The requests of one attach, numbered. From its Welcome on they carry the credentials."""

    def __init__(self, codec: Codec, owner: Keyholder, make: Callable[[HttpRequest], None]) -> None:
        self.attached = False
        self._codec = codec
        self._owner = owner
        self._make = make
        self._token = 0
        self._attempt = 0
        self._sid = ""

    def first(self, verb: str, message: Data, timeout: float) -> int:
        """Make a request that holds a Hello or a Ping; returns its token."""
        # Another attach may begin beside this one and raise the counter.
        self._attempt = self._owner.attempt
        return self._post(verb, (), message, timeout)

    def later(self, verb: str, message: Data, timeout: float) -> int:
        """Make a request of the session that this attach was welcomed to; returns its token."""
        credentials = (
            ("Antiphon-Session", self._sid),
            ("Antiphon-Key", self._owner.key),
            ("Antiphon-Attempt", str(self._attempt)),
            ("Antiphon-Request", str(self._token + 1)),
        )
        return self._post(verb, credentials, message, timeout)

    def look_for_welcome(self, message: Data) -> None:
        """The answer to a first request came. Its sid is kept: the session may forget it before the last push."""
        try:
            packets = self._codec.decode(message).packets
        except RemoteProtocolError:
            return  # the connector reads it too, and drops the link
        for packet in packets:
            if isinstance(packet, Welcome):
                self._sid, self.attached = packet.sid, True

    def _post(self, verb: str, headers: tuple[tuple[str, str], ...], message: Data, timeout: float) -> int:
        self._token += 1
        self._make(HttpRequest(self._token, verb, headers, message, timeout))
        return self._token


def lost_by(reason: str = "") -> Told:
    """The transport is lost; `reason` is what the server said about it, `<word>:<reason>`."""
    if reason.startswith("fenced:"):
        return Told(lost=True, code=TransportCode.FENCED, reason=reason.removeprefix("fenced:"))
    return Told(lost=True, reason=reason)
