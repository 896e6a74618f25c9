"""The query of a request: what it asks for, and with which code it is refused."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.socketio.engine import EngineError, EngineRefusal
from antiphon.dialects.socketio.request import EngineRequest, read_query


def refused(query: str) -> EngineRefusal:
    refusal = read_query(query)
    assert isinstance(refusal, EngineRefusal)
    return refusal


def test_a_handshake_names_a_transport_and_no_session() -> None:
    assert read_query("EIO=4&transport=polling") == EngineRequest("polling")
    assert read_query("EIO=4&transport=websocket&t=PvCC-1") == EngineRequest("websocket")


def test_every_other_request_names_its_session() -> None:
    assert read_query("EIO=4&transport=polling&t=1&sid=YYqcD4wMHWchoZO5AAAA&b64=1") == EngineRequest(
        "polling", "YYqcD4wMHWchoZO5AAAA"
    )


def test_what_is_the_applications_is_kept_for_it() -> None:
    request = read_query("room=a&EIO=4&transport=polling&room=b&empty=&name=%C3%A9+x")

    assert request == EngineRequest("polling", None, {"room": "b", "empty": "", "name": "é x"})


@pytest.mark.parametrize("query", ["", "EIO=4", "EIO=4&transport=", "EIO=4&transport=webtransport", "transport=x"])
def test_an_unknown_transport_is_code_0(query: str) -> None:
    assert refused(query) == EngineRefusal(EngineError.TRANSPORT_UNKNOWN)


@pytest.mark.parametrize("query", ["transport=polling", "EIO=abc&transport=polling", "EIO=&transport=websocket"])
def test_an_unknown_version_is_code_5(query: str) -> None:
    assert refused(query) == EngineRefusal(EngineError.UNSUPPORTED_VERSION)


def test_the_version_before_is_told_what_to_do() -> None:
    refusal = refused("EIO=3&transport=polling&b64=1")

    assert refusal.error is EngineError.UNSUPPORTED_VERSION
    assert refusal.message == (
        "Unsupported protocol version: EIO=3 is spoken by Socket.IO 2; use a client of version 3 or newer"
    )


def test_jsonp_is_refused() -> None:
    assert refused("EIO=4&transport=polling&j=0") == EngineRefusal(EngineError.BAD_REQUEST, "JSONP ended with EIO=3")


@pytest.mark.parametrize("sid", ["", "x" * 129, "%C3%A9"])
def test_a_session_that_nobody_can_have_is_code_1(sid: str) -> None:
    assert refused(f"EIO=4&transport=polling&sid={sid}") == EngineRefusal(EngineError.SESSION_UNKNOWN)


def test_a_sid_may_have_so_many_characters() -> None:
    assert read_query(f"EIO=4&transport=polling&sid={'x' * 128}") == EngineRequest("polling", "x" * 128)


@pytest.mark.parametrize("name", ["EIO", "transport", "sid", "t", "j", "b64"])
def test_what_is_ours_is_said_once(name: str) -> None:
    query = f"EIO=4&transport=polling&{name}=4&{name}=4"

    assert refused(query) == EngineRefusal(EngineError.BAD_REQUEST, f"the parameter {name} is there twice")


def test_a_query_is_bounded() -> None:
    begin = "EIO=4&transport=polling&a="

    assert isinstance(read_query(begin + "x" * (4096 - len(begin))), EngineRequest)
    assert refused(begin + "x" * (4097 - len(begin))).remedy == "a query has at most 4096 characters"
    assert isinstance(read_query("EIO=4&transport=polling" + "&a=1" * 62), EngineRequest)
    assert refused("EIO=4&transport=polling" + "&a=1" * 63).remedy == "a query has at most 64 parameters"


def test_a_query_that_is_no_text_is_refused() -> None:
    assert refused("EIO=4&transport=polling&a=%ff").remedy == "the query is not UTF-8"


@given(st.text(max_size=60) | st.dictionaries(st.text(max_size=5), st.text(max_size=9)).map(urlencode))
def test_whatever_a_query_says_it_is_answered(query: str) -> None:
    assert isinstance(read_query(query), EngineRequest | EngineRefusal)
