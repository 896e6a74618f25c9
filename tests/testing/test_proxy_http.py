"""Faults of single requests: upgrades refused, responses lost, POSTs repeated."""

import asyncio
import io

import aiohttp
import pytest

from antiphon.testing.proxy import Answer, FaultProxy, Refusal
from tests.testing.peers import answering_server, connected, web_server


@pytest.mark.parametrize(("refusal", "status"), [(Refusal.FORBIDDEN, 403), (Refusal.BAD_GATEWAY, 502)])
async def test_a_refused_upgrade_is_answered_and_never_reaches_the_server(refusal: Refusal, status: int) -> None:
    async with (
        web_server() as pages,
        FaultProxy("127.0.0.1", pages.port) as proxy,
        aiohttp.ClientSession(proxy.url) as http,
    ):
        proxy.refuse_upgrades(refusal)

        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect("/ws")

        assert refused.value.status == status
        assert pages.websockets == 0
        assert proxy.statistics().upgrades_refused == 1


async def test_an_upgrade_met_with_silence_stays_unanswered() -> None:
    async with (
        web_server() as pages,
        FaultProxy("127.0.0.1", pages.port) as proxy,
        aiohttp.ClientSession(proxy.url) as http,
    ):
        proxy.refuse_upgrades(Refusal.SILENCE)

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await http.ws_connect("/ws")

        assert pages.websockets == 0
        assert proxy.statistics().upgrades_refused == 1


async def test_while_upgrades_are_refused_requests_and_open_websockets_go_on() -> None:
    async with (
        web_server() as pages,
        FaultProxy("127.0.0.1", pages.port) as proxy,
        aiohttp.ClientSession(proxy.url) as http,
        http.ws_connect("/ws") as socket,
    ):
        proxy.refuse_upgrades()

        await socket.send_bytes(b"antiphon")

        assert await socket.receive_bytes(timeout=5) == b"antiphon"
        assert (await _post(http, "one"))["posted"] == "one"


async def test_a_refusal_may_cut_the_open_websockets_and_only_them() -> None:
    async with (
        web_server() as pages,
        FaultProxy("127.0.0.1", pages.port) as proxy,
        aiohttp.ClientSession(proxy.url) as http,
        http.ws_connect("/ws") as socket,
    ):
        await _post(http, "one")

        proxy.refuse_upgrades(cut_established=True)

        assert (await socket.receive(timeout=5)).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        counts = proxy.statistics()
        assert (counts.cuts, counts.connections_living) == (1, 1)


async def test_upgrades_pass_again_when_they_are_allowed() -> None:
    async with (
        web_server() as pages,
        FaultProxy("127.0.0.1", pages.port) as proxy,
        aiohttp.ClientSession(proxy.url) as http,
    ):
        proxy.refuse_upgrades()
        proxy.allow_upgrades()

        async with http.ws_connect("/ws") as socket:
            await socket.send_bytes(b"antiphon")

            assert await socket.receive_bytes(timeout=5) == b"antiphon"


@pytest.mark.parametrize("path", ["/push", "/push?streamed"])
async def test_a_lost_response_was_processed_by_the_server_but_cuts_the_client(path: str) -> None:
    async with (
        web_server() as pages,
        FaultProxy("127.0.0.1", pages.port) as proxy,
        aiohttp.ClientSession(proxy.url) as http,
    ):
        proxy.lose_responses()

        with pytest.raises(aiohttp.ClientConnectionError):
            await _post(http, "one", path)

        assert pages.posted == ["one"]
        counts = proxy.statistics()
        assert (counts.responses_lost, counts.cuts) == (1, 0)
        assert await _post(http, "two", path) == {"number": 2, "posted": "two"}


async def test_only_responses_to_the_given_path_are_lost() -> None:
    async with (
        web_server() as pages,
        FaultProxy("127.0.0.1", pages.port) as proxy,
        aiohttp.ClientSession(proxy.url) as http,
    ):
        proxy.lose_responses(path="/push")

        await _post(http, "one", "/other")

        with pytest.raises(aiohttp.ClientConnectionError):
            await _post(http, "two", "/push")


async def test_a_post_repeated_beside_itself_reaches_the_server_twice_and_is_answered_once() -> None:
    async with (
        web_server() as pages,
        FaultProxy("127.0.0.1", pages.port) as proxy,
        aiohttp.ClientSession(proxy.url, connector=aiohttp.TCPConnector(limit=1)) as http,
    ):
        proxy.repeat_posts(answer=Answer.FIRST, lag=0.05)

        answers = [await _post(http, "one"), await _post(http, "two")]
        await pages.until_posted(3)

        assert [answer["posted"] for answer in answers] == ["one", "two"]
        # The copy came late, behind the request after it.
        assert pages.posted == ["one", "two", "one"]
        await _until_repeated(proxy, 1)


async def test_a_post_repeated_after_itself_is_answered_with_the_second_answer() -> None:
    async with (
        web_server() as pages,
        FaultProxy("127.0.0.1", pages.port) as proxy,
        aiohttp.ClientSession(proxy.url, connector=aiohttp.TCPConnector(limit=1)) as http,
    ):
        proxy.repeat_posts(2, answer=Answer.SECOND)

        answers = [await _post(http, "one"), await _post(http, "two", "/push?streamed"), await _post(http, "six")]

        assert answers == [
            {"number": 2, "posted": "one"},
            {"number": 4, "posted": "two"},
            {"number": 5, "posted": "six"},
        ]
        assert pages.posted == ["one", "one", "two", "two", "six"]
        assert proxy.statistics().posts_repeated == 2


async def test_a_get_is_not_repeated() -> None:
    async with (
        web_server() as pages,
        FaultProxy("127.0.0.1", pages.port) as proxy,
        aiohttp.ClientSession(proxy.url) as http,
    ):
        proxy.repeat_posts(answer=Answer.SECOND)
        async with http.get("/page") as page:
            await page.read()
        assert proxy.statistics().posts_repeated == 0

        await _post(http, "one")

        assert proxy.statistics().posts_repeated == 1


async def test_a_post_of_many_pieces_is_repeated_whole_and_one_too_large_is_not() -> None:
    async with (
        web_server() as pages,
        FaultProxy("127.0.0.1", pages.port) as proxy,
        aiohttp.ClientSession(proxy.url) as http,
    ):
        proxy.repeat_posts(2, answer=Answer.SECOND)
        large, too_large = "x" * 1_000_000, "x" * 5_000_000

        await _post(http, large)
        async with http.post("/push", data=io.BytesIO(too_large.encode())) as answer:
            await answer.read()

        assert pages.posted == [large, large, too_large]
        assert proxy.statistics().posts_repeated == 1


async def test_the_client_is_reset_when_the_copy_it_should_be_answered_by_fails() -> None:
    async with (
        web_server() as pages,
        FaultProxy("127.0.0.1", pages.port) as proxy,
        aiohttp.ClientSession(proxy.url) as http,
    ):
        await _post(http, "one")
        proxy.repeat_posts(answer=Answer.SECOND)
        # The first request goes over the connection that is kept; the copy needs a new one.
        await pages.stop_listening()

        with pytest.raises(aiohttp.ClientConnectionError):
            await _post(http, "two")

        assert pages.posted == ["one", "two"]
        assert proxy.statistics().posts_repeated == 0


async def test_a_post_answered_before_it_was_all_said_is_not_repeated() -> None:
    answer = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"
    async with answering_server(answer) as port, FaultProxy("127.0.0.1", port) as proxy, connected(proxy) as client:
        proxy.repeat_posts(answer=Answer.SECOND)

        await client.send(b"POST /push HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf ")

        assert await client.receive(len(answer)) == answer
        assert proxy.statistics().posts_repeated == 0


async def test_an_upgrade_to_something_else_passes_as_plain_bytes() -> None:
    answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\n\r\n"
    async with answering_server(answer) as port, FaultProxy("127.0.0.1", port) as proxy, connected(proxy) as client:
        await client.send(b"GET / HTTP/1.1\r\nUpgrade: other\r\n\r\n")
        await client.receive(len(answer))

        await client.send(b"GET antiphon")

        assert await client.receive(12) == b"GET antiphon"


async def test_taking_faults_back_takes_back_those_that_have_not_struck() -> None:
    async with (
        web_server() as pages,
        FaultProxy("127.0.0.1", pages.port) as proxy,
        aiohttp.ClientSession(proxy.url) as http,
    ):
        proxy.lose_responses()
        proxy.refuse_upgrades()
        proxy.stall()

        proxy.calm()

        await _post(http, "one")
        async with http.ws_connect("/ws"):
            assert pages.websockets == 1


async def test_no_requests_to_strike_is_refused_with_a_remedy() -> None:
    async with FaultProxy("127.0.0.1", 1) as proxy:
        with pytest.raises(ValueError, match=r"calm\(\) takes back"):
            proxy.lose_responses(0)


async def _post(http: aiohttp.ClientSession, content: str, path: str = "/push") -> dict[str, object]:
    async with http.post(path, data=content) as answer:
        posted: dict[str, object] = await answer.json(content_type=None)
        return posted


async def _until_repeated(proxy: FaultProxy, count: int) -> None:
    async with asyncio.timeout(5):
        while proxy.statistics().posts_repeated < count:  # noqa: ASYNC110 - the proxy counts, it does not tell
            await asyncio.sleep(0.001)
