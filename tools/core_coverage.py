"""Hold the pure core to full branch coverage: each module by its own tests alone.

`python tools/core_coverage.py [word ...]` checks all of them, or those with one of the words in their path. A line
that only other tests happen to reach is a line that nobody has thought about.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import sys
import tomllib
from pathlib import Path

# Imported here, once, and inherited by every process below: starting them anew would take most of the time.
import aiohttp.web
import coverage
import hypothesis.strategies
import msgspec
import pytest

HERE = Path(__file__).parents[1]
PACKAGE = HERE / "framework" / "antiphon"
CORE = ["protocol/*.py", "dialects/native/*.py", "client/backoff.py", "client/clock.py", "client/connector.py"]
CORE += ["client/polling.py", "client/requests.py", "client/streaming.py", "transports/websocket_frames.py"]
CORE += ["transports/websocket_writing.py", "dialects/socketio/*.py"]
INHERITED = (aiohttp.web, hypothesis.strategies, msgspec)
# What is inherited is too old for pytest to rewrite its asserts, and it would say so.
OPTIONS = ["-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]

with (HERE / "pyproject.toml").open("rb") as file:
    EXCLUDED: list[str] = tomllib.load(file)["tool"]["coverage"]["report"]["exclude_also"]


def main(words: list[str]) -> int:
    """Check the modules and print what is missing; 0 when nothing is."""
    os.chdir(HERE)
    modules = [path for pattern in CORE for path in sorted(PACKAGE.glob(pattern)) if path.name != "__init__.py"]
    chosen = [path for path in modules if not words or any(word in str(path) for word in words)]
    # A process for each: the lines that a module runs as it is imported count for its own tests only.
    with multiprocessing.get_context("fork").Pool(maxtasksperchild=1) as pool:
        failures = [failure for failure in pool.imap(check, chosen, chunksize=1) if failure]
    print("\n".join(failures) or f"{len(chosen)} modules of the core: full branch coverage, each by its own tests")
    return 1 if failures else 0


def check(module: Path) -> str:
    """Run the tests of one module; returns what is wrong, or nothing."""
    inside = module.relative_to(PACKAGE)
    folder = HERE / "tests" / inside.parent
    # A module with much to test has its tests in several files: test_session.py, test_session_calls.py.
    tests = [*folder.glob(f"test_{module.stem}.py"), *sorted(folder.glob(f"test_{module.stem}_*.py"))]
    if not tests:
        return f"{inside} has no tests of its own: write tests/{inside.parent}/test_{inside.name}"
    recorder = coverage.Coverage(data_file=None, config_file=False, branch=True, include=[str(module)])
    for pattern in EXCLUDED:
        recorder.exclude(pattern)
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        with recorder.collect():
            outcome = pytest.main([*OPTIONS, *map(str, tests)])
        if outcome:
            return f"the tests of {inside} fail:\n{output.getvalue()}"
    missing = io.StringIO()
    covered = recorder.report(file=missing, show_missing=True, precision=2)
    return "" if covered == 100 else f"{inside} is not covered by its own tests:\n{missing.getvalue()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
