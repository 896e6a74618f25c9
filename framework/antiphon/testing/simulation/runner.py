"""Schedules are played, many of them on several processors; one that fails is made as short as can be."""

from __future__ import annotations

import gc
import logging
import traceback
from collections.abc import Sequence
from typing import NamedTuple

from antiphon.testing.simulation.applications import open_page as in_python
from antiphon.testing.simulation.finale import finish
from antiphon.testing.simulation.page import OpenPage
from antiphon.testing.simulation.schedule import Step, schedule
from antiphon.testing.simulation.steps import Play
from antiphon.testing.simulation.virtual_time import LiveLock

__all__ = ["Failure", "Played", "play", "shorten"]

STEPS = 200


class Failure(NamedTuple):
    """A schedule broke an invariant, or the product. `history` says what became of all that was sent."""

    seed: int
    names: tuple[str, ...]
    text: str
    steps: tuple[Step, ...]
    history: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"seed {self.seed} broke {', '.join(self.names)}", self.text, f"after {len(self.steps)} steps:"]
        return "\n".join(lines + [f"  {step}" for step in self.steps])


class Played(NamedTuple):
    """What one schedule saw. `mark` says how it went: the same seed leaves the same one, wherever it is played."""

    failure: Failure | None
    cuts: int
    messages: int
    sessions: int
    mark: str = ""


class _Log(logging.Handler):
    """What the product logs as an error is an exception that escaped a handler."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(self.format(record))


def play(seed: int, steps: Sequence[Step] | None = None, open_page: OpenPage = in_python) -> Played:
    """Play one schedule to its end, or until something is broken; `open_page` says with which client."""
    planned = schedule(seed, STEPS) if steps is None else steps
    logger, handler = logging.getLogger("antiphon"), _Log()
    logger.addHandler(handler)
    taken: list[Step] = []
    stage: Play | None = None
    names: tuple[str, ...] = ()
    text = ""
    # A stream that nobody holds any more says so, and a schedule must not depend on when a collector comes by.
    gc.disable()
    try:
        stage = Play(seed, open_page)
        for step in planned:
            taken.append(step)
            stage.step(step)
            if stage.history.violations:
                break
        else:
            finish(stage)
    except LiveLock as error:
        names, text = ("busy",), str(error)
    except Exception as error:
        names, text = ("crash",), "".join(traceback.format_exception(error))
    finally:
        gc.enable()
    if stage is not None and stage.history.violations and not names:
        names = tuple(sorted({name for violation in stage.history.violations for name in violation.names}))
        text = "\n".join(map(str, stage.history.violations[:5]))
    if handler.records:
        names, text = (*names, "crash"), "\n".join([text, *handler.records[:2]])
    failure = None
    if names:
        failure = Failure(seed, names, text, tuple(taken), () if stage is None else tuple(stage.history.lines()))
    if stage is not None:
        stage.discard()
    logger.removeHandler(handler)
    if stage is None:
        return Played(failure, 0, 0, 0)
    history = stage.history
    mark = f"{stage.time.now:.6f} {history.sent} {stage.network.requests} {stage.network.lost} {stage.time.turns}"
    messages = len(history.up) + len(history.down)
    return Played(failure, stage.network.cuts, messages, len(history.sessions), mark)


def shorten(failure: Failure, open_page: OpenPage = in_python) -> Failure:
    """Leave out every step without which the same invariant is still broken."""
    steps = list(failure.steps)
    size = max(1, len(steps) // 2)
    while size:
        place = 0
        while place < len(steps):
            shorter = steps[:place] + steps[place + size :]
            again = play(failure.seed, shorter, open_page).failure
            if again is not None and set(again.names) & set(failure.names):
                steps, failure = list(again.steps), again
            else:
                place += size
        size //= 2
    return failure
