"""What goes in front of the next message: pings, the pongs that the peer waits for, and how far we are."""

from __future__ import annotations

from antiphon.protocol.codec import Codec
from antiphon.protocol.inbox import Inbox
from antiphon.protocol.packets import Ack, Ping, Pong

__all__ = ["Owed", "progress"]

# Pongs owed at one time; a peer that pings faster than it reads gets no more.
ANSWERS = 16


class Owed:
    """The pings and pongs that have not left yet. They are of one transport: on the next one nobody waits for them."""

    __slots__ = ("waiting",)

    def __init__(self) -> None:
        self.waiting: list[Ping | Pong] = []

    def ping(self, now: float) -> None:
        """Ask for a Pong, and for the ack that comes with it."""
        self.waiting.append(Ping(round(now * 1000)))

    def pong(self, ping: Ping, now: float) -> bool:
        """Answer a Ping; False when too many answers wait already."""
        if len(self.waiting) >= ANSWERS:
            return False
        self.waiting.append(Pong(ping.time, round(now * 1000)))
        return True

    def take(self, codec: Codec, inbox: Inbox, now: float) -> list[bytes]:
        """All of it, encoded, and the ack if there is something to ack."""
        owed = [codec.encode(answer) for answer in self.waiting]
        self.waiting.clear()
        if inbox.handed > inbox.told or inbox.pressed:
            owed.append(codec.encode(progress(inbox)))
            inbox.acked(now)
        return owed


def progress(inbox: Inbox) -> Ack:
    """What we tell the peer of how far we are."""
    handed, received = inbox.handed, inbox.received
    return Ack(handed, received if received != handed else None)
