"""A WebSocket-like stream through the network: two directions, each in order, each with troubles of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

from antiphon.testing.simulation.virtual_time import VirtualTime
from antiphon.types import Data

__all__ = ["Close", "Pipe", "Stream", "StreamEnd"]


class Close(NamedTuple):
    """The closing handshake, with its code and reason."""

    code: int = 1000
    reason: str = ""


class StreamEnd(Protocol):
    """Who sits at one end of a stream."""

    def arrived(self, item: Data | Close) -> None:
        """A message, or the other end's close, came."""
        ...

    def taken(self, size: int) -> None:
        """The network took so many bytes of what this end wrote."""
        ...

    def broken(self) -> None:
        """The stream is cut, and this end was told."""
        ...


class Pipe:
    """One direction. `black`: what is sent vanishes. `jammed`: the network takes nothing for now.

    `black_after`: so many messages still get through.
    """

    def __init__(self, time: VirtualTime, latency: Callable[[], float]) -> None:
        self.black = False
        self.black_after: int | None = None
        self.jammed = False
        self.cut = False
        self.sender: StreamEnd
        self.receiver: StreamEnd
        self._time = time
        self._latency = latency
        self._unsent: deque[Data | Close] = deque()
        self._flying: deque[Data | Close | None] = deque()
        self._last = 0.0

    def send(self, item: Data | Close) -> None:
        """Send a message, or the close behind all messages."""
        self._unsent.append(item)
        if not self.jammed:
            self._time.soon(self._take)

    def jam(self, jammed: bool) -> None:
        """Stop taking, or go on with it."""
        self.jammed = jammed
        if not jammed:
            self._time.soon(self._take)

    def truncate(self, keep: int) -> int:
        """Cut here: of what is on its way only the first `keep` still arrive. Returns how many are lost."""
        self.cut = True
        lost = len(self._unsent)
        self._unsent.clear()
        for place, item in enumerate(self._flying):
            if item is not None and place >= keep:
                self._flying[place] = None
                lost += 1
        return lost

    @property
    def flying(self) -> int:
        """How many messages are on their way."""
        return len(self._flying)

    @property
    def quiet_at(self) -> float:
        """When the last of what is on its way arrives."""
        return self._last

    def _take(self) -> None:
        while self._unsent and not self.jammed:
            item = self._unsent.popleft()
            if self.black_after is not None:
                self.black = self.black or self.black_after == 0
                self.black_after = max(0, self.black_after - 1)
            if not self.cut and not self.black:
                self._last = max(self._last, self._time.now + self._latency())
                self._flying.append(item)
                self._time.at(self._last, self._arrive)
            if not isinstance(item, Close):
                self.sender.taken(len(item))

    def _arrive(self) -> None:
        item = self._flying.popleft()
        if item is not None:
            self.receiver.arrived(item)


class Stream:
    """Both directions of one connection."""

    def __init__(self, time: VirtualTime, latency: Callable[[], float]) -> None:
        self.up = Pipe(time, latency)
        self.down = Pipe(time, latency)
        self.over = False
        self._time = time

    def join(self, client: StreamEnd, server: StreamEnd) -> None:
        """Put the two ends to it."""
        self.up.sender, self.up.receiver = client, server
        self.down.sender, self.down.receiver = server, client

    def sever(self, keep_up: int, keep_down: int, tell_client: float | None, tell_server: float | None) -> int:
        """Cut it: so many messages still arrive each way, and each end is told after so long (None: never)."""
        self.over = True
        lost = self.up.truncate(keep_up) + self.down.truncate(keep_down)
        for end, pipe, delay in (
            (self.down.receiver, self.down, tell_client),
            (self.up.receiver, self.up, tell_server),
        ):
            if delay is not None:
                self._time.at(max(self._time.now + delay, pipe.quiet_at), end.broken)
        return lost
