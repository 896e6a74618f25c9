"""The simulation with clients of both languages: `python -m tests.simulation --client both --schedules N --seed S`."""

from __future__ import annotations

import sys

from antiphon.testing.simulation.__main__ import parser
from antiphon.testing.simulation.applications import open_page
from antiphon.testing.simulation.many import report
from tests.simulation.typescript.compiling import compiled
from tests.simulation.typescript.pages import TypeScriptPages

PROGRAM = "python -m tests.simulation"


def main() -> int:
    """0 when every schedule held."""
    arguments = parser(PROGRAM)
    arguments.add_argument("--client", choices=("python", "typescript", "both"), default="both")
    options = arguments.parse_args()
    seeds = range(options.seed, options.seed + options.schedules)
    held = True
    if options.client != "typescript":
        print("the client in Python:", end=" ", flush=True)
        again = f"{PROGRAM} --client python"
        held = report(seeds, open_page, again, processes=options.processes, shortest=options.shorten)
    if options.client != "python":
        print("the client in TypeScript:", end=" ", flush=True)
        again = f"{PROGRAM} --client typescript"
        with compiled() as directory:
            pages = TypeScriptPages(directory)
            held &= report(seeds, pages, again, processes=options.processes, shortest=options.shorten)
            pages.close()
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
