"""What one end of a session did and was told, as plain numbers that travel as JSON between processes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["VALUE", "Loss", "Side"]

# The outcome of a call that was answered with what its handler returns; any other word is an error or a wrong value.
VALUE = "value"


@dataclass
class Loss:
    """An end was told that its session is lost; `reported` numbers may not have arrived, None: it says no numbers."""

    reason: str
    reported: list[int] | None = None


@dataclass
class Side:
    """One end of one session.

    `sent` are the numbers of its events and calls in the order of sending, `calls` those among them that are calls, and
    `outcomes` how each of these ended. `delivered` are the peer's numbers in the order in which handlers ran.
    """

    sent: list[int] = field(default_factory=list)
    delivered: list[int] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    outcomes: list[tuple[int, str]] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    transports: dict[str, int] = field(default_factory=dict)

    def deliver(self, number: int, transport: str | None) -> None:
        """A handler ran; `transport` is what carries the session at that moment."""
        self.delivered.append(number)
        carrier = transport or "none"
        self.transports[carrier] = self.transports.get(carrier, 0) + 1

    def to_json(self) -> dict[str, Any]:
        """For the way to the process that judges."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Side:
        """What `to_json` of any end gave; the Node client writes the same."""
        return cls(
            sent=record["sent"],
            delivered=record["delivered"],
            calls=record["calls"],
            outcomes=[(number, word) for number, word in record["outcomes"]],
            losses=[Loss(**loss) for loss in record["losses"]],
            transports=record["transports"],
        )
