"""What is emitted, looked at where that is done: a peer could not read anything else, and would end its session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from antiphon.config import Limits
from antiphon.dispatch.declared import Declarations, Declared
from antiphon.dispatch.payloads import to_wire
from antiphon.errors import LocalProtocolError, PayloadError
from antiphon.protocol.packets import Event, Volatile
from antiphon.protocol.values import stray

__all__ = ["Key", "Said", "outgoing", "said"]

Key = tuple[str, str, str | int]


class Said(NamedTuple):
    """One emit: its packet, and of a latest value the key that an unsent older one is replaced by."""

    packet: Event | Volatile
    key: Key | None


def outgoing(event: str, args: Sequence[Any], limits: Limits, declared: Declared | None = None) -> list[Any]:
    """The arguments of `event` as they travel. Raises PayloadError when they, or its name, cannot, or do not fit."""
    if type(event) is not str or not 1 <= len(event) <= limits.name or stray(event, 0) is not None:
        expected = f"a str of 1 to {limits.name} characters"
        raise PayloadError(
            f"the name of an event is {expected}, not {event!r:.60}", parameter="event", expected=expected
        )
    wire = to_wire(list(args), "args")
    assert isinstance(wire, list)
    if declared is not None:
        declared.plan.arguments(wire)
    return wire


def said(
    namespace: str,
    declarations: Declarations,
    event: str,
    args: Sequence[Any],
    limits: Limits,
    volatile: bool,
    latest: str | int | None,
) -> Said:
    """One emit, as it is declared and asked for. Raises PayloadError, and LocalProtocolError for what contradicts."""
    declared = declarations.get(event) if type(event) is str else None
    wire = outgoing(event, args, limits, declared)
    keyed = latest is not None
    if declared is not None:
        volatile = volatile or declared.volatile
        if declared.latest is not None:
            if keyed:
                raise LocalProtocolError(
                    f"event {event!r} is declared with its key; leave latest={latest!r} out of this emit"
                )
            keyed, latest = True, wire[declared.latest]
    if volatile and keyed:
        raise LocalProtocolError(
            f"event {event!r} is to be volatile and a latest value; choose one: a volatile event may be lost, "
            f"of a latest value the last one always arrives"
        )
    if volatile:
        return Said(Volatile(namespace, event, wire), None)
    packet = Event(namespace, event, wire)
    if not keyed:
        return Said(packet, None)
    if type(latest) is not str and type(latest) is not int:
        expected = "a str or an int that says whose value it is"
        raise PayloadError(
            f"the key of the latest value of event {event!r} is {expected}, not {latest!r:.60}",
            parameter="latest",
            expected=expected,
        )
    return Said(packet, (namespace, event, latest))
