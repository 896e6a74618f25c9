"""The simulation with Socket.IO clients: `python -m tests.simulation.socketio --schedules N --seed S`."""

from __future__ import annotations

import argparse
import os
import sys
import time

from tests.simulation.socketio.playing import play_many, shorten


def main() -> int:
    """0 when every schedule held."""
    arguments = argparse.ArgumentParser(
        prog="python -m tests.simulation.socketio",
        description="Plays seeded schedules: Socket.IO clients as they are on the wire, the real server, a hostile "
        "network, virtual time. A schedule that breaks a rule is printed with its steps.",
    )
    arguments.add_argument("--schedules", type=int, default=int(os.environ.get("SCHEDULES", "5000")), metavar="N")
    arguments.add_argument("--seed", type=int, default=int(os.environ.get("SEED", "0")), metavar="S")
    arguments.add_argument("--processes", type=int, default=None, metavar="P")
    arguments.add_argument("--failures", type=int, default=1, metavar="F", help="stop after so many")
    arguments.add_argument("--shorten", action="store_true", help="leave out the steps that the failure does not need")
    options = arguments.parse_args()
    begun = time.monotonic()
    seeds = range(options.seed, options.seed + options.schedules)
    totals = play_many(seeds, options.processes, most_failures=options.failures)
    print(f"{totals} in {time.monotonic() - begun:.1f} s")
    for failure in totals.failures:
        print(shorten(failure) if options.shorten else failure)
        print(f"to play it again: python -m tests.simulation.socketio --schedules 1 --seed {failure.seed}")
    return 0 if not totals.failures else 1


if __name__ == "__main__":
    sys.exit(main())
