"""Many schedules on several processors: the first that fails ends the run."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from antiphon.testing.simulation.applications import open_page as in_python
from antiphon.testing.simulation.page import OpenPage
from antiphon.testing.simulation.runner import Failure, Played, play, shorten

__all__ = ["Totals", "play_many", "report"]

# Schedules are handed out in runs: fewer messages between the processes than schedules.
CHUNK = 25
# And for a few no other process is worth its start.
FEW = 50


class Totals(NamedTuple):
    """What all schedules of one run saw; `failures` holds at most a few."""

    schedules: int
    cuts: int
    messages: int
    sessions: int
    failures: tuple[Failure, ...]


def play_many(
    seeds: range, processes: int | None = None, *, most_failures: int = 1, open_page: OpenPage = in_python
) -> Totals:
    """Play the schedules of these seeds with the clients of `open_page`, and stop at the first failures."""
    processes = processes or min(2, os.cpu_count() or 1)
    totals = Totals(0, 0, 0, 0, ())
    for played in _played(seeds, processes, partial(play, open_page=open_page)):
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


def _played(seeds: range, processes: int, one: Callable[[int], Played]) -> Iterator[Played]:
    if processes == 1:
        yield from map(one, seeds)
        return
    # spawn: a fork of a process that has threads may inherit a lock that nobody lets go.
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap_unordered(one, seeds, CHUNK)


def report(
    seeds: range, open_page: OpenPage, program: str, *, processes: int | None = None, shortest: bool = False
) -> bool:
    """Play them and print how it went; whether every schedule held. `program` is the command that plays one again."""
    begun = time.monotonic()
    totals = play_many(seeds, 1 if len(seeds) < FEW else processes, open_page=open_page)
    print(
        f"{totals.schedules} schedules, {totals.sessions} sessions, {totals.messages} events and calls, "
        f"{totals.cuts} cuts in {time.monotonic() - begun:.1f} s"
    )
    for failure in totals.failures:
        if shortest:
            failure = shorten(failure, open_page)
        print(failure)
        print("the history:", *failure.history, sep="\n  ")
        print(f"to play it again: {program} --schedules 1 --seed {failure.seed}")
    return not totals.failures
