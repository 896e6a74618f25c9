"""How a WebSocket ends: close codes, their reasons, what comes behind them, and ends without any."""

from __future__ import annotations

import pytest

from antiphon import Socket
from tests.hosts.rig import Site, until
from tests.wire.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, closing, frame
from tests.wire.peer import Peer

VALID = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4003, 4999]
INVALID = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 32768, 65535]


@pytest.mark.parametrize("code", VALID)
async def test_a_close_is_answered_with_its_code(peer: Peer, code: int) -> None:
    peer.send(closing(code, b"bye"))

    assert await peer.closed_with() == (code, "")


@pytest.mark.parametrize("code", INVALID)
async def test_a_code_that_nobody_may_send_is_1002(peer: Peer, code: int) -> None:
    peer.send(closing(code, b"bye"))

    assert (await peer.closed_with())[0] == 1002


async def test_a_close_without_a_code_is_answered_without_one(peer: Peer) -> None:
    peer.send(frame(CLOSE))

    assert await peer.closed_with() == (None, "")


@pytest.mark.parametrize("reason", [b"", b"x", "ž🦩".encode(), b"x" * 123], ids=len)
async def test_a_reason_may_have_123_bytes(peer: Peer, reason: bytes) -> None:
    peer.send(closing(1000, reason))

    assert await peer.closed_with() == (1000, "")


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        pytest.param(b"\x03", 1002, id="half a code"),
        pytest.param(b"\xff", 1002, id="half of another code"),
        pytest.param(b"\x03\xe8" + b"x" * 124, 1002, id="a reason of 124 bytes"),
        pytest.param(b"\x03\xe8\xff", 1007, id="a reason that is no UTF-8"),
        pytest.param(b"\x03\xe8\xc0\x80", 1007, id="a reason with an overlong zero"),
        pytest.param(b"\x03\xe8\xed\xa0\x80", 1007, id="a reason with a surrogate"),
        pytest.param(b"\x03\xe8" + "🦩".encode()[:3], 1007, id="a reason that ends inside of a character"),
    ],
)
async def test_a_close_that_cannot_be_right_has_a_code_of_its_own(peer: Peer, payload: bytes, code: int) -> None:
    peer.send(frame(CLOSE, payload))

    assert (await peer.closed_with())[0] == code


@pytest.mark.parametrize(
    "behind",
    [
        pytest.param(closing(1001), id="another close"),
        pytest.param(frame(PING, b"too late"), id="a ping"),
        pytest.param(frame(BINARY, b"too late"), id="a message"),
        pytest.param(frame(TEXT, b"\xff"), id="text that is none"),
        pytest.param(b"\xff\xff\xff\xff", id="no frame"),
        pytest.param(b"\x82", id="half a head"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="a request"),
        pytest.param(frame(BINARY, b"x" * 1_000_000), id="a megabyte"),
    ],
)
async def test_nothing_behind_a_close_is_read(peer: Peer, site: Site, behind: bytes) -> None:
    peer.send(closing(1000), behind)

    assert await peer.closed_with() == (1000, "")
    assert site.server.statistics().limits.message == 0


async def test_a_message_before_a_close_in_the_same_segment_was_taken_in(peer: Peer, site: Site) -> None:
    heard: list[str] = []

    @site.server.namespace("/").on("echo")
    async def listen(socket: Socket, text: str) -> None:
        heard.append(text)

    peer.send(frame(peer.endpoint.opcode, peer.asking("the last words")), closing(1000))

    await peer.closed_with()
    await until(lambda: heard == ["the last words"])


async def test_a_close_inside_of_a_message_closes(peer: Peer) -> None:
    peer.send(frame(TEXT, b"never", fin=False), closing(1000), frame(CONTINUATION, b"complete"))

    assert await peer.closed_with() == (1000, "")


async def test_a_ping_before_a_close_in_the_same_segment_is_answered_before_it(peer: Peer) -> None:
    peer.send(frame(PING, b"last"), closing(1000))

    frames = [await peer.next_of(PONG, CLOSE), await peer.next_of(PONG, CLOSE)]

    assert [frame.opcode for frame in frames] == [PONG, CLOSE]


# -- a connection that ends without a close


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(b"", id="between messages"),
        pytest.param(b"\x82", id="inside of a head"),
        pytest.param(frame(BINARY, b"x" * 100)[:50], id="inside of a payload"),
        pytest.param(frame(TEXT, b"a part", fin=False), id="inside of a message"),
        pytest.param(frame(PING, b"x" * 100)[:50], id="inside of a ping"),
    ],
)
async def test_who_says_that_nothing_more_comes_is_gone(peer: Peer, site: Site, before: bytes) -> None:
    peer.send(before)
    peer.half_close()

    assert await peer.next() is None
    await until(lambda: dict(site.server.statistics().transports) == {})
    assert site.server.statistics().sessions == peer.endpoint.resumable, "it may come back"


async def test_who_closes_and_says_that_nothing_more_comes_is_answered(peer: Peer) -> None:
    peer.send(closing(4000))
    peer.half_close()

    assert await peer.closed_with() == (4000, "")
