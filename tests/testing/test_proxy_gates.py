"""Black hole, stall, trickle and delay: what they do to the bytes of a direction, and how they end."""

import asyncio

import pytest

from antiphon.testing.proxy import Direction, Ending, FaultProxy
from tests.testing.peers import connected, echo_server


async def test_a_black_hole_upwards_swallows_what_the_client_says_and_that_it_left() -> None:
    async with echo_server() as echo, FaultProxy("127.0.0.1", echo.port) as proxy:
        async with connected(proxy) as client:
            await client.send(b"before")
            await client.receive(6)
            proxy.black_hole(Direction.UP)
            await client.send(b"swallowed")
            assert await client.silent()

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await echo.endings.get()
        assert bytes(echo.received) == b"before"
        assert proxy.statistics().connections_living == 1


async def test_a_black_hole_downwards_lets_the_server_hear_but_not_be_heard() -> None:
    async with echo_server() as echo, FaultProxy("127.0.0.1", echo.port) as proxy, connected(proxy) as client:
        proxy.black_hole(Direction.DOWN)

        await client.send(b"antiphon")

        await echo.until(b"antiphon")
        assert await client.silent()


async def test_a_connection_that_lost_bytes_stays_a_black_hole_until_it_is_cut() -> None:
    async with echo_server() as echo, FaultProxy("127.0.0.1", echo.port) as proxy, connected(proxy) as client:
        proxy.black_hole()
        await client.send(b"swallowed")
        assert await client.silent()

        proxy.release()

        await client.send(b"behind a hole")
        assert await client.silent()
        assert not echo.received
        proxy.cut(Ending.RESET)
        with pytest.raises(ConnectionResetError):
            await client.rest()


async def test_a_connection_that_lost_nothing_in_a_black_hole_goes_on_after_it() -> None:
    async with echo_server() as echo, FaultProxy("127.0.0.1", echo.port) as proxy, connected(proxy) as client:
        proxy.black_hole()
        proxy.release()

        await client.send(b"antiphon")

        assert await client.receive(8) == b"antiphon"


async def test_stalled_bytes_arrive_in_order_on_release_with_the_end_behind_them() -> None:
    async with echo_server() as echo, FaultProxy("127.0.0.1", echo.port) as proxy, connected(proxy) as client:
        proxy.stall(Direction.UP)
        await client.send(b"anti")
        await client.send(b"phon")
        client.writer.write_eof()
        assert await client.silent()
        assert not echo.received

        proxy.release()

        assert await client.rest() == b"antiphon"


async def test_a_stalled_connection_can_be_cut() -> None:
    async with echo_server() as echo, FaultProxy("127.0.0.1", echo.port) as proxy, connected(proxy) as client:
        await client.send(b"anti")
        await client.receive(4)
        proxy.stall()
        await client.send(b"phon")

        proxy.cut(Ending.RESET)

        assert await echo.ending() == "reset"
        assert bytes(echo.received) == b"anti"


async def test_trickled_bytes_come_one_by_one() -> None:
    async with echo_server() as echo, FaultProxy("127.0.0.1", echo.port) as proxy, connected(proxy) as client:
        proxy.trickle(Direction.DOWN, interval=0.005)
        await client.send(b"antiphon")

        portions = [await client.reader.read(100) for _ in range(3)]

        assert portions == [b"a", b"n", b"t"]
        proxy.release()
        assert await client.receive(5) == b"iphon"


async def test_delayed_bytes_come_later_and_do_not_wait_for_each_other() -> None:
    clock = asyncio.get_running_loop()
    async with echo_server() as echo, FaultProxy("127.0.0.1", echo.port) as proxy, connected(proxy) as client:
        proxy.delay(0.2)
        begun = clock.time()
        for word in (b"one", b"two", b"six"):
            await client.send(word)
            await asyncio.sleep(0.02)

        assert await client.receive(9) == b"onetwosix"

        # Twice the delay, there and back; three times as much if each waited for the one before.
        assert 0.4 <= clock.time() - begun < 1.0


async def test_ending_a_delay_sets_free_what_it_held() -> None:
    async with echo_server() as echo, FaultProxy("127.0.0.1", echo.port) as proxy, connected(proxy) as client:
        proxy.delay(3_600)
        await client.send(b"antiphon")
        assert await client.silent()

        proxy.delay(0)

        assert await client.receive(8) == b"antiphon"


async def test_a_negative_or_endless_delay_is_refused() -> None:
    async with FaultProxy("127.0.0.1", 1) as proxy:
        for seconds in (-1.0, float("inf"), float("nan")):
            with pytest.raises(ValueError, match="finite number of seconds"):
                proxy.delay(seconds)


async def test_one_connection_alone_may_lose_one_direction() -> None:
    async with (
        echo_server() as echo,
        FaultProxy("127.0.0.1", echo.port) as proxy,
        connected(proxy) as deaf,
        connected(proxy) as other,
    ):
        for client in (deaf, other):
            await client.send(b"anti")
            await client.receive(4)
        first, _ = proxy.links

        first.swallow(Direction.DOWN)
        await deaf.send(b"phon")
        await other.send(b"phon")

        assert await other.receive(4) == b"phon"
        assert await deaf.silent()
        await echo.until(b"antiantiphonphon")


async def test_each_fault_that_was_switched_on_is_counted_by_its_kind() -> None:
    async with FaultProxy("127.0.0.1", 1) as proxy:
        proxy.stall()
        proxy.trickle()
        proxy.black_hole()
        proxy.delay(0.1)
        proxy.release()
        proxy.refuse_upgrades()
        proxy.allow_upgrades()
        proxy.offline()
        proxy.online()

        counts = proxy.statistics()
        switched = (counts.stalls, counts.trickles, counts.black_holes, counts.delays, counts.refusals, counts.outages)
        assert switched == (1, 1, 1, 1, 1, 1)
