"""What requests under the path of Socket.IO want."""

from __future__ import annotations

import json

import pytest

from antiphon.config import Heartbeat, Limits
from antiphon.dialects.base import Answer, OpenWebSocket, Request
from antiphon.dialects.socketio.dialect import SocketioDialect, forbidden, is_pong
from antiphon.dialects.socketio.frames import messages_of
from tests.dialects.socketio.rig import KEY

DIALECT = SocketioDialect(Limits(message=5000), Heartbeat(interval=25, timeout=0.5), lambda: KEY)


def test_a_websocket_is_opened() -> None:
    assert DIALECT.interpret(Request("GET", "", {}, query="EIO=4&transport=websocket&t=x")) == OpenWebSocket()


@pytest.mark.parametrize(
    ("method", "query", "code", "words"),
    [
        ("GET", "EIO=4", 0, "Transport unknown"),
        ("GET", "EIO=4&transport=polling", 0, 'connect with transports: ["websocket"]'),
        ("GET", "EIO=4&transport=websocket&sid=s", 1, "Session ID unknown"),
        ("POST", "EIO=4&transport=websocket", 2, "Bad handshake method"),
        ("GET", "EIO=3&transport=websocket", 5, "use a client of version 3 or newer"),
    ],
)
def test_another_request_is_refused_in_the_words_of_this_wire(method: str, query: str, code: int, words: str) -> None:
    answer = DIALECT.interpret(Request(method, "", {}, query=query))

    assert isinstance(answer, Answer)
    assert answer.status == 400
    assert answer.headers == (("Content-Type", "application/json"),)
    told = json.loads(answer.reason)
    assert told["code"] == code and words in told["message"]


def test_a_page_of_another_origin_is_told_so() -> None:
    answer = forbidden("not from here")

    assert answer.status == 403
    assert json.loads(answer.reason) == {"code": 4, "message": "Forbidden: not from here"}


def test_a_connection_begins_with_what_its_client_has_to_know() -> None:
    [message] = messages_of(DIALECT.greeting("S"))

    assert isinstance(message, str) and message[0] == "0"
    assert json.loads(message[1:]) == {
        "sid": "S",
        "upgrades": [],
        "pingInterval": 25000,
        "pingTimeout": 500,
        "maxPayload": 5000,
    }


def test_whose_first_message_is_binary_uses_the_msgpack_parser() -> None:
    assert DIALECT.codec_of("40").form == "socketio"
    assert DIALECT.codec_of(b"\x80").form == "socketio-msgpack"


def test_only_a_pong_is_one() -> None:
    assert is_pong("3")
    assert not is_pong("3x") and not is_pong(b"3")
