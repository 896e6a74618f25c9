"""A client written by hand: it says on the wire exactly what a test wants, and keeps what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from antiphon import Limits, Server
from antiphon.dialects.base import Answer, Attach, Credentials, Poll, Push
from antiphon.dialects.native.forms import JsonCodec, MsgpackCodec
from antiphon.protocol.closing import Closing
from antiphon.protocol.codec import Codec, is_counted
from antiphon.protocol.packets import Ack, Event, Hello, Packet, Refuse, Welcome
from antiphon.testing.clock import ManualClock
from antiphon.transports.base import Receiver
from antiphon.transports.websocket import WebSocketTransport
from antiphon.types import Data

MSGPACK = MsgpackCodec(Limits())
JSON = JsonCodec(Limits())


class Wire(WebSocketTransport):
    """A WebSocket of a host that keeps what is written to it."""

    def __init__(self, receiver: Receiver) -> None:
        super().__init__(receiver)
        self.written: list[Data] = []
        self.shut: tuple[int, str] | None = None

    def write(self, message: Data) -> None:
        self.written.append(message)

    def _shut(self, code: int, reason: str) -> None:
        self.shut = (code, reason)


class Port:
    """One HTTP request of a host that keeps how it was answered."""

    def __init__(self) -> None:
        self.answers: list[Data | None] = []
        self.refused: Closing | None = None
        self.told: Answer | None = None

    @property
    def answered(self) -> int:
        return len(self.answers) + (self.refused is not None) + (self.told is not None)

    def answer(self, message: Data | None) -> None:
        self.answers.append(message)

    def refuse(self, closing: Closing) -> None:
        self.refused = closing

    def status(self, answer: Answer) -> None:
        self.told = answer


class Peer:
    """One client of `server` over WebSockets that are lists."""

    def __init__(self, server: Server, name: str = "ann", codec: Codec = MSGPACK) -> None:
        self.server = server
        self.key = name.ljust(43, "x")
        self.codec = codec
        self.address = ""
        self.headers: dict[str, str] = {}
        self.wire = Wire(server.gateway)
        self.sid: str | None = None
        self.attempt = 0
        self.sent = 0
        self.received = 0
        self.acked: Ack | None = None
        self._read = 0

    def attach(self, *joins: str | tuple[str, Any], **fields: Any) -> Welcome | Refuse:
        """Say Hello on a new WebSocket, join namespaces with it, and return the answer."""
        self.greet(*joins, **fields)
        return self.answered()

    def greet(self, *joins: str | tuple[str, Any], **fields: Any) -> None:
        """Say Hello on a new WebSocket; a server that asks who comes does not answer at once."""
        self.wire, self._read = Wire(self.server.gateway), 1
        self.wire.address, self.wire.headers = self.address, self.headers
        self.attempt += 1
        hello: dict[str, Any] = {
            "key": self.key,
            "attempt": self.attempt,
            "sid": self.sid,
            "received": self.received,
            "joins": tuple(join if isinstance(join, tuple) else (join, None) for join in joins),
        }
        self.wire.received(self.pack(0, Hello(**{**hello, **fields})))

    def answered(self) -> Welcome | Refuse:
        """What the Hello was answered with."""
        answer = self.codec.decode(self.wire.written[0]).packets[0]
        assert isinstance(answer, Welcome | Refuse)
        if isinstance(answer, Welcome) and answer.sid != self.sid:
            self.sid, self.sent, self.received = answer.sid, 0, 0
        return answer

    def pack(self, number: int, *packets: Packet) -> Data:
        """A message as it is, right or wrong."""
        counted = sum(map(is_counted, packets))
        return self.codec.pack(number, counted, [self.codec.encode(packet) for packet in packets])

    def say(self, *packets: Packet) -> None:
        """Send packets in one message, numbered."""
        message = self.pack(self.sent + 1, *packets)
        self.sent += sum(map(is_counted, packets))
        self.wire.received(message)

    def emit(self, name: str, *args: Any, namespace: str = "/") -> None:
        """Send one event."""
        self.say(Event(namespace, name, list(args)))

    def ack(self) -> None:
        """Say that everything that was read has been handled."""
        self.say(Ack(self.received))

    def read(self) -> list[Packet]:
        """What came since the last time, each counted packet once; acks are kept apart in `acked`."""
        packets: list[Packet] = []
        messages, self._read = self.wire.written[self._read :], len(self.wire.written)
        for data in messages:
            message = self.codec.decode(data)
            number = message.number
            for packet in message.packets:
                if is_counted(packet):
                    if number == self.received + 1:
                        self.received = number
                        packets.append(packet)
                    number += 1
                elif isinstance(packet, Ack):
                    self.acked = packet
                else:
                    packets.append(packet)
        return packets

    def events(self) -> list[tuple[Any, ...]]:
        """The events among what came since the last time, as (name, *args)."""
        return [(packet.name, *packet.args) for packet in self.read() if isinstance(packet, Event)]


async def settle() -> None:
    """Let everything that is ready run."""
    for _ in range(40):
        await asyncio.sleep(0)


async def entered(server: Server, name: str = "ann", *joins: str | tuple[str, Any]) -> Peer:
    """A client that is attached and has joined; "/" if nothing is named. The namespaces are made if need be."""
    peer = Peer(server, name)
    for join in (joins := joins or ("/",)):
        server.namespace(join if isinstance(join, str) else join[0])
    assert isinstance(peer.attach(*joins), Welcome)
    await settle()
    peer.read()
    return peer


@asynccontextmanager
async def serving(**settings: Any) -> AsyncIterator[tuple[Server, ManualClock]]:
    """A server whose time passes only when the test says so."""
    clock = ManualClock()
    server = Server(clock=clock, **settings)
    server.start(ticking=False)
    try:
        yield server, clock
    finally:
        await server.close()


class Poller(Peer):
    """A client over HTTP requests."""

    def __init__(self, server: Server, name: str = "ann") -> None:
        super().__init__(server, name)
        self.request = 0

    def enter(self, *joins: str, address: str = "") -> Welcome | Refuse:
        """POST attach."""
        self.attempt += 1
        hello = Hello(
            key=self.key,
            attempt=self.attempt,
            sid=self.sid,
            received=self.received,
            joins=tuple((join, None) for join in joins),
        )
        port = Port()
        self.server.gateway.attach(Attach(MSGPACK, self.pack(0, hello)), port, address)
        answer = self.told(port)[0]
        assert isinstance(answer, Welcome | Refuse)
        if isinstance(answer, Welcome):
            self.sid = answer.sid
        return answer

    def greet_by(
        self, port: Port, *, auth: Any = None, address: str = "", headers: dict[str, str] | None = None
    ) -> None:
        """POST attach; a server that asks who comes does not answer at once."""
        self.attempt += 1
        hello = Hello(key=self.key, attempt=self.attempt, sid=self.sid, received=self.received, auth=auth)
        self.server.gateway.attach(Attach(MSGPACK, self.pack(0, hello)), port, address, headers or {})

    def credentials(self) -> Credentials:
        assert self.sid is not None
        self.request += 1
        return Credentials(self.sid, self.key, self.attempt, self.request)

    def poll(self, received: int = 0) -> Port:
        port = Port()
        self.server.gateway.poll(Poll(self.credentials(), self.pack(self.sent + 1, Ack(received))), port)
        return port

    def push(self, *packets: Packet, number: int | None = None, request: int | None = None) -> Port:
        port = Port()
        credentials = self.credentials()
        if request is not None:
            credentials = credentials._replace(request=request)
        message = self.pack(self.sent + 1 if number is None else number, *packets)
        self.server.gateway.push(Push(credentials, message), port)
        return port

    def told(self, port: Port) -> list[Packet]:
        """What a request was answered with."""
        assert port.answered == 1, "answered exactly once"
        [message] = port.answers
        return [] if message is None else self.codec.decode(message).packets
