"""Chaos by hand: `python -m tests.chaos --duration 60 --seed 1 --clients 30`. The last line says how it went."""

import argparse
import asyncio
import logging
import sys

from tests.chaos.run import Plan, run


def main() -> None:
    """Run once; exit with 1 when anything was found."""
    arguments = argparse.ArgumentParser(prog="python -m tests.chaos", description="Real sockets under random faults.")
    arguments.add_argument("--duration", type=float, default=Plan.duration, metavar="SECONDS")
    arguments.add_argument("--seed", type=int, default=Plan.seed)
    arguments.add_argument("--clients", type=int, default=Plan.clients, help="of all languages and kinds of transport")
    arguments.add_argument("--rate", type=float, default=Plan.rate, help="packets a second of each client, each way")
    arguments.add_argument("--cuts", type=float, default=Plan.cuts_per_second, help="connections to cut each second")
    arguments.add_argument(
        "--delay",
        type=float,
        default=4.0,
        metavar="SECONDS",
        help="measure the delay of healthy clients so long (0: not)",
    )
    arguments.add_argument("--languages", nargs="+", default=Plan.languages, choices=Plan.languages)
    options = arguments.parse_args()
    logging.basicConfig(level=logging.WARNING)
    plan = Plan(
        duration=options.duration,
        seed=options.seed,
        clients=options.clients,
        rate=options.rate,
        cuts_per_second=options.cuts,
        delay=options.delay,
        languages=tuple(options.languages),
    )
    report = asyncio.run(run(plan))
    print(report)
    sys.exit(not report.clean)


if __name__ == "__main__":
    main()
