"""How large one packet may be, and what is raised for one that is larger."""

from __future__ import annotations

from antiphon.config import Outbox
from antiphon.errors import OutboxFull

__all__ = ["HEAD", "largest_packet", "too_large"]

# What a message's own head may take of its limit.
HEAD = 64


def largest_packet(outbox: Outbox, message: int) -> int:
    """Bytes that one packet may have: a quarter of the outbox, and never more than a message (contract rule 10)."""
    return min(outbox.size // 4, message - HEAD)


def too_large(what: str, size: int, largest: int) -> OutboxFull:
    """What to raise where more than that was to be sent."""
    return OutboxFull(
        f"{what} of {size} bytes is larger than one packet may be ({largest} bytes); send it in parts or by reference"
    )
