"""The simulation as a program: `python -m antiphon.testing.simulation --schedules N --seed S`."""

from __future__ import annotations

import argparse
import os
import sys
import time

from antiphon.testing.simulation.many import play_many
from antiphon.testing.simulation.runner import shorten


def parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(
        prog="python -m antiphon.testing.simulation",
        description="Plays seeded schedules of 200 steps: two real ends, a hostile network, virtual time. "
        "A schedule that breaks an invariant is printed with its steps, and its seed plays it again: "
        "--schedules 1 --seed S.",
    )
    arguments.add_argument("--schedules", type=int, default=int(os.environ.get("SCHEDULES", "5000")), metavar="N")
    arguments.add_argument("--seed", type=int, default=int(os.environ.get("SEED", "0")), metavar="S")
    arguments.add_argument("--processes", type=int, default=None, metavar="P")
    arguments.add_argument("--shorten", action="store_true", help="leave out the steps that the failure does not need")
    return arguments


def main() -> int:
    """0 when every schedule held."""
    options = parser().parse_args()
    begun = time.monotonic()
    processes = 1 if options.schedules < 50 else options.processes
    totals = play_many(range(options.seed, options.seed + options.schedules), processes)
    seconds = time.monotonic() - begun
    print(
        f"{totals.schedules} schedules, {totals.sessions} sessions, {totals.messages} events and calls, "
        f"{totals.cuts} cuts in {seconds:.1f} s"
    )
    for failure in totals.failures:
        print(shorten(failure) if options.shorten else failure)
    return 1 if totals.failures else 0


if __name__ == "__main__":
    sys.exit(main())
