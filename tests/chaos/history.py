"""What one end of a session did and was told, as plain numbers that travel as JSON between processes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["DOOMED", "STREAM", "VALUE", "Loss", "Side"]

# In the name of a client whose session the server loses on purpose, so that reports of losses are judged as well.
DOOMED = "-doomed"

# The outcome of a call that was answered with what its handler returns; any other word is an error or a wrong value.
VALUE = "value"
# What the channels of streams begin with.
STREAM = "stream"


@dataclass
class Loss:
    """An end was told that its session is lost, `seconds` after its transport was, in which it sent `sent` packets.

    `reported` packets, by channel and number, may not have arrived; None: this end is told no numbers.
    """

    reason: str
    reported: list[tuple[str, int]] | None = None
    seconds: float = 0.0
    sent: int = 0


@dataclass
class Side:
    """One end of one session.

    What goes one way in order is a channel: a stay in a namespace, or a stream. `sent` has the numbers of events, calls
    and items in the order of sending, `delivered` the peer's in the order in which handlers ran or readers read them.
    `left` are the channels that this end gave up before their end: the tail of what was sent to it need not arrive.
    `calls` are those among `sent`, and streams as number 0 of their channel; `outcomes` say how each of them ended.
    `resumed` outages ended well, the longest after `outage` seconds, and `losses` are the others. `refused` is what did
    not fit into the outbox of this end. `late` is how much this end still heard of a stay that it
    had left, which counts for nothing: the peer said it before it knew.
    """

    sent: dict[str, list[int]] = field(default_factory=dict)
    delivered: dict[str, list[int]] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    calls: list[tuple[str, int]] = field(default_factory=list)
    outcomes: list[tuple[str, int, str]] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    resumed: int = 0
    outage: float = 0.0
    refused: int = 0
    late: int = 0
    transports: dict[str, int] = field(default_factory=dict)

    def say(self, channel: str, number: int) -> None:
        """This is about to be sent."""
        self.sent.setdefault(channel, []).append(number)

    def refuse(self, channel: str, number: int) -> None:
        """It was not sent after all, since the outbox was full."""
        self.refused += 1
        if number:
            self.sent[channel].remove(number)
        if (channel, number) in self.calls:
            self.calls.remove((channel, number))

    def hear(self, channel: str | None, number: int, transport: str | None) -> None:
        """A handler ran; `channel` is None where we have left, `transport` what carries the session at that moment."""
        if channel is None:
            self.late += 1
            return
        self.delivered.setdefault(channel, []).append(number)
        carrier = transport or "none"
        self.transports[carrier] = self.transports.get(carrier, 0) + 1

    @property
    def messages(self) -> int:
        """How much was delivered to this end."""
        return sum(map(len, self.delivered.values()))

    def to_json(self) -> dict[str, Any]:
        """For the way to the process that judges."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Side:
        """What `to_json` of any end gave; the Node clients write the same."""
        return cls(
            sent=record["sent"],
            delivered=record["delivered"],
            left=record["left"],
            calls=[(channel, number) for channel, number in record["calls"]],
            outcomes=[(channel, number, word) for channel, number, word in record["outcomes"]],
            losses=[_loss(loss) for loss in record["losses"]],
            resumed=record["resumed"],
            outage=record["outage"],
            refused=record["refused"],
            late=record["late"],
            transports=record["transports"],
        )


def _loss(record: dict[str, Any]) -> Loss:
    reported = record["reported"]
    pairs = None if reported is None else [(channel, number) for channel, number in reported]
    return Loss(**{**record, "reported": pairs})
