"""Schedules: what a seed makes server and clients do, and what becomes of their connections meanwhile."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

__all__ = ["STEPS", "Step", "schedule"]

# How often each step is drawn. What the applications do comes first, then what befalls them.
STEPS: dict[str, int] = {
    "server_emits": 10,
    "server_emits_many": 5,
    "server_emits_to_one": 8,
    "server_emits_volatile": 5,
    "server_calls": 6,
    "client_emits": 10,
    "client_emits_many": 5,
    "client_shouts": 4,
    "client_emits_volatile": 3,
    "client_calls": 6,
    "server_puts_out": 1,
    "server_ends": 1,
    "client_leaves": 1,
    "client_joins": 5,
    "time_passes": 12,
    "window_passes": 1,
    "everything_breaks": 3,
    "request_breaks": 5,
    "websocket_breaks": 5,
    "upgrade_breaks": 2,
    "websocket_jams": 2,
    "websockets_are_blocked": 1,
    "pace_changes": 2,
}


class Step(NamedTuple):
    """One step; `a`, `b` and `c` say which, how many and how, `pause` how much time passes afterwards."""

    name: str
    a: int
    b: int
    c: int
    pause: float

    def __str__(self) -> str:
        return f"{self.name}({self.a}, {self.b}, {self.c}), then {self.pause:.3f} s"


def schedule(seed: int, steps: int) -> list[Step]:
    """The steps of a seed. Each seed has its own taste: some faults come often in it, others never."""
    random = Random(seed)
    weights = [weight * random.choice((0.0, 1.0, 1.0, 3.0)) for weight in STEPS.values()]
    return [
        Step(
            name,
            random.getrandbits(16),
            random.getrandbits(16),
            random.getrandbits(16),
            random.choice((0.0, 0.0, 0.02, 0.2, 0.6)) * random.random(),
        )
        for name in random.choices([*STEPS], weights, k=steps)
    ]
