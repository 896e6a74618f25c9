"""Requests to Engine.IO that are refused: each with its number in JSON, and nothing is kept of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.interop.engine_client import Engine
from tests.interop.witnessed import Place, witnessed

TRANSPORT_UNKNOWN, SESSION_UNKNOWN, BAD_METHOD, BAD_REQUEST, FORBIDDEN, UNSUPPORTED_VERSION = range(6)
EVIL = {"Origin": "https://evil.example"}


@pytest.fixture
async def place(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Place]:
    async with witnessed(caplog) as place:
        yield place


async def refused(engine: Engine, query: str, code: int, *, method: str = "GET", status: int = 400) -> None:
    """A request is refused with this number."""
    answer = await engine.request(method, query)

    assert (answer.status, answer.code) == (status, code)
    assert answer.headers["cache-control"] == "no-store"


REFUSED = {
    "no transport": ("?EIO=4", TRANSPORT_UNKNOWN),
    "an empty transport": ("?EIO=4&transport=", TRANSPORT_UNKNOWN),
    "an unknown transport": ("?EIO=4&transport=flashsocket", TRANSPORT_UNKNOWN),
    "a transport that is not served": ("?EIO=4&transport=webtransport", TRANSPORT_UNKNOWN),
    "a transport that every object of JavaScript has": ("?EIO=4&transport=constructor", TRANSPORT_UNKNOWN),
    "no query": ("", TRANSPORT_UNKNOWN),
    "no version": ("?transport=polling", UNSUPPORTED_VERSION),
    "an empty version": ("?EIO=&transport=polling", UNSUPPORTED_VERSION),
    "the version before": ("?EIO=3&transport=polling", UNSUPPORTED_VERSION),
    "the version behind": ("?EIO=5&transport=polling", UNSUPPORTED_VERSION),
    "the version before on a WebSocket": ("?EIO=3&transport=websocket", UNSUPPORTED_VERSION),
    "the version twice": ("?EIO=4&EIO=4&transport=polling", BAD_REQUEST),
    "two versions": ("?EIO=3&EIO=4&transport=polling", BAD_REQUEST),
    "two transports": ("?EIO=4&transport=polling&transport=websocket", BAD_REQUEST),
    "two sessions": ("?EIO=4&transport=polling&sid=a&sid=b", BAD_REQUEST),
    "JSONP": ("?EIO=4&transport=polling&j=0", BAD_REQUEST),
    "a query that is too long": ("?EIO=4&transport=polling&x=" + "y" * 5000, BAD_REQUEST),
    "a query of too many parameters": ("?EIO=4&transport=polling" + "&x=1" * 100, BAD_REQUEST),
    "a query that is not UTF-8": ("?EIO=4&transport=polling&x=%FF", BAD_REQUEST),
    "an unknown session": ("?EIO=4&transport=polling&sid=nobody", SESSION_UNKNOWN),
    "an empty session": ("?EIO=4&transport=polling&sid=", SESSION_UNKNOWN),
    "a session that no name can be so long of": ("?EIO=4&transport=polling&sid=" + "x" * 500, SESSION_UNKNOWN),
}


@pytest.mark.parametrize(("query", "code"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_request_is_refused_for(place: Place, query: str, code: int) -> None:
    await refused(place.engine, query, code)


async def test_a_query_that_is_longer_than_a_request_may_be_is_refused(place: Place) -> None:
    answer = await place.engine.get("?EIO=4&transport=polling&x=" + "y" * 100_000)

    assert answer.status in (400, 414, 431)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_a_session_begins_with_no_method_but_get(place: Place, method: str) -> None:
    await refused(place.engine, "?EIO=4&transport=polling", BAD_METHOD, method=method)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_a_session_goes_on_when_a_request_of_another_method_is_refused(place: Place, method: str) -> None:
    polls = await place.polls()

    await refused(place.engine, polls.query, BAD_REQUEST, method=method)

    await polls.say('421["echo",1]')
    assert await polls.hear() == "431[1]"
    await polls.say("1")


async def test_a_post_to_an_unknown_session_is_refused(place: Place) -> None:
    await refused(place.engine, "?EIO=4&transport=polling&sid=nobody", SESSION_UNKNOWN, method="POST")


async def test_a_websocket_is_not_opened_by_post(place: Place) -> None:
    await refused(place.engine, "?EIO=4&transport=websocket", BAD_METHOD, method="POST")


async def test_a_request_for_a_websocket_that_opens_none_is_refused(place: Place) -> None:
    answer = await place.engine.get("?EIO=4&transport=websocket")

    assert 400 <= answer.status < 500


async def test_a_websocket_of_an_unknown_session_is_not_opened(place: Place) -> None:
    await place.engine.closed_at_once("?EIO=4&transport=websocket&sid=nobody")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_session_on_a_websocket_cannot_be_polled(place: Place, method: str) -> None:
    async with place.joined() as frames:
        answer = await place.engine.request(
            method, f"?EIO=4&transport=polling&sid={frames.opening['sid']}", data="41" if method == "POST" else None
        )

        assert (answer.status, answer.code in (SESSION_UNKNOWN, BAD_REQUEST)) == (400, True)
        await frames.say('421["echo",1]')
        assert await frames.hear() == "431[1]"


async def test_a_session_on_a_websocket_is_not_taken_over_by_another_one(place: Place) -> None:
    async with place.joined() as frames:
        await place.engine.closed_at_once(f"?EIO=4&transport=websocket&sid={frames.opening['sid']}")

        await frames.say('421["echo",1]')
        assert await frames.hear() == "431[1]"


# -- pages of other origins


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_a_page_that_is_not_listed_may_not_poll(place: Place, method: str) -> None:
    answer = await place.engine.request(method, "?EIO=4&transport=polling", headers=EVIL)

    assert (answer.status, answer.code) == (403, FORBIDDEN)
    assert "access-control-allow-origin" not in answer.headers


async def test_a_page_that_is_not_listed_may_not_open_a_websocket(place: Place) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
        await place.engine.http.ws_connect(place.engine.url + "?EIO=4&transport=websocket", headers=EVIL)

    assert refusal.value.status == 403


async def test_a_page_that_is_not_listed_may_not_use_the_session_of_another(place: Place) -> None:
    polls = await place.polls()

    poll = await place.engine.get(polls.query, headers=EVIL)
    post = await polls.post("1", headers=EVIL)

    assert (poll.status, poll.code, post.status, post.code) == (403, FORBIDDEN, 403, FORBIDDEN)
    await polls.say('421["echo",1]')
    assert await polls.hear() == "431[1]"
    await polls.say("1")


async def test_a_page_that_is_listed_reads_its_refusals(place: Place) -> None:
    answer = await place.engine.get("?EIO=3&transport=polling", headers={"Origin": "https://app.example"})

    assert (answer.status, answer.code) == (400, UNSUPPORTED_VERSION)
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
