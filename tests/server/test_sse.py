"""Event streams: the stream is the transport, pushes speak for it, and it ends with it."""

from __future__ import annotations

from base64 import b64decode

from antiphon import Server, Socket
from antiphon.dialects.base import Answer, Poll, Push, Stream
from antiphon.protocol.closing import TransportCode
from antiphon.protocol.packets import Ack, Close, Event, Hello, Joined, Packet, Ping, Pong, Refuse, Volatile, Welcome
from antiphon.testing.clock import ManualClock
from antiphon.transports.base import Receiver
from antiphon.transports.sse import EventStreamTransport
from tests.server.peer import MSGPACK, Poller, Port, settle


class HostsStream(EventStreamTransport):
    """One request that may become a stream, of a host that keeps what is sent."""

    def __init__(self, receiver: Receiver) -> None:
        super().__init__(receiver)
        self.events: list[bytes] = []
        self.told: Answer | None = None
        self.shut = False
        self.lingers = False
        self._read = 0

    def open(self) -> HostsStream:
        return self

    def status(self, answer: Answer) -> None:
        self.told = answer

    def probed(self) -> None:
        self.lingers = True

    def _send(self, event: bytes) -> None:
        self.events.append(event)

    def _shut(self) -> None:
        self.shut = True

    def news(self) -> list[Packet]:
        """What the messages that came since the last time hold."""
        events, self._read = self.events[self._read :], len(self.events)
        data = [event.removeprefix(b"data: ") for event in events if event.startswith(b"data: ")]
        return [packet for text in data for packet in MSGPACK.decode(b64decode(text)).packets]

    @property
    def farewell(self) -> bytes | None:
        """How the last event says that it was closed."""
        _, is_close, text = self.events[-1].partition(b"event: close\ndata: ") if self.events else (b"", b"", b"")
        return text.rstrip() if is_close else None


class Streamer(Poller):
    """A client on an event stream."""

    stream: HostsStream

    def open(self, *joins: str, address: str = "") -> Welcome | Refuse:
        """POST stream with a Hello."""
        self.attempt += 1
        hello = Hello(
            key=self.key,
            attempt=self.attempt,
            sid=self.sid,
            received=self.received,
            joins=tuple((join, None) for join in joins),
        )
        self.stream = ask(self.server, hello, address)
        answer = self.stream.news()[0]
        assert isinstance(answer, Welcome | Refuse)
        if isinstance(answer, Welcome):
            self.sid = answer.sid
        return answer


def ask(server: Server, packet: Packet, address: str = "") -> HostsStream:
    stream = HostsStream(server.gateway)
    server.gateway.stream(Stream(MSGPACK, MSGPACK.pack(0, 0, [MSGPACK.encode(packet)])), stream, address)
    return stream


async def entered(server: Server) -> Streamer:
    """A client that has joined "/" on a stream."""
    server.namespace("/")
    bob = Streamer(server, "bob")
    assert isinstance(bob.open("/"), Welcome)
    await settle()
    assert [type(packet) for packet in bob.stream.news()] == [Joined]
    return bob


# -- opening


async def test_the_first_event_is_the_welcome_and_the_others_follow_by_themselves(server: Server) -> None:
    bob = await entered(server)

    await server.namespace("/").emit("hi", 1)
    await settle()
    await server.namespace("/").emit("hi", 2)
    await settle()

    assert bob.stream.news() == [Event("/", "hi", [1]), Event("/", "hi", [2])]
    assert dict(server.statistics().transports) == {"sse": 1}


async def test_a_ping_is_answered_by_one_event_and_leaves_nothing(server: Server, clock: ManualClock) -> None:
    stream = ask(server, Ping(5))

    assert stream.news() == [Pong(5, round(clock() * 1000))]
    assert stream.lingers and not stream.shut
    assert len(server.registry) == 0


async def test_a_refused_hello_is_answered_by_one_event_and_the_end(server: Server) -> None:
    bob = await entered(server)

    late = ask(server, Hello(key=bob.key, attempt=1, sid=bob.sid))

    assert [packet.code for packet in late.news() if isinstance(packet, Refuse)] == ["stale"]
    assert late.shut and late.farewell is None
    assert not bob.stream.shut


async def test_what_is_no_hello_is_answered_by_a_status(server: Server) -> None:
    stream = HostsStream(server.gateway)

    server.gateway.stream(Stream(MSGPACK, b"\xc1"), stream)

    assert stream.told is not None and stream.told.status == 400
    assert stream.events == []


async def test_a_server_that_stops_says_so_on_its_streams_and_to_who_comes(server: Server) -> None:
    bob = await entered(server)

    await server.close()

    assert bob.stream.farewell == b"going_away:the server stops" and bob.stream.shut
    answer = Streamer(server, "eve").open()
    assert isinstance(answer, Refuse) and answer.code == "draining"


async def test_wrong_keys_in_a_hello_are_throttled_by_the_address_of_the_request(server: Server) -> None:
    bob = await entered(server)
    for number in range(21):
        eve = Streamer(server, f"eve {number}")
        eve.sid = bob.sid
        answer = eve.open(address="10.0.0.1")

    assert isinstance(answer, Refuse) and answer.code == "try_later"


# -- pushes


async def test_pushes_come_up_beside_the_stream(server: Server) -> None:
    heard: list[str] = []

    @server.namespace("/").on("say")
    async def say(socket: Socket, text: str) -> None:
        heard.append(text)

    bob = await entered(server)

    answer = bob.told(bob.push(Event("/", "say", ["a"]), Event("/", "say", ["b"])))
    await settle()

    assert answer == [Ack(0, 2)]
    assert heard == ["a", "b"]


async def test_a_doubled_or_late_push_brings_nothing_twice(server: Server) -> None:
    """I12."""
    heard: list[str] = []

    @server.namespace("/").on("say")
    async def say(socket: Socket, text: str) -> None:
        heard.append(text)

    bob = await entered(server)

    for _ in range(2):
        bob.push(Event("/", "say", ["a"]), Volatile("/", "say", ["v"]), request=5)
    bob.push(Volatile("/", "say", ["late"]), Event("/", "say", ["b"]), number=2, request=4)
    await settle()

    assert heard == ["a", "v", "b"]


async def test_a_push_with_a_gap_closes_the_stream(server: Server) -> None:
    bob = await entered(server)

    push = bob.push(Event("/", "say", ["c"]), number=3)

    assert push.refused is not None and push.refused.code == TransportCode.GAP
    assert bob.stream.farewell is not None and bob.stream.farewell.startswith(b"gap:")
    answer = bob.open()
    assert isinstance(answer, Welcome) and answer.resumed


async def test_a_push_that_cannot_be_read_ends_the_session_and_the_stream_says_so(server: Server) -> None:
    bob, port = await entered(server), Port()

    server.gateway.push(Push(bob.credentials(), b"\xc1"), port)

    assert port.answered == 1
    assert [packet.code for packet in bob.stream.news() if isinstance(packet, Close)] == ["protocol"]
    assert bob.stream.farewell == b"protocol:protocol" and bob.stream.shut


async def test_a_goodbye_comes_by_push_and_ends_the_stream(server: Server) -> None:
    bob = await entered(server)

    port = bob.push(Ack(1), Close("closed"))
    await settle()

    assert len(port.answers) == 1
    assert bob.stream.farewell == b"ended:closed"
    assert len(server.registry) == 0


async def test_a_poll_on_a_stream_is_told_that_it_is_not_the_transport(server: Server) -> None:
    bob, port = await entered(server), Port()

    server.gateway.poll(Poll(bob.credentials(), bob.pack(1, Ack(1))), port)

    assert port.refused is not None and port.refused.code == TransportCode.FENCED
    assert not bob.stream.shut


# -- the stream is the transport


async def test_when_the_stream_ends_the_session_is_detached_at_once(server: Server) -> None:
    bob = await entered(server)

    bob.stream.lost()

    assert dict(server.statistics().transports) == {}
    push = bob.push(Event("/", "say", ["c"]))
    assert push.refused is not None
    assert (push.refused.code, push.refused.reason) == (TransportCode.FENCED, "1")


async def test_what_was_sent_into_a_stream_that_broke_comes_again_on_the_next(server: Server) -> None:
    bob = await entered(server)
    bob.received = 1
    for number in range(3):
        await server.namespace("/").emit("hi", number)
    await settle()
    bob.stream.lost()

    answer = bob.open()
    await settle()

    assert isinstance(answer, Welcome) and answer.resumed
    events = [packet for packet in bob.stream.news() if isinstance(packet, Event)]
    assert events == [Event("/", "hi", [number]) for number in range(3)]


async def test_a_newer_attach_fences_the_stream_and_its_pushes(server: Server) -> None:
    """Rule 14, I6."""
    bob = await entered(server)
    old, credentials = bob.stream, bob.credentials()

    assert isinstance(bob.enter(), Welcome)

    assert old.farewell == b"fenced:2" and old.shut
    port = Port()
    server.gateway.push(Push(credentials, bob.pack(1, Event("/", "say", ["c"]))), port)
    assert port.refused is not None and port.refused.reason == "2"
    old.lost()
    assert dict(server.statistics().transports) == {"longpoll": 1}


async def test_a_stream_takes_over_from_polls(server: Server, ann: Poller) -> None:
    poll = ann.poll(1)
    bob = Streamer(server)
    bob.sid, bob.attempt, bob.received = ann.sid, ann.attempt, 1

    answer = bob.open()

    assert isinstance(answer, Welcome) and answer.resumed
    assert poll.refused is not None and poll.refused.reason == "2"


# -- silence


async def test_a_ping_flows_down_every_interval_and_a_push_answers_it(server: Server, clock: ManualClock) -> None:
    """Rule 20: proxies see traffic, and either side notices silence."""
    bob = await entered(server)

    for _ in range(5):
        server.tick(clock.advance(23))
        await settle()
        pings = [packet for packet in bob.stream.news() if isinstance(packet, Ping)]
        assert len(pings) == 1
        bob.push(Pong(pings[0].time, 0))

    assert not bob.stream.shut


async def test_a_client_that_answers_no_ping_is_given_up(server: Server, clock: ManualClock) -> None:
    bob = await entered(server)

    server.tick(clock.advance(39.9))
    assert not bob.stream.shut
    server.tick(clock.advance(0.2))

    assert bob.stream.farewell is not None and bob.stream.farewell.startswith(b"silent:")
    assert len(server.registry) == 1


# -- congestion


async def test_nothing_is_written_into_a_stream_that_nobody_reads(server: Server, clock: ManualClock) -> None:
    """Rule 9: what waits can still be replaced or dropped."""
    bob = await entered(server)
    await server.namespace("/").emit("big", "x" * 100_000)
    await settle()
    assert bob.stream.congested
    written = len(bob.stream.events)

    await server.namespace("/").emit("more")
    await settle()
    assert len(bob.stream.events) == written

    bob.stream.sent(bob.stream.buffered)
    await settle()
    assert bob.stream.news()[-1] == Event("/", "more", [])
