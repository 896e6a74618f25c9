"""The opening handshake of RFC 6455, section 4.2: who is let in, who is not and what they are told."""

from __future__ import annotations

import pytest

from tests.hosts.rig import Site
from tests.wire.endpoints import Endpoint
from tests.wire.frames import ACCEPT, PING, PONG, frame, upgrade
from tests.wire.peer import connected

PROXY = "pass on Upgrade: websocket and Connection: Upgrade"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param((), id="as the standard has it"),
        pytest.param(("Upgrade: WebSocket",), id="Upgrade in other letters"),
        pytest.param(("connection: keep-alive, UPGRADE",), id="Connection is a list"),
        pytest.param(("Connection: keep-alive\r\nConnection: upgrade",), id="Connection twice"),
        pytest.param(("Connection: , ,Upgrade,",), id="Connection with holes"),
        pytest.param(("Content-Length: 0",), id="a body of nothing"),
        pytest.param(("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",), id="an extension"),
        pytest.param(("Sec-WebSocket-Protocol: chat, superchat",), id="subprotocols"),
        pytest.param(("Cookie: a=b\r\nX-Long: " + "x" * 4000,), id="long headers"),
    ],
)
async def test_a_request_that_is_right_opens_a_websocket(
    site: Site, endpoint: Endpoint, changes: tuple[str, ...]
) -> None:
    async with connected(site, endpoint) as peer:
        peer.send(upgrade(endpoint.path, *changes))
        head = await peer.head()
        await peer.enter()

    status, *headers = head.rstrip().split("\r\n")
    assert status == "HTTP/1.1 101 Switching Protocols"
    assert sorted(headers) == ["Connection: Upgrade", f"Sec-WebSocket-Accept: {ACCEPT}", "Upgrade: websocket"]


def key(value: str) -> str:
    return f"Sec-WebSocket-Key: {value}"


@pytest.mark.parametrize(
    ("changes", "without", "status", "words"),
    [
        pytest.param((), "upgrade", 426, PROXY, id="no Upgrade"),
        pytest.param(("Upgrade: h2c",), "", 426, PROXY, id="another Upgrade"),
        pytest.param(("Upgrade: websocket, h2c",), "", 426, PROXY, id="a list of Upgrades"),
        pytest.param(("Upgrade: websocket\r\nUpgrade: websocket",), "", 426, "Upgrade must be", id="Upgrade twice"),
        pytest.param((), "connection", 426, PROXY, id="no Connection"),
        pytest.param(("Connection: close",), "", 426, PROXY, id="Connection: close, as nginx sends it"),
        pytest.param(("Connection: keep-alive",), "", 426, PROXY, id="Connection: keep-alive"),
        pytest.param(("Connection: upgraded",), "", 426, PROXY, id="Connection with a longer word"),
        pytest.param((), "sec-websocket-version", 426, "must be 13", id="no version"),
        pytest.param(("Sec-WebSocket-Version: 8",), "", 426, "must be 13", id="version 8"),
        pytest.param(("Sec-WebSocket-Version: 14",), "", 426, "must be 13", id="version 14"),
        pytest.param(("Sec-WebSocket-Version: 13, 8",), "", 426, "must be 13", id="a list of versions"),
        pytest.param(
            ("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13",), "", 426, "must be 13", id="two versions"
        ),
        pytest.param((), "sec-websocket-key", 400, "16 bytes in base64", id="no key"),
        pytest.param((key(""),), "", 400, "16 bytes in base64", id="an empty key"),
        pytest.param((key("AAAAAAAAAAAAAAAAAAAA"),), "", 400, "16 bytes in base64", id="a key of 15 bytes"),
        pytest.param((key("AAAAAAAAAAAAAAAAAAAAAAA="),), "", 400, "16 bytes in base64", id="a key of 17 bytes"),
        pytest.param((key("AAAAAAAAAAAAAAAAAAAAAA"),), "", 400, "16 bytes in base64", id="a key without its end"),
        pytest.param((key("AAAA AAAAAAAAAAAAAAAAA=="),), "", 400, "16 bytes in base64", id="a key with a space"),
        pytest.param((key("!AAAAAAAAAAAAAAAAAAAAA=="),), "", 400, "16 bytes in base64", id="a key of other letters"),
        pytest.param(
            (f"{key('A' * 22 + '==')}\r\n{key('A' * 22 + '==')}",), "", 400, "16 bytes in base64", id="two keys"
        ),
        pytest.param(("Content-Length: 5",), "", 400, "has no body", id="a body"),
        pytest.param(("Transfer-Encoding: chunked",), "", 400, "has no body", id="a body in chunks"),
        pytest.param(("Origin: https://evil.example",), "", 403, "list their origin", id="a page of another origin"),
        pytest.param(("Origin: null",), "", 403, "may not connect", id="a page without an origin"),
        pytest.param(("Origin: http://a.b\r\nOrigin: http://a.b",), "", 403, "more than one", id="two origins"),
    ],
)
async def test_a_request_that_is_wrong_is_told_what_was_expected(
    site: Site, endpoint: Endpoint, changes: tuple[str, ...], without: str, status: int, words: str
) -> None:
    async with connected(site, endpoint) as peer:
        body = b"12345" if "Content-Length: 5" in changes else b"0\r\n\r\n" if "chunked" in "".join(changes) else b""
        peer.send(upgrade(endpoint.path, *changes, without=without), body)
        head = await peer.head()
        peer.half_close()
        told = (await peer.rest()).decode()

    assert head.startswith(f"HTTP/1.1 {status} ")
    assert words in told
    assert "cache-control: no-store" in head.lower()
    if status == 426:
        assert "upgrade: websocket" in head.lower()
        assert ("sec-websocket-version: 13" in head.lower()) == ("13" in words)
    assert site.server.statistics().requests_refused == {status: 1}


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE"])
async def test_another_method_than_get_opens_nothing(site: Site, endpoint: Endpoint, method: str) -> None:
    async with connected(site, endpoint) as peer:
        peer.send(upgrade(endpoint.path).replace(b"GET", method.encode(), 1))

        assert (await peer.head()).startswith(f"HTTP/1.1 {endpoint.wrong_method} ")


@pytest.mark.parametrize("connection", ["Upgrade", "close"])
async def test_http_1_0_opens_nothing_and_is_told_what_a_proxy_has_to_do(
    site: Site, endpoint: Endpoint, connection: str
) -> None:
    async with connected(site, endpoint) as peer:
        peer.send(upgrade(endpoint.path, f"Connection: {connection}").replace(b"HTTP/1.1", b"HTTP/1.0", 1))

        assert (await peer.head()).startswith("HTTP/1.0 426 ")
        assert "speak HTTP/1.1" in (await peer.rest()).decode()


async def test_frames_behind_a_request_that_is_refused_are_not_read(site: Site, endpoint: Endpoint) -> None:
    async with connected(site, endpoint) as peer:
        peer.send(upgrade(endpoint.path, "Sec-WebSocket-Version: 8"), frame(endpoint.opcode, endpoint.first))

        assert (await peer.head()).startswith("HTTP/1.1 426 ")
        assert b"101" not in await peer.rest()

    assert site.server.statistics().sessions_made == 0


# -- what comes right behind the request


async def test_a_first_message_may_come_with_the_request(site: Site, endpoint: Endpoint) -> None:
    async with connected(site, endpoint) as peer:
        first = frame(endpoint.opcode, endpoint.first)
        peer.send(upgrade(endpoint.path), first)

        assert (await peer.head()).startswith("HTTP/1.1 101 ")
        await peer.is_alive()


async def test_so_may_the_second_where_it_need_not_wait(site: Site, endpoint: Endpoint) -> None:
    async with connected(site, endpoint) as peer:
        messages = [endpoint.first] if endpoint.admitted else [endpoint.first, peer.asking("still here")]
        peer.send(upgrade(endpoint.path), *(frame(endpoint.opcode, message) for message in messages))

        assert (await peer.head()).startswith("HTTP/1.1 101 ")
        await peer.is_alive()


@pytest.mark.parametrize("place", [1, 2, 6, 7, -1])
async def test_the_request_may_end_inside_of_a_segment_with_half_a_frame(
    site: Site, endpoint: Endpoint, place: int
) -> None:
    async with connected(site, endpoint) as peer:
        first = frame(endpoint.opcode, endpoint.first)
        peer.send(upgrade(endpoint.path), first[:place])
        assert (await peer.head()).startswith("HTTP/1.1 101 ")
        peer.send(first[place:])

        await peer.is_alive()


async def test_the_request_and_what_is_behind_it_may_come_byte_by_byte(site: Site, endpoint: Endpoint) -> None:
    async with connected(site, endpoint) as peer:
        await peer.trickle(upgrade(endpoint.path) + frame(endpoint.opcode, endpoint.first) + frame(PING, b"slow"))

        assert (await peer.head()).startswith("HTTP/1.1 101 ")
        assert (await peer.next_of(PONG)).payload == b"slow"
        await peer.is_alive()


async def test_much_may_come_with_the_request(site: Site, endpoint: Endpoint) -> None:
    # More than aiohttp keeps of a connection before it stops reading from it.
    async with connected(site, endpoint) as peer:
        pings = [frame(PING, b"%d" % number) for number in range(20_000)]
        peer.send(upgrade(endpoint.path), *pings, frame(endpoint.opcode, endpoint.first))
        assert (await peer.head()).startswith("HTTP/1.1 101 ")

        pongs = [(await peer.next_of(PONG)).payload for _ in pings]

        assert pongs == [b"%d" % number for number in range(20_000)]
        await peer.is_alive()


async def test_a_request_may_follow_another_on_its_connection(site: Site, endpoint: Endpoint) -> None:
    async with connected(site, endpoint) as peer:
        peer.send(b"OPTIONS /antiphon/push HTTP/1.1\r\nHost: localhost\r\n\r\n", upgrade(endpoint.path))
        peer.send(frame(endpoint.opcode, endpoint.first))

        assert (await peer.head()).startswith("HTTP/1.1 204 ")
        assert (await peer.head()).startswith("HTTP/1.1 101 ")
        await peer.is_alive()
