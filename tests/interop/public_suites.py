"""The public conformance suites of Engine.IO v4 and Socket.IO v5, run against our server.

`python -m tests.interop.public_suites CHECKOUT` takes them from a checkout of the repository socketio/socket.io, for
nothing of theirs lies here. They want port 3000 of localhost.
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

__all__ = ["Outcome", "main"]

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SUITES = {
    "Engine.IO v4": Path("docs/engine.io-protocol/v4-test-suite"),
    "Socket.IO v5": Path("docs/socket.io-protocol/v5-test-suite"),
}
FILES = ("package.json", "package-lock.json", "node-imports.js", "test-suite.js")
# It stands in the suites.
PORT = 3000
# So many tests the two of them have: fewer have not been run.
TESTS = 57
PATIENCE = 20.0


class Outcome(NamedTuple):
    """What one run of a suite came to; `failures` are the titles of tests, each with what was wrong."""

    passed: int
    failures: tuple[str, ...]


def main() -> None:
    """Exit status 0 only when all of both have passed, in every run."""
    parser = argparse.ArgumentParser(prog="python -m tests.interop.public_suites", description=__doc__)
    parser.add_argument("checkout", type=Path, help="a checkout of the repository socketio/socket.io")
    parser.add_argument("--runs", type=int, default=1, help="how often in a row; flaky is not passed")
    options = parser.parse_args()
    for folder in SUITES.values():
        if not (options.checkout / folder / "test-suite.js").is_file():
            sys.exit(f"{options.checkout} has no {folder}/test-suite.js; name a checkout of socketio/socket.io")
    with tempfile.TemporaryDirectory() as made:
        folders = {name: _installed(options.checkout / folder, Path(made)) for name, folder in SUITES.items()}
        with _served():
            whole = [_round(folders) for _ in range(options.runs)]
    if len(whole) > 1:
        print(f"{whole.count(True)} of {len(whole)} runs passed")
    sys.exit(not all(whole))


def _installed(suite: Path, made: Path) -> Path:
    """A copy of a suite with what it needs, as its own lock file has it."""
    folder = made / suite.parent.name
    folder.mkdir()
    for name in FILES:
        shutil.copy(suite / name, folder)
    # Ours: no install scripts.
    shutil.copy(HERE / ".npmrc", folder)
    subprocess.run(["npm", "ci", "--loglevel=error"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return folder


@contextmanager
def _served() -> Iterator[None]:
    """The server that they expect, in a process of its own."""
    if _listening():
        sys.exit(f"port {PORT} is taken, and the suites can use no other; stop what listens there")
    command = [sys.executable, "-m", "tests.interop.socketio_conformance", str(PORT)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        _wait_for(server)
        yield
        if server.poll() is not None:
            sys.exit(f"the server ended by itself, with status {server.returncode}")
    finally:
        server.terminate()
        server.wait(PATIENCE)


def _wait_for(server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while not _listening():
        if server.poll() is not None:
            sys.exit(f"the server does not start: it ended with status {server.returncode}")
        if time.monotonic() > until:
            sys.exit(f"the server did not listen on port {PORT} within {PATIENCE:g} s")
        time.sleep(0.05)


def _listening() -> bool:
    try:
        socket.create_connection(("localhost", PORT), timeout=1.0).close()
    except OSError:
        return False
    return True


def _round(folders: dict[str, Path]) -> bool:
    """Run both once and say what came out; whether all of it has passed."""
    outcomes = {name: _run(folder) for name, folder in folders.items()}
    for name, (passed, failures) in outcomes.items():
        print(f"{name}: {passed} passed, {len(failures)} failed")
        for failure in failures:
            print(f"  {failure}")
    passed = sum(outcome.passed for outcome in outcomes.values())
    print(f"together: {passed} of {TESTS}", flush=True)
    return passed == TESTS and not any(outcome.failures for outcome in outcomes.values())


def _run(folder: Path) -> Outcome:
    command = ["npx", "mocha", "--reporter", "json", "test-suite.js"]
    told = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, check=False).stdout.decode()
    start = told.find("{")
    if start < 0:
        return Outcome(0, (f"mocha said nothing that could be read: {told!r}",))
    report = json.loads(told[start:])
    failures = (f"{test['fullTitle']}: {test['err'].get('message', '')}" for test in report["failures"])
    return Outcome(len(report["passes"]), tuple(failures))


if __name__ == "__main__":
    main()
