"""Which random faults come when: endless plans from a seed, without a clock or a connection."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Literal

from antiphon.testing.proxy.faults import Answer, Direction, Ending, Refusal

Kind = Literal["stall", "trickle", "delay", "black_hole", "refuse_upgrades", "lose_response", "repeat_post", "offline"]

DIRECTIONS = (Direction.UP, Direction.DOWN)
# A small size, so that it falls inside a message that goes through soon.
FARTHEST_CUT = 200
# Silence is rarer than the refusals that are answered: whoever meets it waits for 10 s.
REFUSALS = (3, 3, 1)
# Requests whose response is lost, or that are repeated, by one disturbance.
MOST_STRUCK = 4


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
        for kind in fields(self):
            if not 0 <= (weight := getattr(self, kind.name)) < float("inf"):
                raise ValueError(f"the weight {kind.name!r} must be a finite number, 0 or more, not {weight}")

    def table(self) -> dict[Kind, float]:
        return {
            "stall": self.stall,
            "trickle": self.trickle,
            "delay": self.delay,
            "black_hole": self.black_hole,
            "refuse_upgrades": self.refuse_upgrades,
            "lose_response": self.lose_response,
            "repeat_post": self.repeat_post,
            "offline": self.offline,
        }


@dataclass(frozen=True, slots=True)
class Cut:
    """`after`: seconds since the cut before. `pick`: which of the candidates, as a share of them."""

    after: float
    pick: float
    inside: bool
    size: int
    direction: Direction
    ending: Ending


@dataclass(frozen=True, slots=True)
class Disturbance:
    """`after`: seconds since the end of the one before. Each kind takes of the other fields what it needs.

    `pick`: which of the candidates, as a share of them; `silently`: nobody is told of a black hole's end by a cut.
    """

    after: float
    kind: Kind
    seconds: float
    direction: Direction
    refusal: Refusal
    answer: Answer
    pick: float
    count: int
    silently: bool


def cuts(seed: int, *, per_second: float, inside: float) -> Iterator[Cut]:
    """A Poisson process; `inside` is the share that is to wait for a few more bytes."""
    dice = random.Random(f"cuts {seed}")
    while True:
        yield Cut(
            after=dice.expovariate(per_second),
            pick=dice.random(),
            inside=dice.random() < inside,
            size=dice.randint(1, FARTHEST_CUT),
            direction=dice.choice(DIRECTIONS),
            ending=dice.choice(list(Ending)),
        )


def disturbances(seed: int, *, per_second: float, longest: float, weights: Weights) -> Iterator[Disturbance]:
    """One at a time, with pauses of 1 / `per_second` on average between them."""
    dice = random.Random(f"disturbances {seed}")
    table = weights.table()
    kinds = [kind for kind, weight in table.items() if weight]
    while kinds:
        [kind] = dice.choices(kinds, [table[kind] for kind in kinds])
        yield Disturbance(
            after=dice.expovariate(per_second),
            kind=kind,
            seconds=dice.uniform(0, longest),
            direction=dice.choice((*DIRECTIONS, Direction.BOTH)),
            refusal=dice.choices(list(Refusal), REFUSALS)[0],
            answer=dice.choice(list(Answer)),
            pick=dice.random(),
            count=dice.randint(1, MOST_STRUCK),
            silently=dice.random() < 0.5,
        )
