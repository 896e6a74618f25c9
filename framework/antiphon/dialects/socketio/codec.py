"""The wire of one Socket.IO client as a Codec of ours: what it says becomes packets, and packets become its frames."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from antiphon.config import Limits, Outbox
from antiphon.dialects.socketio import engine
from antiphon.dialects.socketio.credentials import Claim, claimed
from antiphon.dialects.socketio.members import Member
from antiphon.dialects.socketio.packets import Kind, SocketioPacket
from antiphon.dialects.socketio.recovery import Offsets, Place
from antiphon.dialects.socketio.speaking import Speaking
from antiphon.errors import RemoteProtocolError
from antiphon.protocol import packets as p
from antiphon.protocol.codec import Broken, Message, is_counted
from antiphon.types import Data, Value

__all__ = ["SocketioCodec"]


class SocketioCodec(Speaking):
    """One session's. Nothing is numbered on this wire, so what arrives is counted here.

    With `kept` a client may come back to where it was: `claim` says that it wants to, `missed` whether it can, and
    `resume` what it is sent then.
    """

    __slots__ = ("_attempt", "_begun", "_fresh", "_received", "claim")

    acks = False
    early = False

    def __init__(
        self,
        limits: Limits,
        *,
        key: str,
        attempt: int = 1,
        msgpack: bool = False,
        kept: Outbox | None = None,
        offsets: Offsets | None = None,
    ) -> None:
        """`key` is the proof of a new session, `attempt` grows with each connection to the server.

        `kept` bounds what may be sent again; `offsets` are then those of the server, the same for all.
        """
        super().__init__(limits, key=key, msgpack=msgpack, kept=kept, offsets=offsets)
        self.claim: Claim | None = None
        self._attempt = attempt
        self._fresh = key
        self._received = 0
        self._begun: SocketioPacket | None = None  # what waited for its attachments when the last Pong came

    def __repr__(self) -> str:
        return f"SocketioCodec({self.form}, key=<secret>)"

    @property
    def joined(self) -> bool:
        """Whether the client is in any namespace."""
        return bool(self._members.joined())

    def decode(self, data: Data) -> Message:
        """See Codec.decode: one packet of Engine.IO, as a WebSocket or a payload brings it.

        The first CONNECT is a Hello with one join. A message that is a part of a packet holds nothing.
        """
        packets = self._read(data)
        number, counted = self._received + 1, 0
        for packet in packets:
            counted += is_counted(packet)
        self._received += counted
        weight = self._wire.weight if counted else 0
        return Message(number, counted, packets, weight if weight > len(data) else 0)

    def _read(self, data: Data) -> list[p.Packet]:
        if isinstance(data, bytes):
            return self._take(data)
        kind = data[:1]
        if kind == engine.MESSAGE:
            return self._take(data[1:])
        if kind == engine.BASE64:
            return self._take(engine.read_base64(data))
        match data:
            case engine.PONG:
                return self._pong()
            case engine.CLOSE:
                return [p.Close("closed", "the client closed the connection")]
            case engine.NOOP:
                return []
            case engine.PING:
                raise RemoteProtocolError("protocol", "a ping came from the client; in EIO=4 the server pings")
        raise RemoteProtocolError("protocol", "no packet of Engine.IO that a client sends on a transport of its own")

    def _pong(self) -> list[p.Packet]:
        # Whoever sends attachments sends them at once, and a Pong behind them.
        if self._begun is not None and self._begun is self._wire.waiting:
            raise RemoteProtocolError("protocol", "the attachments of a packet did not come from one ping to the next")
        self._begun = self._wire.waiting
        if self._recovery is not None:
            self._recovery.arrived()
        left = [p.Leave(namespace) for namespace in self._members.missing()]
        for leave in left:
            self._left(leave.namespace)
        time, self._pinged = self._pinged, None
        # The client does not tell its clock.
        return [*left, p.Pong(time, time)] if time is not None else [*left]

    def _take(self, data: Data) -> list[p.Packet]:
        packet = self._wire.read(data)
        if packet is None:
            waiting = self._wire.waiting
            assert waiting is not None
            # Before anything is kept for it.
            self._members.hears(waiting.namespace)
            return []
        kind, namespace = packet.kind, packet.namespace
        if kind is Kind.EVENT:
            return [self._said(packet)] if self._members.hears(namespace) else []
        if kind is Kind.ACK:
            return _reply(packet) if self._members.hears(namespace) else []
        if kind is Kind.CONNECT:
            return self._connect(namespace, packet.data)
        heard = self._members.leave(namespace)
        self._left(namespace)
        return [p.Leave(namespace)] if heard else []

    def _said(self, packet: SocketioPacket) -> p.Packet:
        namespace, (name, *args) = packet.namespace, packet.data
        call = None if packet.id is None else self._asked.add(namespace, packet.id)
        if packet.fault is not None:
            return Broken(p.Event if call is None else p.Call, packet.fault, call, limit=packet.limit)
        return p.Event(namespace, name, args) if call is None else p.Call(call, namespace, name, args)

    def _connect(self, namespace: str, auth: Value) -> list[p.Packet]:
        claim = None
        if self._recovery is not None:
            claim, auth = claimed(namespace, auth)
        if self._greeted is None:
            self._members.ask(namespace)
            self._greeted, self.claim = namespace, claim
            if claim is not None:
                self._key = claim.key
            sid = None if claim is None else claim.sid
            return [p.Hello(key=self._key, attempt=self._attempt, sid=sid, auth=auth, joins=((namespace, auth),))]
        if claim is not None and claim.sid == self._sid and claim.key == self._key:
            frames = self._take_back(claim.place)
            if frames is not None:
                self._again.append(frames)
                # Whoever takes this in answers it, and the answer is what is to be written.
                return [p.Ping(0)]
        before = self._members.ask(namespace)
        if before is Member.ASKED:
            return []
        join = p.Join(namespace, auth)
        if before is not Member.IN and before is not Member.CUT:
            return [join]
        self._left(namespace)
        return [p.Leave(namespace), join]

    # -- recovery

    def missed(self, place: Place) -> Sequence[bytes] | None:
        """What the client has not seen from there on; None when that is not known, and it has to begin anew."""
        if self._recovery is None or place.namespace not in self._members.sockets:
            return None
        if place.stay != str(self._members.stays[place.namespace]):
            return None  # of an earlier stay there
        return self._recovery.missed(place)

    def resume(self, place: Place) -> bytes | None:
        """The client comes on another transport: what it is sent first there. None, and nothing changes: see `missed`.

        Wherever else it was it has to ask again, and what is for it there is held back until then.
        """
        recovery = self._recovery
        if recovery is None or self.missed(place) is None:
            return None
        self._wire.forget()
        self._pinged = self._begun = None
        self._again.clear()
        self._members.cut()
        recovery.hold_back(list(self._members.sockets))
        recovery.shut(self._members.asked)
        return self._take_back(place)

    def _take_back(self, place: Place) -> bytes | None:
        namespace, recovery = place.namespace, self._recovery
        missed = self.missed(place)
        if recovery is None or missed is None or self._members[namespace] is not Member.CUT:
            return None
        self._members.take_back(namespace)
        held = self._leaving(recovery, recovery.take_back(namespace))
        # The CONNECT comes first: what a client has before one, it keeps across cuts without knowing its offset.
        return b"".join((self._connected(namespace), *missed, *held))

    def afresh(self, hello: p.Hello) -> p.Hello:
        """The Hello of a client that cannot go on: the same, for a session of its own."""
        self.claim, self._key = None, self._fresh
        return replace(hello, sid=None, key=self._key)


def _reply(packet: SocketioPacket) -> list[p.Packet]:
    """One value stands alone; several are a list, and none is None."""
    if not packet.id:
        return []  # ours begin with 1
    if packet.fault is not None:
        return [Broken(p.Reply, packet.fault, packet.id, limit=packet.limit)]
    values = packet.data
    return [p.Reply(packet.id, values[0] if len(values) == 1 else values or None)]
