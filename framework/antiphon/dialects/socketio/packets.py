"""What Socket.IO v5 can say, and what a client may: the rules that both forms of the wire share."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple, Protocol

from antiphon.config import Limits
from antiphon.dialects.socketio.numbers import doubles
from antiphon.errors import PayloadError, RemoteProtocolError
from antiphon.protocol.packets import MAX_NUMBER
from antiphon.protocol.values import stray
from antiphon.types import Data

__all__ = ["RESERVED", "Form", "Kind", "SocketioPacket", "check_name", "received"]

# Names of events that clients of this wire fire themselves, and end their connection for if they arrive.
RESERVED = frozenset({"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"})


class Kind(IntEnum):
    """Packet types. The binary ones of the text form are a matter of its spelling, and not here."""

    CONNECT = 0
    DISCONNECT = 1
    EVENT = 2
    ACK = 3
    CONNECT_ERROR = 4


# Looking one up is several times as fast as asking the class for it, and this is on the path of every event.
_KINDS = tuple(Kind)


class SocketioPacket(NamedTuple):
    """One packet. `data` of an event is its name and its arguments, of an ack its values; None is no data at all.

    `fault`: it was read, but holds what is no value of ours, or breaks `limit`; nobody may be handed that.
    """

    kind: Kind
    namespace: str
    data: Any = None
    id: int | None = None
    fault: PayloadError | None = None
    limit: str | None = None


class Form(Protocol):
    """One spelling of Socket.IO packets; reading has state, so each session has its own.

    `waiting`: an event or ack of which attachments are still to come. `weight`: bytes that the last packet came in.
    """

    waiting: SocketioPacket | None
    weight: int

    def write(self, packet: SocketioPacket) -> bytes:
        """The packet as finished WebSocket frames. Raises PayloadError for what this form cannot say."""
        ...

    def read(self, message: Data) -> SocketioPacket | None:
        """Take in one Engine.IO message; None when more of them belong to its packet.

        Raises RemoteProtocolError.
        """
        ...

    def forget(self) -> None:
        """The transport ended: what was begun on it is not continued on the next one."""
        ...


def check_name(event: str) -> None:
    """Raise PayloadError for the name of an event that a client would end its connection for."""
    if event in RESERVED:
        raise PayloadError(
            f"{event!r} is an event that Socket.IO clients fire themselves, and may not be sent to them; rename it",
            parameter="event",
            expected="another name",
        )


def received(kind: int, namespace: str, id: int | None, data: Any, limits: Limits) -> SocketioPacket:
    """A packet of a client, looked at before anything else is done with it. Raises RemoteProtocolError."""
    # Numbers, and not members of Kind: those are compared through Python, three times for each event.
    _check_head(kind, namespace, id, limits)
    fault: PayloadError | None = None
    limit: str | None = None
    if data is not None:
        found = stray(data, limits.depth, limits.keys, limits.values)
        if found is not None and found.limit is None:
            # Clients spell numbers as JavaScript does, 1e20 with all of its zeros.
            data = doubles(data, limits.depth)
            found = stray(data, limits.depth, limits.keys, limits.values)
        if found is not None:
            fault, limit = found.error("data"), found.limit
            if kind == 0:
                raise _broken(str(fault))
    if kind == 2 or kind == 3:
        if type(data) is not list:
            raise _broken("the data of an event or ack is an array")
        if kind == 2:
            name = _name(data)
            data[:1] = [name]
            if len(name) > limits.name:
                fault, limit = _too_long(name, limits), "name"
        elif id is None:
            raise _broken("an ACK has the id of what it acknowledges")
    elif kind == 0:
        if data is not None and type(data) is not dict:
            raise _broken("the data of a CONNECT is an object")
    elif data is not None:
        raise _broken("a DISCONNECT has no data")
    return SocketioPacket(_KINDS[kind], namespace.partition("?")[0], data, id, fault, limit)


def _check_head(kind: int, namespace: str, id: int | None, limits: Limits) -> None:
    if not 0 <= kind <= 3:
        raise _broken(f"a client does not send packets of type {kind}")
    if id is not None and (kind < 2 or not 0 <= id <= MAX_NUMBER):
        raise _broken("an id is a whole number of an event or ack")
    if namespace == "/":
        return
    # On polls 0x1E would end the packet that repeats the name.
    if not namespace.startswith("/") or "\x1e" in namespace:
        raise _broken("the name of a namespace begins with '/' and has no separator in it")
    if len(namespace) > limits.name:
        raise _broken(f"the name of a namespace has at most {limits.name} characters, not {len(namespace)}")
    try:
        namespace.encode()
    except UnicodeEncodeError:
        raise _broken("the name of a namespace is valid Unicode") from None


def _name(data: list[Any]) -> str:
    """The name of an event. A number may stand for one; for the clients of this wire 1 and "1" are the same."""
    name = data[0] if data else None
    if type(name) is int or type(name) is float:
        name = str(int(name)) if name == name // 1 else repr(name)
    if type(name) is not str:
        raise _broken("an event begins with its name, a string or a number")
    if name in RESERVED:
        raise _broken(f"{name!r} is no event that a client may send")
    return name


def _too_long(name: str, limits: Limits) -> PayloadError:
    expected = f"at most {limits.name} characters"
    return PayloadError(
        f"the name of an event has {expected}, not {len(name)}", parameter="the name of the event", expected=expected
    )


def _broken(reason: str) -> RemoteProtocolError:
    return RemoteProtocolError("protocol", reason)
