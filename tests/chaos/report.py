"""What a run of chaos comes to, as figures and as lines to read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from antiphon.testing.proxy import ProxyStatistics
from tests.chaos.checker import Verdict, judge
from tests.chaos.history import Side

__all__ = ["Report", "report"]


@dataclass(frozen=True, kw_only=True)
class Report:
    """Figures of one run.

    `up` and `down` count delivered packets, `carried` the same by language, transport and way. `sessions`: made by the
    server in all, `left` of them still there after every goodbye. `complaints`: what anybody logged as a warning or
    worse. `notes` name the clients whose verdict is not clean.
    """

    faults: ProxyStatistics
    up: int
    down: int
    calls: int
    attaches: int
    clients: int
    sessions: int
    left: int
    repeated: int
    carried: dict[str, int]
    seconds: float
    verdict: Verdict
    complaints: list[str]
    notes: list[str]

    @property
    def clean(self) -> bool:
        """Nothing to find fault with, but for the figures being too small."""
        return self.verdict.clean and self.sessions == self.clients and not (self.left or self.complaints or self.notes)

    @property
    def summary(self) -> str:
        """The line that is looked at: `messages` is the smaller count of the two ways."""
        return (
            f"cuts={self.faults.cuts} inside={self.faults.cuts_inside_message} "
            f"messages={min(self.up, self.down)} {self.verdict}"
        )

    def __str__(self) -> str:
        faults = self.faults
        lines = [
            *self.complaints,
            *self.notes,
            f"up={self.up} down={self.down} calls={self.calls} seconds={self.seconds:.1f} clients={self.clients} "
            f"attaches={self.attaches} sessions={self.sessions} left={self.left}",
            " ".join(f"{what}={count}" for what, count in sorted(self.carried.items())),
            f"connections={faults.connections} refused={faults.connections_refused} "
            f"upgrades_refused={faults.upgrades_refused} responses_lost={faults.responses_lost} "
            f"posts_repeated={faults.posts_repeated} duplicates_dropped={self.repeated}",
            self.summary,
        ]
        return "\n".join(lines)


def report(
    sides: dict[str, Side],
    server: dict[str, Any],
    faults: ProxyStatistics,
    *,
    attaches: int,
    seconds: float,
    complaints: list[str],
    notes: list[str],
) -> Report:
    """Judge what the clients (`sides`) and the server (its record) say, and count."""
    verdict = Verdict()
    notes = list(notes)
    others = {name: Side.from_json(record) for name, record in server["sides"].items()}
    for name, side in sides.items():
        found = judge(side, others[name])
        verdict += found
        if not found.clean:
            notes.append(f"{name}: {found}; told: {side.losses}; the server: {others[name].losses}")
    return Report(
        faults=faults,
        up=sum(len(side.delivered) for side in others.values()),
        down=sum(len(side.delivered) for side in sides.values()),
        calls=sum(len(side.outcomes) for side in (*sides.values(), *others.values())),
        attaches=attaches,
        clients=len(sides),
        sessions=server["sessions"],
        left=server["left"],
        repeated=server["duplicates"],
        carried=_carried(sides, others),
        seconds=seconds,
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
