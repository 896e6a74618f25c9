"""What middleware of a server is given: who arrives, what comes in, what goes out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from antiphon.dispatch.middleware import Around
from antiphon.errors import LocalProtocolError

if TYPE_CHECKING:
    from antiphon.server.broadcast import Broadcast
    from antiphon.server.namespace import Namespace
    from antiphon.server.socket import Socket

__all__ = ["Arriving", "Incoming", "Kind", "Outgoing", "cannot_wait", "go_out", "kept"]

R = TypeVar("R", "Arriving", "Incoming", "Outgoing")

Kind = Literal["event", "call", "volatile"]


@dataclass(frozen=True, slots=True)
class Arriving:
    """A socket asks to be let into its namespace with what its client gave as `auth`."""

    socket: Socket
    auth: Any


@dataclass(frozen=True, slots=True)
class Incoming:
    """An event of `socket`, as it came: `args` are not bound to a handler yet."""

    socket: Socket
    name: str
    args: tuple[Any, ...]
    kind: Kind


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An event that is emitted or called in `namespace`, to one socket or to an audience."""

    namespace: Namespace
    name: str
    args: tuple[Any, ...]
    kind: Kind
    to: Socket | Broadcast


# What middleware may not change, since it has been decided on already.
_FIXED = {Arriving: ("socket",), Incoming: ("socket", "kind"), Outgoing: ("namespace", "kind", "to")}


async def go_out(
    around: Around,
    to: Socket | Broadcast,
    namespace: Namespace,
    kind: Kind,
    event: str,
    args: tuple[Any, ...],
    send: Callable[[str, tuple[Any, ...]], Awaitable[Any]],
) -> Any:
    """Ask the middleware, and `send` what it proceeds with; returns what it gives for that."""
    outgoing = Outgoing(namespace, event, args, kind, to)

    async def proceed(record: Outgoing) -> Any:
        record = kept(outgoing, record)
        return await send(record.name, record.args)

    return await around(outgoing, proceed)


def cannot_wait(event: str, namespace: Namespace, remedy: str) -> LocalProtocolError:
    """What to raise where somebody emits without being able to wait for middleware."""
    return LocalProtocolError(
        f"event {event!r} cannot be sent without waiting: namespace {namespace.name!r} has middleware around_emit, "
        f"which is async; {remedy}"
    )


def kept(given: R, record: R) -> R:
    """`record`, which middleware proceeds with, if it may in place of what was `given`."""
    kind = type(given)
    if type(record) is not kind:
        raise TypeError(
            f"middleware must proceed with the {kind.__name__} that it was given, "
            f"or with dataclasses.replace() of it, not with {record!r:.80}"
        )
    for name in _FIXED[kind]:
        if getattr(record, name) is not getattr(given, name):
            raise LocalProtocolError(f"middleware may not change {name!r} of an {kind.__name__}, only refuse it")
    return record
