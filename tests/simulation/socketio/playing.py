"""Schedules are played, many of them on several processors; one that fails is made as short as can be."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import traceback
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from antiphon.testing.simulation.virtual_time import LiveLock
from tests.simulation.socketio.judging import finish
from tests.simulation.socketio.schedule import Step, schedule
from tests.simulation.socketio.steps import Play

__all__ = ["Failure", "Played", "Totals", "play", "play_many", "shorten"]

LENGTH = 40
# Schedules are handed out in runs: fewer messages between the processes than schedules.
CHUNK = 20


class Failure(NamedTuple):
    """A schedule broke a rule, or the product."""

    seed: int
    names: tuple[str, ...]
    text: str
    steps: tuple[Step, ...]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"seed {self.seed} broke {', '.join(self.names)}", self.text, f"after {len(self.steps)} steps:"]
        return "\n".join([*lines, *(f"  {step}" for step in self.steps), "and so it went:", *self.notes])


class Played(NamedTuple):
    """What one schedule saw. `mark` says how it went: the same seed leaves the same one."""

    failure: Failure | None
    cuts: int
    messages: int
    recovered: int
    lives: int
    mark: str


class Totals(NamedTuple):
    """What all of them saw."""

    schedules: int = 0
    cuts: int = 0
    messages: int = 0
    recovered: int = 0
    lives: int = 0
    failures: tuple[Failure, ...] = ()

    def __str__(self) -> str:
        return (
            f"{self.schedules} schedules, {self.messages} events and calls, {self.cuts} cuts, {self.lives} stays, "
            f"{self.recovered} recovered, {len(self.failures)} failed"
        )


class _Log(logging.Handler):
    """What the product logs as an error is an exception that escaped."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(self.format(record))


def play(seed: int, steps: Sequence[Step] | None = None) -> Played:
    """Play one schedule to its end, or until something is broken."""
    planned = schedule(seed, LENGTH) if steps is None else steps
    logger, handler = logging.getLogger("antiphon"), _Log()
    logger.addHandler(handler)
    taken: list[Step] = []
    names: set[str] = set()
    text = ""
    gc.disable()
    stage = Play(seed)
    history = stage.history
    try:
        for step in planned:
            taken.append(step)
            stage.step(step)
            if history.violations:
                break
        else:
            finish(stage)
    except LiveLock as error:
        names, text = {"busy"}, str(error)
    except Exception as error:
        names, text = {"crash"}, "".join(traceback.format_exception(error))
    finally:
        gc.enable()
        logger.removeHandler(handler)
    names |= history.names
    text = "\n".join([text, *history.violations[:5]]).strip()
    if handler.records:
        names, text = {*names, "log"}, "\n".join([text, *handler.records[:2]])
    stage.discard()
    failure = Failure(seed, tuple(sorted(names)), text, tuple(taken), tuple(history.notes)) if names else None
    mark = f"{stage.time.turns} {history.messages} {len(history.lives)} {history.recovered}"
    return Played(failure, history.cuts, history.messages, history.recovered, len(history.lives), mark)


def play_many(seeds: range, processes: int | None = None, *, most_failures: int = 3) -> Totals:
    """Play the schedules of these seeds, and stop at the first failures."""
    totals = Totals()
    for played in _played(seeds, processes or min(2, os.cpu_count() or 1)):
        totals = Totals(
            totals.schedules + 1,
            totals.cuts + played.cuts,
            totals.messages + played.messages,
            totals.recovered + played.recovered,
            totals.lives + played.lives,
            totals.failures if played.failure is None else (*totals.failures, played.failure),
        )
        if len(totals.failures) >= most_failures:
            break
    return totals


def _played(seeds: range, processes: int) -> Iterator[Played]:
    if processes == 1 or len(seeds) < CHUNK:
        yield from map(play, seeds)
        return
    # spawn: a fork of a process that has threads may inherit a lock that nobody lets go.
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap_unordered(play, seeds, CHUNK)


def shorten(failure: Failure) -> Failure:
    """Leave out every step without which the same rule is still broken."""
    steps = list(failure.steps)
    size = max(1, len(steps) // 2)
    while size:
        place = 0
        while place < len(steps):
            again = play(failure.seed, steps[:place] + steps[place + size :]).failure
            if again is not None and set(again.names) & set(failure.names):
                steps, failure = list(again.steps), again
            else:
                place += size
        size //= 2
    return failure
