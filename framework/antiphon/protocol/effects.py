"""What a packet of the peer does as it arrives. What is for the application waits in the inbox instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from antiphon.protocol.closing import Closing, TransportCode
from antiphon.protocol.codec import Broken
from antiphon.protocol.inbox import ACK_SIZE, weigh
from antiphon.protocol.packets import Ack, Cancel, Close, Credit, End, Failed, Item, Packet, Ping, Pong, Renew, Reply
from antiphon.protocol.refusals import refuse
from antiphon.protocol.streams import failure

if TYPE_CHECKING:
    from antiphon.protocol.session import Session

__all__ = ["take_effect"]


def take_effect(session: Session, packet: Packet, now: float, size: int, among: int) -> Closing | None:
    """Let a packet do what it says. It came in a message of `size` bytes that holds so many.

    Returns how the transport is to be closed, if it is.
    """
    match packet:
        case Reply() | Failed():
            session.calls.answer(packet)
        case End(id, 0, error):
            failed = failure(error)
            answer = Reply(id) if failed is None else Failed(id, failed.code, failed.message, failed.data)
            session.calls.answer(answer)
        case Item() | End() | Credit():
            # As in Inbox.accept: what stands alone has the size of its message.
            share = weigh(packet) if size > ACK_SIZE and among > 1 else size // among
            if not session.streams.receive(packet, share, size):
                return session.violated("flood", "more items of a stream were sent than were asked for")
        case Cancel(id):
            session.answering.cancel(id, waits=session.inbox.holds_call(id))
        case Broken():
            instead = _refuse(session, packet)
            return None if instead is None else take_effect(session, instead, now, size, among)
        case Ack(handed, received):
            return session.acked(handed, received, now)
        case Ping():
            if not session.owed.pong(packet, now):
                session.tally.hit("pings")
            session.outbox.mark()
        case Pong(time, theirs):
            session.heartbeat.answered(time / 1000, theirs / 1000, now)
        case Close(code, reason, retry_after):
            # A code is one of the protocol's words; it is remembered, and may become a header or a line of a log.
            word = code if len(code) <= 64 and code.isascii() and code.isidentifier() else "closed"
            session.end(word, reason[:1000], None if retry_after is None else retry_after / 1000, tell=False)
            return Closing(TransportCode.ENDED, word)
        case Renew(auth):
            if session.on_renew is not None:
                session.on_renew(auth)
        case _:  # Hello, Welcome, Refuse
            return session.violated("protocol", f"{type(packet).__name__} on a transport that is attached already")
    return None


def _refuse(session: Session, broken: Broken) -> Packet | None:
    """Say that a packet breaks a limit; returns what takes effect in its place."""
    session.tally.broken += 1
    if broken.limit is not None:
        session.tally.hit(broken.limit)
    told, instead = refuse(broken)
    if told is not None:
        session.send(told)
    return instead
