"""An event stream from the client's end: events out of bytes however they are cut, pushes, and what ends it."""

from __future__ import annotations

from base64 import b64encode

import pytest

from antiphon.client.requests import HttpRequest, Told
from antiphon.client.streaming import Event, EventParser, StreamingPort
from antiphon.config import Limits
from antiphon.dialects.native.forms import JsonCodec
from antiphon.protocol.closing import TransportCode
from antiphon.protocol.codec import Codec
from antiphon.protocol.packets import Ack, Hello, Ping, Pong, Refuse, Welcome
from antiphon.types import Data
from tests.protocol.wire import CODEC, event, message, packets_in

HELLO = message(0, Hello(key="the-secret-key", attempt=3))
WELCOME = message(0, Welcome(epoch="e1", sid="s1", received=0, next=1, resumed=False))
STREAM = "text/event-stream"


def spelled(data: Data) -> bytes:
    """A message as the server writes it."""
    return b"data: %b\n\n" % (b64encode(data) if isinstance(data, bytes) else data.encode())


# -- events


def test_events_are_the_same_wherever_the_bytes_are_cut() -> None:
    whole = b"data: [1,0]\n\n: a comment\n\nevent: close\ndata: fenced:7\n\nid: 3\n\ndata:no blank\nretry: 5\n\n"
    expected = [Event("", b"[1,0]"), Event("close", b"fenced:7"), Event("", b"no blank")]

    for cut in range(len(whole) + 1):
        parser = EventParser(100)
        assert [*parser.feed(whole[:cut]), *parser.feed(whole[cut:])] == expected, cut
    parser = EventParser(100)
    assert [event for byte in whole for event in parser.feed(bytes([byte]))] == expected


@pytest.mark.parametrize("piece", [1, 3, 50, 1000])
def test_an_event_may_have_so_many_bytes_and_not_one_more(piece: int) -> None:
    longest = b"data: " + b"x" * 94
    for size, fits in ((100, True), (99, False)):
        parser = EventParser(size)
        whole = (b"data: 1\n\n" + longest + b"\n\n") * 3
        pieces = [whole[at : at + piece] for at in range(0, len(whole), piece)]
        if fits:
            assert len([event for part in pieces for event in parser.feed(part)]) == 6
        else:
            with pytest.raises(ValueError, match="at most 99 bytes"):
                [event for part in pieces for event in parser.feed(part)]


def test_an_endless_event_is_not_kept() -> None:
    parser = EventParser(100)

    with pytest.raises(ValueError, match="at most 100 bytes"):
        for _ in range(5):
            list(parser.feed(b"x" * 30))


# -- the port


class Asker:
    """Whom the requests speak for."""

    key = "the-secret-key"
    attempt = 3


class Http:
    """Keeps the requests that a port makes."""

    def __init__(self, codec: Codec = CODEC, limit: int = 1000) -> None:
        self.requests: list[HttpRequest] = []
        self.port = StreamingPort(codec, Asker(), self.requests.append, limit=limit)

    @property
    def verbs(self) -> list[str]:
        return [request.verb for request in self.requests]

    def came(self, chunk: bytes, request: HttpRequest | None = None) -> list[Told]:
        """Bytes come on the stream."""
        return list(self.port.came((request or self.requests[0]).token, chunk))


def attached(codec: Codec = CODEC, welcome: Data = WELCOME, **options: int) -> Http:
    http = Http(codec, **options)
    http.port.write(HELLO)
    assert http.port.opened(http.requests[0].token, 200, STREAM) == Told()
    assert http.came(spelled(welcome)) == [Told(message=welcome)]
    return http


def test_a_hello_asks_for_a_stream_that_may_last_for_ever() -> None:
    http = Http()

    http.port.write(HELLO)

    [request] = http.requests
    assert (request.verb, request.headers, request.body) == ("stream", (), HELLO)
    assert request.timeout == float("inf")


def test_messages_are_told_one_after_another() -> None:
    http = attached()
    first, second = message(1, event(1)), message(2, event(2))

    assert http.came(spelled(first) + spelled(second)[:9]) == [Told(message=first)]
    assert http.came(spelled(second)[9:]) == [Told(message=second)]


def test_json_is_told_as_text() -> None:
    codec = JsonCodec(Limits())
    welcome = codec.pack(0, 0, [codec.encode(Welcome(epoch="e", sid="s", received=0, next=1, resumed=False))])
    http = attached(codec, welcome)

    assert http.came('data: [1,1,[5,"/","žluť",[]]]\n\n'.encode()) == [Told(message='[1,1,[5,"/","žluť",[]]]')]


def test_behind_a_welcome_messages_are_pushed_one_at_a_time() -> None:
    http = attached()
    assert not http.port.congested

    http.port.write(message(1, event(1)))

    push = http.requests[-1]
    assert (push.verb, dict(push.headers)["Antiphon-Session"]) == ("push", "s1")
    assert http.port.congested
    assert http.port.answered(push.token, 200) == Told()
    assert not http.port.congested


def test_what_a_push_is_answered_is_no_sign_of_life() -> None:
    """Else pushes that work would hide a stream that does not; the same ack comes down the stream."""
    http = attached()
    http.port.write(message(1, event(1)))

    assert http.port.answered(http.requests[-1].token, 200) == Told()


def test_a_probe_is_a_stream_of_its_own_and_hello_another() -> None:
    http = Http()
    ping, pong = message(0, Ping(1)), message(0, Pong(1, 2))
    http.port.write(ping)
    told = http.port.came(http.requests[0].token, spelled(pong) + spelled(pong))
    assert next(told) == Told(message=pong)

    http.port.write(HELLO)

    assert http.verbs == ["stream", "stream"]
    assert list(told) == []
    assert http.port.failed(http.requests[0].token) == Told(), "the end of the probe is no loss"
    assert http.port.opened(http.requests[0].token, 500, "") == Told()
    assert http.came(spelled(WELCOME), http.requests[1]) == [Told(message=WELCOME)]


def test_half_an_event_of_the_probe_does_not_reach_into_the_stream_behind_it() -> None:
    http = Http()
    pong = message(0, Pong(1, 2))
    http.port.write(message(0, Ping(1)))
    http.came(spelled(pong) + b"data: half")

    http.port.write(HELLO)

    assert http.came(spelled(WELCOME), http.requests[1]) == [Told(message=WELCOME)]


def test_a_refusal_goes_to_the_connector_and_attaches_nothing() -> None:
    http = Http()
    http.port.write(HELLO)
    refusal = message(0, Refuse("stale"))

    assert http.came(spelled(refusal)) == [Told(message=refusal)]
    http.port.write(HELLO)

    assert http.verbs == ["stream", "stream"]


# -- what goes wrong


@pytest.mark.parametrize(("status", "content_type"), [(404, STREAM), (503, "text/html"), (200, "text/html"), (200, "")])
def test_what_is_no_stream_loses_the_transport(status: int, content_type: str) -> None:
    http = Http()
    http.port.write(HELLO)

    assert http.port.opened(http.requests[0].token, status, content_type) == Told(lost=True)


def test_a_stream_that_ends_is_the_transport_that_ends() -> None:
    http = attached()

    assert http.port.failed(http.requests[0].token) == Told(lost=True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("fenced:9", Told(lost=True, code=TransportCode.FENCED, reason="9")),
        ("going_away:the server stops", Told(lost=True, reason="going_away:the server stops")),
    ],
)
def test_a_stream_that_is_closed_says_how(text: str, told: Told) -> None:
    http = attached()

    events = f"event: close\ndata: {text}\n\n".encode() + spelled(message(1, event(1)))

    assert http.came(events) == [told]


@pytest.mark.parametrize("noise", [b"data: ***\n\n", b"data: QQ\n\n", b"event: close\ndata: \xff\n\n", b"x" * 5000])
def test_noise_on_the_stream_loses_the_transport(noise: bytes) -> None:
    http = attached()

    assert http.came(noise) == [Told(lost=True)]


@pytest.mark.parametrize("form", ["msgpack", "json"])
def test_the_largest_message_passes(form: str) -> None:
    codec = CODEC if form == "msgpack" else JsonCodec(Limits())
    welcome = codec.pack(0, 0, [codec.encode(Welcome(epoch="e", sid="s", received=0, next=1, resumed=False))])
    largest: Data = bytes(1000) if form == "msgpack" else "x" * 1000
    http = attached(codec, welcome, limit=1000)

    assert http.came(spelled(largest)) == [Told(message=largest)]
    assert http.came(spelled(largest + largest)) == [Told(lost=True)]  # type: ignore[operator]  # of one form each


@pytest.mark.parametrize(
    ("status", "reason", "told"),
    [
        (409, "fenced:9", Told(lost=True, code=TransportCode.FENCED, reason="9")),
        (409, "gap:expected", Told(lost=True, reason="gap:expected")),
        (401, "", Told(lost=True)),
        (500, "fenced:9", Told(lost=True)),
        (204, "", Told(lost=True)),
    ],
)
def test_a_push_that_is_turned_away_loses_the_transport(status: int, reason: str, told: Told) -> None:
    http = attached()
    http.port.write(message(1, event(1)))

    assert http.port.answered(http.requests[-1].token, status, reason) == told


def test_a_push_without_an_answer_loses_the_transport() -> None:
    http = attached()
    http.port.write(message(1, event(1)))

    assert http.port.failed(http.requests[-1].token) == Told(lost=True)


def test_what_is_told_of_a_push_that_is_over_means_nothing() -> None:
    http = attached()
    http.port.write(message(1, event(1)))
    push = http.requests[-1]
    http.port.answered(push.token, 200)

    assert http.port.answered(push.token, 409, "fenced:9") == Told()
    assert http.port.failed(push.token) == Told()


# -- the end


def test_nothing_is_asked_for_or_told_after_it_was_closed() -> None:
    """I6: a fenced transport has no effect."""
    http = attached()
    http.port.write(message(1, event(1)))
    stream, push = http.requests

    http.port.close()

    assert http.came(spelled(message(1, event(1)))) == []
    assert http.port.opened(stream.token, 500, "") == Told()
    assert http.port.failed(stream.token) == Told()
    assert http.port.answered(push.token, 409, "fenced:9") == Told()
    http.port.write(message(2, event(2)))
    assert http.verbs == ["stream", "push"]
    assert http.port.congested


def test_a_connector_that_closes_it_between_two_messages_is_told_no_more() -> None:
    http = attached()
    told = http.port.came(http.requests[0].token, spelled(message(1, event(1))) * 2)
    next(told)

    http.port.close()

    assert list(told) == []


def test_an_ack_is_a_push_like_any_other() -> None:
    http = attached()

    http.port.write(message(0, Ack(1)))

    assert packets_in([http.requests[-1].body]) == [Ack(1)]
