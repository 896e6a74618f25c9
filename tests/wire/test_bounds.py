"""How much may be sent: a message at its limit and one byte above it, in every way that it can be cut."""

from __future__ import annotations

import pytest

from tests.hosts.rig import Site
from tests.wire.endpoints import LIMITS, Endpoint
from tests.wire.frames import BINARY, CONTINUATION, MASK, PING, PONG, frame
from tests.wire.peer import Peer, opened

MOST = LIMITS.message


def in_parts(opcode: int, message: bytes, step: int, *, ends: bool = True) -> list[bytes]:
    """The frames of a message, `step` bytes each; `ends`: the last one says that it is."""
    pieces = [message[place : place + step] for place in range(0, len(message), step)]
    last = len(pieces) - 1
    return [
        frame(CONTINUATION if place else opcode, piece, fin=ends and place == last)
        for place, piece in enumerate(pieces)
    ]


@pytest.mark.parametrize("step", [MOST, MOST // 2, 1000, MOST // LIMITS.fragments])
async def test_a_message_at_the_limit_is_taken_in(peer: Peer, step: int) -> None:
    peer.send(*in_parts(peer.endpoint.opcode, peer.asking_with(MOST), step))

    await peer.is_alive()


@pytest.mark.parametrize("step", [MOST + 1, MOST, MOST // 2 + 1, 1000])
async def test_a_message_above_the_limit_is_1009(peer: Peer, site: Site, step: int) -> None:
    peer.send(*in_parts(peer.endpoint.opcode, b"x" * (MOST + 1), step))

    assert await peer.closed_with() == (1009, f"a message has at most {MOST} bytes")
    assert site.server.statistics().limits.message == 1
    assert site.server.statistics().sessions == peer.endpoint.resumable, "it costs the WebSocket, and not the session"


@pytest.mark.parametrize("size", [MOST + 1, 65535, 65536, 1 << 40, (1 << 63) - 1])
async def test_a_length_above_the_limit_is_refused_before_its_payload_is_there(peer: Peer, size: int) -> None:
    length = b"\xfe" + size.to_bytes(2, "big") if size < 65536 else b"\xff" + size.to_bytes(8, "big")

    peer.send(b"\x82", length, MASK)

    assert (await peer.closed_with())[0] == 1009


async def test_parts_are_added_up_before_the_last_of_them_is_there(peer: Peer) -> None:
    peer.send(*in_parts(peer.endpoint.opcode, b"x" * MOST, 1024, ends=False))
    peer.send(frame(PING, b"all of it"))
    assert (await peer.next_of(PONG)).payload == b"all of it"

    peer.send(frame(CONTINUATION, b"x")[:6])

    assert (await peer.closed_with())[0] == 1009


async def test_a_message_with_one_part_too_many_is_1009(peer: Peer, site: Site) -> None:
    peer.send(*in_parts(peer.endpoint.opcode, b"x" * (LIMITS.fragments + 1), 1))

    assert await peer.closed_with() == (1009, f"a message comes in at most {LIMITS.fragments} frames")
    assert site.server.statistics().limits.fragments == 1


async def test_empty_parts_without_an_end_are_1009(peer: Peer) -> None:
    peer.send(frame(BINARY, fin=False), frame(CONTINUATION, fin=False) * 50_000)

    assert (await peer.closed_with())[0] == 1009


async def test_control_frames_are_no_parts(peer: Peer) -> None:
    message = peer.asking("between many pings")
    peer.send(frame(peer.endpoint.opcode, message[:5], fin=False), frame(PING) * 5 * LIMITS.fragments)
    peer.send(frame(CONTINUATION, message[5:]))

    await peer.answered("between many pings")


async def test_the_parts_of_each_message_are_counted_anew(peer: Peer) -> None:
    for _ in range(3):
        message = peer.asking("and again")
        peer.send(*in_parts(peer.endpoint.opcode, message, len(message) // LIMITS.fragments + 1))

        await peer.answered("and again")


# -- before somebody is let in


async def test_a_first_message_at_its_limit_is_looked_at(site: Site, endpoint: Endpoint) -> None:
    async with opened(site, endpoint) as peer:
        peer.send(frame(endpoint.opcode, b"x" * LIMITS.hello))

        await peer.closed_with()

    assert site.server.statistics().limits.hello == 0


@pytest.mark.parametrize("size", [LIMITS.hello + 1, MOST, 1 << 30])
async def test_a_first_message_above_its_limit_is_refused_before_it_is_there(
    site: Site, endpoint: Endpoint, size: int
) -> None:
    length = b"\xfe" + size.to_bytes(2, "big") if size < 65536 else b"\xff" + size.to_bytes(8, "big")
    async with opened(site, endpoint) as peer:
        peer.send(bytes([0x80 | endpoint.opcode]), length, MASK)

        assert (await peer.closed_with())[0] == endpoint.too_large_a_first

    assert site.server.statistics().limits.hello == 1


async def test_what_is_said_behind_the_first_message_may_be_as_large_as_any(site: Site, endpoint: Endpoint) -> None:
    async with opened(site, endpoint) as peer:
        await peer.greet()
        peer.send(frame(endpoint.opcode, peer.asking_with(MOST)))

        await peer.is_alive()
