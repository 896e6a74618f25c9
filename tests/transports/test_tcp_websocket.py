"""A WebSocket on a TCP connection: what it writes, what it hands over, and how it ends. On real sockets: tests/wire."""

from __future__ import annotations

import asyncio
import gc
import logging
import tracemalloc
from collections import Counter

import pytest

from antiphon.config import Limits
from antiphon.protocol.closing import Closing, TransportCode
from antiphon.transports import tcp_websocket
from antiphon.transports.base import Transport
from antiphon.transports.tcp_websocket import MANY_PONGS, TURN, TcpWebSocket
from antiphon.transports.websocket import HIGH_WATER
from antiphon.transports.websocket_group import WebSocketGroup, WebSocketLimit
from antiphon.types import Data
from tests.hosts.rig import until
from tests.transports.tcp import Tcp
from tests.wire.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, closing, frame, server_frame

LIMITS = Limits(message=1000, hello=100, fragments=4, hello_timeout=60)


class Listener:
    """Remembers what it is told, and may do something then."""

    def __init__(self) -> None:
        self.told: list[str | Data] = []

    def on_message(self, transport: Transport, message: Data) -> None:
        self.told.append(message)

    def on_drained(self, transport: Transport) -> None:
        self.told.append("drained")

    def on_lost(self, transport: Transport) -> None:
        self.told.append("lost")


def unheard(limit: WebSocketLimit) -> None:
    """Nobody meets a limit here."""


class Rig:
    """A WebSocket that was just opened, before a Hello."""

    def __init__(self, limits: Limits = LIMITS, *, half_closes: bool = True) -> None:
        self.hits: Counter[WebSocketLimit] = Counter()
        self.group = WebSocketGroup(limits, self.hit)
        self.listener = Listener()
        self.tcp = Tcp(half_closes=half_closes)
        self.socket = TcpWebSocket(self.group, self.listener, self.tcp)

    def hit(self, limit: WebSocketLimit) -> None:
        self.hits[limit] += 1

    def let_in(self) -> Listener:
        """Somebody takes it, as a connection does after the Hello."""
        self.listener = Listener()
        self.socket.receiver = self.listener
        return self.listener

    @property
    def frames(self) -> list[Frame]:
        """What the peer was sent."""
        rest, frames = b"".join(self.tcp.written), []
        while (found := server_frame(rest)) is not None:
            frame, rest = found
            frames.append(frame)
        assert rest == b""
        return frames


@pytest.fixture
async def rig() -> Rig:
    return Rig()


# -- writing


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
async def test_a_message_is_one_write(rig: Rig, size: int) -> None:
    rig.socket.write(b"b" * size)
    rig.socket.write("t" * size)

    assert len(rig.tcp.written) == 2
    assert rig.frames == [Frame(BINARY, b"b" * size), Frame(TEXT, b"t" * size)]


async def test_congestion_is_what_the_connection_says(rig: Rig) -> None:
    assert rig.tcp.limits == (HIGH_WATER, HIGH_WATER // 2)

    rig.socket.pause_writing()
    assert rig.socket.congested
    rig.socket.resume_writing()

    assert (rig.socket.congested, rig.listener.told) == (False, ["drained"])


async def test_one_that_takes_over_a_connection_with_much_to_write_is_congested_at_once() -> None:
    tcp, listener = Tcp(), Listener()
    tcp.reads = False
    tcp.write(bytes(HIGH_WATER + 1))

    socket = TcpWebSocket(WebSocketGroup(LIMITS, unheard), listener, tcp)

    assert (socket.congested, socket.buffered) == (True, HIGH_WATER + 1)
    socket.resume_writing()
    assert listener.told == ["drained"]


async def test_a_connection_that_broke_in_this_turn_takes_anything(rig: Rig) -> None:
    rig.tcp.broken = True

    rig.socket.write(b"nobody hears this")
    rig.socket.data_received(frame(PING))
    rig.socket.close(Closing(TransportCode.GOING_AWAY))
    rig.socket.data_received(closing(1001))
    rig.socket.connection_lost(BrokenPipeError())

    assert rig.tcp.written == []
    assert rig.listener.told == []


# -- receiving


async def test_the_messages_of_a_segment_are_handed_over_one_after_another(rig: Rig) -> None:
    rig.socket.data_received(frame(BINARY, b"one") + frame(TEXT, b"two") + frame(BINARY, b"three")[:-1])
    rig.socket.data_received(frame(BINARY, b"three")[-1:])

    assert rig.listener.told == [b"one", "two", b"three"]


async def test_whoever_takes_it_over_hears_what_is_left_of_the_segment(rig: Rig) -> None:
    second = Listener()

    class First(Listener):
        def on_message(self, transport: Transport, message: Data) -> None:
            super().on_message(transport, message)
            transport.receiver = second

    first = First()
    rig.socket.receiver = first

    rig.socket.data_received(frame(BINARY, b"hello") + frame(BINARY, b"x" * LIMITS.message))

    assert (first.told, second.told) == ([b"hello"], [b"x" * LIMITS.message])


async def test_whoever_closes_it_hears_nothing_that_is_left_of_the_segment(rig: Rig) -> None:
    class Closer(Listener):
        def on_message(self, transport: Transport, message: Data) -> None:
            super().on_message(transport, message)
            transport.close(Closing(TransportCode.FENCED, "2"))

    listener = Closer()
    rig.socket.receiver = listener

    rig.socket.data_received(frame(BINARY, b"one") + frame(BINARY, b"two") + frame(PING) + closing(1000))
    rig.socket.data_received(frame(BINARY, b"three"))
    rig.socket.resume_writing()
    rig.socket.connection_lost(None)

    assert listener.told == [b"one"]
    assert rig.frames == [Frame(CLOSE, b"\x0f\xa32")]


async def test_a_receiver_that_raises_costs_the_websocket_and_is_told_to_the_log_once(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Listener):
        def on_message(self, transport: Transport, message: Data) -> None:
            super().on_message(transport, message)
            raise ZeroDivisionError("a bug")

    listener = Broken()
    rig.socket.receiver = listener

    rig.socket.data_received(frame(BINARY, b"one") + frame(BINARY, b"two") + closing(1011))

    assert listener.told == [b"one", "lost"]
    assert rig.frames == [Frame(CLOSE, b"\x03\xf3the server failed")]
    [record] = caplog.records
    assert (record.levelno, record.name) == (logging.ERROR, "antiphon.session")
    assert record.exc_info is not None and record.exc_info[0] is ZeroDivisionError
    assert rig.tcp.ended == ["eof"], "it reads on, and hears that the peer closes as well"


async def test_a_receiver_that_raises_behind_a_close_changes_nothing_of_it(rig: Rig) -> None:
    class Broken(Listener):
        def on_message(self, transport: Transport, message: Data) -> None:
            transport.close(Closing(TransportCode.FENCED, "2"))
            raise ZeroDivisionError("a bug")

    rig.socket.receiver = Broken()

    rig.socket.data_received(frame(BINARY, b"one"))

    assert [frame.code for frame in rig.frames] == [4003]


async def test_who_was_let_in_and_is_gone_is_told_once(rig: Rig) -> None:
    listener = rig.let_in()

    rig.socket.connection_lost(ConnectionResetError())

    assert listener.told == ["lost"]


# -- pings


async def test_the_pings_of_a_segment_are_answered_in_one_write(rig: Rig) -> None:
    rig.socket.data_received(frame(PING, b"1") + frame(BINARY, b"between") + frame(PING, b"2"))

    assert rig.frames == [Frame(PONG, b"1"), Frame(PONG, b"2")]
    assert len(rig.tcp.written) == 1


async def test_thousands_of_pings_are_answered_a_few_at_a_time(rig: Rig) -> None:
    rig.socket.data_received(frame(PING, b"1234") * 5_000)

    await until(lambda: len(rig.frames) == 5_000)

    assert rig.frames == [Frame(PONG, b"1234")] * 5_000
    assert max(map(len, rig.tcp.written)) <= MANY_PONGS + 6


async def test_a_segment_of_very_many_messages_lets_others_have_their_turn(rig: Rig) -> None:
    listener = rig.let_in()
    other: list[int] = []

    rig.socket.data_received(b"".join(frame(BINARY, b"%d" % number) for number in range(6 * TURN)))
    asyncio.get_running_loop().call_soon(lambda: other.append(len(listener.told)))
    rig.socket.data_received(frame(BINARY, b"behind"))
    await until(lambda: len(listener.told) == 6 * TURN + 1)

    assert other[0] <= 3 * TURN
    assert listener.told == [*(b"%d" % number for number in range(6 * TURN)), b"behind"]
    assert rig.tcp.reading


async def test_who_pings_and_does_not_read_is_answered_the_newest_once_it_does(rig: Rig) -> None:
    rig.socket.pause_writing()
    for number in range(1000):
        rig.socket.data_received(frame(PING, b"%d" % number))
    assert rig.frames == []

    rig.socket.resume_writing()

    assert rig.frames == [Frame(PONG, b"999")]
    assert rig.listener.told == ["drained"]


async def test_a_ping_after_closing_is_not_answered(rig: Rig) -> None:
    rig.socket.close(Closing(TransportCode.ENDED))

    rig.socket.data_received(frame(PING))

    assert [frame.opcode for frame in rig.frames] == [CLOSE]


# -- closing


async def test_closing_says_so_behind_what_was_written_and_waits_for_the_peer(rig: Rig) -> None:
    rig.socket.write(b"last")
    rig.socket.close(Closing(TransportCode.FENCED, "2"))
    rig.socket.write(b"too late")
    assert rig.frames == [Frame(BINARY, b"last"), Frame(CLOSE, b"\x0f\xa32")]
    assert rig.tcp.ended == []

    rig.socket.data_received(closing(4003))

    assert rig.tcp.ended == ["eof"], "not close: what the peer still sends would be answered by a reset"
    assert len(rig.frames) == 2


async def test_with_tls_the_connection_is_closed_for_it_has_no_half(rig: Rig) -> None:
    rig = Rig(half_closes=False)
    rig.socket.close(Closing(TransportCode.ENDED))

    rig.socket.data_received(closing(1000))

    assert rig.tcp.ended == ["close"]


async def test_the_peers_close_is_answered_and_told(rig: Rig) -> None:
    rig.socket.data_received(closing(4000, b"bye"))
    rig.socket.data_received(frame(BINARY, b"behind"))

    assert rig.frames == [Frame(CLOSE, b"\x0f\xa0")]
    assert (rig.tcp.ended, rig.listener.told) == (["eof"], ["lost"])


@pytest.mark.parametrize("last", ["nothing", "its close", "its end", "a violation"])
async def test_a_peer_that_does_not_end_the_connection_is_cut_off(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    monkeypatch.setattr(tcp_websocket, "CLOSE_WAIT", 0.0)
    match last:
        case "nothing":
            rig.socket.close(Closing(TransportCode.ENDED))
        case "its close":
            rig.socket.data_received(closing(1000))
        case "its end":
            rig.socket.eof_received()
        case _:
            rig.socket.data_received(frame(3))

    await until(lambda: "abort" in rig.tcp.ended)

    assert rig.listener.told == ([] if last == "nothing" else ["lost"])


async def test_a_peer_that_goes_without_a_close_is_lost_once(rig: Rig) -> None:
    rig.socket.eof_received()
    rig.socket.connection_lost(None)

    assert rig.listener.told == ["lost"]
    assert rig.frames == []


async def test_a_violation_is_answered_told_and_nothing_behind_it_is_read(rig: Rig) -> None:
    rig.socket.data_received(frame(PING, b"!") + frame(3) + frame(BINARY, b"behind"))
    rig.socket.data_received(frame(BINARY, b"later"))

    assert [(frame.opcode, frame.code) for frame in rig.frames[1:]] == [(CLOSE, 1002)]
    assert rig.frames[0] == Frame(PONG, b"!")
    assert (rig.tcp.ended, rig.listener.told) == (["eof"], ["lost"])


async def test_a_violation_after_closing_ends_the_connection(rig: Rig) -> None:
    rig.socket.close(Closing(TransportCode.GOING_AWAY))

    rig.socket.data_received(frame(3))

    assert [frame.code for frame in rig.frames] == [1001]
    assert (rig.tcp.ended, rig.listener.told) == (["eof"], [])


# -- limits


async def test_before_somebody_is_let_in_messages_are_small(rig: Rig) -> None:
    rig.socket.data_received(frame(BINARY, b"x" * LIMITS.hello))
    assert rig.listener.told == [b"x" * LIMITS.hello]

    rig.socket.data_received(frame(BINARY, b"x" * (LIMITS.hello + 1))[:6])

    assert rig.frames == [Frame(CLOSE, b"\x0f\xa1a Hello has at most 100 bytes")]
    assert rig.hits == {"hello": 1}


async def test_who_was_let_in_may_send_a_message_up_to_the_limit(rig: Rig) -> None:
    listener = rig.let_in()
    rig.socket.data_received(frame(BINARY, b"x" * LIMITS.message))

    rig.socket.data_received(frame(BINARY, b"x" * (LIMITS.message + 1))[:8])

    assert listener.told == [b"x" * LIMITS.message, "lost"]
    assert rig.frames == [Frame(CLOSE, b"\x03\xf1a message has at most 1000 bytes")]
    assert rig.hits == {"message": 1}


async def test_a_message_in_too_many_parts_is_counted(rig: Rig) -> None:
    rig.socket.data_received(frame(BINARY, fin=False) + frame(CONTINUATION, fin=False) * LIMITS.fragments)

    assert [frame.code for frame in rig.frames] == [1009]
    assert rig.hits == {"fragments": 1}


async def test_who_does_not_say_hello_in_time_is_closed_and_counted() -> None:
    rig = Rig(Limits(hello_timeout=0.001))

    await until(lambda: bool(rig.frames))

    assert rig.frames == [Frame(CLOSE, b"\x0f\xa0no Hello came in time")]
    assert rig.hits == {"hello_timeout": 1}


@pytest.mark.parametrize("what", ["let in", "closed", "lost"])
async def test_the_time_for_a_hello_ends_with_the_waiting_for_one(what: str) -> None:
    rig = Rig(Limits(hello_timeout=0.001))
    match what:
        case "let in":
            rig.let_in()
        case "closed":
            rig.socket.close(Closing(TransportCode.BAD_HELLO))
        case _:
            rig.socket.connection_lost(None)

    passed = asyncio.Event()
    asyncio.get_running_loop().call_later(0.003, passed.set)
    await passed.wait()

    assert rig.hits == {}


async def test_a_receiver_that_changes_after_the_end_does_not_stop_the_cutting_off(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp_websocket, "CLOSE_WAIT", 0.0)
    rig.socket.close(Closing(TransportCode.BAD_HELLO))

    assert rig.let_in() is rig.socket.receiver

    await until(lambda: "abort" in rig.tcp.ended)


# -- all of them


async def test_the_group_knows_a_websocket_until_its_connection_is_gone(rig: Rig) -> None:
    assert len(rig.group) == 1
    rig.socket.close(Closing(TransportCode.ENDED))
    assert len(rig.group) == 1

    rig.socket.connection_lost(None)

    assert len(rig.group) == 0


async def test_a_group_closes_all_and_waits_until_they_are_gone(rig: Rig) -> None:
    other = TcpWebSocket(rig.group, rig.listener, Tcp())
    other.close(Closing(TransportCode.FENCED, "2"))

    ending = asyncio.ensure_future(rig.group.close(Closing(TransportCode.GOING_AWAY, "the server stops")))
    await asyncio.sleep(0)
    assert rig.frames == [Frame(CLOSE, b"\x03\xe9the server stops")]
    other.connection_lost(None)
    await asyncio.sleep(0)
    assert not ending.done()
    rig.socket.connection_lost(None)
    await ending

    assert (rig.tcp.ended, len(rig.group)) == ([], 0)


async def test_a_group_cuts_off_who_does_not_go(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("antiphon.transports.websocket_group.CLOSE_WAIT", 0.001)

    await rig.group.close(Closing(TransportCode.GOING_AWAY))

    assert rig.tcp.ended == ["abort"]


async def test_a_group_of_none_is_closed_at_once() -> None:
    await WebSocketGroup(LIMITS, unheard).close(Closing(TransportCode.GOING_AWAY))


# -- memory


async def test_an_idle_websocket_is_small() -> None:
    gateway, connection, group = Listener(), Listener(), WebSocketGroup(LIMITS, unheard)
    connections = [Tcp() for _ in range(1000)]
    gc.collect()
    tracemalloc.start()

    sockets = [TcpWebSocket(group, gateway, tcp) for tcp in connections]
    for socket in sockets:
        socket.data_received(frame(BINARY, b"hello"))
        socket.receiver = connection
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert taken / len(sockets) < 800
