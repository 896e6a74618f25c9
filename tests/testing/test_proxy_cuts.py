"""Cuts: how both sides see them, and which are counted as inside a message."""

import asyncio

import aiohttp
import pytest

from antiphon.testing.proxy import Direction, Ending, FaultProxy
from tests.testing.peers import connected, echo_server, web_server


async def test_a_cut_by_reset_is_a_reset_on_both_sides() -> None:
    async with echo_server() as echo, FaultProxy("127.0.0.1", echo.port) as proxy, connected(proxy) as client:
        await client.send(b"antiphon")
        await client.receive(8)

        struck = proxy.cut(Ending.RESET)

        assert struck == 1
        assert (proxy.statistics().resets, proxy.statistics().closes) == (1, 0)
        with pytest.raises(ConnectionResetError):
            await client.rest()
        assert await echo.ending() == "reset"


async def test_a_cut_by_close_is_an_orderly_end_on_both_sides() -> None:
    async with echo_server() as echo, FaultProxy("127.0.0.1", echo.port) as proxy, connected(proxy) as client:
        await client.send(b"antiphon")
        await client.receive(8)

        struck = proxy.cut(Ending.CLOSE)

        assert struck == 1
        assert (proxy.statistics().resets, proxy.statistics().closes) == (0, 1)
        assert await client.rest() == b""
        assert await echo.ending() == "close"


async def test_a_reset_by_the_client_reaches_the_server_as_one() -> None:
    async with echo_server() as echo, FaultProxy("127.0.0.1", echo.port) as proxy, connected(proxy) as client:
        await client.send(b"antiphon")
        await client.receive(8)

        client.reset()

        assert await echo.ending() == "reset"
        assert proxy.statistics().cuts == 0


async def test_a_cut_in_half_a_request_head_is_inside_a_message() -> None:
    async with web_server() as pages, FaultProxy("127.0.0.1", pages.port) as proxy, connected(proxy) as client:
        await client.send(b"POST /push HT")
        async with asyncio.timeout(5):
            while not any(link.busy for link in proxy.links):  # noqa: ASYNC110 - a link does not tell
                await asyncio.sleep(0.001)

        proxy.cut()

        counts = proxy.statistics()
        assert (counts.cuts, counts.cuts_inside_message) == (1, 1)


async def test_a_cut_of_a_connection_without_open_traffic_does_not_count() -> None:
    async with (
        web_server() as pages,
        FaultProxy("127.0.0.1", pages.port) as proxy,
        aiohttp.ClientSession(proxy.url) as http,
        connected(proxy),
    ):
        async with http.get("/page") as page:
            await page.read()
        assert proxy.statistics().connections_living == 2

        struck = proxy.cut()

        assert struck == 0
        counts = proxy.statistics()
        assert (counts.cuts, counts.connections_living) == (0, 0)


async def test_a_cut_while_a_request_waits_for_its_answer_counts() -> None:
    async with (
        web_server() as pages,
        FaultProxy("127.0.0.1", pages.port) as proxy,
        aiohttp.ClientSession(proxy.url) as http,
    ):
        proxy.stall(Direction.DOWN)
        answer = asyncio.create_task(_post(http, "one"))
        await pages.until_posted(1)

        struck = proxy.cut()

        with pytest.raises(aiohttp.ClientConnectionError):
            await answer
        counts = proxy.statistics()
        assert (struck, counts.cuts, counts.cuts_inside_message) == (1, 1, 0)


async def test_a_cut_between_websocket_messages_counts_but_not_as_inside() -> None:
    async with (
        web_server() as pages,
        FaultProxy("127.0.0.1", pages.port) as proxy,
        aiohttp.ClientSession(proxy.url) as http,
        http.ws_connect("/ws") as socket,
    ):
        await socket.send_bytes(b"antiphon")
        await socket.receive_bytes(timeout=5)

        proxy.cut()

        counts = proxy.statistics()
        assert (counts.cuts, counts.cuts_inside_message) == (1, 0)


@pytest.mark.parametrize(("size", "inside"), [(1, 1), (9, 1), (10, 0), (11, 1)])
async def test_a_cut_after_so_many_bytes_lets_exactly_these_through(size: int, inside: int) -> None:
    async with (
        web_server() as pages,
        FaultProxy("127.0.0.1", pages.port) as proxy,
        connected(proxy) as client,
    ):
        await client.send(UPGRADE)
        await client.reader.readuntil(b"\r\n\r\n")
        armed = proxy.cut_after(size, Direction.DOWN, Ending.CLOSE)

        # Two frames of two bytes of header and eight of payload come back.
        await client.send(2 * (b"\x82\x88\0\0\0\0" + b"antiphon"))

        assert armed == 1
        assert await client.rest() == (2 * b"\x82\x08antiphon")[:size]
        counts = proxy.statistics()
        assert (counts.cuts, counts.cuts_inside_message) == (1, inside)


async def test_bytes_before_a_reset_still_reach_the_server() -> None:
    async with echo_server() as echo, FaultProxy("127.0.0.1", echo.port) as proxy, connected(proxy) as client:
        await client.send(b"anti")
        await client.receive(4)
        proxy.cut_after(3, Direction.UP, Ending.RESET)

        await client.send(b"phon")

        await echo.until(b"antipho")
        assert proxy.statistics().cuts == 1


@pytest.mark.parametrize("direction", [Direction.UP, Direction.DOWN])
async def test_a_cut_in_an_http_body_is_inside_a_message(direction: Direction) -> None:
    async with (
        web_server() as pages,
        FaultProxy("127.0.0.1", pages.port) as proxy,
        aiohttp.ClientSession(proxy.url) as http,
    ):
        async with http.get("/page") as page:
            await page.read()
        proxy.cut_after(1_000, direction)

        with pytest.raises((aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)):
            await _post(http, "x" * 5_000)

        counts = proxy.statistics()
        assert (counts.cuts, counts.cuts_inside_message) == (1, 1)
        assert pages.posted == ([] if direction is Direction.UP else ["x" * 5_000])


async def test_a_cut_after_no_bytes_or_of_both_directions_is_refused_with_a_remedy() -> None:
    async with FaultProxy("127.0.0.1", 1) as proxy:
        with pytest.raises(ValueError, match=r"use cut\(\)"):
            proxy.cut_after(0)
        with pytest.raises(ValueError, match=r"Direction\.UP or Direction\.DOWN"):
            proxy.cut_after(1, Direction.BOTH)


UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


async def _post(http: aiohttp.ClientSession, content: str) -> str:
    async with http.post("/push", data=content) as answer:
        return await answer.text()
