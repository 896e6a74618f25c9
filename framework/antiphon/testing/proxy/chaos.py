"""Random faults at random times, from a seed."""

import asyncio
import random
from dataclasses import dataclass, fields
from types import TracebackType
from typing import Literal, Self, assert_never

from antiphon.testing.proxy.faults import Answer, Direction, Ending, Refusal
from antiphon.testing.proxy.link import Link
from antiphon.testing.proxy.switches import Switches
from antiphon.testing.proxy.tasks import Tasks

Disturbance = Literal[
    "stall", "trickle", "delay", "black_hole", "refuse_upgrades", "lose_response", "repeat_post", "offline"
]
DISTURBANCES: tuple[Disturbance, ...] = (
    "stall",
    "trickle",
    "delay",
    "black_hole",
    "refuse_upgrades",
    "lose_response",
    "repeat_post",
    "offline",
)
DIRECTIONS = (Direction.UP, Direction.DOWN)

# A small size, so that it falls inside a message that goes through soon.
FARTHEST_CUT = 200
# How long a cut waits for its bytes before it is made without them.
PATIENCE = 0.25
# Between two looks for a connection worth cutting, when there is none.
PAUSE = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How often each disturbance comes, relative to the others; 0 is never."""

    stall: float = 2.0
    trickle: float = 1.0
    delay: float = 2.0
    black_hole: float = 1.0
    refuse_upgrades: float = 1.0
    lose_response: float = 2.0
    repeat_post: float = 2.0
    offline: float = 0.5

    def __post_init__(self) -> None:
        for weight in fields(self):
            if not 0 <= (given := getattr(self, weight.name)) < float("inf"):
                raise ValueError(f"the weight {weight.name!r} must be a finite number, 0 or more, not {given}")


class Chaos:
    """Cuts and disturbances as two independent random processes, while its context lasts; calm afterwards.

    Each cut takes one connection with open traffic, half of the time by RST; the share `inside` of them
    waits for a few more bytes, which mostly end inside a message. When no connection has open traffic, a
    cut that is due waits for one, and later ones catch up. A disturbance lasts `longest` seconds at most;
    connections that lost bytes in a black hole are cut at its end. Lost responses and repeated POSTs
    strike requests whose path ends in `path`.

    The seed decides when and what; which connection it hits depends on those that live at the time.
    """

    def __init__(
        self,
        switches: Switches,
        *,
        seed: int,
        cuts_per_second: float,
        inside: float,
        disturbances_per_second: float,
        longest: float,
        weights: Weights,
        path: str | None,
    ) -> None:
        if not 0 <= inside <= 1:
            raise ValueError(f"inside is the share of cuts aimed inside a message, between 0 and 1, not {inside}")
        self._switches = switches
        self._seed = seed
        self._cuts_per_second = cuts_per_second
        self._inside = inside
        self._disturbances_per_second = disturbances_per_second
        self._longest = longest
        self._weights = [getattr(weights, kind) for kind in DISTURBANCES]
        self._path = path
        self._tasks = Tasks()

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def start(self) -> None:
        if self._cuts_per_second > 0:
            self._tasks.spawn(self._cut_for_ever())
        if self._disturbances_per_second > 0 and any(self._weights):
            self._tasks.spawn(self._disturb_for_ever())

    async def stop(self) -> None:
        await self._tasks.close()
        self._switches.calm()

    async def _cut_for_ever(self) -> None:
        dice = random.Random(f"cuts {self._seed}")
        clock = asyncio.get_running_loop()
        due = clock.time()
        while True:
            due += dice.expovariate(self._cuts_per_second)
            # All dice are thrown before the connections are looked at, so that the schedule is the seed's.
            pick, inside = dice.random(), dice.random() < self._inside
            direction, ending = dice.choice(DIRECTIONS), dice.choice(list(Ending))
            size = dice.randint(1, FARTHEST_CUT)
            await asyncio.sleep(due - clock.time())
            # No event for this: whether a connection is busy changes with every byte.
            while not (busy := [link for link in self._switches.links if link.busy]):  # noqa: ASYNC110
                await asyncio.sleep(PAUSE)
            link = busy[int(pick * len(busy))]
            if inside:
                await self._cut_inside(link, size, direction, ending)
            else:
                link.cut(ending)

    async def _cut_inside(self, link: Link, size: int, direction: Direction, ending: Ending) -> None:
        link.arm(size, direction, ending)
        try:
            async with asyncio.timeout(PATIENCE):
                await link.over.wait()
        except TimeoutError:
            link.cut(ending)

    async def _disturb_for_ever(self) -> None:
        dice = random.Random(f"disturbances {self._seed}")
        while True:
            await asyncio.sleep(dice.expovariate(self._disturbances_per_second))
            [disturbance] = dice.choices(DISTURBANCES, self._weights)
            direction, refusal = dice.choice((*DIRECTIONS, Direction.BOTH)), dice.choice(list(Refusal))
            answer, seconds = dice.choice(list(Answer)), dice.uniform(0, self._longest)
            if self._begin(disturbance, direction, refusal, answer, seconds):
                await asyncio.sleep(seconds)
                self._end(disturbance)

    def _begin(
        self, disturbance: Disturbance, direction: Direction, refusal: Refusal, answer: Answer, seconds: float
    ) -> bool:
        """Whether it lasts, and has to be ended."""
        match disturbance:
            case "stall":
                self._switches.stall(direction)
            case "trickle":
                self._switches.trickle(direction, interval=0.0)
            case "delay":
                self._switches.delay(seconds, direction)
            case "black_hole":
                self._switches.black_hole(direction)
            case "refuse_upgrades":
                self._switches.refuse_upgrades(refusal, cut_established=True)
            case "lose_response":
                self._switches.lose_responses(path=self._path)
                return False
            case "repeat_post":
                self._switches.repeat_posts(path=self._path, answer=answer, lag=seconds)
                return False
            case "offline":
                self._switches.offline()
            case _:
                assert_never(disturbance)
        return True

    def _end(self, disturbance: Disturbance) -> None:
        match disturbance:
            case "refuse_upgrades":
                self._switches.allow_upgrades()
            case "offline":
                self._switches.online()
            case _:
                self._switches.release()
        if disturbance == "black_hole":
            for link in self._switches.links:
                if link.swallowing:
                    link.cut(Ending.RESET)
