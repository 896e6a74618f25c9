"""What is emitted, looked at where that is done: a peer could not read anything else, and would end its session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from antiphon.config import Limits
from antiphon.dispatch.payloads import to_wire
from antiphon.errors import PayloadError
from antiphon.protocol.values import stray

__all__ = ["outgoing"]


def outgoing(event: str, args: Sequence[Any], limits: Limits) -> list[Any]:
    """The arguments of `event` as they travel. Raises PayloadError when they, or its name, cannot."""
    if type(event) is not str or not 1 <= len(event) <= limits.name or stray(event, 0) is not None:
        expected = f"a str of 1 to {limits.name} characters"
        raise PayloadError(
            f"the name of an event is {expected}, not {event!r:.60}", parameter="event", expected=expected
        )
    wire = to_wire(list(args), "args")
    assert isinstance(wire, list)
    return wire
