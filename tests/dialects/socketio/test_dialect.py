"""What requests under the path of Socket.IO want."""

from __future__ import annotations

import json
from itertools import count

import pytest

from antiphon.config import Limits, Outbox, Socketio
from antiphon.dialects.base import Answer, Request
from antiphon.dialects.socketio.dialect import OpenSession, OpenSocket, PollSession, PushSession, SocketioDialect
from antiphon.dialects.socketio.engine import EngineError, EngineRefusal
from antiphon.dialects.socketio.frames import messages_of
from antiphon.dialects.socketio.recovery import Offsets
from antiphon.errors import RemoteProtocolError
from tests.dialects.socketio.rig import KEY


def dialect(**settings: object) -> SocketioDialect:
    return SocketioDialect(
        Socketio(**settings),  # type: ignore[arg-type]  # any of its fields
        Limits(),
        Outbox(),
        offsets=Offsets("E"),
        attempts=count(1),
        new_key=lambda: KEY,
    )


@pytest.mark.parametrize(
    ("method", "query", "intent"),
    [
        ("GET", "EIO=4&transport=websocket&t=x", OpenSocket(None)),
        ("GET", "EIO=4&transport=websocket&sid=s", OpenSocket("s")),
        ("GET", "EIO=4&transport=polling", OpenSession()),
        ("GET", "EIO=4&transport=polling&tenant=a", OpenSession({"tenant": "a"})),
        ("GET", "EIO=4&transport=websocket&tenant=a", OpenSocket(None, {"tenant": "a"})),
        ("GET", "EIO=4&transport=polling&sid=s", PollSession("s")),
        ("POST", "EIO=4&transport=polling&sid=s", PushSession("s")),
    ],
)
def test_a_request_says_what_it_wants(method: str, query: str, intent: object) -> None:
    assert dialect().interpret(Request(method, "", {}, query=query)) == intent


@pytest.mark.parametrize(
    ("method", "query", "code", "words"),
    [
        ("GET", "EIO=4", 0, "Transport unknown"),
        ("GET", "EIO=4&transport=websocket&sid=" + "s" * 200, 1, "Session ID unknown"),
        ("POST", "EIO=4&transport=websocket", 2, "Bad handshake method"),
        ("POST", "EIO=4&transport=polling", 2, "Bad handshake method"),
        ("PUT", "EIO=4&transport=polling&sid=s", 3, "polled by GET and written to by POST"),
        ("GET", "EIO=3&transport=websocket", 5, "use a client of version 3 or newer"),
    ],
)
def test_another_request_is_refused_in_the_words_of_this_wire(method: str, query: str, code: int, words: str) -> None:
    answer = dialect().interpret(Request(method, "", {}, query=query))

    assert isinstance(answer, Answer)
    assert answer.status == 400
    assert answer.headers == (("Content-Type", "application/json"),)
    told = json.loads(answer.reason)
    assert told["code"] == code and words in told["message"]


@pytest.mark.parametrize(("served", "asked"), [("websocket", "polling"), ("polling", "websocket")])
def test_who_asks_for_a_transport_that_is_not_served_is_told_which_is(served: str, asked: str) -> None:
    answer = dialect(transports=(served,)).interpret(Request("GET", "", {}, query=f"EIO=4&transport={asked}"))

    assert isinstance(answer, Answer)
    told = json.loads(answer.reason)
    assert told["code"] == 0 and f"transports: ['{served}']" in told["message"]


def test_a_page_of_another_origin_is_told_so() -> None:
    answer = dialect().refusal(EngineRefusal(EngineError.FORBIDDEN, "not from here"))

    assert answer.status == 403
    assert json.loads(answer.reason) == {"code": 4, "message": "Forbidden: not from here"}


def test_the_body_of_a_post_is_a_payload() -> None:
    assert list(dialect().payload(b"40\x1ebAQI=", "text/plain")) == ["40", b"\x01\x02"]


def test_a_payload_may_be_as_large_as_clients_make_it_that_count_bytes_as_less_than_base64() -> None:
    body = b"\x1e".join([b"bAA=="] * 25)  # a client counts 2 for each, and 2 between

    assert len(body) == 149
    assert list(dialect(max_http_buffer_size=100).payload(body, "")) == [b"\x00"] * 25


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        (b"40", "application/octet-stream", "text since EIO=4"),
        (b"4" * 151, "text/plain", "at most 150 bytes"),
        (b"4" * 101, "text/plain", "a message has at most 100 bytes"),
        (b"4" * 20 + b"\x1e" + b"4" * 101, "text/plain", "a message has at most 100 bytes"),
    ],
)
def test_another_body_is_none(body: bytes, content_type: str, words: str) -> None:
    with pytest.raises(RemoteProtocolError, match=words):
        list(dialect(max_http_buffer_size=100).payload(body, content_type))


def test_a_connection_begins_with_what_its_client_has_to_know() -> None:
    served = dialect(ping_interval=25, ping_timeout=0.5, max_http_buffer_size=5000)

    [message] = messages_of(served.greeting("S", polled=True))

    assert isinstance(message, str) and message[0] == "0"
    assert json.loads(message[1:]) == {
        "sid": "S",
        "upgrades": ["websocket"],
        "pingInterval": 25000,
        "pingTimeout": 500,
        "maxPayload": 5000,
    }


@pytest.mark.parametrize(
    ("polled", "transports"), [(False, ("polling", "websocket")), (True, ("polling",)), (False, ("websocket",))]
)
def test_who_cannot_go_on_by_another_transport_is_offered_none(polled: bool, transports: tuple[str, ...]) -> None:
    [message] = messages_of(dialect(transports=transports).greeting("S", polled=polled))

    assert isinstance(message, str)
    assert json.loads(message[1:])["upgrades"] == []


def test_whose_first_message_is_binary_uses_the_msgpack_parser() -> None:
    assert dialect().codec_of("40").form == "socketio"
    assert dialect().codec_of(b"\x80").form == "socketio-msgpack"


def test_who_may_come_back_speaks_a_form_of_its_own() -> None:
    assert dialect(recovery=True).codec_of("40").form == "socketio-recovery"
