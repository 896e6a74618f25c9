"""Polls and POSTs of a Socket.IO client: one of each at a time, in the order in which they were sent."""

from __future__ import annotations

import asyncio

import pytest

from antiphon import Limits, Socket
from antiphon.config import Inbox
from antiphon.dialects.socketio.engine import EngineError
from tests.server.engine_peer import Ask, Polls, Site
from tests.server.peer import settle


@pytest.fixture
async def site() -> Site:
    return Site()


async def test_a_poll_waits_for_something_to_say(site: Site) -> None:
    client = Polls(site.engine)
    assert client.greeting.text is not None and client.greeting.text.startswith('0{"sid":')

    poll = client.poll()
    assert poll.open
    client.post("40")
    await settle()

    assert poll.text is not None and poll.text.startswith('40{"sid":')


async def test_a_poll_takes_everything_that_is_there_in_its_order(site: Site) -> None:
    client = Polls(site.engine)
    await client.enter()
    for number in range(2):
        await site.root.emit("said", number)
    await site.root.emit("bytes", b"\x01\x02")

    poll = client.poll()
    await settle()

    said = ['42["said",0]', '42["said",1]', '451-["bytes",{"_placeholder":true,"num":0}]', "bAQI="]
    assert poll.text == "\x1e".join(said)


async def test_all_that_waits_is_in_one_answer(site: Site) -> None:
    client = Polls(site.engine, user_agent="Mozilla/5.0")
    await client.enter()
    for number in range(1000):
        await site.root.emit("said", number)

    poll = client.poll()
    await settle()

    assert poll.text is not None and len(poll.text.split("\x1e")) == 1000


@pytest.mark.parametrize("user_agent", ["Python/3.11 aiohttp/3.14.3", "python-requests/2.32"])
async def test_an_answer_has_no_more_than_some_clients_read(site: Site, user_agent: str) -> None:
    client = Polls(site.engine, user_agent=user_agent)
    await client.enter()
    for number in range(20):
        await site.root.emit("said", number)

    first = client.poll()
    await settle()
    second = client.poll()

    assert first.text is not None and second.text is not None
    assert first.text.split("\x1e") == [f'42["said",{number}]' for number in range(16)]
    assert second.text.split("\x1e") == [f'42["said",{number}]' for number in range(16, 20)]


async def test_events_of_one_turn_are_one_answer(site: Site) -> None:
    client = Polls(site.engine)
    await client.enter()
    poll = client.poll()

    await site.root.emit("a")
    await site.root.emit("b")
    await settle()

    assert poll.text == '42["a"]\x1e42["b"]'


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


async def test_a_second_poll_ends_the_session(site: Site) -> None:
    client = Polls(site.engine)
    await client.enter()
    first = client.poll()

    second = client.poll()
    await settle()

    assert first.text == "1"
    assert second.error is EngineError.BAD_REQUEST
    assert client.poll().error is EngineError.SESSION_UNKNOWN
    assert site.heard == ["expired"]


async def test_a_second_post_ends_the_session(site: Site) -> None:
    client = Polls(site.engine)
    await client.enter()
    first = client.post("\x1e".join(['42["note",0]'] * 40))

    second = client.post('42["note",1]')
    await settle()

    assert first.error is EngineError.BAD_REQUEST
    assert second.error is EngineError.BAD_REQUEST
    assert client.poll().error is EngineError.SESSION_UNKNOWN
    assert site.heard == [0] * 16 + ["expired"]


async def test_whose_poll_is_gone_is_gone(site: Site) -> None:
    client = Polls(site.engine)
    await client.enter()
    client.poll().gone = True

    await site.passes(0.25)

    assert site.heard == ["expired"]
    assert site.engine.polled == 0


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


async def test_a_poll_that_is_gone_is_no_error_where_a_websocket_was_about_to_take_over(site: Site) -> None:
    client = Polls(site.engine)
    wire = client.upgrade()
    wire.say("2probe")
    await site.passes(25)
    ask = Ask()
    ask.gone = True

    site.engine.poll(client.sid, ask)

    assert not ask.open
    assert site.engine.polled == 0


async def test_nothing_is_said_to_a_poll_that_is_gone(site: Site) -> None:
    client = Polls(site.engine)
    await client.enter()
    poll = client.poll()

    poll.gone = True
    await site.root.emit("said")
    await settle()

    assert not poll.open  # however it was answered, nobody hears it
    assert site.heard == ["expired"]


async def test_who_polls_again_behind_a_poll_that_is_gone_begins_anew(site: Site) -> None:
    client = Polls(site.engine)
    await client.enter()
    client.poll().gone = True

    assert client.poll().error is EngineError.SESSION_UNKNOWN
    assert site.engine.polled == 0


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


async def test_who_says_that_it_goes_is_let_go(site: Site) -> None:
    client = Polls(site.engine)
    await client.enter()
    poll = client.poll()

    post = client.post('42["note",1]\x1e1\x1e42["note",2]')
    await settle()

    assert (post.text, poll.text) == ("ok", "6")
    assert client.poll().error is EngineError.SESSION_UNKNOWN
    assert site.heard == [1, "expired"]


async def test_the_poll_of_who_goes_may_come_behind_that(site: Site) -> None:
    client = Polls(site.engine)
    await client.enter()

    client.post("1")

    assert client.poll().text == "6"
    assert client.poll().error is EngineError.SESSION_UNKNOWN
    assert site.engine.polled == 0


async def test_last_words_wait_a_while_for_a_poll(site: Site) -> None:
    client = Polls(site.engine)
    await client.enter()
    [socket] = site.root.sockets

    await socket.end("go home")
    await site.passes(5)

    assert client.post("3").text == "ok"  # a refusal would end the client before it has heard them
    assert client.poll().text == "41"
    assert client.poll().text == "1"
    assert site.engine.polled == 0


async def test_last_words_that_nobody_asks_for_are_forgotten(site: Site) -> None:
    client = Polls(site.engine)
    await client.enter()
    [socket] = site.root.sockets

    await socket.end("go home")
    await site.passes(15)

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
