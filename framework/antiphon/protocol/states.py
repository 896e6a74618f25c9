"""Where a session can stand, and the one table of what changes that; session.py draws it and says what it means."""

from __future__ import annotations

from enum import Enum, auto

__all__ = ["TRANSITIONS", "Act", "State"]


class State(Enum):
    """Where a session stands."""

    FRESH = auto()
    ATTACHED = auto()
    DETACHED = auto()
    CLOSING = auto()
    ENDED = auto()


class Act(Enum):
    """What changes the state."""

    ATTACH = auto()
    DETACH = auto()
    CLOSE = auto()
    END = auto()
    RENEW = auto()


TRANSITIONS: dict[tuple[State, Act], State] = {
    (State.FRESH, Act.ATTACH): State.ATTACHED,
    (State.FRESH, Act.CLOSE): State.ENDED,
    (State.FRESH, Act.END): State.ENDED,
    (State.ATTACHED, Act.ATTACH): State.ATTACHED,
    (State.ATTACHED, Act.DETACH): State.DETACHED,
    (State.ATTACHED, Act.CLOSE): State.CLOSING,
    (State.ATTACHED, Act.END): State.ENDED,
    (State.DETACHED, Act.ATTACH): State.ATTACHED,
    (State.DETACHED, Act.DETACH): State.DETACHED,
    (State.DETACHED, Act.CLOSE): State.ENDED,
    (State.DETACHED, Act.END): State.ENDED,
    (State.CLOSING, Act.ATTACH): State.CLOSING,
    (State.CLOSING, Act.DETACH): State.ENDED,
    (State.CLOSING, Act.CLOSE): State.CLOSING,
    (State.CLOSING, Act.END): State.ENDED,
    (State.ENDED, Act.DETACH): State.ENDED,
    (State.ENDED, Act.CLOSE): State.ENDED,
    (State.ENDED, Act.END): State.ENDED,
    (State.ENDED, Act.RENEW): State.FRESH,
}
