"""The simulation sees what it is there to see: planted mistakes in the product, each breaks its invariant."""

from __future__ import annotations

import pytest

from tests.simulation.hunting import Hunts, hunted
from tests.simulation.mutants import MUTANTS, Mutant


@pytest.fixture(scope="module")
def hunts() -> Hunts:
    """All hunts."""
    return hunted("tests.simulation.mutants", MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.breaks}: {mutant.name}")
def test_a_planted_mistake_breaks_its_invariant(mutant: Mutant, hunts: Hunts) -> None:
    found = hunts[mutant.name].result()

    assert found.returncode == 0, found.stdout + found.stderr


def test_every_invariant_is_broken_by_some_mistake() -> None:
    invariants = {f"I{number}" for number in range(1, 19)}

    assert invariants <= {mutant.breaks for mutant in MUTANTS}
    assert len(MUTANTS) >= 12
