"""The sizes of one schedule."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from antiphon.config import Heartbeat, Inbox, Limits, Outbox, Resume

__all__ = ["Profile", "draw"]


WITHOUT_EVENTS = ("websocket", "longpoll")
WITH_EVENTS = ("websocket", "sse", "longpoll")


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The sizes of one schedule: small ones, so that 200 steps reach every bound."""

    form: str = "msgpack"
    server_inbox: Inbox = Inbox(packets=12, size=32 << 10)
    client_inbox: Inbox = Inbox(packets=12, size=32 << 10)
    server_outbox: Outbox = Outbox(packets=48, size=128 << 10)
    client_outbox: Outbox = Outbox(packets=40, size=128 << 10)
    limits: Limits = Limits()
    heartbeat: Heartbeat = Heartbeat()
    resume: Resume = Resume()
    high_water: int = 4 << 10
    transports: tuple[str, ...] = WITHOUT_EVENTS


def draw(random: Random) -> Profile:
    """Sizes for one schedule."""
    inbox = random.choice((4, 12, 40))
    packets = random.choice((24, 48, 160))
    size = random.choice((48 << 10, 256 << 10))
    return Profile(
        form=random.choice(("msgpack", "msgpack", "msgpack", "json")),
        server_inbox=Inbox(packets=inbox, size=16 << 10),
        client_inbox=Inbox(packets=inbox, size=16 << 10),
        server_outbox=Outbox(packets=packets, size=size),
        client_outbox=Outbox(packets=packets, size=size),
        high_water=random.choice((256, 4096)),
        transports=random.choice((WITH_EVENTS, *(2 * (WITHOUT_EVENTS,)))),
    )
