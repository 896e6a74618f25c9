"""The proxy as a whole: what passes through it unharmed, and what is left when it closes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from antiphon.testing.proxy import Ending, FaultProxy
from tests.certificates import Certificate
from tests.testing.peers import connected, echo_server, web_server


async def test_plain_bytes_pass_both_ways_and_are_counted() -> None:
    async with echo_server() as echo, FaultProxy("127.0.0.1", echo.port) as proxy, connected(proxy) as client:
        await client.send(b"antiphon")

        echoed = await client.receive(8)

        assert echoed == b"antiphon"
        counts = proxy.statistics()
        assert (counts.connections, counts.connections_living) == (1, 1)
        assert (counts.bytes_up, counts.bytes_down) == (8, 8)


async def test_a_client_that_closes_is_closed_at_the_server_too() -> None:
    async with echo_server() as echo, FaultProxy("127.0.0.1", echo.port) as proxy:
        async with connected(proxy) as client:
            await client.send(b"antiphon")
            await client.receive(8)

        ending = await echo.ending()

        assert ending == "close"


async def test_http_on_one_kept_connection_passes_unchanged() -> None:
    async with (
        web_server() as pages,
        FaultProxy("127.0.0.1", pages.port) as proxy,
        aiohttp.ClientSession(proxy.url, connector=aiohttp.TCPConnector(limit=1)) as http,
    ):
        async with http.get("/page?size=300000") as large:
            assert len(await large.read()) == 300_000
        async with http.head("/page?size=300000") as head:
            assert head.headers["Content-Length"] == "300000"
        async with http.post("/push?streamed", data=b"one") as streamed:
            assert await streamed.json(content_type=None) == {"number": 1, "posted": "one"}
        async with http.post("/push", data=_in_chunks(b"t", b"wo")) as chunked:
            assert await chunked.json() == {"number": 2, "posted": "two"}
        async with http.get("/nowhere") as missing:
            assert missing.status == 404

        assert proxy.statistics().connections == 1


async def test_websocket_messages_of_every_length_pass_unchanged() -> None:
    async with (
        web_server() as pages,
        FaultProxy("127.0.0.1", pages.port) as proxy,
        aiohttp.ClientSession(proxy.url) as http,
        http.ws_connect("/ws") as socket,
    ):
        for length in (0, 1, 125, 126, 65_535, 65_536, 1_000_000):
            await socket.send_bytes(b"x" * length)

            assert len(await socket.receive_bytes(timeout=5)) == length


async def test_many_megabytes_pass_a_slow_reader_in_bounded_memory() -> None:
    size = 64 << 20
    async with echo_server() as echo, FaultProxy("127.0.0.1", echo.port) as proxy, connected(proxy) as client:
        proxy.stall()
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < size:
                async with asyncio.timeout(0.2):
                    await client.send(b"x" * (1 << 20))
                sent += 1 << 20
        # What the kernel's buffers took, and a little of ours: the client was made to wait.
        assert sent < size

        proxy.release()

        assert len(await client.receive(sent)) == sent


async def test_a_new_target_gets_the_new_connections() -> None:
    async with echo_server() as old, echo_server() as new, FaultProxy("127.0.0.1", old.port) as proxy:
        async with connected(proxy) as before:
            proxy.target(new.port)
            async with connected(proxy) as after:
                await before.send(b"before")
                await after.send(b"after")
                await before.receive(6)
                await after.receive(5)

        assert (bytes(old.received), bytes(new.received)) == (b"before", b"after")


async def test_without_a_server_behind_a_client_is_reset() -> None:
    async with echo_server() as echo:
        closed = echo.port
    async with FaultProxy("127.0.0.1", closed) as proxy, connected(proxy) as client:
        with pytest.raises(ConnectionResetError):
            await client.rest()


async def test_offline_ends_the_living_and_refuses_the_new_until_online() -> None:
    async with echo_server() as echo, FaultProxy("127.0.0.1", echo.port) as proxy:
        async with connected(proxy) as client:
            await client.send(b"antiphon")
            await client.receive(8)
            proxy.offline()
            with pytest.raises(ConnectionResetError):
                await client.rest()
        async with connected(proxy) as client:
            with pytest.raises(ConnectionResetError):
                await client.rest()

        proxy.online()

        async with connected(proxy) as client:
            await client.send(b"again")
            assert await client.receive(5) == b"again"
        counts = proxy.statistics()
        assert (counts.connections, counts.connections_refused, counts.cuts) == (2, 1, 1)


async def test_clients_may_speak_tls_to_it(tmp_path: Path) -> None:
    certificate = Certificate(tmp_path)
    trusting = certificate.trusting()
    async with (
        web_server() as pages,
        FaultProxy("127.0.0.1", pages.port, ssl_context=certificate.serving()) as proxy,
        aiohttp.ClientSession(proxy.url) as http,
    ):
        async with http.post("/push", data=b"one", ssl=trusting) as answer:
            assert await answer.json() == {"number": 1, "posted": "one"}
        async with http.ws_connect("/ws", ssl=trusting) as socket:
            await socket.send_bytes(b"antiphon")
            assert await socket.receive_bytes(timeout=5) == b"antiphon"

            proxy.cut(Ending.RESET)

            assert (await socket.receive(timeout=5)).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        assert proxy.url.startswith("https://")
        assert proxy.statistics().cuts == 1


async def test_nothing_runs_on_when_it_is_closed_in_the_middle_of_everything() -> None:
    async with echo_server() as echo:
        before = asyncio.all_tasks()
        proxy = FaultProxy("127.0.0.1", echo.port)
        await proxy.start()
        async with connected(proxy) as stalled, connected(proxy) as idle:
            await idle.send(b"antiphon")
            await idle.receive(8)
            proxy.stall()
            await stalled.send(b"antiphon")

            await proxy.close()

            ours = {task for task in asyncio.all_tasks() - before if "antiphon" in repr(task.get_coro())}
            assert not ours
            with pytest.raises(ConnectionResetError):
                await stalled.rest()
        assert proxy.statistics().connections_living == 0
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", proxy.port)


async def _in_chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@pytest.mark.parametrize("target", ["127.0.0.1", "https://127.0.0.1:8000", "127.0.0.1:8000"])
def test_a_target_that_is_no_address_is_refused(target: str) -> None:
    with pytest.raises(ValueError, match="a FaultProxy stands before 'http://127"):
        FaultProxy(target)


async def test_a_target_may_be_written_as_an_address() -> None:
    async with echo_server() as echo, FaultProxy(f"http://127.0.0.1:{echo.port}") as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"hello")

        assert await reader.readexactly(5) == b"hello"
        writer.close()
