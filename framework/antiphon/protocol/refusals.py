"""What becomes of a packet that breaks a limit: who is told, and what takes effect in its place (contract rule 6)."""

from __future__ import annotations

from typing import NamedTuple

from antiphon.protocol.codec import Broken
from antiphon.protocol.packets import Call, Cancel, Credit, End, Failed, Item, Join, Packet, Refused, Reply

__all__ = ["Refusal", "no_namespace", "refuse"]


class Refusal(NamedTuple):
    """`told` goes to the peer; `instead` is taken as if it had come from there."""

    told: Packet | None = None
    instead: Packet | None = None


def no_namespace(name: str) -> str:
    """What somebody is told who asks for a namespace that is not there."""
    return f"there is no namespace {name!r}"


def refuse(broken: Broken) -> Refusal:
    """Whoever waits for the packet must not wait for ever; whoever sent it learns why nothing came of it."""
    error, call, stream = broken.error, broken.call, broken.stream
    text, data = str(error), error.told
    if broken.kind is Join and broken.namespace is not None:
        return Refusal(Refused(broken.namespace, text, data))
    if call is None:
        return Refusal()
    if broken.kind is Call:
        return Refusal(Failed(call, "payload", text, data))
    if broken.kind is Reply or broken.kind is Failed:
        return Refusal(instead=Failed(call, "payload", text, data))
    if stream is None:
        return Refusal()
    # An item that is missing in the middle is not a stream any more.
    stop = Cancel(call) if stream == 0 else Credit(call, stream, 0)
    return Refusal(stop if broken.kind is Item else None, End(call, stream, ["payload", text, data]))
