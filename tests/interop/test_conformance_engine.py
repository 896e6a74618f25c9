"""What Engine.IO v4 is held to by its public suite, in our words: sessions, heartbeats, closing, upgrades, messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic

import pytest
from aiohttp.test_utils import BaseTestServer, TestServer

from tests.interop.engine_client import SEPARATOR, Engine, Frames, opened, talking
from tests.interop.socketio_conformance import make_app

KEYS = {"sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"}
INTERVAL, TIMEOUT = 0.3, 0.2
# How much later than it is due a ping may come on a machine that does other things as well.
LATE = 1.0


@pytest.fixture
async def test_server() -> AsyncIterator[BaseTestServer]:
    async with TestServer(make_app()) as test_server:
        yield test_server


@pytest.fixture(params=["/engine.io/", "/socket.io/"])
async def engine(test_server: BaseTestServer, request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    """Engine.IO, by itself and below Socket.IO."""
    async with talking(str(test_server.make_url(request.param))) as engine:
        yield engine


GoesOn = Callable[[Frames], Awaitable[bool]]


@pytest.fixture
def goes_on(engine: Engine) -> GoesOn:
    """Whether a session is served on a WebSocket: it hears what it said, or comes into a namespace."""

    async def goes_on(frames: Frames) -> bool:
        if engine.url.endswith("/socket.io/"):
            return set(await frames.enter()) == {"sid"}
        await frames.say("4hello")
        return await frames.hear_beside_pings() == "4hello"

    return goes_on


@pytest.fixture
async def echo(test_server: BaseTestServer) -> AsyncIterator[Engine]:
    """Engine.IO by itself."""
    async with talking(str(test_server.make_url("/engine.io/"))) as engine:
        yield engine


# -- handshake


async def test_a_session_begins_with_a_poll(engine: Engine) -> None:
    opening = (await engine.polls()).opening

    assert set(opening) == KEYS
    assert isinstance(opening["sid"], str)
    assert opening["upgrades"] == ["websocket"]
    assert (opening["pingInterval"], opening["pingTimeout"], opening["maxPayload"]) == (300, 200, 1_000_000)


async def test_a_poll_without_the_version_of_the_protocol_is_refused(engine: Engine) -> None:
    without, wrong = await engine.get("?transport=polling"), await engine.get("?EIO=abc&transport=polling")

    assert (without.status, wrong.status) == (400, 400)
    assert (without.code, wrong.code) == (5, 5)


async def test_a_request_without_a_known_transport_is_refused(engine: Engine) -> None:
    without, wrong = await engine.get("?EIO=4"), await engine.get("?EIO=4&transport=abc")

    assert (without.status, wrong.status) == (400, 400)
    assert (without.code, wrong.code) == (0, 0)


async def test_a_session_begins_with_get_only(engine: Engine) -> None:
    post = await engine.request("POST", "?EIO=4&transport=polling")
    put = await engine.request("PUT", "?EIO=4&transport=polling")

    assert (post.status, put.status) == (400, 400)
    assert (post.code, put.code) == (2, 2)


async def test_a_session_begins_with_a_websocket(engine: Engine) -> None:
    async with engine.websocket() as frames:
        opening = opened(await frames.hear())

    assert set(opening) == KEYS
    assert isinstance(opening["sid"], str)
    assert opening["upgrades"] == []
    assert (opening["pingInterval"], opening["pingTimeout"], opening["maxPayload"]) == (300, 200, 1_000_000)


async def test_a_websocket_without_the_version_of_the_protocol_is_closed(engine: Engine) -> None:
    await engine.closed_at_once("?transport=websocket")
    await engine.closed_at_once("?EIO=abc&transport=websocket")


async def test_a_websocket_without_a_known_transport_is_closed(engine: Engine) -> None:
    await engine.closed_at_once("?EIO=4")
    await engine.closed_at_once("?EIO=4&transport=abc")


# -- heartbeat


async def test_a_session_on_polling_is_pinged_for_as_long_as_it_answers(engine: Engine) -> None:
    polls = await engine.polls()

    for _ in range(3):
        asked = monotonic()
        answer = await polls.poll()
        await polls.say("3")

        assert (answer.status, answer.text) == (200, "2")
        assert INTERVAL / 2 < monotonic() - asked < INTERVAL + LATE


async def test_a_session_on_polling_that_is_not_heard_of_ends(engine: Engine) -> None:
    polls = await engine.polls()

    await asyncio.sleep(INTERVAL + TIMEOUT)

    assert (await polls.poll()).status == 400


async def test_a_session_on_a_websocket_is_pinged_for_as_long_as_it_answers(engine: Engine) -> None:
    async with engine.frames() as frames:
        for _ in range(3):
            asked = monotonic()
            packet = await frames.hear()
            await frames.say("3")

            assert packet == "2"
            assert INTERVAL / 2 < monotonic() - asked < INTERVAL + LATE


async def test_a_session_on_a_websocket_that_is_not_heard_of_ends(engine: Engine) -> None:
    async with engine.frames() as frames:
        asked = monotonic()

        assert await frames.end() == ["2"]
        assert INTERVAL + TIMEOUT / 2 < monotonic() - asked < INTERVAL + TIMEOUT + LATE


# -- close


async def test_a_client_on_polling_closes_its_session(engine: Engine) -> None:
    polls = await engine.polls()
    async with polls.held() as poll:
        post = await polls.post("1")

        assert (post.status, post.text) == (200, "ok")
        answer = await poll.answer()
        assert (answer.status, answer.text) == (200, "6")
    assert (await polls.poll()).status == 400


async def test_a_client_on_a_websocket_closes_its_session(engine: Engine) -> None:
    async with engine.frames() as frames:
        await frames.say("1")

        assert await frames.hear() is None


# -- upgrade


async def test_a_session_goes_on_by_a_websocket(engine: Engine, goes_on: GoesOn) -> None:
    polls = await engine.polls()
    async with engine.websocket(polls.sid) as frames:
        await frames.say("2probe")

        assert await frames.hear() == "3probe"
        poll = await polls.poll()
        assert (poll.status, poll.text) == (200, "6")
        await frames.say("5")
        assert await goes_on(frames)


async def test_who_has_gone_to_a_websocket_polls_no_more(engine: Engine, goes_on: GoesOn) -> None:
    polls = await engine.polls()
    async with engine.websocket(polls.sid) as frames:
        await frames.say("2probe")
        assert await frames.hear() == "3probe"
        await frames.say("5")

        assert (await polls.poll()).status == 400
        assert await goes_on(frames)


async def test_who_has_gone_to_a_websocket_opens_no_other_one(engine: Engine, goes_on: GoesOn) -> None:
    polls = await engine.polls()
    async with engine.websocket(polls.sid) as frames:
        await frames.say("2probe")
        assert await frames.hear() == "3probe"
        await frames.say("5")

        # Opened, and closed then: of a refusal some clients hear as of an error, and the suite's is one of them.
        async with engine.websocket(polls.sid) as other:
            assert await other.hear() is None

        assert await goes_on(frames)


# -- messages


async def test_a_message_comes_back_by_a_poll(echo: Engine) -> None:
    polls = await echo.polls()

    post, poll = await polls.post("4hello"), await polls.poll()

    assert (post.status, post.text) == (200, "ok")
    assert (poll.status, poll.text) == (200, "4hello")


async def test_several_messages_of_a_post_come_back_by_one_poll(echo: Engine) -> None:
    polls = await echo.polls()
    payload = SEPARATOR.join(["4test1", "4test2", "4test3"])

    post, poll = await polls.post(payload), await polls.poll()

    assert (post.status, post.text) == (200, "ok")
    assert (poll.status, poll.text) == (200, payload)


async def test_binary_messages_are_base64_in_payloads(echo: Engine) -> None:
    polls = await echo.polls()
    payload = SEPARATOR.join(["4hello", "bAQIDBA=="])

    post, poll = await polls.post(payload), await polls.poll()

    assert (post.status, post.text) == (200, "ok")
    assert (poll.status, poll.text) == (200, payload)


async def test_what_is_no_packet_in_a_post_ends_the_session(echo: Engine) -> None:
    polls = await echo.polls()

    post = await polls.post("abc")

    assert post.status == 400
    assert (await polls.poll()).status == 400


async def test_a_second_poll_at_a_time_ends_the_session(echo: Engine) -> None:
    polls = await echo.polls()
    async with polls.held() as first:
        second = await polls.poll()

        answer = await first.answer()
    assert (answer.status, answer.text) == (200, "1")
    assert second.status == 400
    assert (await polls.poll()).status == 400


async def test_a_poll_that_its_client_gave_up_ends_the_session(echo: Engine) -> None:
    polls = await echo.polls()
    async with polls.held() as poll:
        await poll.abort()

        assert (await polls.poll()).status == 400


async def test_a_text_message_comes_back_on_a_websocket(echo: Engine) -> None:
    async with echo.frames() as frames:
        await frames.say("4hello")

        assert await frames.hear() == "4hello"


async def test_a_binary_message_comes_back_on_a_websocket(echo: Engine) -> None:
    async with echo.frames() as frames:
        await frames.say(b"\x01\x02\x03\x04")

        assert await frames.hear() == b"\x01\x02\x03\x04"


async def test_what_is_no_packet_on_a_websocket_ends_the_session(echo: Engine) -> None:
    async with echo.frames() as frames:
        await frames.say("abc")

        assert await frames.hear() is None
