"""Schedules: what a seed makes the applications do, and what it does to them."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

__all__ = ["STEPS", "Step", "schedule"]

# How often each step is drawn. What the applications do comes first, then what befalls them.
STEPS: dict[str, int] = {
    "client_emits": 16,
    "client_emits_many": 3,
    "client_calls": 5,
    "client_streams": 5,
    "client_emits_volatile": 6,
    "client_emits_latest": 4,
    "client_joins": 4,
    "client_leaves": 2,
    "server_emits": 16,
    "server_emits_many": 3,
    "server_calls": 5,
    "server_streams": 5,
    "server_emits_volatile": 4,
    "server_emits_latest": 4,
    "server_puts_out": 1,
    "room_changes": 2,
    "time_passes": 24,
    "much_time_passes": 2,
    "window_passes": 1,
    "cut": 8,
    "websocket_changes": 5,
    "websocket_opens_again": 6,
    "http_suffers": 5,
    "latency_changes": 3,
    "network_goes_down": 2,
    "network_comes_back": 16,
    "pipe_goes_black": 2,
    "pipe_jams": 3,
    "pipe_flows": 6,
    "client_goes_offline": 1,
    "client_comes_online": 10,
    "client_sleeps": 1,
    "server_stalls": 1,
    "server_restarts": 1,
    "page_says_it_leaves": 1,
    "client_closes": 1,
    "client_connects": 10,
    "page_reloads": 1,
    "server_closes": 1,
    "stranger_comes": 2,
    "client_abuses": 1,
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
    names = list(STEPS)
    weights = [weight * random.choice((0.3, 1.0, 1.0, 3.0)) for weight in STEPS.values()]
    return [
        Step(
            name,
            random.getrandbits(16),
            random.getrandbits(16),
            random.getrandbits(16),
            random.choice((0.0, 0.0, 0.01, 0.05, 0.4)) * random.random(),
        )
        for name in random.choices(names, weights, k=steps)
    ]
