"""Many schedules on several processors: the first that fails ends the run."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from typing import NamedTuple

from antiphon.testing.simulation.runner import Failure, Played, play

__all__ = ["Totals", "play_many"]

# Schedules are handed out in runs: fewer messages between the processes than schedules.
CHUNK = 25


class Totals(NamedTuple):
    """What all schedules of one run saw; `failures` holds at most a few."""

    schedules: int
    cuts: int
    messages: int
    sessions: int
    failures: tuple[Failure, ...]


def play_many(seeds: range, processes: int | None = None, *, most_failures: int = 1) -> Totals:
    """Play the schedules of these seeds, and stop at the first failures."""
    processes = processes or min(2, os.cpu_count() or 1)
    totals = Totals(0, 0, 0, 0, ())
    for played in _played(seeds, processes):
        totals = Totals(
            totals.schedules + 1,
            totals.cuts + played.cuts,
            totals.messages + played.messages,
            totals.sessions + played.sessions,
            totals.failures if played.failure is None else (*totals.failures, played.failure),
        )
        if len(totals.failures) >= most_failures:
            break
    return totals


def _played(seeds: range, processes: int) -> Iterator[Played]:
    if processes == 1:
        yield from map(play, seeds)
        return
    # spawn: a fork of a process that has threads may inherit a lock that nobody lets go.
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap_unordered(play, seeds, CHUNK)
