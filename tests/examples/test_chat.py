"""The chat example: who is let in, who is where, and what everybody hears, over real sockets with the Python client."""

from __future__ import annotations

import asyncio
import socket
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, TypeAlias

import pytest
import pytest_asyncio
from aiohttp import ClientSession
from aiohttp.test_utils import BaseTestServer, TestServer

from antiphon import CallFailed, Client, ConnectionRefused, Server
from examples.chat.__main__ import main
from examples.chat.app import HISTORY, MOST_ROOMS, ROOMS, make_app

PATIENCE = 5.0


class Visitor:
    """One client in the chat, with everything it heard, by event and in order."""

    def __init__(self, client: Client, name: str, token: str) -> None:
        self.client = client
        self.chat = client.namespace("/chat", auth={"name": name, "token": token})
        self._heard: defaultdict[str, asyncio.Queue[list[Any]]] = defaultdict(asyncio.Queue)
        self.chat.on_any(self._hear)

    async def _hear(self, event: str, *args: Any) -> None:
        self._heard[event].put_nowait([*args])

    async def hear(self, event: str) -> list[Any]:
        """The arguments of the next event of this name."""
        async with asyncio.timeout(PATIENCE):
            return await self._heard[event].get()

    async def hear_until(self, event: str, *args: Any) -> None:
        """Wait until an event of this name carries these arguments."""
        while await self.hear(event) != [*args]:
            pass

    def heard_nothing_more(self, event: str) -> bool:
        """Whether no event of this name waits to be looked at."""
        return self._heard[event].empty()

    async def enter(self, room: str) -> dict[str, Any]:
        """Enter a room and return it as it was then."""
        await self.chat.call("enter", room)
        [entered] = await self.hear("entered")
        assert isinstance(entered, dict)
        return entered

    async def say(self, room: str, text: str) -> None:
        """Say something in a room."""
        await self.chat.emit("say", {"room": room, "text": text})

    async def texts(self, count: int) -> list[str]:
        """The texts of the next messages."""
        return [(await self.hear("said"))[1]["text"] for _ in range(count)]


Visit: TypeAlias = Callable[..., Awaitable[Visitor]]


@pytest.fixture
def server() -> Server:
    return Server()


@pytest_asyncio.fixture
async def site(server: Server) -> AsyncIterator[BaseTestServer]:
    async with TestServer(make_app(server)) as site:
        yield site


@pytest_asyncio.fixture
async def visit(site: BaseTestServer) -> AsyncIterator[Visit]:
    async with AsyncExitStack() as stack:

        async def visit(name: str, token: str = "") -> Visitor:
            client = Client(str(site.make_url("/antiphon")))
            visitor = Visitor(client, name, token or f"the token of {name}")
            await stack.enter_async_context(client)
            async with asyncio.timeout(PATIENCE):
                await visitor.chat.ready()
            return visitor

        yield visit


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
    await old.enter("lobby")

    new = await visit("Ada", token="of this tab")

    assert (await new.enter("lobby"))["people"] == ["Ada"]


async def test_a_name_is_free_again_once_its_owner_has_left(visit: Visit) -> None:
    ada, ben = await visit("Ada"), await visit("Ben")
    await ben.enter("lobby")
    await ada.enter("lobby")
    await ada.client.close()
    await ben.hear_until("people", "lobby", ["Ben"])

    second = await visit("Ada", token="another token")

    assert second.chat.connected


# -- who is where


async def test_everybody_in_a_room_is_told_who_comes_and_who_goes(visit: Visit) -> None:
    ada, ben = await visit("Ada"), await visit("Ben")
    await ada.enter("lobby")
    await ada.hear_until("people", "lobby", ["Ada"])

    await ben.enter("lobby")
    came = await ada.hear("people")
    await ben.chat.emit("leave", "lobby")
    left = await ada.hear("people")
    await ben.enter("lobby")
    await ada.hear_until("people", "lobby", ["Ada", "Ben"])
    await ben.client.close()
    gone = await ada.hear("people")

    assert (came, left, gone) == (["lobby", ["Ada", "Ben"]], ["lobby", ["Ada"]], ["lobby", ["Ada"]])


async def test_a_room_is_made_by_naming_it_and_goes_with_its_last_visitor(visit: Visit, server: Server) -> None:
    ada, ben = await visit("Ada"), await visit("Ben")
    standing = [{"name": name, "people": 0} for name in ROOMS]

    room = await ada.chat.call("enter", "  Tea   Time ")
    await ben.hear_until("rooms", [*standing, {"name": "tea time", "people": 1}])
    await ada.chat.emit("leave", room)
    await ben.hear_until("rooms", standing)

    assert room == "tea time"
    assert server.statistics().rooms == 0


async def test_there_is_an_end_to_making_rooms(visit: Visit) -> None:
    ada = await visit("Ada")
    for number in range(MOST_ROOMS - len(ROOMS)):
        await ada.chat.call("enter", f"room {number}")

    with pytest.raises(CallFailed, match="full: There are 50 rooms already"):
        await ada.chat.call("enter", "one more")


# -- what is said


async def test_a_room_hears_what_is_said_in_it_in_order_and_nobody_else_does(visit: Visit) -> None:
    ada, ben, eve = await visit("Ada"), await visit("Ben"), await visit("Eve")
    for visitor, room in ((ada, "lobby"), (ben, "lobby"), (eve, "garden")):
        await visitor.enter(room)
    expected = [f"number {number}" for number in range(50)]

    for text in expected:
        await ada.say("lobby", text)
    heard = await asyncio.gather(ada.texts(50), ben.texts(50))
    await eve.say("garden", "so quiet here")

    assert [*heard] == [expected, expected]
    assert await eve.texts(1) == ["so quiet here"]


async def test_a_page_can_see_that_no_message_of_a_room_is_missing(visit: Visit) -> None:
    ada, ben = await visit("Ada"), await visit("Ben")
    room = await ada.enter("lobby")
    await ben.enter("lobby")

    for text in ("one", "two", "three"):
        await ben.say("lobby", text)

    ids = [(await ada.hear("said"))[1]["id"] for _ in range(3)]
    assert ids == [room["next"], room["next"] + 1, room["next"] + 2]


async def test_whoever_enters_gets_the_last_messages_of_the_room(visit: Visit) -> None:
    ada = await visit("Ada")
    await ada.enter("lobby")
    for number in range(HISTORY + 20):
        await ada.say("lobby", f"number {number}")
    await ada.texts(HISTORY + 20)

    room = await (await visit("Ben")).enter("lobby")

    assert [message["text"] for message in room["history"]] == [f"number {n}" for n in range(20, HISTORY + 20)]
    assert {message["author"] for message in room["history"]} == {"Ada"}
    assert room["next"] == room["history"][-1]["id"] + 1


async def test_what_a_page_still_had_to_say_after_a_lost_session_opens_the_room_first(visit: Visit) -> None:
    ada = await visit("Ada")

    await ada.say("garden", "as I was saying")

    [entered] = await ada.hear("entered")
    assert (entered["name"], entered["history"]) == ("garden", [])
    assert await ada.texts(1) == ["as I was saying"]


async def test_a_message_that_is_too_long_is_dropped_and_the_next_one_heard(visit: Visit) -> None:
    ada = await visit("Ada")
    await ada.enter("lobby")

    await ada.say("lobby", "x" * 2001)
    await ada.say("lobby", "shorter")

    assert await ada.texts(1) == ["shorter"]


async def test_others_see_who_is_typing(visit: Visit) -> None:
    ada, ben = await visit("Ada"), await visit("Ben")
    await ada.enter("lobby")
    await ben.enter("lobby")

    await ada.chat.emit("typing", "lobby")
    await ada.say("lobby", "here it is")

    assert await ben.hear("typing") == ["lobby", "Ada"]
    await ada.hear("said")
    assert ada.heard_nothing_more("typing")


async def test_a_roll_of_dice_is_answered_and_the_room_hears_of_it(visit: Visit) -> None:
    ada, ben = await visit("Ada"), await visit("Ben")
    await ada.enter("lobby")
    await ben.enter("lobby")

    thrown = await ada.chat.call("roll", "lobby", "3d6")

    assert len(thrown) == 3 and all(1 <= eyes <= 6 for eyes in thrown)
    assert await ben.texts(1) == [f"Ada rolled 3d6: {' + '.join(map(str, thrown))} = {sum(thrown)}"]


@pytest.mark.parametrize("dice", ["", "d6", "0d6", "2d0", "100d6", "six"])
async def test_what_are_no_dice_is_said_to_the_caller(visit: Visit, dice: str) -> None:
    ada = await visit("Ada")
    await ada.enter("lobby")

    with pytest.raises(CallFailed, match="dice: Write dice as 2d6"):
        await ada.chat.call("roll", "lobby", dice)


async def test_the_server_counts_aloud_while_others_talk(visit: Visit) -> None:
    ada = await visit("Ada")
    await ada.enter("lobby")

    await ada.chat.emit("count", {"room": "lobby", "to": 5, "rate": 200})
    await ada.say("lobby", "go on")

    heard = [(await ada.hear("said"))[1] for _ in range(6)]
    assert [message["number"] for message in heard if message["author"] == "server"] == [1, 2, 3, 4, 5]
    assert [message["text"] for message in heard if message["author"] == "Ada"] == ["go on"]


# -- the page and the command


async def test_the_page_lets_scripts_come_from_its_own_server_only(site: BaseTestServer) -> None:
    async with ClientSession() as browser, browser.get(site.make_url("/")) as page:
        text = await page.text()
        policy = page.headers["Content-Security-Policy"]

    assert page.status == 200 and "/static/network.js" in text
    assert text.index("/static/network.js") < text.index("/antiphon/antiphon.js"), "the network comes before the client"
    assert policy.startswith("default-src 'self'")


def test_a_port_that_is_taken_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr("sys.argv", ["chat", "--port", str(port)])

        with pytest.raises(SystemExit, match=f"cannot listen on 127.0.0.1 port {port}.*choose another one"):
            main()
