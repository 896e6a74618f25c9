"""The WebSocket of Socket.IO in an aiohttp application, spoken to by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from antiphon import CallNotSent, Client, Limits, Refused, Server, Socket, Socketio
from antiphon.brokers.memory import MemoryBroker
from antiphon.config import Inbox
from antiphon.errors import PayloadError
from tests.hosts.rig import PATIENCE, Site, served, until

WEBSOCKET = "?EIO=4&transport=websocket"


class Talk:
    """One WebSocket, behind the packet that it begins with."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, opening: dict[str, Any]) -> None:
        self.socket, self.opening = socket, opening

    async def say(self, *messages: str) -> None:
        for message in messages:
            await self.socket.send_str(message)

    async def hear(self) -> Any:
        """The next message; None: the server has closed."""
        message = await self.socket.receive(timeout=PATIENCE)
        return message.data if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY) else None

    async def enter(self) -> None:
        """Come into the namespace "/"."""
        await self.say("40")
        assert (await self.hear()).startswith('40{"sid":')


@asynccontextmanager
async def talk(site: Site) -> AsyncIterator[Talk]:
    """A WebSocket on which nothing was said by the client."""
    async with site.http.ws_connect(f"{site.origin}/socket.io/{WEBSOCKET}", compress=0) as socket:
        opening = (await socket.receive(timeout=PATIENCE)).data
        assert opening[0] == "0"
        yield Talk(socket, json.loads(opening[1:]))


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with served(Server(), socketio=True) as site:
        yield site


async def test_it_is_not_there_unless_it_was_asked_for() -> None:
    async with served() as site, site.http.get(f"{site.origin}/socket.io/{WEBSOCKET}") as response:
        assert response.status == 404


async def test_a_request_for_something_else_is_refused_as_clients_know_it(site: Site) -> None:
    async with site.http.get(f"{site.origin}/socket.io/?EIO=3&transport=websocket") as response:
        assert response.status == 400
        assert (await response.json())["code"] == 5


async def test_a_page_of_another_origin_is_refused_as_clients_know_it(site: Site) -> None:
    headers = {"Origin": "https://evil.example"}
    async with site.http.get(f"{site.origin}/socket.io/{WEBSOCKET}", headers=headers) as response:
        assert response.status == 403
        assert (await response.json())["code"] == 4
    assert site.server.statistics().limits.origins == 1


async def test_a_session_ends_with_its_transport(site: Site) -> None:
    reasons: list[str] = []
    site.server.namespace("/").on_disconnect(lambda socket, reason: reasons.append(reason.code))
    async with talk(site) as client:
        await client.enter()
        assert site.server.statistics().sessions == 1

    await until(lambda: reasons == ["expired"])
    assert site.server.statistics().sessions == 0


async def test_who_asks_for_nothing_is_pinged_and_then_closed() -> None:
    server, settings = Server(), Socketio(ping_interval=0.1, ping_timeout=5, connect_timeout=0.6)
    async with served(server, socketio=settings) as site, talk(site) as client:
        [engine] = server.engines
        assert engine.opening == 1

        heard = [await client.hear()]
        while heard[-1] is not None:
            heard.append(await client.hear())

        assert heard[0] == "2" and set(heard) == {"2", None}
        assert client.socket.close_code == 4000
        await until(lambda: engine.opening == 0)


async def test_who_does_not_answer_pings_is_closed() -> None:
    server, settings = Server(), Socketio(ping_interval=0.1, ping_timeout=0.1)
    async with served(server, socketio=settings) as site, talk(site) as quiet, talk(site) as joined:
        await joined.enter()

        while await quiet.hear() is not None:
            pass
        while await joined.hear() is not None:
            pass

    assert (quiet.socket.close_code, joined.socket.close_code) == (4005, 4005)


async def test_an_event_before_the_first_connect_ends_the_connection(site: Site) -> None:
    async with talk(site) as client:
        await client.say('42["echo",1]')

        assert await client.hear() is None
        assert client.socket.close_code == 4001


async def test_a_violation_ends_the_connection_and_its_session_only(site: Site) -> None:
    async with talk(site) as client, talk(site) as other:
        await client.enter()
        await other.enter()

        await client.say("42not json")
        while await client.hear() is not None:
            pass

        assert client.socket.close_code == 4007
        await other.say('421["echo",1]')
        assert await other.hear() == "431[[1]]"


async def test_while_the_hook_looks_what_is_behind_the_connect_waits() -> None:
    server, seen, go_on = Server(), list[Any](), asyncio.Event()

    @server.authenticate
    async def who(auth: Any) -> str:
        seen.append(auth)
        await go_on.wait()
        return "ann"

    server.namespace("/chat")
    async with served(server, socketio=True) as site, talk(site) as client:
        await client.say('40{"token":1}', "40/chat,", "3")
        await until(lambda: seen == [{"token": 1}])

        go_on.set()

        told = [await client.hear(), await client.hear()]
        assert [message[:9] for message in told] == ['40{"sid":', "40/chat,{"]
        assert [socket.principal.id for socket in server.namespace("/").sockets if socket.principal] == ["ann"]


async def test_who_the_hook_refuses_is_told_why() -> None:
    server = Server()

    @server.authenticate
    async def who(auth: Any) -> str:
        raise Refused("unknown token")

    async with served(server, socketio=True) as site, talk(site) as client:
        await client.say("40")

        told = await client.hear()
        assert told.startswith("44") and json.loads(told[2:])["message"] == "unknown token"
        assert await client.hear() is None


async def test_who_sends_more_than_may_wait_is_read_as_fast_as_it_is_handled() -> None:
    server, go_on, handled = Server(limits=Limits(inbox=Inbox(packets=4))), asyncio.Event(), list[int]()

    @server.namespace("/").on("slow")
    async def slow(socket: Socket, number: int) -> None:
        await go_on.wait()
        handled.append(number)

    async with served(server, socketio=True) as site, talk(site) as client:
        await client.enter()

        await client.say(*(f'42["slow",{number}]' for number in range(50)), '421["echo"]')
        [socket] = server.namespace("/").sockets
        inbox = socket.connection.session.inbox
        await until(lambda: inbox.full)
        go_on.set()

        assert await client.hear() == "431[[]]"
        assert handled == list(range(50))


async def test_an_event_that_one_wire_cannot_say_reaches_the_others(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    native = Client(site.url)
    heard = list[str]()
    native.namespace("/").on("newListener")(lambda: heard.append("newListener"))
    await native.connect()
    async with talk(site) as client:
        await client.enter()
        await native.namespace("/").ready()
        root = site.server.namespace("/")

        await root.emit("newListener")
        replies = await root.call("newListener", timeout=5)
        await root.emit("after")

        assert await client.hear() == '42["after"]'
        assert [type(error) for error in replies.errors.values()] == [CallNotSent]
    assert heard == ["newListener", "newListener"]
    assert "'newListener' is not sent to 1 clients whose wire cannot say it" in caplog.text
    await native.close()


async def test_what_is_said_to_one_client_in_words_that_it_does_not_know_is_refused(site: Site) -> None:
    async with talk(site) as client:
        await client.enter()
        [socket] = site.server.namespace("/").sockets

        with pytest.raises(PayloadError, match="rename it"):
            await socket.emit("disconnect")
        with pytest.raises(PayloadError, match="know no streams"):
            await anext(aiter(socket.stream("ticks")))


async def test_a_visitor_of_another_wire_decides_nothing_about_what_is_said_elsewhere(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere = site.server.namespace("/a,b")
    async with talk(site) as client:
        await client.enter()

        await elsewhere.emit("newListener", *[b"x"] * 11)

    assert "cannot say" not in caplog.text


async def test_an_answer_that_the_wire_cannot_say_is_withheld_and_logged(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.server.namespace("/").on("many")(lambda socket: [b"x"] * 11)
    async with talk(site) as client:
        await client.enter()

        await client.say('421["many"]', '422["echo"]')

        assert await client.hear() == "432[[]]"
    assert "a call was not answered: 11 values of bytes" in caplog.text


async def test_clients_come_back_to_the_next_process(site: Site) -> None:
    async with talk(site) as client:
        await client.enter()

        await site.server.close()

        assert await client.hear() is None
        assert client.socket.close_code == 1001


async def test_an_event_of_another_node_that_the_wire_cannot_say_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    broker = MemoryBroker()
    elsewhere, server = Server(broker=broker), Server(broker=broker)
    async with served(elsewhere), served(server, socketio=True) as site, talk(site) as client:
        await client.enter()

        await elsewhere.namespace("/").emit("disconnect", 1)
        await elsewhere.namespace("/").emit("after")

        assert await client.hear() == '42["after"]'
    assert "'disconnect' is not sent to 1 clients whose wire cannot say it" in caplog.text
