"""What a host lends for one request of a Socket.IO client on polling, and what those are told whose session is over."""

from __future__ import annotations

from typing import Protocol

from antiphon.dialects.socketio.engine import EngineError, EngineRefusal
from antiphon.protocol.closing import Closing, TransportCode

__all__ = ["CLOSED", "TWICE", "EnginePort", "farewell_of", "refusal_of"]

CLOSED = EngineRefusal(EngineError.SESSION_UNKNOWN, "it was closed; connect again")
TWICE = EngineRefusal(EngineError.BAD_REQUEST, "one poll and one POST at a time; the session is closed")


class EnginePort(Protocol):
    """What a host lends for one request: it is answered exactly once, now or later."""

    @property
    def gone(self) -> bool:
        """Whether its connection is closed, so that nobody hears an answer."""
        ...

    def answer(self, text: str) -> None:
        """200 with this."""
        ...

    def refuse(self, refusal: EngineRefusal) -> None:
        """Why not."""
        ...


def refusal_of(closing: Closing) -> EngineRefusal:
    """What a client reads whose own words had its session closed."""
    return EngineRefusal(EngineError.BAD_REQUEST, closing.sentence or closing.reason or closing.word)


def farewell_of(closing: Closing) -> EngineRefusal:
    """What a client reads who asks for more of a session that was closed."""
    said = closing.sentence or ("" if closing.code is TransportCode.ENDED else closing.reason)
    return EngineRefusal(EngineError.SESSION_UNKNOWN, said) if said else CLOSED
