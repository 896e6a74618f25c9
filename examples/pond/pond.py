"""What happens in the water: who swims in one pond, what falls into it, and who eats it. It knows no network."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from examples.pond.words import HEIGHT, WIDTH, Fish, Flake

__all__ = ["Pond"]

# In units of the pond. A mouth is where the fish is said to be.
REACH = 30.0
SHORE = 60.0
# A flake falls so often per tick and fish, until there are enough.
CHANCE = 0.04
FEWEST_FLAKES = 5
MOST_FLAKES = 40


class Pond:
    """One pond. `chance` gives numbers from 0 to 1."""

    def __init__(self, chance: Callable[[], float]) -> None:
        self.fish: dict[str, Fish] = {}
        self.flakes: dict[int, Flake] = {}
        self._chance = chance
        self._fallen = 0

    def enter(self, fish: Fish) -> None:
        """Let a fish come in, somewhere in the middle, where the others see it."""
        fish.x, fish.y = self._place(HEIGHT / 3)
        self.fish[fish.id] = fish

    def feed(self) -> Flake | None:
        """Perhaps let a flake fall: into a pond with fish, and the more of them, the more."""
        enough = min(FEWEST_FLAKES + 2 * len(self.fish), MOST_FLAKES)
        if len(self.flakes) >= enough or self._chance() >= CHANCE * len(self.fish):
            return None
        self._fallen += 1
        flake = self.flakes[self._fallen] = Flake(self._fallen, *self._place(SHORE))
        return flake

    def eat(self) -> list[tuple[int, str, int]]:
        """Let every flake that a fish can reach be eaten by the nearest one: flake, fish, and its new score."""
        meals = []
        for flake in list(self.flakes.values()):
            away_from = partial(distance, flake)
            eater = min((fish for fish in self.fish.values() if not fish.away), key=away_from, default=None)
            if eater is not None and away_from(eater) <= REACH:
                del self.flakes[flake.id]
                eater.score += 1
                meals.append((flake.id, eater.id, eater.score))
        return meals

    def _place(self, shore: float) -> tuple[float, float]:
        """A place at least so far from the shore, in whole units."""
        x, y = (round(shore + self._chance() * (side - 2 * shore)) for side in (WIDTH, HEIGHT))
        return x, y


def distance(flake: Flake, fish: Fish) -> float:
    """How far it is from one to the other."""
    return math.dist((flake.x, flake.y), (fish.x, fish.y))
