"""A codec with a client at its other end, as the tests of this wire need them."""

from __future__ import annotations

import msgspec

from antiphon.config import Limits, Outbox
from antiphon.dialects.socketio.codec import SocketioCodec
from antiphon.dialects.socketio.engine import write_payload
from antiphon.dialects.socketio.frames import messages_of
from antiphon.dialects.socketio.recovery import Offsets
from antiphon.errors import RemoteProtocolError
from antiphon.protocol.packets import Hello, Joined, Packet, Welcome
from antiphon.types import Data

__all__ = [
    "KEY",
    "PID",
    "SECOND",
    "THIRD",
    "claiming",
    "codec",
    "heard",
    "joined",
    "recovering",
    "refusal",
    "resumed",
    "told",
]

KEY = "k" * 43
# By the number of the CONNECT: "/" is asked for first in these tests, and then "/a".
PID, SECOND, THIRD = f"sid.{KEY}.1", f"sid.{KEY}.2", f"sid.{KEY}.3"
WELCOME = Welcome(epoch="e1", sid="sid", received=0, next=1, resumed=False)


def codec(limits: Limits | None = None, *, msgpack: bool = False) -> SocketioCodec:
    """One that nobody has said anything to."""
    return SocketioCodec(limits or Limits(), key=KEY, msgpack=msgpack)


def joined(*namespaces: str, made: SocketioCodec | None = None) -> SocketioCodec:
    """One whose client is in these namespaces, `/` if none is named; its sockets are S1, S2, ..."""
    made = made or codec()
    for number, namespace in enumerate(namespaces or ("/",)):
        [packet] = made.decode(f"40{namespace}," if namespace != "/" else "40").packets
        if isinstance(packet, Hello):
            made.encode(WELCOME)
        made.encode(Joined(namespace, f"S{number + 1}"))
    return made


def recovering(*namespaces: str, packets: int = 100, attempt: int = 1) -> SocketioCodec:
    """As `joined`, for one whose client may come back."""
    made = SocketioCodec(Limits(), key=KEY, attempt=attempt, kept=Outbox(packets=packets), offsets=Offsets("e1"))
    return joined(*namespaces, made=made) if namespaces else made


def told(made: SocketioCodec, *packets: Packet) -> list[Data]:
    """The messages that the client gets of these packets."""
    return list(messages_of(made.pack(1, len(packets), [made.encode(packet) for packet in packets])))


def refusal(made: SocketioCodec, data: Data) -> str:
    """Why the client's connection ends."""
    try:
        message = made.decode(data)
    except RemoteProtocolError as error:
        assert error.code == "protocol"
        return error.message
    raise AssertionError(f"{message} was taken")


def heard(made: SocketioCodec, data: Data) -> list[Packet]:
    """What the client says by one message."""
    return made.decode(data).packets


def claiming(namespace: str = "/", offset: str | None = None, pid: str = PID) -> str:
    """The CONNECT of a client that comes back."""
    auth = {"pid": pid} if offset is None else {"pid": pid, "offset": offset}
    return f"40{'' if namespace == '/' else namespace + ','}{msgspec.json.encode(auth).decode()}"


def resumed(made: SocketioCodec, offset: str | None, namespace: str = "/", pid: str = PID) -> list[str]:
    """What the client is sent first when it comes on another transport; the codec of that one only reads its claim."""
    other = recovering(attempt=2)
    other.decode(claiming(namespace, offset, pid))
    assert other.claim is not None
    frames = made.resume(other.claim.place)
    assert frames is not None
    return write_payload(messages_of(frames)).split("\x1e")
