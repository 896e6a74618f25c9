"""The simulation as a program: `python -m antiphon.testing.simulation --schedules N --seed S`.

It plays the clients of the package. Those in TypeScript are not part of it: `python -m tests.simulation` of the
repository plays both.
"""

from __future__ import annotations

import argparse
import os
import sys

from antiphon.testing.simulation.applications import open_page
from antiphon.testing.simulation.many import report

__all__ = ["parser"]

PROGRAM = "python -m antiphon.testing.simulation"


def parser(program: str) -> argparse.ArgumentParser:
    """What can be asked for."""
    arguments = argparse.ArgumentParser(
        prog=program,
        description="Plays seeded schedules of 200 steps: two real ends, a hostile network, virtual time. "
        "A schedule that breaks an invariant is printed with its steps, and with the command that plays it again.",
    )
    arguments.add_argument("--schedules", type=int, default=int(os.environ.get("SCHEDULES", "5000")), metavar="N")
    arguments.add_argument("--seed", type=int, default=int(os.environ.get("SEED", "0")), metavar="S")
    arguments.add_argument("--processes", type=int, default=None, metavar="P")
    arguments.add_argument("--shorten", action="store_true", help="leave out the steps that the failure does not need")
    return arguments


if __name__ == "__main__":
    options = parser(PROGRAM).parse_args()
    seeds = range(options.seed, options.seed + options.schedules)
    sys.exit(0 if report(seeds, open_page, PROGRAM, processes=options.processes, shortest=options.shorten) else 1)
