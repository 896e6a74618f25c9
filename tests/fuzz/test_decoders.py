"""Every decoder, given mutants: only the protocol's own errors come out, in bounded time and memory.

INPUTS and SEED in the environment say how many, and of which seed. A failure says how its input is read again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from tests.fuzz.corpus import Found, regressions
from tests.fuzz.decoders import DECODERS
from tests.fuzz.fuzzing import Report, fuzz_by_name, problem_with

INPUTS = int(os.environ.get("INPUTS", "200000"))
SEED = int(os.environ.get("SEED", "0"))


@pytest.fixture(scope="module")
def reports() -> Iterator[dict[str, Future[Report]]]:
    """All runs, on all cores: begun together, for each test waits for its own."""
    with ProcessPoolExecutor(max_workers=min(os.cpu_count() or 1, 8), mp_context=get_context("spawn")) as pool:
        yield {name: pool.submit(fuzz_by_name, name, INPUTS, SEED) for name in DECODERS}


@pytest.mark.parametrize("name", DECODERS)
def test_only_refusals_come_out_soon_and_take_little_memory(reports: dict[str, Future[Report]], name: str) -> None:
    report = reports[name].result()

    assert not report.failures, "\n\n".join(map(str, report.failures))
    assert report.inputs == DECODERS[name].inputs_of(INPUTS)


@pytest.mark.parametrize("name", DECODERS)
def test_the_mutants_get_behind_the_first_check(reports: dict[str, Future[Report]], name: str) -> None:
    """Otherwise it is garbage that is tested."""
    report = reports[name].result()

    assert report.inputs // 100 < report.accepted < report.inputs


@pytest.mark.parametrize("found", regressions(), ids=lambda found: f"{found.decoder}: {found.why}")
def test_what_failed_once_does_not_any_more(found: Found) -> None:
    assert problem_with(DECODERS[found.decoder], found.data) is None
