"""What POSTs of a Socket.IO client bring: handed over packet by packet, in turns, at a pace, while there is room."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from antiphon.errors import RemoteProtocolError
from antiphon.protocol.closing import Loss
from antiphon.protocol.pace import Pace
from antiphon.types import Data

__all__ = ["Intake"]

# So many packets of a payload are handed over in one turn of the loop; others have theirs before the rest.
TURN = 16


class Intake:
    """One payload at a time: `hand_over` is given each packet, `taken` told of the end, `broken` why it is none."""

    __slots__ = (
        "_broken",
        "_clock",
        "_hand_over",
        "_held",
        "_next",
        "_pace",
        "_rest",
        "_slowed",
        "_soon",
        "_taken",
        "_waits",
    )

    def __init__(
        self,
        hand_over: Callable[[Data], None],
        *,
        taken: Callable[[], None],
        broken: Callable[[Loss], None],
        clock: Callable[[], float],
        soon: Callable[[Callable[[], None]], object],
        pace: Pace,
        slowed: Callable[[], object],
    ) -> None:
        """`soon(callback)` has it called in the next turn of the loop; `slowed` is told whenever they came too fast."""
        self._hand_over = hand_over
        self._taken = taken
        self._broken = broken
        self._clock = clock
        self._soon = soon
        self._pace = pace
        self._slowed = slowed
        self._rest: Iterator[Data] = iter(())
        self._next: Data | None = None
        self._held: Callable[[], bool] | None = None
        self._waits = False  # it goes on at a tick

    def begin(self, packets: Iterator[Data]) -> None:
        """Hand these over. An iterator that raises RemoteProtocolError is broken from there on."""
        self._rest = packets
        self._read_on()
        self._go_on()

    def hold(self, until: Callable[[], bool]) -> None:
        """Hand over nothing more until `until` is true; it is asked at each tick."""
        self._held = until

    def tick(self) -> None:
        """Some time has passed."""
        if self._waits:
            self._go_on()

    def stop(self) -> None:
        """Nothing of the rest counts any more."""
        self._rest, self._next = iter(()), None

    def _go_on(self) -> None:
        turn, pace = TURN, self._pace
        while (packet := self._next) is not None:
            self._waits = True
            if self._held is not None and not self._held():
                return
            self._held = None
            if pace.left < 1.0 and pace.wait(self._clock()):
                self._slowed()
                return
            self._waits = False
            if not turn:
                self._soon(self._go_on)
                return
            turn -= 1
            pace.left -= 1.0
            self._hand_over(packet)
            self._read_on()
        self._taken()

    def _read_on(self) -> None:
        """Only now: by what was handed over it may have been stopped."""
        try:
            self._next = next(self._rest, None)
        except RemoteProtocolError as error:
            self._next = None
            self._broken(Loss(error.message, violation=True))
