"""The client in TypeScript, as the simulation hosts it: planted mistakes are seen, and a seed is always the same."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.simulation.mutants import Mutant
from tests.simulation.typescript.compiling import copied
from tests.simulation.typescript.mutants import MUTANTS, hunt
from tests.simulation.typescript.node import NodeProcess
from tests.simulation.typescript.transcript import transcript

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def hunts(typescript: Path) -> Iterator[dict[str, Future[str]]]:
    """All hunts, two at a time."""
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        yield {mutant.name: pool.submit(hunt, typescript, mutant) for mutant in MUTANTS}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.breaks}: {mutant.name}")
def test_a_planted_mistake_breaks_its_invariant(mutant: Mutant, hunts: dict[str, Future[str]]) -> None:
    assert hunts[mutant.name].result() == ""


def test_at_least_twenty_mistakes_are_planted() -> None:
    assert len({mutant.name for mutant in MUTANTS}) >= 20


def test_a_mistake_that_cannot_be_planted_is_not_taken_for_one_that_was_seen(typescript: Path, tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="out of date"):
        copied(typescript, tmp_path / "client", "client.js", "nothing says this", "")


def test_the_same_seed_is_the_same_to_the_byte_wherever_and_after_whatever_it_is_played(typescript: Path) -> None:
    code = "import sys; from tests.simulation.typescript.transcript import transcript; print(transcript(*sys.argv[1:]))"

    elsewhere = [
        subprocess.run(
            [sys.executable, "-c", code, str(typescript), "7"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hashes, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for hashes in ("1", "2")
    ]

    assert elsewhere == [transcript(str(typescript), "7", "5", "6")] * 2


def test_what_the_client_throws_is_told_and_the_process_lives_on(typescript: Path) -> None:
    node = NodeProcess(typescript)
    node.ask(0.0, 0, [], "open", {"form": "msgpack", "highWater": 256, "seed": 1})

    broken = node.ask(0.0, 0, [], "begin", {"key": "k", "auth": None, "kinds": []}, [])
    whole = node.ask(1.0, 0, [], "begin", {"key": "k", "auth": None, "kinds": ["websocket"]}, [["/a", "yes"]])
    node.close()

    assert [note[0] for note in broken.notes] == ["crash"] and "no transport" in broken.notes[0][1]
    assert [note[0] for note in whole.notes] == ["socket"]
