"""The seam to a dialect: packets to bytes and back, and one packet encoded once for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from antiphon.errors import PayloadError
from antiphon.protocol.packets import COUNTED, Packet
from antiphon.types import Data

__all__ = ["Broken", "Codec", "Message", "Prepared", "is_counted"]


class Broken(Packet, frozen=True):
    """A packet that could be read but breaks a limit: it is acked and refused by itself (contract rule 6).

    `kind` is what it would have been; `call` and `stream` say what it is about, or `namespace` of a join does, as far
    as that can be read. `limit` is the one of Limits that it breaks; without it, it holds what is no wire value.
    """

    kind: type[Packet]
    error: PayloadError
    call: int | None = None
    namespace: str | None = None
    limit: str | None = None
    stream: int | None = None


def is_counted(packet: Packet) -> bool:
    """Whether `packet` has a number."""
    return (packet.kind if type(packet) is Broken else type(packet)) in COUNTED


class Message(NamedTuple):
    """What one message says: the number of its first counted packet, how many it holds, and its packets.

    `weight`: bytes that its packets came in, where that is more than this one message; else 0.
    """

    number: int
    counted: int
    packets: list[Packet]
    weight: int = 0


class Codec(Protocol):
    """One form of one dialect. `encode` must not depend on the receiver: its result is shared by all of `form`.

    `acks`: the peer says what it was handed. Where it has no word for that, what was written counts as handed over.
    `early`: a client hears what is said to it in a namespace even before it is let in there.
    """

    form: str
    acks: bool
    early: bool

    def encode(self, packet: Packet) -> bytes:
        """Spell one packet, without a number. Empty: this wire has no word for it.

        Raises PayloadError for an event, a call or a reply that this wire cannot say.
        """
        ...

    def pack(self, number: int, counted: int, parts: Sequence[bytes]) -> Data:
        """Compose the encoded packets `parts`, `counted` of them counted from `number` on, into one message.

        Empty: none is written.
        """
        ...

    def decode(self, data: Data) -> Message:
        """Read one message.

        Raises RemoteProtocolError with code `protocol` when it cannot be read, `miscounted` when it holds another
        number of counted packets than it says, and `unsupported` for an unknown counted packet.
        """
        ...


class Prepared:
    """One packet, encoded once per form: the same bytes object stands in ten thousand outboxes."""

    __slots__ = ("forms", "packet", "unsaid")

    def __init__(self, packet: Packet) -> None:
        self.packet = packet
        self.forms: dict[str, bytes] = {}
        self.unsaid: dict[str, PayloadError] = {}  # the forms that cannot say it, and why: nobody of those is sent it

    def encode(self, codec: Codec) -> bytes:
        """Encode for `codec` and remember it for everyone of the same form."""
        encoded = self.forms[codec.form] = codec.encode(self.packet)
        return encoded
