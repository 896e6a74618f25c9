"""The chat example: who is let in, who is where, and what everybody hears."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest
from aiohttp import ClientSession

from antiphon import CallFailed, ConnectionRefused, Server
from antiphon.testing import Listener, TestClient
from antiphon.testing.app_fixtures import AppClientFactory, AppUrl
from antiphon.testing.fixtures import ClientFactory
from examples.chat.__main__ import main
from examples.chat.app import HISTORY, MOST_ROOMS, ROOMS, make_app, serve_chat

Visit: TypeAlias = Callable[..., Awaitable[TestClient]]


@pytest.fixture
def visit(antiphon_server: Server, antiphon_client: ClientFactory) -> Visit:
    """Comes into the chat under a name."""
    serve_chat(antiphon_server.namespace("/chat"))

    async def visit(name: str, token: str = "") -> TestClient:
        return await antiphon_client("/chat", auth=login(name, token))

    return visit


def login(name: str, token: str = "") -> dict[str, str]:
    return {"name": name, "token": token or f"the token of {name}"}


async def enter(visitor: Listener, room: str) -> dict[str, Any]:
    """Enter a room and return it as it was then."""
    await visitor.call("enter", room)
    [entered] = await visitor.next("entered")
    assert isinstance(entered, dict)
    return entered


async def say(visitor: Listener, room: str, text: str) -> None:
    """Say something in a room."""
    await visitor.emit("say", {"room": room, "text": text})


async def hear_until(visitor: Listener, event: str, *args: Any) -> None:
    """Wait until an event of this name carries these arguments."""
    while await visitor.next(event) != args:
        pass


async def texts(visitor: Listener, count: int) -> list[str]:
    """The texts of the next messages."""
    return [(await visitor.next("said"))[1]["text"] for _ in range(count)]


# -- who is let in


async def test_a_name_that_somebody_has_is_refused_with_a_reason_for_the_page(visit: Visit) -> None:
    await visit("Ada")

    with pytest.raises(ConnectionRefused) as refused:
        await visit("Ada", token="another token")

    assert refused.value.reason == "Ada is here already. Please choose another name."


@pytest.mark.parametrize("written", ["ada", " ADA ", "\uff21da"])
async def test_a_name_is_taken_however_it_is_written(visit: Visit, written: str) -> None:
    await visit("Ada")

    with pytest.raises(ConnectionRefused, match="is here already"):
        await visit(written, token="another token")


@pytest.mark.parametrize("name", ["", "   ", "x" * 25, "a\u202eb", "a\x00b"])
async def test_what_is_no_name_is_refused(visit: Visit, name: str) -> None:
    with pytest.raises(ConnectionRefused, match="1 to 24 characters"):
        await visit(name)


async def test_people_may_not_call_themselves_the_server(visit: Visit) -> None:
    with pytest.raises(ConnectionRefused, match="is here already"):
        await visit("Server")


async def test_a_reloaded_page_comes_in_beside_its_old_session(visit: Visit) -> None:
    old = await visit("Ada", token="of this tab")
    await enter(old, "lobby")

    new = await visit("Ada", token="of this tab")

    assert (await enter(new, "lobby"))["people"] == ["Ada"]


async def test_a_name_is_free_again_once_its_owner_has_left(visit: Visit) -> None:
    ada, ben = await visit("Ada"), await visit("Ben")
    await enter(ben, "lobby")
    await enter(ada, "lobby")
    await ada.close()
    await hear_until(ben, "people", "lobby", ["Ben"])

    second = await visit("Ada", token="another token")

    assert second.namespace.connected


# -- who is where


async def test_everybody_in_a_room_is_told_who_comes_and_who_goes(visit: Visit) -> None:
    ada, ben = await visit("Ada"), await visit("Ben")
    await enter(ada, "lobby")
    await hear_until(ada, "people", "lobby", ["Ada"])

    await enter(ben, "lobby")
    came = await ada.next("people")
    await ben.emit("leave", "lobby")
    left = await ada.next("people")
    await enter(ben, "lobby")
    await hear_until(ada, "people", "lobby", ["Ada", "Ben"])
    await ben.close()
    gone = await ada.next("people")

    assert (came, left, gone) == (("lobby", ["Ada", "Ben"]), ("lobby", ["Ada"]), ("lobby", ["Ada"]))


async def test_a_room_is_made_by_naming_it_and_goes_with_its_last_visitor(
    visit: Visit, antiphon_server: Server
) -> None:
    ada, ben = await visit("Ada"), await visit("Ben")
    standing = [{"name": name, "people": 0} for name in ROOMS]

    room = await ada.call("enter", "  Tea   Time ")
    await hear_until(ben, "rooms", [*standing, {"name": "tea time", "people": 1}])
    await ada.emit("leave", room)
    await hear_until(ben, "rooms", standing)

    assert room == "tea time"
    assert antiphon_server.statistics().rooms == 0


async def test_there_is_an_end_to_making_rooms(visit: Visit) -> None:
    ada = await visit("Ada")
    for number in range(MOST_ROOMS - len(ROOMS)):
        await ada.call("enter", f"room {number}")

    with pytest.raises(CallFailed, match="full: There are 50 rooms already"):
        await ada.call("enter", "one more")


# -- what is said


async def test_a_room_hears_what_is_said_in_it_in_order_and_nobody_else_does(visit: Visit) -> None:
    ada, ben, eve = await visit("Ada"), await visit("Ben"), await visit("Eve")
    for visitor, room in ((ada, "lobby"), (ben, "lobby"), (eve, "garden")):
        await enter(visitor, room)
    expected = [f"number {number}" for number in range(50)]

    for text in expected:
        await say(ada, "lobby", text)
    heard = [await texts(ada, 50), await texts(ben, 50)]
    await say(eve, "garden", "so quiet here")

    assert heard == [expected, expected]
    assert await texts(eve, 1) == ["so quiet here"]


async def test_a_page_can_see_that_no_message_of_a_room_is_missing(visit: Visit) -> None:
    ada, ben = await visit("Ada"), await visit("Ben")
    room = await enter(ada, "lobby")
    await enter(ben, "lobby")

    for text in ("one", "two", "three"):
        await say(ben, "lobby", text)

    ids = [(await ada.next("said"))[1]["id"] for _ in range(3)]
    assert ids == [room["next"], room["next"] + 1, room["next"] + 2]


async def test_whoever_enters_gets_the_last_messages_of_the_room(visit: Visit) -> None:
    ada = await visit("Ada")
    await enter(ada, "lobby")
    for number in range(HISTORY + 20):
        await say(ada, "lobby", f"number {number}")
    await texts(ada, HISTORY + 20)

    room = await enter(await visit("Ben"), "lobby")

    assert [message["text"] for message in room["history"]] == [f"number {n}" for n in range(20, HISTORY + 20)]
    assert {message["author"] for message in room["history"]} == {"Ada"}
    assert room["next"] == room["history"][-1]["id"] + 1


async def test_what_a_page_still_had_to_say_after_a_lost_session_opens_the_room_first(visit: Visit) -> None:
    ada = await visit("Ada")

    await say(ada, "garden", "as I was saying")

    [entered] = await ada.next("entered")
    assert (entered["name"], entered["history"]) == ("garden", [])
    assert await texts(ada, 1) == ["as I was saying"]


async def test_a_message_that_is_too_long_is_dropped_and_the_next_one_heard(visit: Visit) -> None:
    ada = await visit("Ada")
    await enter(ada, "lobby")

    await say(ada, "lobby", "x" * 2001)
    await say(ada, "lobby", "shorter")

    assert await texts(ada, 1) == ["shorter"]


async def test_others_see_who_is_typing(visit: Visit) -> None:
    ada, ben = await visit("Ada"), await visit("Ben")
    await enter(ada, "lobby")
    await enter(ben, "lobby")

    await ada.emit("typing", "lobby")
    await say(ada, "lobby", "here it is")

    assert await ben.next("typing") == ("lobby", "Ada")
    await ada.nothing("typing")


async def test_a_roll_of_dice_is_answered_and_the_room_hears_of_it(visit: Visit) -> None:
    ada, ben = await visit("Ada"), await visit("Ben")
    await enter(ada, "lobby")
    await enter(ben, "lobby")

    thrown = await ada.call("roll", "lobby", "3d6")

    assert len(thrown) == 3 and all(1 <= eyes <= 6 for eyes in thrown)
    assert await texts(ben, 1) == [f"Ada rolled 3d6: {' + '.join(map(str, thrown))} = {sum(thrown)}"]


@pytest.mark.parametrize("dice", ["", "d6", "0d6", "2d0", "100d6", "six"])
async def test_what_are_no_dice_is_said_to_the_caller(visit: Visit, dice: str) -> None:
    ada = await visit("Ada")
    await enter(ada, "lobby")

    with pytest.raises(CallFailed, match="dice: Write dice as 2d6"):
        await ada.call("roll", "lobby", dice)


# -- the whole application, over a real port


async def test_the_server_counts_aloud_while_others_talk(antiphon_app_client: AppClientFactory) -> None:
    ada = await antiphon_app_client(make_app(), namespace="/chat", auth=login("Ada"))
    await enter(ada, "lobby")

    await ada.emit("count", {"room": "lobby", "to": 5, "rate": 200})
    await say(ada, "lobby", "go on")

    heard = [(await ada.next("said"))[1] for _ in range(6)]
    assert [message["number"] for message in heard if message["author"] == "server"] == [1, 2, 3, 4, 5]
    assert [message["text"] for message in heard if message["author"] == "Ada"] == ["go on"]


async def test_the_page_lets_scripts_come_from_its_own_server_only(antiphon_app_url: AppUrl) -> None:
    url = await antiphon_app_url(make_app())

    async with ClientSession() as browser, browser.get(f"{url}/") as page:
        text = await page.text()
        policy = page.headers["Content-Security-Policy"]

    assert page.status == 200 and "/shared/network.js" in text
    assert text.index("/shared/network.js") < text.index("/antiphon/antiphon.js"), "the network comes before the client"
    assert policy.startswith("default-src 'self'")


# -- the command


def test_a_port_that_is_taken_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr("sys.argv", ["chat", "--port", str(port)])

        with pytest.raises(SystemExit, match=f"cannot listen on 127.0.0.1 port {port}.*choose another one"):
            main()
