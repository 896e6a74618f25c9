"""The judge: what two ends say they sent and got, held against the contract. Knows nothing of how it was done."""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple, dataclass

from antiphon import Resume
from tests.chaos.history import STREAM, VALUE, Side

__all__ = ["ROOM", "WINDOW", "Verdict", "explain", "judge"]

# An outage that is shorter than this, with fewer packets sent into it, has to be resumed: half of what the smaller of
# the two outboxes holds, since what was unacked before the outage is kept as well.
WINDOW = Resume().window
ROOM = 512


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How often the contract was broken, by kind.

    `lost`: sent, not delivered, and the sender believes that all is well; or a call that failed without a reason.
    `duplicated`: delivered, or answered, twice. `reordered`: delivered behind a later one. `phantom`: delivered but
    never sent, or an answer that nobody gave. `unreported`: a session was lost and this packet is missing from the
    report, or a call has no outcome at all. `unresumed`: an outage shorter than the window, with room in the buffer,
    after which an end was told that its session is lost.
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


def explain(one: Side, other: Side) -> list[str]:
    """Where the faults are: those of each channel, and the first numbers that are missing."""
    lines = []
    for way, sender, receiver in (("to the other", one, other), ("to the one", other, one)):
        for channel in sorted(sender.sent.keys() | receiver.delivered.keys()):
            found = _channel(channel, sender, receiver)
            if not found.clean:
                sent, delivered = sender.sent.get(channel, []), receiver.delivered.get(channel, [])
                missing = sorted(set(sent) - set(delivered))
                lines.append(
                    f"{channel} {way}: {found}; {len(delivered)} of {len(sent)}, up to {delivered[-3:]} of {sent[-3:]}"
                    f", missing {missing[:10]}{', left' if channel in receiver.left else ''}"
                )
        found = _calls(sender, receiver)
        if not found.clean:
            lines.append(f"calls {way}: {found}")
    return lines


def _direction(sender: Side, receiver: Side) -> Verdict:
    verdict = _calls(sender, receiver) + _outages(sender)
    for channel in sender.sent.keys() | receiver.delivered.keys():
        verdict += _channel(channel, sender, receiver)
    return verdict


def _channel(channel: str, sender: Side, receiver: Side) -> Verdict:
    sent = sender.sent.get(channel, [])
    place = {number: index for index, number in enumerate(sent)}
    seen: set[int] = set()
    last = -1
    duplicated = reordered = phantom = 0
    for number in receiver.delivered.get(channel, ()):
        if number not in place:
            phantom += 1
        elif number in seen:
            duplicated += 1
        else:
            seen.add(number)
            reordered += place[number] < last
            last = max(last, place[number])
    # Who left is owed all up to the last that came, and nothing behind it.
    owed = sent[: last + 1] if channel in receiver.left else sent
    missing = set(owed) - seen
    lost = unreported = 0
    if not sender.losses:
        lost = len(missing)
    elif not channel.startswith(STREAM):  # a stream is reported by the failure of its call
        unreported = len(_unexcused(channel, missing, sender))
    return Verdict(lost=lost, duplicated=duplicated, reordered=reordered, phantom=phantom, unreported=unreported)


def _unexcused(channel: str, missing: set[int], sender: Side) -> set[int]:
    """What is missing and was not reported. A server is told of a loss without numbers: that excuses everything."""
    if any(loss.reported is None for loss in sender.losses):
        return set()
    return missing.difference(
        number for loss in sender.losses for where, number in loss.reported or () if where == channel
    )


def _calls(caller: Side, callee: Side) -> Verdict:
    asked, left = set(caller.calls), {*caller.left, *callee.left}
    ran = {channel: set(numbers) for channel, numbers in callee.delivered.items()}
    outcomes = Counter((channel, number) for channel, number, _ in caller.outcomes)
    lost = phantom = 0
    for channel, number, word in caller.outcomes:
        if (channel, number) not in asked:
            phantom += 1
        elif word == VALUE:
            began = number in ran.get(channel, ()) if number else channel in callee.delivered or channel in callee.sent
            # Who has left a stay may still answer what it does not write down any more.
            phantom += not began and channel not in left
        elif word.startswith("another "):
            phantom += 1
        # An error is an honest outcome of a lost session, or where an end has left; else nothing excuses it.
        elif channel not in left and not caller.losses:
            lost += 1
    return Verdict(
        lost=lost,
        duplicated=sum(count - 1 for count in outcomes.values()),
        phantom=phantom,
        unreported=len(asked - outcomes.keys()),
    )


def _outages(side: Side) -> Verdict:
    return Verdict(unresumed=sum(loss.seconds < WINDOW and loss.sent < ROOM for loss in side.losses))
