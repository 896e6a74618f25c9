"""A WebSocket takes over from polls: nothing is lost on the way, and what does not work out leaves the polls."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from antiphon import Limits
from antiphon.dialects.socketio.engine import EngineError, EngineRefusal
from antiphon.server.engine_upgrade import Upgrade
from tests.server.engine_peer import Polls, Site, Wire
from tests.server.peer import settle


@pytest.fixture
async def site() -> Site:
    return Site()


@pytest.fixture
async def client(site: Site) -> Polls:
    client = Polls(site.engine)
    await client.enter()
    return client


# It takes nearly 20 s where ten messages a second are taken in.
LONG = "\x1e".join(f'42["note",{number}]' for number in range(200))


async def in_no_hurry() -> tuple[Site, Polls]:
    """A server that takes in ten messages a second, and a client of it."""
    site = Site(Limits(messages=10))
    client = Polls(site.engine)
    await client.enter()
    return site, client


async def test_the_poll_that_is_held_is_let_go(client: Polls) -> None:
    poll, wire = client.poll(), client.upgrade()

    wire.say("2probe")

    assert wire.heard == ["3probe"]
    assert poll.text == "6"
    assert client.poll().text == "6"


async def test_until_the_client_says_so_its_polls_carry_everything(site: Site, client: Polls) -> None:
    wire = client.upgrade()
    wire.say("2probe")

    await site.root.emit("said", 1)
    await settle()
    client.post('42["note",1]')
    await settle()

    assert client.poll().text == '42["said",1]'
    assert wire.heard == ["3probe"]
    assert site.heard == [1]


async def test_afterwards_the_websocket_does(site: Site, client: Polls) -> None:
    wire = client.upgrade()
    wire.say("2probe")
    await site.root.emit("said", 1)

    wire.say("5", '42["note",1]')
    await settle()
    await site.root.emit("said", 2)
    await settle()

    assert wire.heard == ["3probe", '42["said",1]', '42["said",2]']
    assert site.heard == [1]
    assert client.poll().error is EngineError.BAD_REQUEST
    assert site.engine.polled == 0
    assert site.server.statistics().sessions == 1


async def test_a_session_ends_with_its_websocket(site: Site, client: Polls) -> None:
    wire = client.upgrade()
    wire.say("2probe", "5")

    wire.lost()
    await settle()

    assert site.heard == ["expired"]


async def test_one_that_has_asked_for_nothing_yet_may_go_on_by_a_websocket(site: Site) -> None:
    client = Polls(site.engine)
    wire = client.upgrade()

    wire.say("2probe", "5", "40")
    await settle()
    wire.say('42["note",1]')
    await settle()

    assert [str(message)[:9] for message in wire.heard] == ["3probe", '40{"sid":']
    assert site.heard == [1]


async def test_a_ping_that_no_poll_took_goes_by_the_websocket(site: Site) -> None:
    client = Polls(site.engine)
    await site.passes(25)
    wire = client.upgrade()

    wire.say("2probe", "5")

    assert wire.heard == ["3probe", "2"]


@pytest.mark.parametrize("wrong", ["5", "2", "3probe", '42["note",1]', b"2probe"])
async def test_another_word_closes_the_websocket_and_leaves_the_polls(
    site: Site, client: Polls, wrong: str | bytes
) -> None:
    wire = client.upgrade()

    wire.say(wrong)
    client.post('42["note",2]')
    await settle()

    assert wire.shut is not None
    assert site.heard == [2]
    assert client.poll().open


@pytest.mark.parametrize("twice", [["2probe", "2probe"], ["2probe", "4"]])
async def test_so_does_a_wrong_word_behind_the_probe(client: Polls, twice: list[str]) -> None:
    wire = client.upgrade()

    wire.say(*twice)

    assert wire.shut is not None
    assert client.poll().open


async def test_nobody_takes_over_while_a_post_is_under_way(site: Site, client: Polls) -> None:
    wire = client.upgrade()
    wire.say("2probe")
    post = client.post("\x1e".join(f'42["note",{number}]' for number in range(40)))

    wire.say("5")
    await settle()

    assert wire.shut is not None
    assert post.text == "ok" and site.heard == list(range(40))


async def test_there_is_one_upgrade_at_a_time(site: Site, client: Polls) -> None:
    wire = client.upgrade()

    second = Wire(cast(Upgrade, site.engine.expect_websocket(client.sid, "")))

    assert second.shut is not None
    wire.lost()
    client.upgrade().say("2probe", "5")
    assert site.engine.polled == 0


async def test_behind_an_upgrade_another_websocket_is_closed_for_a_while(site: Site, client: Polls) -> None:
    wire = client.upgrade()
    wire.say("2probe", "5")

    late = Wire(cast(Upgrade, site.engine.expect_websocket(client.sid, "")))
    await site.passes(10)
    wire.say("3", '42["note",1]')
    await settle()
    assert late.shut is not None and wire.shut is None and site.heard == [1]

    await site.passes(51)
    assert isinstance(site.engine.expect_websocket(client.sid, ""), EngineRefusal)


async def test_a_client_is_not_made_to_wait_for_a_long_post_without_its_polls() -> None:
    site, client = await in_no_hurry()
    wire = client.upgrade()
    post = client.post(LONG)

    wire.say("2probe")
    await site.passes(15)
    assert (wire.heard, wire.shut, post.open) == ([], None, True)

    await site.passes(5)
    assert (post.text, wire.heard) == ("ok", ["3probe"])
    wire.say("5")
    assert wire.shut is None and site.engine.polled == 0


async def test_a_post_that_came_behind_the_probe_may_take_its_time() -> None:
    site, client = await in_no_hurry()
    wire = client.upgrade()
    wire.say("2probe")
    post = client.post(LONG)

    await site.passes(20)
    wire.say("5")

    assert (post.text, wire.shut, site.engine.polled) == ("ok", None, 0)


async def test_who_gave_up_the_websocket_is_not_told_that_its_post_was_taken() -> None:
    site, client = await in_no_hurry()
    wire = client.upgrade()
    post = client.post(LONG)
    wire.say("2probe")

    wire.lost()
    await site.passes(20)

    assert (post.text, wire.heard) == ("ok", [])
    assert client.poll().open


async def test_an_upgrade_that_takes_too_long_is_given_up(site: Site, client: Polls) -> None:
    wire = client.upgrade()
    wire.say("2probe")

    await site.passes(11)

    assert wire.shut is not None
    assert client.poll().open


async def test_an_upgrade_ends_with_its_session(site: Site, client: Polls) -> None:
    wire = client.upgrade()
    client.post("1")

    await site.passes(0.25)

    assert wire.shut is not None


async def test_who_takes_over_when_the_session_is_over_is_closed(client: Polls) -> None:
    wire = client.upgrade()
    wire.say("2probe")
    client.post("1")

    wire.say("5")

    assert wire.shut is not None


async def test_a_session_that_is_not_there_is_not_upgraded(site: Site) -> None:
    receiver = site.engine.expect_websocket("unknown", "")

    assert isinstance(receiver, EngineRefusal) and receiver.error is EngineError.SESSION_UNKNOWN


async def test_while_it_is_looked_into_who_comes_a_websocket_may_take_over(site: Site) -> None:
    go_on = asyncio.Event()

    @site.server.authenticate
    async def who(auth: object) -> str:
        await go_on.wait()
        return "ann"

    client = Polls(site.engine)
    client.post("40")
    wire = client.upgrade()
    wire.say("2probe", "5", '42["note",1]')
    await settle()
    assert wire.heard == ["3probe"]

    go_on.set()
    await settle()
    wire.say()

    assert str(wire.heard[1]).startswith('40{"sid":')
    await settle()
    assert site.heard == [1]


async def test_the_server_stops_in_the_middle(site: Site, client: Polls) -> None:
    wire: Wire = client.upgrade()

    await site.server.close()

    assert wire.shut is not None
