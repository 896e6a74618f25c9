"""Which HTTP request means what, and what is answered to those that mean nothing."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.config import Limits
from antiphon.dialects.base import Answer, Attach, Credentials, LeaveBeacon, OpenWebSocket, Poll, Push, Request, Stream
from antiphon.dialects.native.http import CONTENT_TYPES, HEADERS, NativeDialect

DIALECT = NativeDialect(Limits())

MSGPACK = {"content-type": "application/msgpack"}
JSON = {"content-type": "application/json"}
OURS = {"antiphon-session": "sid", "antiphon-key": "k" * 43, "antiphon-attempt": "2", "antiphon-request": "7"}


def interpret(path: str, headers: dict[str, str] | None = None, body: bytes = b"", method: str = "POST") -> Any:
    return DIALECT.interpret(Request(method, path, headers or {}, body))


def answer(path: str, headers: dict[str, str] | None = None, body: bytes = b"", method: str = "POST") -> Answer:
    intent = interpret(path, headers, body, method)
    assert isinstance(intent, Answer)
    assert intent.reason
    return intent


# -- what is understood


def test_an_upgrade_at_the_base_opens_a_websocket() -> None:
    assert interpret("", {"upgrade": "WebSocket"}, method="GET") == OpenWebSocket()


@pytest.mark.parametrize(("path", "kind"), [("attach", Attach), ("stream", Stream)])
def test_a_hello_has_a_codec_of_the_form_of_its_body(path: str, kind: type[Attach | Stream]) -> None:
    binary, text = interpret(path, MSGPACK, b"\x92\x00\x00"), interpret(path, JSON, b"[0,0]")

    assert isinstance(binary, kind)
    assert isinstance(text, kind)
    assert (binary.codec.form, binary.message) == ("msgpack", b"\x92\x00\x00")
    assert (text.codec.form, text.message) == ("json", "[0,0]")


@pytest.mark.parametrize(("path", "kind"), [("poll", Poll), ("push", Push)])
def test_a_poll_and_a_push_speak_for_a_session(path: str, kind: type) -> None:
    intent = interpret(path, JSON | OURS, b"[0,0,[35,0]]")

    assert intent == kind(Credentials("sid", "k" * 43, 2, 7), "[0,0,[35,0]]")


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", " Application/JSON ", "application/json;a=b"]
)
def test_a_content_type_may_have_parameters(content_type: str) -> None:
    intent = interpret("attach", {"content-type": content_type}, "[0,0,žluť]".encode())

    assert isinstance(intent, Attach)
    assert intent.message == "[0,0,žluť]"


def test_a_beacon_has_everything_in_its_body_and_any_content_type() -> None:
    body = b'{"session":"sid","key":"secret","attempt":3,"later":1}'

    assert interpret("leave", {"content-type": "text/plain"}, body) == LeaveBeacon("sid", "secret", 3)


def test_the_first_message_says_the_form() -> None:
    assert DIALECT.codec_of(b"").form == "msgpack"
    assert DIALECT.codec_of("").form == "json"
    assert set(CONTENT_TYPES) == {"msgpack", "json"}


def test_a_key_shows_in_no_repr() -> None:
    intent = interpret("poll", JSON | OURS, b"[0,0]")

    assert "k" * 43 not in repr(intent)
    assert "sid" in repr(intent)


def test_the_headers_are_those_that_a_page_of_another_origin_must_be_allowed() -> None:
    assert {"content-type", *OURS} == set(HEADERS)


# -- what is not


@pytest.mark.parametrize(
    ("method", "headers"), [("GET", {}), ("GET", {"upgrade": "h2c"}), ("POST", {"upgrade": "websocket"})]
)
def test_the_base_is_for_websockets_only(method: str, headers: dict[str, str]) -> None:
    refusal = answer("", headers, method=method)

    assert (refusal.status, refusal.headers) == (426, (("Upgrade", "websocket"),))


def test_an_unknown_path_is_not_found() -> None:
    assert answer("dance", JSON, b"[0,0]").status == 404


@pytest.mark.parametrize("path", ["attach", "stream", "poll", "push", "leave"])
def test_the_paths_take_post_only(path: str) -> None:
    refusal = answer(path, method="GET")

    assert (refusal.status, refusal.headers) == (405, (("Allow", "POST"),))


@pytest.mark.parametrize("headers", [{}, {"content-type": "text/plain"}, {"content-type": "application/json5"}])
def test_another_content_type_is_not_supported(headers: dict[str, str]) -> None:
    assert answer("attach", headers, b"[0,0]").status == 415
    assert answer("poll", headers | OURS, b"[0,0]").status == 415


def test_json_that_is_not_utf8_is_a_bad_request() -> None:
    assert answer("attach", JSON, b'"\xff"').status == 400


@pytest.mark.parametrize("header", ["antiphon-attempt", "antiphon-request"])
@pytest.mark.parametrize("text", [None, "", "-1", "1.0", "x", "²", "٣", str(2**53), "1" * 17, "1" * 5_000])
def test_attempt_and_request_are_whole_numbers(header: str, text: str | None) -> None:
    headers = JSON | OURS | ({header: text} if text is not None else {})
    if text is None:
        del headers[header]

    assert answer("poll", headers, b"[0,0]").status == 400


def test_the_largest_number_is_taken() -> None:
    intent = interpret("poll", JSON | OURS | {"antiphon-request": str(2**53 - 1)}, b"[0,0]")

    assert isinstance(intent, Poll)
    assert intent.credentials.request == 2**53 - 1


@pytest.mark.parametrize("header", ["antiphon-session", "antiphon-key"])
@pytest.mark.parametrize("text", ["", "x" * 129, "\udcff", "ž"])
def test_what_can_be_no_credential_is_answered_as_a_wrong_one(header: str, text: str) -> None:
    refusal = answer("push", JSON | OURS | {header: text}, b"[0,0]")

    assert (refusal.status, refusal.reason) == (401, "unknown session or wrong key; attach again")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"session":"s","key":"k"}',
        b'{"session":"s","key":"k","attempt":"1"}',
        b'{"session":"s","key":7,"attempt":1}',
        b'{"session":"\xff","key":"k","attempt":1}',
        b'{"session":"\\ud800","key":"k","attempt":1}',
        b"[" * 100_000,
    ],
)
def test_a_beacon_that_cannot_be_read_is_a_bad_request(body: bytes) -> None:
    assert answer("leave", {}, body).status == 400
