"""Chaos: many random faults over living traffic, and calm afterwards."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import fields

import aiohttp
import pytest

from antiphon.testing.proxy import FaultProxy, Weights
from antiphon.testing.proxy.tally import ProxyStatistics
from tests.testing.peers import web_server


async def test_a_third_of_the_cuts_fall_inside_messages() -> None:
    async with web_server() as pages, FaultProxy("127.0.0.1", pages.port, seed=1) as proxy:
        async with _traffic(proxy), proxy.chaos(cuts_per_second=100, disturbances_per_second=0):
            counts = await _until(proxy, lambda counts: counts.cuts >= 60)

        assert counts.cuts_inside_message * 3 >= counts.cuts


async def test_every_fault_happens_under_traffic_and_nothing_is_left_of_it() -> None:
    async with web_server() as pages, FaultProxy("127.0.0.1", pages.port, seed=2) as proxy:
        async with _traffic(proxy), proxy.chaos(disturbances_per_second=200, longest=0.02):
            await _until(proxy, _all_happened)

        async with aiohttp.ClientSession(proxy.url) as http:
            async with http.post("/push", data=b"calm") as answer:
                assert (await answer.json())["posted"] == "calm"
            async with http.ws_connect("/ws") as socket:
                await socket.send_bytes(b"calm")
                assert await socket.receive_bytes(timeout=5) == b"calm"


async def test_a_due_cut_waits_for_a_connection_with_open_traffic() -> None:
    async with (
        web_server() as pages,
        FaultProxy("127.0.0.1", pages.port, seed=3) as proxy,
        aiohttp.ClientSession(proxy.url) as http,
        proxy.chaos(cuts_per_second=1_000, disturbances_per_second=0, inside=0),
    ):
        await asyncio.sleep(0.02)
        assert proxy.statistics().cuts == 0

        with suppress(aiohttp.ClientError):
            async with http.ws_connect("/ws") as socket:
                await socket.receive(timeout=5)

        assert proxy.statistics().cuts >= 1


async def test_as_many_connections_as_are_spared_are_let_be() -> None:
    async with (
        web_server() as pages,
        FaultProxy("127.0.0.1", pages.port, seed=3) as proxy,
        aiohttp.ClientSession(proxy.url) as http,
        http.ws_connect("/ws") as first,
        http.ws_connect("/ws"),
        http.ws_connect("/ws"),
        proxy.chaos(cuts_per_second=1_000, disturbances_per_second=0, inside=0, spare=1),
    ):
        await _until(proxy, lambda counts: counts.cuts == 2)

        assert proxy.statistics().connections_living == 1
        with suppress(TimeoutError):
            await first.receive(timeout=0.02)
        assert proxy.statistics().cuts == 2


async def test_an_aimed_cut_is_made_even_if_its_bytes_never_come() -> None:
    async with (
        web_server() as pages,
        FaultProxy("127.0.0.1", pages.port, seed=3) as proxy,
        aiohttp.ClientSession(proxy.url) as http,
        http.ws_connect("/ws") as socket,
        proxy.chaos(cuts_per_second=1_000, disturbances_per_second=0, inside=1),
    ):
        await socket.receive(timeout=5)

        counts = proxy.statistics()
        assert (counts.cuts, counts.cuts_inside_message) == (1, 0)


async def test_whoever_sits_in_a_black_hole_is_cut_at_the_end_at_the_latest() -> None:
    only = dict.fromkeys((kind.name for kind in fields(Weights)), 0.0) | {"black_hole": 1.0}
    async with (
        web_server() as pages,
        FaultProxy("127.0.0.1", pages.port, seed=4) as proxy,
        aiohttp.ClientSession(proxy.url) as http,
        http.ws_connect("/ws") as first,
        http.ws_connect("/ws") as second,
    ):
        disturb = proxy.chaos(cuts_per_second=0, disturbances_per_second=200, longest=0.01, weights=Weights(**only))
        async with disturb:
            await _until(proxy, lambda counts: counts.black_holes >= 2)

        ends = {(await socket.receive(timeout=5)).type for socket in (first, second)}
        assert ends <= {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
        counts = proxy.statistics()
        assert (counts.black_holes, counts.cuts) == (2, 2)


async def test_shares_and_rates_that_are_none_are_refused() -> None:
    async with FaultProxy("127.0.0.1", 1) as proxy:
        with pytest.raises(ValueError, match="between 0 and 1"):
            proxy.chaos(inside=2)
        with pytest.raises(ValueError, match="cuts_per_second must be a finite number"):
            proxy.chaos(cuts_per_second=-1)


@asynccontextmanager
async def _traffic(proxy: FaultProxy) -> AsyncIterator[None]:
    """Clients that send, and connect again, as long as the context lasts."""
    async with aiohttp.ClientSession(proxy.url) as http:
        tasks = [asyncio.create_task(each) for each in (_post(http), _post(http), _talk(http), _talk(http))]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def _post(http: aiohttp.ClientSession) -> None:
    while True:
        with suppress(aiohttp.ClientError, TimeoutError, ConnectionError):
            async with asyncio.timeout(0.5), http.post("/push", data=b"x" * 100) as answer:
                await answer.read()
        await asyncio.sleep(0.001)


async def _talk(http: aiohttp.ClientSession) -> None:
    while True:
        with suppress(aiohttp.ClientError, TimeoutError, ConnectionError):
            async with asyncio.timeout(0.5), http.ws_connect("/ws") as socket:
                while not socket.closed:
                    await socket.send_bytes(b"x" * 100)
                    await socket.receive()
                    await asyncio.sleep(0.001)
        await asyncio.sleep(0.001)


async def _until(proxy: FaultProxy, enough: Callable[[ProxyStatistics], bool]) -> ProxyStatistics:
    async with asyncio.timeout(20):
        while not enough(counts := proxy.statistics()):  # noqa: ASYNC110 - the proxy counts, it does not tell
            await asyncio.sleep(0.005)
    return counts


def _all_happened(counts: ProxyStatistics) -> bool:
    return all(
        (
            counts.cuts,
            counts.cuts_inside_message,
            counts.responses_lost,
            counts.posts_repeated,
            counts.upgrades_refused,
            counts.connections_refused,
            counts.resets,
            counts.closes,
            counts.stalls,
            counts.trickles,
            counts.delays,
            counts.black_holes,
            counts.refusals,
            counts.outages,
        )
    )
