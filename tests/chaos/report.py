"""What a run of chaos comes to, as figures and as lines to read."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import Any

from antiphon.testing.proxy import ProxyStatistics
from tests.chaos.checker import Verdict, explain, judge
from tests.chaos.history import DOOMED, STREAM, Side
from tests.chaos.pace import Delay

__all__ = ["Report", "report", "verdicts"]


@dataclass(frozen=True, kw_only=True)
class Report:
    """Figures of one run.

    `up` and `down` count what was delivered: events, calls and items; `carried` the events and calls among it by
    language, transport and way. `late` is what clients heard of stays that they had left. `sessions`: of all clients
    but the doomed ones, which were `told` of so many losses. `left`: what the server has more of after every goodbye
    than before. `complaints`: what anybody logged as a warning or worse. `notes` name the clients whose verdict is not
    clean. `cpu`: seconds that each process took.
    """

    faults: ProxyStatistics
    delay: Delay | None
    up: int
    down: int
    items: int
    calls: int
    stays: int
    late: int
    broadcasts: int
    attaches: int
    resumed: int
    outage: float
    outcast: str
    refused: int
    clients: int
    sessions: int
    told: int
    left: dict[str, int]
    repeated: int
    carried: dict[str, int]
    seconds: float
    cpu: dict[str, float]
    verdict: Verdict
    complaints: list[str]
    notes: list[str]

    @property
    def clean(self) -> bool:
        """Nothing to find fault with, but for the figures being too small."""
        healthy = self.delay is None or self.delay.clean
        whole = self.verdict.clean and self.sessions == self.clients and healthy
        return whole and not (self.left or self.complaints or self.notes)

    @property
    def messages(self) -> int:
        """All that was delivered, both ways."""
        return self.up + self.down

    @property
    def summary(self) -> str:
        """The line that is looked at."""
        return f"cuts={self.faults.cuts} messages={self.messages} {self.verdict}"

    def __str__(self) -> str:
        faults = asdict(self.faults)
        return "\n".join(
            [
                *self.complaints,
                *self.notes,
                f"up={self.up} down={self.down} of_streams={self.items} calls={self.calls} stays={self.stays} "
                f"late={self.late} broadcasts={self.broadcasts} refused={self.refused} seconds={self.seconds:.1f}",
                f"clients={self.clients} sessions={self.sessions} doomed={self.told} attaches={self.attaches} "
                f"resumed={self.resumed} duplicates_dropped={self.repeated} "
                f"longest_outage={self.outage:.1f}s ({self.outcast})",
                f"left={_figures(self.left) or 'nothing'}",
                f"carried: {_figures(dict(sorted(self.carried.items())))}",
                f"faults: {_figures(faults)}",
                f"cpu: {' '.join(f'{process}={seconds:.1f}' for process, seconds in self.cpu.items())}",
                *([] if self.delay is None else [str(self.delay)]),
                self.summary,
            ]
        )


def verdicts(sides: dict[str, Side], server: dict[str, Any]) -> dict[str, Verdict]:
    """Judge what each client (`sides`) and the server (its record) say of their session.

    Of those that were doomed everything is judged but that they were not resumed.
    """
    others = {name: Side.from_json(record) for name, record in server["sides"].items()}
    found = {name: judge(side, others[name]) for name, side in sides.items()}
    return {name: replace(verdict, unresumed=0) if DOOMED in name else verdict for name, verdict in found.items()}


def report(
    sides: dict[str, Side],
    server: dict[str, Any],
    faults: ProxyStatistics,
    delay: Delay | None,
    *,
    attaches: int,
    seconds: float,
    cpu: dict[str, float],
    left: dict[str, int],
    complaints: list[str],
    notes: list[str],
) -> Report:
    """Judge what the clients (`sides`) and the server (its record) say, and count."""
    verdict = Verdict()
    notes = list(notes)
    others = {name: Side.from_json(record) for name, record in server["sides"].items()}
    for name, found in verdicts(sides, server).items():
        verdict += found
        if not found.clean:
            notes.append(f"{name}: {found}; told: {sides[name].losses}; the server: {others[name].losses}")
            notes.extend(f"  {line}" for line in explain(sides[name], others[name]))
    outcast = max(sides, key=lambda name: sides[name].outage)
    ends = [*sides.values(), *others.values()]
    return Report(
        faults=faults,
        delay=delay,
        up=sum(side.messages for side in others.values()),
        down=sum(side.messages for side in sides.values()),
        items=sum(len(read) for end in ends for channel, read in end.delivered.items() if channel.startswith(STREAM)),
        calls=sum(len(end.outcomes) for end in ends),
        stays=sum(channel.startswith("side") for side in sides.values() for channel in side.sent),
        late=sum(side.late for side in sides.values()),
        broadcasts=server["broadcasts"],
        attaches=attaches,
        resumed=sum(side.resumed for side in sides.values()),
        outage=sides[outcast].outage,
        outcast=outcast,
        refused=sum(end.refused for end in ends),
        clients=sum(DOOMED not in name for name in sides),
        sessions=sum(count for name, count in server["entered"].items() if DOOMED not in name),
        told=sum(len(side.losses) for name, side in sides.items() if DOOMED in name),
        left=left,
        repeated=server["duplicates"],
        carried=_carried(sides, others),
        seconds=seconds,
        cpu=cpu,
        verdict=verdict,
        complaints=[*complaints, *server["complaints"]],
        notes=notes,
    )


def _carried(sides: dict[str, Side], others: dict[str, Side]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for way, ends in (("up", others), ("down", sides)):
        for name, side in ends.items():
            language = name.partition("-")[0]
            counts.update({f"{language}/{transport}/{way}": count for transport, count in side.transports.items()})
    return dict(counts)


def _figures(counts: dict[str, int]) -> str:
    return " ".join(f"{what}={count}" for what, count in counts.items())
