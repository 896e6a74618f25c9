"""A session on a wire whose peer never acks: what was written counts as handed over."""

from __future__ import annotations

from collections.abc import Sequence

from antiphon.config import Limits
from antiphon.dialects.native.forms import MsgpackCodec
from antiphon.protocol.packets import Ack, Leave, Packet, Ping
from antiphon.protocol.session import Session, State
from antiphon.types import Data
from tests.protocol.sessions import open_session, receive
from tests.protocol.wire import event, packets_in


class Sent(bytes):
    """Bytes that know something."""


class Unacking(MsgpackCodec):
    """It has no word for acks, pings and leaves, and its bytes are of a kind of their own."""

    acks = False

    def encode(self, packet: Packet) -> bytes:
        return b"" if isinstance(packet, Ack | Ping | Leave) else Sent(super().encode(packet))

    def pack(self, number: int, counted: int, parts: Sequence[bytes]) -> Data:
        parts = [part for part in parts if part]
        return super().pack(number, len(parts), parts) if parts else b""


def unacking(*, window: int = 256) -> Session:
    session = open_session(window=window)
    session.codec = session.outbox.codec = Unacking(Limits())
    session.take(0.0)
    return session


def test_what_was_written_is_not_kept() -> None:
    session = unacking()
    session.send(event(1))
    session.send(event(2))

    [message] = session.take(0.0)

    assert packets_in([message]) == [event(1), event(2)]
    assert session.outbox.idle and session.outbox.size == 0


def test_more_than_the_window_leaves_in_the_turns_behind() -> None:
    session = unacking(window=2)
    for number in range(5):
        session.send(event(number))

    turns = []
    while session.outbox.dirty:
        turns.append([packet.args[0] for packet in packets_in(session.take(0.0))])  # type: ignore[attr-defined]  # events

    assert turns == [[0, 1], [2, 3], [4]]


def test_what_has_no_word_is_not_written() -> None:
    session = unacking()
    session.send(Leave("/"))

    assert session.take(0.0) == []
    assert session.outbox.idle


def test_an_ack_is_due_and_not_written_but_what_it_would_say_is_forgotten() -> None:
    session = unacking()
    receive(session, 1, event(1))
    session.deliver()

    assert session.take(10.0) == []
    assert session.inbox.told == 1


def test_a_goodbye_waits_for_what_is_written_and_not_for_acks() -> None:
    session = unacking()
    session.send(event(1))

    session.close(0.0)

    first, *rest = session.take(0.0), *session.take(0.0)
    assert packets_in(first) == [event(1)]
    assert len(rest) == 1
    assert session.state is State.ENDED
