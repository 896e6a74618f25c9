"""Sessions for tests, and what a peer says to them."""

from __future__ import annotations

from antiphon.config import Heartbeat, Inbox, Outbox
from antiphon.protocol.calls import Outcome, Pending
from antiphon.protocol.closing import Closing
from antiphon.protocol.packets import (
    Call,
    Packet,
)
from antiphon.protocol.session import Session
from antiphon.types import Data
from tests.protocol.wire import CODEC, message, packets_in

__all__ = ["NEVER", "call", "code", "deliver_all", "open_session", "receive", "told"]

NEVER = float("inf")


def open_session(
    *,
    attached: bool = True,
    pings: bool = True,
    limit: int = 1 << 20,
    inbox: Inbox = Inbox(),
    outbox: Outbox = Outbox(),
    window: int = 256,
    wakes: list[str] | None = None,
) -> Session:
    log = [] if wakes is None else wakes
    session = Session(
        CODEC,
        heartbeat=Heartbeat(),
        inbox=inbox,
        outbox=outbox,
        message=limit,
        pings=pings,
        wake=lambda: log.append("wake"),
    )
    session.outbox.window = Inbox(packets=window)
    if attached:
        session.attach(0, 0.0)
    return session


def receive(session: Session, number: int, *packets: Packet, now: float = 0.0) -> Closing | None:
    return session.receive(message(number, *packets), now)


def deliver_all(session: Session) -> list[Packet]:
    found = []
    while (packet := session.deliver()) is not None:
        found.append(packet)
    return found


def call(session: Session, id: int = 1, deadline: float = 30.0) -> tuple[Pending, list[Outcome]]:
    outcomes: list[Outcome] = []
    return session.call(Call(id, "/", "ask", []), outcomes.append, deadline), outcomes


def told(messages: list[Data], kind: type[Packet]) -> list[Packet]:
    return [packet for packet in packets_in(messages) if type(packet) is kind]


def code(closing: Closing | None) -> str | None:
    return None if closing is None else closing.code.name
