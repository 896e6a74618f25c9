"""A client that goes: without a transport it leaves word, and while it closes nobody connects it."""

from __future__ import annotations

import asyncio
import gc

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from antiphon import Client, ConnectionClosed, DisconnectCode, Disconnected, Resume, Server, Socket
from antiphon.client.leaving import leave
from antiphon.testing.proxy import FaultProxy
from tests.client.serving import PATIENCE, SOON, connected, serving, until


async def test_a_client_that_is_closed_while_it_is_cut_off_tells_the_server() -> None:
    server, reasons = Server(resume=Resume(window=60, leaving=0.05)), list[str]()
    server.namespace("/chat").on_disconnect(lambda socket, reason: reasons.append(reason.code))
    async with (
        serving(server) as running,
        FaultProxy("127.0.0.1", running.port) as proxy,
        connected(f"{proxy.url}/antiphon", "/chat") as client,
    ):
        proxy.offline()
        await until(lambda: client.state == "waiting")
        proxy.calm()
        await client.close()

        await until(lambda: reasons)

    assert reasons == ["expired"]


async def test_what_the_last_word_is_answered_is_not_waited_for() -> None:
    said, over = list[str](), asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        said.append(await request.text())
        answer = web.StreamResponse()
        await answer.prepare(request)
        await over.wait()
        return answer

    app = web.Application()
    app.router.add_post("/leave", endless)
    async with TestServer(app) as site, ClientSession() as http:
        async with asyncio.timeout(1.0):
            await leave(http, str(site.make_url("")), "gone")
        over.set()

    assert said == ["gone"]


async def test_a_goodbye_that_is_lost_on_its_way_is_followed_by_word() -> None:
    server, go_on = Server(resume=Resume(window=60, leaving=0.05)), asyncio.Event()

    @server.namespace("/chat").on("work")
    async def work(socket: Socket) -> None:
        await go_on.wait()

    async with (
        serving(server) as running,
        FaultProxy("127.0.0.1", running.port) as proxy,
        connected(f"{proxy.url}/antiphon", "/chat") as client,
    ):
        # Not acked before the handler is done, so the goodbye waits.
        await client.namespace("/chat").emit("work")
        closing = asyncio.create_task(client.close())
        await asyncio.sleep(0)
        proxy.cut()
        await asyncio.wait_for(closing, PATIENCE)
        go_on.set()

        await until(lambda: server.statistics().sessions == 0)


async def test_closing_without_a_network_is_quick_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    server = Server()
    async with (
        serving(server) as running,
        FaultProxy("127.0.0.1", running.port) as proxy,
        connected(f"{proxy.url}/antiphon") as client,
    ):
        proxy.offline()
        await until(lambda: client.state == "waiting")

        async with asyncio.timeout(1.0):
            await client.close()

    assert caplog.records == []


async def test_who_connects_while_it_is_closed_begins_anew_afterwards() -> None:
    server, reasons = Server(), list[Disconnected]()
    server.namespace("/chat")
    async with serving(server) as running, connected(running.url, "/chat") as client:
        client.namespace("/chat").on_disconnect(reasons.append)
        first = client.session.sid
        closing = asyncio.create_task(client.close())
        await asyncio.sleep(0)

        await asyncio.wait_for(client.connect(), PATIENCE)

        assert closing.done()
        assert client.session.sid not in (None, first)
        await client.namespace("/chat").ready()
        assert reasons == [Disconnected(DisconnectCode.CLOSED)]
    gc.collect()  # what was leaked complains now, and complaints are failures


async def test_who_connects_while_handlers_are_waited_for_begins_anew_afterwards() -> None:
    server, door, worked = Server(), asyncio.Event(), list[str]()
    here = server.namespace("/chat")
    async with serving(server) as running, connected(running.url, "/chat") as client:

        @client.namespace("/chat").on("work")
        async def work() -> None:
            await door.wait()
            worked.append("done")

        await here.emit("work")
        await until(lambda: client.statistics().handlers)
        closing = asyncio.create_task(client.close())
        await until(lambda: client.state == "closed")
        connecting = asyncio.create_task(client.connect())
        await asyncio.sleep(0)
        assert client.state == "closed"

        door.set()
        await asyncio.wait_for(connecting, PATIENCE)

        assert closing.done() and worked == ["done"]
        assert client.state == "connected"


async def test_a_handler_that_is_waited_for_cannot_connect() -> None:
    server, told = Server(), list[str]()
    server.namespace("/chat")
    async with serving(server) as running, connected(running.url, "/chat") as client:

        @client.namespace("/chat").on_disconnect
        async def again(reason: Disconnected) -> None:
            with pytest.raises(ConnectionClosed, match="connect once close\\(\\) has returned") as refused:
                await client.connect()
            told.append(refused.value.code)

        async with asyncio.timeout(1.0):
            await client.close()

    assert told == ["closed"]


async def test_closing_twice_at_a_time_is_closing_once() -> None:
    server = Server()
    async with serving(server) as running:
        client = Client(running.url, transports=("websocket",), backoff=SOON)
        await client.connect()

        await asyncio.gather(client.close(), client.close())

        await until(lambda: server.statistics().sessions == 0)
    assert client.state == "closed"
