"""Write once per loop turn: whatever was emitted in a turn leaves each session in one message at its end."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from antiphon.server.line import Line

__all__ = ["Flusher"]


class Flusher:
    """The lines of one server that have something to write.

    A session marks itself by `mark`, a C function: marking costs a broadcast no call per receiver. So whoever caused
    it, once per act, calls `soon`; the ticker calls it too, should somebody have forgotten.
    """

    def __init__(self, call_soon: Callable[[Callable[[], None]], object], clock: Callable[[], float]) -> None:
        self._call_soon = call_soon
        self._clock = clock
        self._dirty: list[Line] = []
        self._scheduled = False

    def mark_of(self, line: Line) -> Callable[[], None]:
        """What the session of `line` calls when it has something to write."""
        return partial(self._dirty.append, line)

    def soon(self) -> None:
        """Flush at the end of this turn of the loop."""
        if not self._scheduled:
            self._scheduled = True
            self._call_soon(self.run)

    def run(self) -> None:
        """Write what every marked session may let go. The loop body is Line.flush without a call per receiver."""
        self._scheduled = False
        now = self._clock()
        # A copy, since what is written may mark again; the list itself stays, `mark_of` has bound it.
        lines = self._dirty[:]
        self._dirty.clear()
        for line in lines:
            transport = line.transport
            session = line.session
            if transport is None or transport.congested or session.ending is not None:
                line.flush(now)
                continue
            for message in session.take(now, single=transport.single):
                transport.write(message)
            if session.ending is not None:
                line.finish()
            elif line.on_room is not None:
                line.look_for_room()  # where nobody acks, this is when there is some
        if self._dirty:
            self.soon()
