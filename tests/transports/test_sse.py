"""An event stream on the server: what its events look like, when it is congested, and how it says its end."""

from __future__ import annotations

from base64 import b64decode

import pytest

from antiphon.config import Limits
from antiphon.dialects.native.forms import JsonCodec
from antiphon.protocol.closing import Closing, TransportCode
from antiphon.protocol.packets import Event
from antiphon.transports.base import Transport
from antiphon.transports.sse import EventStreamTransport
from antiphon.transports.websocket import HIGH_WATER
from antiphon.types import Data


class Listener:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.drained: list[Transport] = []
        self.lost: list[Transport] = []

    def on_message(self, transport: Transport, message: Data) -> None:
        raise AssertionError("the gateway hands messages over, not the transport")

    def on_drained(self, transport: Transport) -> None:
        self.drained.append(transport)

    def on_lost(self, transport: Transport) -> None:
        self.lost.append(transport)


class HostsStream(EventStreamTransport):
    """A streamed response of a host that keeps what is sent."""

    def __init__(self, receiver: Listener) -> None:
        super().__init__(receiver)
        self.events: list[bytes] = []
        self.shut = 0

    def _send(self, event: bytes) -> None:
        self.events.append(event)

    def _shut(self) -> None:
        self.shut += 1

    def probed(self) -> None:
        raise AssertionError("nobody probes here")


def opened() -> tuple[HostsStream, Listener]:
    listener = Listener()
    return HostsStream(listener), listener


# -- events


def test_text_is_one_event_as_it_is() -> None:
    stream, _ = opened()

    stream.write('[1,1,[5,"/","žluť",[]]]')

    assert stream.events == ['data: [1,1,[5,"/","žluť",[]]]\n\n'.encode()]


def test_binary_is_one_event_in_base64() -> None:
    stream, _ = opened()
    message = bytes(range(256)) * 3

    stream.write(message)

    [event] = stream.events
    assert event.startswith(b"data: ") and event.endswith(b"\n\n")
    assert event.count(b"\n") == 2
    assert b64decode(event[6:-2], validate=True) == message


@pytest.mark.parametrize("text", ["\n", "\r", "\r\n", "\n\ndata: x", "\u2028", "\x85", "\0"])
def test_no_text_of_an_application_can_break_out_of_its_event(text: str) -> None:
    """JSON has no raw control characters: what could end a line is spelled as an escape."""
    codec = JsonCodec(Limits())
    stream, _ = opened()

    stream.write(codec.pack(1, 1, [codec.encode(Event("/", text, [text, {text: text}]))]))

    [event] = stream.events
    assert event.endswith(b"\n\n")
    assert (event.count(b"\n"), event.count(b"\r"), event.count(b"\0")) == (2, 0, 0)


def test_several_messages_may_leave_at_once_and_silence_is_watched_by_pings() -> None:
    stream, _ = opened()

    assert (stream.name, stream.single, stream.pings) == ("sse", False, True)
    assert stream.due == float("inf")


# -- congestion


def test_it_is_congested_by_what_the_host_has_not_written() -> None:
    stream, listener = opened()

    stream.write("x" * HIGH_WATER)
    assert stream.congested
    assert stream.buffered == len(stream.events[0])

    stream.sent(HIGH_WATER // 4)
    assert stream.congested and listener.drained == []
    stream.sent(HIGH_WATER // 2)
    assert not stream.congested and listener.drained == [stream]


def test_a_closed_one_that_drains_tells_nobody() -> None:
    stream, listener = opened()
    stream.write("x" * HIGH_WATER)
    stream.close(Closing(TransportCode.FENCED, "2"))

    stream.sent(stream.buffered)

    assert not stream.congested
    assert listener.drained == []


# -- ends


def test_the_last_event_says_how_it_was_closed() -> None:
    stream, listener = opened()

    stream.close(Closing(TransportCode.FENCED, "7"))
    stream.close(Closing(TransportCode.SLOW))
    stream.write("too late")
    stream.end()

    assert stream.events == [b"event: close\ndata: fenced:7\n\n"]
    assert stream.shut == 1
    assert stream.closed == Closing(TransportCode.FENCED, "7")
    assert listener.lost == []


def test_a_reason_cannot_break_out_of_its_event() -> None:
    stream, _ = opened()

    stream.close(Closing(TransportCode.GOING_AWAY, "bye\r\n\ndata: x"))

    assert stream.events == [b"event: close\ndata: going_away:bye data: x\n\n"]


def test_behind_a_refuse_it_ends_without_a_word() -> None:
    stream, _ = opened()
    stream.write("the Refuse")

    stream.close(Closing(TransportCode.REFUSED, "stale"))

    assert stream.events == [b"data: the Refuse\n\n"]
    assert stream.shut == 1


def test_it_may_end_without_a_word() -> None:
    stream, listener = opened()

    stream.end()
    stream.end()
    stream.lost()

    assert (stream.events, stream.shut, listener.lost) == ([], 1, [])


def test_a_stream_that_ended_by_itself_is_lost_once() -> None:
    stream, listener = opened()

    stream.lost()
    stream.lost()
    stream.write("nobody reads it")
    stream.close(Closing(TransportCode.FENCED, "2"))

    assert listener.lost == [stream]
    assert stream.closed is not None
    assert (stream.events, stream.shut) == ([], 0)


# -- what it has in common with long-polling


def test_time_and_our_own_stall_mean_nothing_to_it() -> None:
    stream, listener = opened()

    stream.heard(1.0)
    stream.postpone(100.0)
    stream.tick(10_000.0)

    assert stream.closed is None
    assert listener.lost == []


def test_only_the_newest_push_is_new() -> None:
    stream, _ = opened()

    assert [stream.newest_push(request) for request in (1, 4, 3, 4, 5)] == [True, True, False, False, True]
