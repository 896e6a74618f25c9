"""Polls and POSTs of a Socket.IO client: one of each at a time, in the order in which they were sent."""

from __future__ import annotations

import pytest

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
