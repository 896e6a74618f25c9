"""Hunts for planted mistakes, two at a time, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeAlias

from tests.simulation.mutants import Mutant

__all__ = ["Hunts", "hunted"]

ROOT = Path(__file__).parents[2]

Hunts: TypeAlias = dict[str, Future[subprocess.CompletedProcess[str]]]


def hunted(module: str, mutants: Iterable[Mutant]) -> Hunts:
    """What becomes of each, by its name: `python -m module NAME` is 0 where it is caught."""
    pool = ThreadPoolExecutor(2)
    return {mutant.name: pool.submit(partial(_hunt, module), mutant) for mutant in mutants}


def _hunt(module: str, mutant: Mutant) -> subprocess.CompletedProcess[str]:
    # In a process of its own: the change has to be in place before the product is imported.
    return subprocess.run(
        [sys.executable, "-m", module, mutant.name],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
