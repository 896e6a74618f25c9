"""Fuzz the decoders for as long as is wanted: `python -m tests.fuzz --inputs 1000000 --seed 7 [decoder ...]`."""

from __future__ import annotations

import argparse
import sys

from tests.fuzz.decoders import DECODERS
from tests.fuzz.fuzzing import fuzz_by_name, problem_with


def main() -> int:
    """Print what was found, decoder by decoder; 0 when that is nothing."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("decoders", nargs="*", metavar="decoder", help=f"one of {', '.join(DECODERS)}; all by default")
    parser.add_argument("--inputs", type=int, default=200_000, help="for each decoder (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the mutants (default: %(default)s)")
    parser.add_argument("--input", type=bytes.fromhex, help="read this one input, in hexadecimal, instead")
    options = parser.parse_args()
    unknown = [name for name in options.decoders if name not in DECODERS]
    if unknown:
        parser.error(f"{unknown[0]!r} is no decoder; there are {', '.join(map(repr, DECODERS))}")
    failed = False
    for name in options.decoders or DECODERS:
        if options.input is not None:
            problem = problem_with(DECODERS[name], options.input)
            print(f"{name}: {problem or 'nothing is wrong'}")
            failed |= problem is not None
            continue
        report = fuzz_by_name(name, options.inputs, options.seed)
        print(report, *report.failures, sep="\n", flush=True)
        failed |= bool(report.failures)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
