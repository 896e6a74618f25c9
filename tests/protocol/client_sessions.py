"""Sessions of a client for tests, and what a server says to them."""

from __future__ import annotations

from typing import Any

from antiphon.config import Limits, Outbox
from antiphon.protocol.calls import Outcome, Pending
from antiphon.protocol.client_session import ClientSession
from antiphon.protocol.outbox import Entry
from antiphon.protocol.packets import (
    Ack,
    Call,
    Joined,
    Packet,
    Welcome,
)
from tests.protocol.wire import CODEC, event, message, packets_in

__all__ = ["NEVER", "call", "emit", "joined_session", "let_in", "open_session", "receive", "take", "told", "welcome"]

NEVER = float("inf")


def open_session(*, outbox: Outbox = Outbox(packets=1024), limits: Limits = Limits()) -> ClientSession:
    return ClientSession(CODEC, "the-secret-key", outbox=outbox, limits=limits, wake=lambda: None)


def welcome(
    session: ClientSession,
    now: float = 0.0,
    *,
    sid: str = "s1",
    resumed: bool = False,
    received: int = 0,
    next: int = 1,
    **fields: Any,
) -> bool:
    """Greet, and be welcomed."""
    session.greet()
    return session.welcomed(Welcome(epoch="e1", sid=sid, received=received, next=next, resumed=resumed, **fields), now)


def take(session: ClientSession, now: float = 0.0) -> list[Packet]:
    return [packet for packet in packets_in(session.take(now)) if not isinstance(packet, Ack)]


def receive(session: ClientSession, number: int, *packets: Packet, now: float = 0.0) -> None:
    session.receive(message(number, *packets), now)


def let_in(session: ClientSession, namespace: str = "/", number: int = 1) -> None:
    """The server lets us in, and the connect handler is done."""
    receive(session, number, Joined(namespace, "socket"))
    assert session.deliver() == Joined(namespace, "socket")
    assert session.joined(namespace, "socket") is not None
    session.open(namespace)


def joined_session(*, outbox: Outbox = Outbox(packets=1024), limits: Limits = Limits()) -> ClientSession:
    """A session that is attached, and in namespace "/"."""
    session = open_session(outbox=outbox, limits=limits)
    session.join("/")
    welcome(session)
    let_in(session)
    take(session)
    return session


def emit(session: ClientSession, *numbers: int, **options: Any) -> list[Entry]:
    return [session.emit(event(number), **options) for number in numbers]


def call(session: ClientSession, deadline: float = 30.0, *, repeatable: bool = False) -> tuple[Pending, list[Outcome]]:
    outcomes: list[Outcome] = []
    packet = Call(session.next_call(), "/", "ask", [])
    return session.emit_call(packet, outcomes.append, deadline, repeatable=repeatable), outcomes


def told(packets: list[Packet], *kinds: type[Packet]) -> list[Packet]:
    return [packet for packet in packets if type(packet) in kinds]
