"""One run over one decoder: mutants in, and whatever is no refusal, slow or greedy comes out as a failure."""

from __future__ import annotations

import signal
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from time import perf_counter, process_time
from types import FrameType

from tests.fuzz.corpus import regressions
from tests.fuzz.decoders import DECODERS, Decoder

__all__ = ["Failure", "Report", "fuzz", "fuzz_by_name", "problem_with", "size_of", "time_of"]

# An ordinary input may take so long, a longer one so much for each of its bytes.
ORDINARY = 0.005
PER_BYTE = 5e-6
# The machine may be busy: only what is slow as often as this, measured by the time of the process alone, is slow.
ATTEMPTS = 3
# An input that is never done would hold up everything else.
STUCK = 20.0
# What an input may take of memory: so many times its size, and so much for a start.
TIMES, START = 4, 64 << 10
# Every value is an object: an empty list or map of one byte takes 72, and a list grows by an eighth more than it needs.
TIMES_GIANT = 90
# Memory is measured for so many inputs: it makes them ten times slower.
WEIGHED = 1000
MOST_FAILURES = 10


class Stuck(Exception):
    """An input took longer than STUCK."""


@dataclass(frozen=True)
class Failure:
    """One input that something is wrong with."""

    decoder: str
    seed: int
    data: bytes
    problem: str

    def __str__(self) -> str:
        shown = self.data.hex() if len(self.data) <= 4096 else self.data[:4096].hex() + "..."
        return (
            f"{self.decoder}, seed {self.seed}: {self.problem}\n"
            f"  its {len(self.data)} bytes: {shown}\n"
            f"  again: python -m tests.fuzz {self.decoder!r} --input {shown}"
        )


@dataclass
class Report:
    """What one run found."""

    decoder: str
    seed: int
    inputs: int = 0
    accepted: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    largest: float = 0.0
    failures: list[Failure] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.decoder}: {self.inputs} inputs in {self.seconds:.1f} s "
            f"({self.inputs / max(self.seconds, 1e-9):,.0f}/s), "
            f"{self.accepted} accepted, slowest {self.slowest * 1000:.2f} ms, "
            f"most memory {self.largest:.1f} of what it may, {len(self.failures)} failures"
        )


def fuzz(decoder: Decoder, inputs: int, seed: int) -> Report:
    """Read what failed once, the giants, and then mutants, until there were so many inputs."""
    report = Report(decoder.name, seed)
    mutator = decoder.mutator(decoder.seeds, seed, snippets=decoder.snippets)
    known = [found.data for found in regressions() if found.decoder == decoder.name]
    sample: list[bytes] = []
    every = max(inputs // WEIGHED, 1)
    read, refuses = decoder.read, decoder.refuses
    begun = last = perf_counter()
    current = b""
    first = chain(known, decoder.giants, decoder.seeds)
    with _watched():
        while report.inputs < inputs and len(report.failures) < MOST_FAILURES:
            current = next(first, None) or mutator.mutant()
            report.inputs += 1
            try:
                last = perf_counter()
                if read(current):
                    report.accepted += 1
                    mutator.learn(current)
            except refuses:
                pass
            except Exception as error:
                report.failures.append(Failure(decoder.name, seed, current, _named(error)))
            took = perf_counter() - last
            if took > ORDINARY and (took := time_of(decoder, current)) > allowed(current):
                report.failures.append(Failure(decoder.name, seed, current, f"it takes {took * 1000:.1f} ms"))
            if took > report.slowest and len(current) <= 4096:
                report.slowest = took
            if not report.inputs % every:
                sample.append(current)
            if not report.inputs % 1000:
                signal.setitimer(signal.ITIMER_REAL, STUCK)
    report.seconds = perf_counter() - begun
    _weigh_all(decoder, [*known, *decoder.giants, *sample], report)
    return report


def fuzz_by_name(name: str, inputs: int, seed: int) -> Report:
    """The run of a row, for a process that was only told its name."""
    return fuzz(DECODERS[name], DECODERS[name].inputs_of(inputs), seed)


def problem_with(decoder: Decoder, data: bytes) -> str | None:
    """What is wrong with one input; None when nothing is."""
    with _watched():
        try:
            decoder.read(data)
        except decoder.refuses:
            pass
        except Exception as error:
            return _named(error)
        if (took := time_of(decoder, data)) > allowed(data):
            return f"it takes {took * 1000:.1f} ms"
    tracemalloc.start()
    try:
        size = size_of(decoder, data)
    finally:
        tracemalloc.stop()
    return f"it takes {size} bytes of memory" if size > allowed_size(data) else None


def allowed(data: bytes) -> float:
    """Seconds that an input may take."""
    return max(ORDINARY, PER_BYTE * len(data))


def allowed_size(data: bytes) -> int:
    """Bytes of memory that an input may take."""
    return START + (TIMES if len(data) <= 1024 else TIMES_GIANT) * len(data)


def time_of(decoder: Decoder, data: bytes) -> float:
    """Seconds of this process that an input takes: the least of some attempts."""
    least = float("inf")
    for _ in range(ATTEMPTS):
        begun = process_time()
        _read(decoder, data)
        least = min(least, process_time() - begun)
        if least <= allowed(data):
            break
    return least


def size_of(decoder: Decoder, data: bytes) -> int:
    """Bytes that an input takes while it is read, as tracemalloc sees it, which has to run."""
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    _read(decoder, data)
    return tracemalloc.get_traced_memory()[1] - before


def _read(decoder: Decoder, data: bytes) -> None:
    # What it raises was looked at before; here its cost is.
    try:
        decoder.read(data)
    except Exception:
        return


def _weigh_all(decoder: Decoder, sample: list[bytes], report: Report) -> None:
    tracemalloc.start()
    try:
        for data in sample:
            size, most = size_of(decoder, data), allowed_size(data)
            if size > most:
                # The first of a kind may fill a cache, which is not the input's affair.
                size = min(size, size_of(decoder, data))
            report.largest = max(report.largest, size / most)
            if size > most:
                problem = f"it takes {size} bytes of memory where {most} are allowed"
                report.failures.append(Failure(decoder.name, report.seed, data, problem))
    finally:
        tracemalloc.stop()


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:300]}"


@contextmanager
def _watched() -> Iterator[None]:
    """An input that never ends is a failure like any other, as long as Python code runs."""

    def stuck(number: int, frame: FrameType | None) -> None:
        raise Stuck(f"it is not done after {STUCK:g} s")

    before = signal.signal(signal.SIGALRM, stuck)
    signal.setitimer(signal.ITIMER_REAL, STUCK)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
