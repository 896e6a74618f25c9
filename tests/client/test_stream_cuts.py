"""An event stream cut behind every byte of a dialogue, and pushes cut likewise: nothing is lost, nothing comes twice.

Both ends are the product's own, from the connector to the namespace; between them is a network that counts bytes.
"""

from __future__ import annotations

import asyncio

import pytest

from antiphon import Backoff as BackoffSettings
from antiphon import Limits, Server, Socket
from antiphon.client.backoff import Backoff
from antiphon.client.connector import Connector, Link
from antiphon.client.requests import HttpRequest, Told
from antiphon.client.streaming import StreamingPort
from antiphon.dialects.base import Push, Request, Stream
from antiphon.dialects.native.forms import JsonCodec, MsgpackCodec
from antiphon.protocol.client_session import ClientSession
from antiphon.protocol.packets import Event, Joined
from antiphon.testing.clock import ManualClock
from antiphon.transports.base import Receiver
from antiphon.transports.sse import EventStreamTransport
from tests.server.peer import Port

NEVER = 1 << 30
KEY = "k" * 43


class Response(EventStreamTransport):
    """The server's end of a stream: its bytes go into the network."""

    def __init__(self, receiver: Receiver, network: Network, link: Link, token: int) -> None:
        super().__init__(receiver)
        self.link, self.token = link, token
        self._network = network

    def open(self) -> Response:
        return self

    def status(self, answer: object) -> None:
        raise AssertionError(f"no request of ours is answered so: {answer}")

    def probed(self) -> None:
        raise AssertionError("nobody probes here")

    def _send(self, event: bytes) -> None:
        self._network.carry_down(self, event)

    def _shut(self) -> None:
        self._network.ended(self)


class Network:
    """One client, one server; the connection is cut behind `down` bytes of streams or `up` bytes of pushes."""

    def __init__(self, form: str, *, down: int = NEVER, up: int = NEVER) -> None:
        self.down, self.up = down, up
        self.carried_down = self.total = 0
        self.pushes: list[int] = []
        self.clock = ManualClock()
        self.server = Server(clock=self.clock)
        self.heard_up: list[int] = []
        self.heard_down: list[int] = []
        codec = MsgpackCodec(Limits()) if form == "msgpack" else JsonCodec(Limits())
        self._type = f"application/{form}"
        self.session = ClientSession(codec, KEY, wake=lambda: None)
        backoff = Backoff(BackoffSettings(first=0.1, base=0.1), lambda: 1.0)
        self.connector = Connector(self.session, self._open, kinds=("sse",), backoff=backoff)
        self._due: list[tuple[Link, int, bytes | None]] = []

        @self.server.namespace("/").on("say")
        async def say(socket: Socket, number: int) -> None:
            self.heard_up.append(number)
            await socket.emit("said", number)

    # -- the client's shell

    def _open(self, kind: str, link: Link) -> StreamingPort:
        def make(request: HttpRequest) -> None:
            self._request(link, request)

        return StreamingPort(self.session.codec, self.session, make, limit=1 << 20)

    def _request(self, link: Link, request: HttpRequest) -> None:
        head = {name.lower(): value for name, value in request.headers} | {"content-type": self._type}
        body = request.body if isinstance(request.body, bytes) else request.body.encode()
        intent = self.server.dialect.interpret(Request("POST", request.verb, head, body))
        if isinstance(intent, Stream):
            self.server.gateway.stream(intent, Response(self.server.gateway, self, link, request.token))
            return
        assert isinstance(intent, Push)
        size = len(str(request.headers)) + len(body)
        self.pushes.append(size)
        if self.up >= size:
            # All of it arrives. Behind its last byte the answer is lost.
            self.server.gateway.push(intent, Port())
        answered, self.up = self.up > size, self.up - size if self.up > size else NEVER
        self._due.append((link, request.token, b"" if answered else None))

    def carry_down(self, response: Response, event: bytes) -> None:
        """Bytes of a stream, as far as they get."""
        arrives, self.down = event[: self.down], self.down - len(event)
        self.carried_down += len(arrives)
        self._due.append((response.link, response.token, arrives or None))
        if self.down < 0:
            self.down = NEVER
            if arrives:
                self.ended(response)
            response.lost()
        else:
            response.sent(len(event))

    def ended(self, response: Response) -> None:
        """A stream ended."""
        self._due.append((response.link, response.token, None))

    # -- what happens

    def _bring(self, link: Link, token: int, what: bytes | None) -> None:
        port = link.port
        assert isinstance(port, StreamingPort)
        if what is None:
            self._tell(link, port.failed(token))
        elif what:
            for told in port.came(token, what):
                self._tell(link, told)
        else:
            self._tell(link, port.answered(token, 200))

    def _tell(self, link: Link, told: Told) -> None:
        if told.lost:
            self.connector.lost(link, self.clock(), told.code, told.reason)
        elif told.message is not None:
            self.connector.received(link, told.message, self.clock())

    async def rest(self) -> None:
        """Let everything happen until nothing more does."""
        while True:
            self.connector.flush(self.clock())
            for _ in range(5):
                await asyncio.sleep(0)
            if self._due:
                self._bring(*self._due.pop(0))
                self._handle()
            elif self.connector.candidate is not None:
                self.connector.opened(self.connector.candidate, self.clock())
            elif self.connector.live is None:
                self.clock.advance(1.0)
                self.connector.tick(self.clock())
            else:
                return

    def _handle(self) -> None:
        while (packet := self.session.deliver()) is not None:
            if isinstance(packet, Joined):
                assert self.session.joined(packet.namespace, packet.socket) is not None, "joined once"
                self.session.open("/")
            elif isinstance(packet, Event):
                self.heard_down.append(packet.args[0])

    async def dialogue(self) -> None:
        """Join; say two things that are answered, and hear two that the server says by itself."""
        self.server.start(ticking=False)
        self.session.join("/")
        self.connector.start(self.clock())
        await self.rest()
        for number in range(2):
            self.session.emit(Event("/", "say", [number]))
            self.server.namespace("/").emit_nowait("said", 100 + number)
            await self.rest()


async def judged(network: Network) -> None:
    await network.dialogue()

    statistics, network.total = network.server.statistics(), network.carried_down
    assert network.heard_up == [0, 1]
    assert [number for number in network.heard_down if number < 100] == [0, 1]
    assert [number for number in network.heard_down if number >= 100] == [100, 101]
    assert network.session.losses == []
    assert (statistics.sessions_made, statistics.gaps) == (1, 0)
    await network.server.close()


@pytest.mark.parametrize("form", ["msgpack", "json"])
async def test_a_stream_may_be_cut_behind_every_byte_that_comes_down(form: str) -> None:
    whole = Network(form)
    await judged(whole)
    assert whole.total > 300

    for cut in range(whole.total):
        network = Network(form, down=cut)
        await judged(network)
        assert network.session.attempt == 2, cut


async def test_a_push_may_be_cut_behind_every_byte_that_goes_up() -> None:
    whole = Network("msgpack")
    await judged(whole)
    assert whole.pushes[0] > 150

    for cut in range(whole.pushes[0] + 1):
        network = Network("msgpack", up=cut)
        await judged(network)
        assert network.session.attempt == 2, cut
