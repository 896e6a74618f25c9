"""Which faults are in force, as one state that every connection of the proxy reads."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, Flag


class Direction(Flag):
    """UP goes from the client to the server, DOWN back."""

    UP = 1
    DOWN = 2
    BOTH = 3


class Ending(Enum):
    """How a TCP connection ends: at once with RST, or in good order with FIN."""

    RESET = "reset"
    CLOSE = "close"


class Refusal(Enum):
    """What a client gets whose WebSocket upgrade is refused."""

    FORBIDDEN = "forbidden"
    BAD_GATEWAY = "bad-gateway"
    SILENCE = "silence"


class Answer(Enum):
    """Which of the two answers to a repeated POST the client gets.

    FIRST: the copy is sent beside the original, and what it brings is thrown away.
    SECOND: the original's answer is thrown away and the copy is sent after it, as a browser or a
    balancer does that lost an answer and tries again on its own.
    """

    FIRST = "first"
    SECOND = "second"


class Fate(Enum):
    """What becomes of one HTTP request."""

    ANSWERED = "answered"
    RESPONSE_LOST = "response lost"
    REPEATED_BESIDE = "repeated beside"
    REPEATED_AFTER = "repeated after"


class Passage(Enum):
    """What happens to the bytes of one direction."""

    PASS = "pass"
    STALL = "stall"
    TRICKLE = "trickle"
    SWALLOW = "swallow"


class Gate:
    """What all connections' bytes of one direction have to go through."""

    def __init__(self) -> None:
        self.passage = Passage.PASS
        self.interval = 0.0
        self.delay = 0.0
        self._changed = asyncio.Event()

    def turn(self, passage: Passage, *, interval: float = 0.0) -> None:
        self.passage = passage
        self.interval = interval
        self._tell()

    def hold(self, delay: float) -> None:
        self.delay = delay
        self._tell()

    def due(self, arrived: float, now: float) -> bool:
        return arrived + self.delay <= now

    async def opening(self, arrived: float) -> Passage:
        """Wait until bytes that arrived then may go on; what to do with them is returned."""
        clock = asyncio.get_running_loop()
        while self.passage is not Passage.SWALLOW:
            changed = self._changed
            if self.passage is Passage.STALL:
                await changed.wait()
            elif not self.due(arrived, now := clock.time()):
                with suppress(TimeoutError):
                    async with asyncio.timeout(arrived + self.delay - now):
                        await changed.wait()
            else:
                break
        return self.passage

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


@dataclass(slots=True, kw_only=True)
class Charge:
    """A fate for the next few requests that fit."""

    fate: Fate
    left: int
    path: str | None = None
    lag: float = 0.0

    def fits(self, method: str, path: str) -> bool:
        if self.fate is not Fate.RESPONSE_LOST and method != "POST":
            return False
        return self.path is None or path.partition("?")[0].endswith(self.path)


@dataclass(slots=True)
class Faults:
    up: Gate = field(default_factory=Gate)
    down: Gate = field(default_factory=Gate)
    refusal: Refusal | None = None
    offline: bool = False
    charges: list[Charge] = field(default_factory=list)

    def gates(self, direction: Direction) -> list[Gate]:
        pairs = ((Direction.UP, self.up), (Direction.DOWN, self.down))
        return [gate for side, gate in pairs if side in direction]

    def decide(self, method: str, path: str) -> tuple[Fate, float]:
        """The fate of a request that begins now, and the lag of its copy if one is sent; uses up a charge."""
        for charge in self.charges:
            if charge.fits(method, path):
                charge.left -= 1
                if not charge.left:
                    self.charges.remove(charge)
                return charge.fate, charge.lag
        return Fate.ANSWERED, 0.0
