"""How large one packet may be: it fits into a message, and three others fit beside it into the outbox."""

from __future__ import annotations

import pytest

from antiphon.config import Outbox
from antiphon.protocol.sizes import HEAD, largest_packet, too_large


@pytest.mark.parametrize(
    ("outbox", "message", "largest"), [(400_000, 1 << 20, 100_000), (4 << 20, 100_000, 100_000 - HEAD)]
)
def test_the_tighter_of_both_bounds_counts(outbox: int, message: int, largest: int) -> None:
    assert largest_packet(Outbox(size=outbox), message) == largest


def test_who_sent_too_much_is_told_how_much_it_was_and_what_to_do() -> None:
    error = too_large("an event", 300, 200)

    assert str(error) == (
        "an event of 300 bytes is larger than one packet may be (200 bytes); send it in parts or by reference"
    )
