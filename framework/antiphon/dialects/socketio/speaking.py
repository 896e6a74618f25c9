"""The saying half of a codec: packets of ours become finished frames for one Socket.IO client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from antiphon.config import Limits, Outbox
from antiphon.dialects.socketio import engine
from antiphon.dialects.socketio.calls import Asked
from antiphon.dialects.socketio.credentials import spelled
from antiphon.dialects.socketio.frames import text_frame
from antiphon.dialects.socketio.members import Members
from antiphon.dialects.socketio.msgpack import MsgpackForm
from antiphon.dialects.socketio.packets import Form, Kind, SocketioPacket, check_name
from antiphon.dialects.socketio.recovery import Offsets, Recovery, Sent
from antiphon.dialects.socketio.text import TextForm
from antiphon.errors import PayloadError
from antiphon.protocol import packets as p
from antiphon.protocol.refusals import no_namespace
from antiphon.types import Value

__all__ = ["Speaking"]

_PING, _CLOSE = text_frame(engine.PING.encode()), text_frame(engine.CLOSE.encode())


class Speaking:
    """What a codec knows of its session, and how it says things. SocketioCodec adds what it hears.

    What `encode` returns are finished WebSocket frames, so a message is a join and a write of them. Packets that this
    wire has no word for (streams, cancels, acks, failures) are empty: a call that failed is not acknowledged, and its
    caller's own timeout speaks.
    """

    __slots__ = (
        "_again",
        "_asked",
        "_greeted",
        "_key",
        "_members",
        "_offsets",
        "_pinged",
        "_recovery",
        "_sid",
        "_wire",
        "form",
    )

    def __init__(
        self, limits: Limits, *, key: str, msgpack: bool, kept: Outbox | None, offsets: Offsets | None
    ) -> None:
        self.form = "socketio-msgpack" if msgpack else "socketio"
        self._wire: Form = MsgpackForm(limits) if msgpack else TextForm(limits)
        self._members = Members(limits)
        self._asked = Asked(limits.calls)
        self._key = key
        self._sid: str | None = None  # of the session, once it is known
        self._greeted: str | None = None  # the namespace of the Hello
        self._pinged: int | float | None = None  # the time of the Ping that is not answered yet
        self._again: list[bytes] = []  # what the next Pong has to say
        self._recovery: Recovery | None = None
        self._offsets = offsets or Offsets("")
        if kept is not None:
            self.form += "-recovery"
            self._recovery = Recovery(kept, self._offsets)

    def encode(self, packet: p.Packet) -> bytes:
        """See Codec.encode. Events and calls do not depend on the receiver; the rest has one.

        Raises PayloadError for what this wire cannot say, or its clients would end their connection for.
        """
        match packet:
            case p.Event(namespace, name, args):
                return self._event(namespace, name, args)
            case p.Volatile(namespace, name, args):
                return self._event(namespace, name, args, volatile=True)
            case p.Call(id, namespace, name, args):
                check_name(name)
                if packet.credit or packet.streams:
                    raise PayloadError(
                        "clients of Socket.IO know no streams; send them events, or ask for one value",
                        parameter="args",
                        expected="no streams",
                    )
                return self._sent(SocketioPacket(Kind.EVENT, namespace, [name, *args], id))
            case p.Reply(id, value):
                return self._acknowledge(id, value)
            case p.Failed(id):
                self._asked.take(id)
            case p.Joined(namespace, socket):
                return self._joined(namespace, socket)
            case p.Refused(namespace, reason, data):
                stay = self._members.stays.get(namespace, 0)
                if self._members.refuse(namespace):
                    return self._answer(namespace, stay, self._refused(namespace, reason, data))
            case p.Leave(namespace):
                return self._put_out(namespace)
            case p.Ping(time):
                self._pinged = time
                if self._recovery is not None:
                    self._recovery.mark()
                return _PING
            case p.Pong():
                again, self._again = self._again, []
                return b"".join(again)
            case p.Close():
                return self._goodbye(packet)
            case p.Welcome():
                self._sid = packet.sid
            case p.Refuse(code, reason, retry_after):
                told = {"code": code} if retry_after is None else {"code": code, "retry_after": retry_after}
                return self._refused(self._greeted or "/", reason or code, told)
        return b""

    def pack(self, number: int, counted: int, parts: Sequence[bytes]) -> bytes:
        """See Codec.pack: frames behind one another, and nothing else. They leave now."""
        if self._recovery is not None:
            parts = self._leaving(self._recovery, parts)
        return b"".join(parts)

    def _event(self, namespace: str, name: str, args: list[Any], *, volatile: bool = False) -> bytes:
        check_name(name)
        data = [name, *args]
        if self._recovery is None:
            return self._wire.write(SocketioPacket(Kind.EVENT, namespace, data))
        # A volatile event repeats the last offset: without one its own last argument would be taken for it.
        offset = self._offsets.last if volatile else self._offsets.last + 1
        data.append(self._offsets.spelled(offset))
        frames = self._wire.write(SocketioPacket(Kind.EVENT, namespace, data))
        if volatile:
            sent = Sent.of(frames, namespace, volatile=True)
            sent.repeats = offset
            return sent
        self._offsets.last = offset  # only now: what cannot be written has none
        return Sent.of(frames, namespace, offset)

    def _sent(self, packet: SocketioPacket) -> bytes:
        frames = self._wire.write(packet)
        return frames if self._recovery is None else Sent.of(frames, packet.namespace)

    def _acknowledge(self, call: int, value: Value) -> bytes:
        asked = self._asked.take(call)
        if asked is None:
            return b""
        values = list(value) if type(value) is tuple else [] if value is None else [value]
        namespace, id = asked
        return self._sent(SocketioPacket(Kind.ACK, namespace, values, id))

    def _joined(self, namespace: str, socket: str) -> bytes:
        if not self._members.admit(namespace, socket):
            return b""
        if self._recovery is not None:
            self._recovery.forget(namespace)
        return self._answer(namespace, self._members.stays[namespace], self._connected(namespace))

    def _answer(self, namespace: str, stay: int, frames: bytes) -> bytes:
        """What is told of a CONNECT, which was the client's `stay`-th."""
        if self._recovery is None:
            return frames
        sent = Sent.of(frames, namespace)
        sent.stay = stay
        return sent

    def _connected(self, namespace: str) -> bytes:
        told = {"sid": self._members.sockets[namespace]}
        if self._recovery is not None and self._sid is not None:
            told["pid"] = spelled(self._sid, self._key, self._members.stays[namespace])
        return self._wire.write(SocketioPacket(Kind.CONNECT, namespace, told))

    def _refused(self, namespace: str, reason: str, data: Value) -> bytes:
        if reason == no_namespace(namespace):
            reason = "Invalid namespace"  # applications compare it
        told = {"message": reason} if data is None else {"message": reason, "data": data}
        return self._wire.write(SocketioPacket(Kind.CONNECT_ERROR, namespace, told))

    def _put_out(self, namespace: str) -> bytes:
        known = self._members.put_out(namespace)
        self._left(namespace)
        return self._sent(SocketioPacket(Kind.DISCONNECT, namespace)) if known else b""

    def _goodbye(self, close: p.Close) -> bytes:
        """Clients come back by themselves, unless each of their namespaces was ended before the connection is.

        Or, some of them (python-socketio), after a `1`: so who is to come back hears nothing, and its transport ends.
        """
        if close.retry_after is not None:
            return b""
        ended = (SocketioPacket(Kind.DISCONNECT, namespace) for namespace in self._members.joined())
        return b"".join((*map(self._wire.write, ended), _CLOSE))

    def _left(self, namespace: str) -> None:
        """Nobody is in there any more."""
        self._asked.forget(namespace)
        if self._recovery is not None:
            self._recovery.forget(namespace)

    def _leaving(self, recovery: Recovery, parts: Sequence[bytes]) -> list[bytes]:
        """Those of `parts` that leave now; what may have to be sent again is kept."""
        leaving: list[bytes] = []
        for part in parts:
            if isinstance(part, Sent):
                if recovery.held(part) or recovery.late(part):
                    continue
                if recovery.stray(part, self._members.stays.get(part.namespace, 0)):
                    continue
                if part.offset is not None:
                    recovery.keep(part)
            leaving.append(part)
        return leaving
