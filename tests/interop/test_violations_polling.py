"""Polls, POSTs and upgrades that no client makes: each ends its session, or is refused, and no other one notices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from antiphon import Socket
from tests.hosts.rig import until
from tests.interop.engine_client import SEPARATOR, Polls
from tests.interop.witnessed import LIMITS, MESSAGE, Place, witnessed

SESSION_UNKNOWN, BAD_REQUEST = 1, 3


@pytest.fixture
async def place(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Place]:
    async with witnessed(caplog) as place:
        yield place


BROKEN: dict[str, str | bytes] = {
    "nothing": "",
    "a separator": SEPARATOR,
    "nothing but separators": SEPARATOR * 100,
    "more separators than there may be packets": SEPARATOR * (MESSAGE - 1),
    "a separator in front": SEPARATOR + '42["note"]',
    "base64 with other characters": "bAQ!D",
    "base64 without its end": "bAQI",
    "base64 with something behind": "bAQIDBA==AQ",
    "base64 of nothing that was announced": "bAQIDBA==",
    "bytes that are no text": b"\xff\xfe4",
    "the payload of the version before": '13:42["note"]',
    "a word": "hello",
    "a ping": "2",
    "an upgrade": "5",
    "a probe": "2probe",
    "an event where it is not": '42/one,["note"]',
    "a reserved name": '42["disconnect"]',
    "attachments that are missing": '451-["note",{"_placeholder":true,"num":0}]' + SEPARATOR + '42["note"]',
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
async def test_a_session_ends_with_a_post_of(place: Place, body: str | bytes) -> None:
    polls = await place.polls()

    post = await polls.post(body)

    # By the time it is answered the session may be one that nobody knows.
    assert (post.status, post.code in (BAD_REQUEST, SESSION_UNKNOWN)) == (400, True)
    await place.over(polls)
    assert place.heard == []


@pytest.mark.parametrize("behind", ["", SEPARATOR + '42["note",2]'], ids=["last", "in between"])
async def test_a_session_ends_with_an_empty_packet(place: Place, behind: str) -> None:
    polls = await place.polls()

    post = await polls.post('42["note",1]' + SEPARATOR + behind)

    assert post.status == 400
    await place.over(polls)
    assert (2,) not in place.heard


async def test_what_came_before_a_violation_in_a_post_was_said_and_what_is_behind_it_was_not(place: Place) -> None:
    polls = await place.polls()

    await polls.post(SEPARATOR.join(['42["note",1]', "2", '42["note",2]']))

    await place.over(polls)
    assert (2,) not in place.heard


async def test_a_session_ends_with_a_post_of_bytes(place: Place) -> None:
    polls = await place.polls()

    post = await polls.post('42["note"]', headers={"Content-Type": "application/octet-stream"})

    assert (post.status, post.code) == (400, BAD_REQUEST)
    await place.over(polls)
    assert place.heard == []


async def test_a_post_needs_no_content_type(place: Place) -> None:
    polls = await place.polls()

    post = await polls.post(b'42["note"]', headers={}, skip_auto_headers=["Content-Type"])

    assert (post.status, post.text) == (200, "ok")
    assert place.heard == [()]
    await polls.say("1")


async def test_a_session_ends_with_a_post_that_is_too_large(place: Place) -> None:
    polls = await place.polls()

    post = await polls.post("4" + "x" * (MESSAGE * 3 // 2))

    assert post.status == 413
    await place.over(polls)


async def test_a_session_ends_with_a_message_that_is_too_large_in_a_post_that_is_not(place: Place) -> None:
    polls = await place.polls()

    post = await polls.post("4" + "x" * MESSAGE)

    assert post.status == 400
    await place.over(polls)


async def test_a_session_ends_with_a_post_that_is_too_large_and_does_not_say_so(place: Place) -> None:
    polls = await place.polls()

    async def body() -> AsyncIterator[bytes]:
        yield b"4"
        for _ in range(20):
            yield b"x" * (MESSAGE // 10)

    post = await place.engine.request("POST", polls.query, data=body())

    assert post.status == 413
    await place.over(polls)


async def test_a_session_ends_with_a_compressed_post(place: Place) -> None:
    polls = await place.polls()

    post = await polls.post("3", headers={"Content-Type": "text/plain", "Content-Encoding": "gzip"})

    assert post.status == 415
    await place.over(polls)


async def test_a_first_post_that_is_larger_than_a_first_connect_is_refused(place: Place) -> None:
    polls = await place.engine.polls()

    post = await polls.post('40{"token":"' + "x" * 2000 + '"}')

    assert post.status == 413
    await place.over(polls)


async def test_a_session_ends_with_an_event_before_its_first_connect(place: Place) -> None:
    polls = await place.engine.polls()

    post = await polls.post('42["note"]')

    assert post.status == 400
    await place.over(polls)
    assert place.heard == []


async def test_a_session_ends_with_a_second_poll_while_one_is_held(place: Place) -> None:
    polls = await place.polls()
    async with polls.held() as first:
        second = await polls.poll()

        answer = await first.answer()
    assert (answer.status, answer.text) == (200, "1")
    assert (second.status, second.code) == (400, BAD_REQUEST)
    await place.over(polls)


async def test_a_session_ends_with_a_second_post_while_one_is_not_answered(place: Place) -> None:
    go_on = asyncio.Event()

    @place.server.namespace("/").on("slow")
    async def slow(socket: Socket) -> None:
        await go_on.wait()

    polls = await place.polls()
    # More than may wait, so that it is not answered before some of it was handled.
    first = asyncio.create_task(polls.post(SEPARATOR.join(['42["slow"]'] * 20)))
    await until(lambda: place.standing.handlers > 0)

    second = await polls.post("3")

    assert (second.status, second.code) == (400, BAD_REQUEST)
    assert (await first).status == 400
    await place.over(polls)
    go_on.set()


async def test_a_session_ends_with_a_second_post_before_the_first_has_come_to_its_end(place: Place) -> None:
    polls = await place.polls()
    async with polls.begun_post('42["note",1]', sent=4):
        second = await polls.post('42["note",2]')

        assert (second.status, second.code) == (400, BAD_REQUEST)
        await place.over(polls)
    assert place.heard == []


async def test_a_session_ends_when_its_poll_was_given_up(place: Place) -> None:
    polls = await place.polls()
    async with polls.held() as poll:
        await poll.abort()

        await place.over(polls)


async def test_a_session_ends_with_a_poll_that_was_given_up_even_if_nobody_asks_for_it_again(place: Place) -> None:
    polls = await place.polls()
    async with polls.held() as poll:
        assert place.standing.polled == 1

        await poll.abort()

        await until(lambda: place.standing.polled == 0)


async def test_an_event_for_who_gave_up_its_poll_is_not_taken_for_sent(place: Place) -> None:
    polls = await place.polls()
    async with polls.held() as poll:
        await poll.abort()
        await place.server.namespace("/").to("room").emit("news", 0)

        assert (await polls.poll()).status == 400
    await until(lambda: place.standing.polled == 0)


async def test_a_session_ends_with_a_post_that_does_not_come_to_its_end(caplog: pytest.LogCaptureFixture) -> None:
    async with witnessed(caplog, replace(LIMITS, body_timeout=0.2)) as place:
        polls = await place.polls()
        async with polls.begun_post('42["note"]', sent=4):
            pass

        await place.over(polls)


# -- upgrades


async def lives(polls: Polls) -> bool:
    """Whether a session is served on polling, and can still go on by a WebSocket."""
    await polls.say('421["echo",1]')
    polled = await polls.hear()
    async with polls.engine.websocket(polls.sid) as frames:
        await frames.say("2probe", "5", '422["echo",2]')
        return (polled, await frames.hear(), await frames.hear()) == ("431[1]", "3probe", "432[2]")


WRONG_PROBES: dict[str, list[str | bytes]] = {
    "an upgrade without a probe": ["5"],
    "an event": ['42["note"]'],
    "a ping without its word": ["2"],
    "a second probe": ["2probe", "2probe"],
    "an event behind the probe": ["2probe", '42["note"]'],
    "bytes": [b"2probe"],
    "a close packet": ["1"],
}


@pytest.mark.parametrize("packets", WRONG_PROBES.values(), ids=WRONG_PROBES.keys())
async def test_a_session_stays_on_polling_when_its_websocket_begins_with(
    place: Place, packets: list[str | bytes]
) -> None:
    polls = await place.polls()
    async with place.engine.websocket(polls.sid) as frames:
        await frames.say(*packets)

        assert await frames.end() in ([], ["3probe"])

    assert await lives(polls)
    assert place.heard == []


async def test_a_session_stays_on_polling_when_its_websocket_goes_away(place: Place) -> None:
    polls = await place.polls()
    async with place.engine.websocket(polls.sid) as frames:
        await frames.say("2probe")
        assert await frames.hear() == "3probe"

    assert await lives(polls)


async def test_a_second_websocket_during_an_upgrade_is_closed_and_the_first_goes_on(place: Place) -> None:
    polls = await place.polls()
    async with place.engine.websocket(polls.sid) as frames:
        await frames.say("2probe")
        assert await frames.hear() == "3probe"

        await place.engine.closed_at_once(f"?EIO=4&transport=websocket&sid={polls.sid}")

        await frames.say("5", '421["echo",1]')
        assert await frames.hear() == "431[1]"


async def test_a_post_behind_an_upgrade_is_refused_and_the_session_goes_on(place: Place) -> None:
    polls = await place.polls()
    async with place.engine.websocket(polls.sid) as frames:
        await frames.say("2probe")
        assert await frames.hear() == "3probe"
        await frames.say("5", '421["echo",1]')
        assert await frames.hear() == "431[1]"

        post = await polls.post('42["note"]')

        assert post.status == 400
        await frames.say('422["echo",2]')
        assert await frames.hear() == "432[2]"
    assert place.heard == []
