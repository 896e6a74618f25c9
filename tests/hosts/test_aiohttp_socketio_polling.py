"""Polling, POSTs and the upgrade of Socket.IO in an aiohttp application, as they look in HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from antiphon import DisconnectCode, Disconnected, Server, Socketio
from tests.hosts.rig import PATIENCE, Site, served, until

POLLING = "/socket.io/?EIO=4&transport=polling"
PAGE = "https://app.example"


class Polling:
    """One session on polling."""

    def __init__(self, site: Site, sid: str) -> None:
        self.site, self.url = site, f"{site.origin}{POLLING}&sid={sid}"

    def poll(self) -> Any:
        return self.site.http.get(self.url, timeout=aiohttp.ClientTimeout(PATIENCE))

    def post(self, body: str | bytes, **headers: str) -> Any:
        return self.site.http.post(self.url, data=body, headers=headers)

    async def text(self) -> str:
        async with self.poll() as response:
            assert response.status == 200
            text: str = await response.text()
            return text

    async def say(self, body: str) -> None:
        async with self.post(body) as response:
            assert (response.status, await response.text()) == (200, "ok")

    async def ended(self) -> bool:
        async with self.poll() as response:
            code: int = (await response.json())["code"]
            return response.status == 400 and code == 1


async def opened(site: Site) -> Polling:
    async with site.http.get(f"{site.origin}{POLLING}") as response:
        return Polling(site, json.loads((await response.text())[1:])["sid"])


async def entered(site: Site) -> Polling:
    client = await opened(site)
    await client.say("40")
    assert (await client.text()).startswith('40{"sid":')
    return client


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with served(Server(origins=[PAGE]), socketio=True) as site:
        yield site


async def test_answers_have_the_types_that_clients_expect_and_no_cache_keeps_them(site: Site) -> None:
    async with site.http.get(f"{site.origin}{POLLING}") as response:
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-store"
    client = await opened(site)
    async with client.post("40") as response:
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_text_and_bytes_come_and_go(site: Site) -> None:
    client = await entered(site)

    await client.say('451-1["echo",{"_placeholder":true,"num":0}]\x1ebAQI=\x1e422["echo","\u00fc"]')

    heard = await client.text()
    while heard.count("\x1e") < 2:
        heard += "\x1e" + await client.text()
    assert heard == '461-1[[{"_placeholder":true,"num":0}]]\x1ebAQI=\x1e432[["\u00fc"]]'


async def test_the_slash_at_the_end_may_be_left_out(site: Site) -> None:
    async with site.http.get(f"{site.origin}{POLLING.replace('/?', '?')}") as response:
        assert response.status == 200


async def test_a_poll_that_is_cancelled_ends_the_session(site: Site) -> None:
    client = await entered(site)
    poll = asyncio.create_task(client.text())
    await asyncio.sleep(0.05)

    poll.cancel()

    await until(lambda: site.server.statistics().sessions == 0)
    assert await client.ended()


@pytest.mark.parametrize("declared", [True, False])
async def test_a_post_that_is_too_large_is_413_and_ends_the_session(declared: bool) -> None:
    server, gone = Server(), list[Disconnected]()
    server.namespace("/").on_disconnect(lambda socket, reason: gone.append(reason))
    async with served(server, socketio=Socketio(max_http_buffer_size=1000)) as site:
        client = await entered(site)

        async def pieces() -> AsyncIterator[bytes]:
            yield b'42["echo","' + b"x" * 1500 + b'"]'

        async with client.post("x" * 1501 if declared else pieces()) as response:  # type: ignore[arg-type]
            assert response.status == 413

        assert await client.ended()
        assert site.server.statistics().limits.message == 1
        assert gone == [Disconnected(DisconnectCode.PROTOCOL, "the body may have 1500 bytes")]


async def test_the_cookie_that_was_asked_for_names_the_session() -> None:
    async with served(Server(), socketio=Socketio(cookie="io")) as site:
        async with site.http.get(f"{site.origin}{POLLING}") as response:
            sid = json.loads((await response.text())[1:])["sid"]
            cookie = response.cookies["io"]

        assert cookie.value == sid
        assert (cookie["path"], cookie["samesite"], cookie["httponly"], cookie["secure"]) == ("/", "Lax", True, "")


async def test_so_it_does_on_a_websocket() -> None:
    async with (
        served(Server(), socketio=Socketio(cookie="io")) as site,
        site.http.ws_connect(f"{site.origin}/socket.io/?EIO=4&transport=websocket", compress=0) as socket,
    ):
        sid = json.loads((await socket.receive_str(timeout=PATIENCE))[1:])["sid"]

        assert socket._response.headers["Set-Cookie"] == f"io={sid}; HttpOnly; Path=/; SameSite=Lax"


async def test_no_cookie_is_set_unless_one_was_asked_for(site: Site) -> None:
    async with site.http.get(f"{site.origin}{POLLING}") as response:
        assert not response.cookies


async def test_a_page_of_a_listed_origin_may_read_answers_and_send_its_cookies(site: Site) -> None:
    async with site.http.get(f"{site.origin}{POLLING}", headers={"Origin": PAGE}) as response:
        assert response.status == 200
        assert response.headers["Access-Control-Allow-Origin"] == PAGE
        assert response.headers["Access-Control-Allow-Credentials"] == "true"
        assert response.headers["Vary"] == "Origin"


async def test_a_page_of_any_other_is_refused_on_every_way_in(site: Site) -> None:
    client = await entered(site)
    for ask in (site.http.get, site.http.post, site.http.options):
        async with ask(client.url, headers={"Origin": "https://evil.example"}) as response:
            assert response.status == 403
            assert (await response.json())["code"] == 4
            assert "Access-Control-Allow-Origin" not in response.headers


async def test_a_star_lets_every_page_in_without_its_cookies() -> None:
    async with (
        served(Server(origins=["*"]), socketio=True) as site,
        site.http.get(f"{site.origin}{POLLING}", headers={"Origin": "null"}) as response,
    ):
        assert response.headers["Access-Control-Allow-Origin"] == "null"
        assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize(
    ("wanted", "allowed"), [("x-token, content-type", "x-token, content-type"), ("a(b)", "Content-Type")]
)
async def test_a_browser_may_ask_before(site: Site, wanted: str, allowed: str) -> None:
    headers = {"Origin": PAGE, "Access-Control-Request-Headers": wanted}
    async with site.http.options(f"{site.origin}{POLLING}", headers=headers) as response:
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Methods"] == "GET, POST"
        assert response.headers["Access-Control-Allow-Headers"] == allowed


async def test_polls_are_not_held_when_the_server_stops(site: Site) -> None:
    client, joined = await opened(site), await entered(site)
    polls = [asyncio.create_task(client.ended()), asyncio.create_task(joined.ended())]
    await asyncio.sleep(0.05)

    await site.server.close()

    assert await asyncio.gather(*polls) == [True, True]


async def test_a_websocket_takes_over(site: Site) -> None:
    client = await entered(site)
    poll = asyncio.create_task(client.text())
    async with site.http.ws_connect(client.url.replace("polling", "websocket"), compress=0) as socket:
        await socket.send_str("2probe")
        assert await socket.receive_str(timeout=PATIENCE) == "3probe"
        assert await poll == "6"
        await socket.send_str("5")
        await socket.send_str('421["echo","up"]')

        assert await socket.receive_str(timeout=PATIENCE) == '431[["up"]]'
        async with client.poll() as response:
            assert response.status == 400


async def test_a_websocket_for_a_session_that_is_not_there_is_refused(site: Site) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await site.http.ws_connect(f"{site.origin}/socket.io/?EIO=4&transport=websocket&sid=nobody")

    assert refused.value.status == 400
