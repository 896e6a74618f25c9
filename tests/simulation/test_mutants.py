"""The simulation sees what it is there to see: planted mistakes in the product, each breaks its invariant."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.simulation.mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]


def hunt(mutant: Mutant) -> subprocess.CompletedProcess[str]:
    """In a process of its own: the change has to be in place before the product is imported."""
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation.mutants", mutant.name],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def hunts() -> dict[str, Future[subprocess.CompletedProcess[str]]]:
    """All hunts, two at a time."""
    pool = ThreadPoolExecutor(2)
    return {mutant.name: pool.submit(hunt, mutant) for mutant in MUTANTS}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.breaks}: {mutant.name}")
def test_a_planted_mistake_breaks_its_invariant(
    mutant: Mutant, hunts: dict[str, Future[subprocess.CompletedProcess[str]]]
) -> None:
    found = hunts[mutant.name].result()

    assert found.returncode == 0, found.stdout + found.stderr


def test_every_invariant_is_broken_by_some_mistake() -> None:
    invariants = {f"I{number}" for number in range(1, 19)}

    assert invariants <= {mutant.breaks for mutant in MUTANTS}
    assert len(MUTANTS) >= 12
