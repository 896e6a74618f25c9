"""The judge: what two ends say they sent and got, held against the contract. Knows nothing of how it was done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass

from tests.chaos.history import VALUE, Loss, Side

__all__ = ["Verdict", "judge"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How often the contract was broken, by kind.

    `lost`: sent, not delivered, and the sender believes that all is well. `duplicated`: delivered, or answered, twice.
    `reordered`: delivered behind a later one. `phantom`: delivered but never sent, or an answer that nobody gave.
    `unreported`: a session was lost and this packet is missing from the report, or a call has no outcome at all.
    `unresumed`: an end was told that its session is lost.
    """

    lost: int = 0
    duplicated: int = 0
    reordered: int = 0
    phantom: int = 0
    unreported: int = 0
    unresumed: int = 0

    def __add__(self, other: Verdict) -> Verdict:
        sums = [mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)]
        return Verdict(**dict(zip(self.__dataclass_fields__, sums, strict=True)))

    def __str__(self) -> str:
        return " ".join(f"{kind}={count}" for kind, count in vars(self).items())

    @property
    def clean(self) -> bool:
        """Nothing at all was found."""
        return self == Verdict()


def judge(one: Side, other: Side) -> Verdict:
    """Judge both directions between two ends, when everything has come to rest."""
    return _direction(one, other) + _direction(other, one)


def _direction(sender: Side, receiver: Side) -> Verdict:
    return (
        _stream(sender.sent, receiver.delivered, sender.losses)
        + _calls(sender, set(receiver.delivered))
        + Verdict(unresumed=len(sender.losses))
    )


def _stream(sent: list[int], delivered: list[int], losses: list[Loss]) -> Verdict:
    place = {number: index for index, number in enumerate(sent)}
    seen: set[int] = set()
    last = -1
    duplicated = reordered = phantom = 0
    for number in delivered:
        if number not in place:
            phantom += 1
        elif number in seen:
            duplicated += 1
        else:
            seen.add(number)
            reordered += place[number] < last
            last = max(last, place[number])
    missing = place.keys() - seen
    if losses:
        return Verdict(
            duplicated=duplicated, reordered=reordered, phantom=phantom, unreported=len(_unexcused(missing, losses))
        )
    return Verdict(lost=len(missing), duplicated=duplicated, reordered=reordered, phantom=phantom)


def _unexcused(missing: Iterable[int], losses: list[Loss]) -> set[int]:
    """What is missing and was not reported. A server is told of a loss without numbers: that excuses everything."""
    if any(loss.reported is None for loss in losses):
        return set()
    return set(missing).difference(*(loss.reported or () for loss in losses))


def _calls(caller: Side, ran: set[int]) -> Verdict:
    asked = set(caller.calls)
    outcomes = Counter(number for number, _ in caller.outcomes)
    # An error is an honest outcome of a lost session; without one nothing excuses it.
    failed = sum(word != VALUE for _, word in caller.outcomes) if not caller.losses else 0
    unanswered = sum(word == VALUE and number in asked and number not in ran for number, word in caller.outcomes)
    return Verdict(
        lost=failed,
        duplicated=sum(count - 1 for count in outcomes.values()),
        phantom=len(outcomes.keys() - asked) + unanswered,
        unreported=len(asked - outcomes.keys()),
    )
