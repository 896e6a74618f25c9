"""Long-polling from the client's end. Pure: it says which requests to make and is told how they went.

One poll is always open and one push at most is in flight. Whatever goes wrong with a request, the transport is lost:
the next attach finds out what arrived, so nothing has to be repeated here (contract rule 18).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from antiphon.client.requests import PUSH_WAIT, HttpRequest, Keyholder, Requests, Told, lost_by
from antiphon.protocol.codec import Codec
from antiphon.protocol.packets import Ack
from antiphon.types import Data

__all__ = ["PollingPort"]

# A poll is answered within 20 s; with so much more the network had its time (contract rule 20).
POLL_WAIT = 40.0


class Owner(Keyholder, Protocol):
    """What the polls and headers are made from: the session."""

    def progress(self) -> Ack: ...


class PollingPort:
    """One attach over HTTP. `request` makes a POST and returns at once; its end is told by `answered` or `failed`."""

    single = True
    pings = False

    def __init__(self, codec: Codec, owner: Owner, request: Callable[[HttpRequest], None]) -> None:
        self.congested = False
        self._codec = codec
        self._owner = owner
        self._requests = Requests(codec, owner, request)
        self._poll = 0
        self._push = 0
        self._closed = False

    def write(self, message: Data) -> None:
        """See Port.write: before Welcome it is an attach, then a push."""
        if self._closed:
            return
        self.congested = True
        if self._requests.attached:
            self._push = self._requests.later("push", message, PUSH_WAIT)
        else:
            self._push = self._requests.first("attach", message, PUSH_WAIT)

    def close(self) -> None:
        """See Port.close."""
        self._closed = True
        self.congested = True

    def poll(self) -> None:
        """Open the next poll, once the last answer was taken in."""
        if self._requests.attached and not self._closed and not self._poll:
            head = self._codec.pack(0, 0, [self._codec.encode(self._owner.progress())])
            self._poll = self._requests.later("poll", head, POLL_WAIT)

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
            if not self._requests.attached:
                self._requests.look_for_welcome(body)
            return Told(message=body)
        if status == 204 and was_poll:
            return Told()
        return lost_by(reason if status == 409 else "")

    def failed(self, token: int) -> Told:
        """A request had no answer."""
        if self._closed or token not in (self._poll, self._push):
            return Told()
        return lost_by()
