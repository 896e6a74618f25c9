"""HTTP requests and responses through the network: lost, doubled, late, or answered into the void."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import NamedTuple

from antiphon.client.requests import HttpRequest
from antiphon.testing.simulation.virtual_time import VirtualTime
from antiphon.types import Data

__all__ = ["Exchange", "Fate", "Reply"]


class Fate(Enum):
    """What the network does to one exchange."""

    FINE = auto()
    REQUEST_LOST = auto()
    ANSWER_LOST = auto()
    DOUBLED = auto()


class Reply(NamedTuple):
    """An HTTP response: status, body, and the reason header."""

    status: int
    body: Data = b""
    reason: str = ""


class Exchange:
    """One POST. `serve(exchange)` brings a copy to the server, `end(reply)` the answer to the client, None for none."""

    def __init__(
        self,
        time: VirtualTime,
        request: HttpRequest,
        form: str,
        *,
        fate: Fate,
        latency: Callable[[], float],
        late: float,
        tells: float | None,
        serve: Callable[[Exchange], None],
        end: Callable[[Reply | None], None],
    ) -> None:
        """`late`: when the second copy arrives. `tells`: when the client learns of a loss (None: by its timeout)."""
        self.request = request
        self.form = form
        self.arrived = False
        self.over = False
        self._time = time
        self._fate = fate
        self._latency = latency
        self._tells = tells
        self._serve = serve
        self._end = end
        time.after(request.timeout, self._time_out)
        if fate is Fate.REQUEST_LOST:
            self._lose()
        else:
            time.after(latency(), self._arrive)
            if fate is Fate.DOUBLED:
                time.after(late, self._arrive)

    def cut(self) -> None:
        """The connection breaks: before the server had it the request is lost, afterwards the answer."""
        self._fate = Fate.ANSWER_LOST if self.arrived else Fate.REQUEST_LOST
        self._lose()

    def abandon(self) -> None:
        """The client does not wait for the answer any more."""
        self.over = True

    def answered(self, reply: Reply) -> None:
        """The server answers one copy; the client reads the first answer that comes."""
        if self._fate is Fate.ANSWER_LOST:
            self._lose()
        else:
            self._time.after(self._latency(), lambda: self._finish(reply))

    def _arrive(self) -> None:
        if self._fate is not Fate.REQUEST_LOST:
            self.arrived = True
            self._serve(self)

    def _lose(self) -> None:
        if self._tells is not None:
            self._time.after(self._tells, lambda: self._finish(None))

    def _time_out(self) -> None:
        self._finish(None)

    def _finish(self, reply: Reply | None) -> None:
        if not self.over:
            self.over = True
            self._end(reply)
