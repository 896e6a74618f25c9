"""What POSTs of a Socket.IO client bring: in its order, in turns, at a pace, and as long as there is room."""

from __future__ import annotations

import asyncio

import pytest

from antiphon import Limits, Socket
from antiphon.config import Inbox
from antiphon.dialects.socketio.engine import EngineError
from tests.server.engine_peer import Polls, Site
from tests.server.peer import settle


@pytest.fixture
async def site() -> Site:
    return Site()


async def test_a_payload_is_handed_over_in_its_order(site: Site) -> None:
    client = Polls(site.engine)
    await client.enter()

    post = client.post("\x1e".join(f'42["note",{number}]' for number in range(100)))
    await settle()

    assert post.text == "ok"
    assert site.heard == list(range(100))


async def test_others_have_their_turn_before_the_rest_of_a_payload(site: Site) -> None:
    client = Polls(site.engine)
    await client.enter()

    post = client.post("\x1e".join(f'42["note",{number}]' for number in range(40)))

    assert post.open
    await settle()
    assert post.text == "ok"


async def test_whose_post_is_gone_before_all_of_it_was_taken_is_gone() -> None:
    site, never = Site(Limits(inbox=Inbox(packets=4)), ping_interval=1000), asyncio.Event()

    @site.root.on("slow")
    async def slow(socket: Socket) -> None:
        await never.wait()

    client = Polls(site.engine)
    await client.enter()
    post = client.post("\x1e".join(['42["slow"]'] * 20))
    await settle()

    post.gone = True
    await site.passes(0.25)

    assert site.engine.polled == 0
    never.set()


async def test_a_payload_has_as_many_packets_as_its_client_likes(site: Site) -> None:
    client = Polls(site.engine)
    await client.enter()

    post = client.post("\x1e".join(f'42["note",{number}]' for number in range(6000)))
    while post.open:
        await site.passes(0.25)

    assert post.text == "ok"
    assert site.heard == list(range(6000))


async def test_they_are_taken_at_the_pace_of_messages() -> None:
    site = Site(Limits(messages=100))
    client = Polls(site.engine)
    await client.enter()

    post = client.post("\x1e".join(f'42["note",{number}]' for number in range(400)))
    await site.passes(0.5)
    assert post.open and 200 <= len(site.heard) <= 260
    assert site.server.statistics().limits.messages > 0

    await site.passes(2)
    assert post.text == "ok" and len(site.heard) == 400


@pytest.mark.parametrize("end", ["abc", "b!!!", "\x1e", '42["note",{}'])
async def test_what_was_said_before_a_violation_is_heard(site: Site, end: str) -> None:
    client = Polls(site.engine)
    await client.enter()

    post = client.post('42["note",1]\x1e42["note",2]\x1e' + end)
    await settle()

    assert post.refusal is not None
    assert site.heard == [1, 2, "protocol"]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("abc", "text/plain"),
        ("", "text/plain"),
        ("\x1e\x1e", "text/plain"),
        ("b!!!", "text/plain"),
        (b"\xff", "text/plain"),
        ('42["note"]', "application/octet-stream"),
        ("2", "text/plain"),
        ("42{}", "text/plain"),
    ],
)
async def test_a_payload_that_breaks_the_rules_ends_the_session(
    site: Site, body: str | bytes, content_type: str
) -> None:
    client = Polls(site.engine)
    await client.enter()
    poll = client.poll()

    post = client.post(body, content_type)
    await settle()

    assert post.refusal is not None
    assert poll.error is EngineError.SESSION_UNKNOWN
    assert client.poll().error is EngineError.SESSION_UNKNOWN
    assert site.engine.polled == 0


async def test_a_post_is_answered_when_there_is_room_for_all_of_it() -> None:
    site, go_on = Site(Limits(inbox=Inbox(packets=4))), asyncio.Event()
    handled: list[int] = []

    @site.root.on("slow")
    async def slow(socket: Socket, number: int) -> None:
        await go_on.wait()
        handled.append(number)

    client = Polls(site.engine)
    await client.enter()

    post = client.post("\x1e".join(f'42["slow",{number}]' for number in range(20)))
    await site.passes(60)
    assert post.open and not handled  # nor was it called silent, whose Pongs are not read

    go_on.set()
    await site.passes(3)
    assert post.text == "ok"
    assert handled == list(range(20))


async def test_whose_message_breaks_us_loses_its_session_only(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, other = Polls(site.engine), Polls(site.engine)
    await client.enter()
    await other.enter()
    [line, _] = site.server.registry

    def fail(*anything: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(line.session, "receive", fail)
    post = client.post('42["note",1]')
    other.post('42["note",2]')
    await settle()

    assert post.refusal is not None
    assert "was not taken in: its session is closed" in caplog.text
    assert site.heard == ["expired", 2] or site.heard == [2, "expired"]
