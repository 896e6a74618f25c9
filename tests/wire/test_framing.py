"""Frames that break RFC 6455, each answered by a Close with the code of the standard; and the odd ones that do not."""

from __future__ import annotations

import pytest

from tests.wire.endpoints import LIMITS
from tests.wire.frames import BINARY, CLOSE, CONTINUATION, MASK, PING, PONG, TEXT, frame
from tests.wire.peer import Peer

NAMES = {CONTINUATION: "continuation", TEXT: "text", BINARY: "binary", CLOSE: "close", PING: "ping", PONG: "pong"}
PART = frame(TEXT, b"a part", fin=False)

BROKEN = {
    **{f"reserved bits {rsv:03b}": frame(BINARY, b"x", rsv=rsv) for rsv in range(1, 8)},
    "a reserved bit of a ping": frame(PING, rsv=4),
    "a reserved bit of a close": frame(CLOSE, rsv=1),
    "a reserved bit of a continuation": PART + frame(CONTINUATION, b"x", rsv=4),
    **{f"opcode {opcode}": frame(opcode) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    **{f"opcode {opcode} with a payload": frame(opcode, b"a payload") for opcode in (3, 7, 11, 15)},
    "a reserved opcode inside of a message": PART + frame(5, b"x"),
    **{f"a {NAMES[opcode]} of 126 bytes": frame(opcode, b"x" * 126) for opcode in (CLOSE, PING, PONG)},
    **{f"a {NAMES[opcode]} of 64 KiB": frame(opcode, b"x" * 65536)[:14] for opcode in (CLOSE, PING, PONG)},
    **{f"a {NAMES[opcode]} in parts": frame(opcode, b"x", fin=False) for opcode in (CLOSE, PING, PONG)},
    "a ping in parts inside of a message": PART + frame(PING, fin=False),
    "a continuation of nothing": frame(CONTINUATION, b"x"),
    "a first continuation of nothing": frame(CONTINUATION, b"x", fin=False),
    "an empty continuation of nothing": frame(CONTINUATION),
    **{
        f"a {NAMES[opcode]} inside of a message, {'whole' if fin else 'in parts'}": PART + frame(opcode, b"x", fin=fin)
        for opcode in (TEXT, BINARY)
        for fin in (True, False)
    },
    **{
        f"a {NAMES[opcode]} without a mask": frame(opcode, b"" if opcode == CLOSE else b"x", mask=None)
        for opcode in (TEXT, BINARY, CLOSE, PING, PONG)
    },
    "an empty binary without a mask": frame(BINARY, mask=None),
    "a continuation without a mask": PART + frame(CONTINUATION, b"x", mask=None),
    "a long binary without a mask": frame(BINARY, b"x" * 1000, mask=None),
    **{f"{size} bytes told in two": frame(BINARY, b"x" * size, length=2) for size in (0, 1, 124, 125)},
    **{f"{size} bytes told in eight": frame(BINARY, b"x" * size, length=8) for size in (0, 1, 125, 126, 4096)},
    "65535 bytes told in eight": frame(BINARY, b"x" * 65535, length=8)[:14],
    "a part told in too many bytes": frame(TEXT, b"x", fin=False, length=2),
    "a length of 2^63": b"\x82\xff" + (1 << 63).to_bytes(8, "big") + MASK,
    "a length of 2^64 - 1": b"\x82\xff" + b"\xff" * 8 + MASK,
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_a_frame_that_breaks_the_rules_is_1002(peer: Peer, broken: bytes) -> None:
    peer.send(broken)

    code, reason = await peer.closed_with()

    assert code == 1002
    assert reason, "it says which rule"


async def test_what_came_before_a_broken_frame_was_taken_in(peer: Peer) -> None:
    peer.send(frame(peer.endpoint.opcode, peer.asking("before")), frame(PING, b"before"), frame(BINARY, b"x", rsv=1))

    assert (await peer.next_of(PONG)).payload == b"before"
    assert (await peer.closed_with())[0] == 1002


async def test_a_continuation_of_a_message_that_is_complete_is_1002(peer: Peer) -> None:
    message = peer.asking("complete")
    peer.send(frame(peer.endpoint.opcode, message[:4], fin=False), frame(CONTINUATION, message[4:]))
    await peer.answered("complete")

    peer.send(frame(CONTINUATION, b"more"))

    assert (await peer.closed_with())[0] == 1002


async def test_what_comes_behind_a_broken_frame_is_thrown_away(peer: Peer) -> None:
    peer.send(frame(3), frame(PING, b"behind"), b"\xff" * 100_000)

    assert (await peer.closed_with())[0] == 1002


# -- masks


@pytest.mark.parametrize("mask", [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\1", b"\x80\0\0\0", b"abcd"])
@pytest.mark.parametrize("size", [100, 101, 102, 103, 3000])
async def test_any_mask_is_taken_off(peer: Peer, mask: bytes, size: int) -> None:
    peer.send(frame(peer.endpoint.opcode, peer.asking("m" * size), mask=mask))

    await peer.answered("m" * size)


async def test_each_part_of_a_message_has_a_mask_of_its_own(peer: Peer) -> None:
    message = peer.asking("a different one each time")
    parts = [message[:3], message[3:10], message[10:11], message[11:]]

    peer.send(
        frame(peer.endpoint.opcode, parts[0], fin=False, mask=b"1234"),
        frame(CONTINUATION, parts[1], fin=False, mask=b"\0\0\0\0"),
        frame(CONTINUATION, parts[2], fin=False, mask=b"\xff\0\xff\0"),
        frame(CONTINUATION, parts[3], mask=b"5678"),
    )

    await peer.answered("a different one each time")


# -- lengths


@pytest.mark.parametrize("size", [124, 125, 126, 127, 128, 255, 256, 2048, 2049, LIMITS.message - 1, LIMITS.message])
async def test_a_message_of_any_length_is_taken_in(peer: Peer, size: int) -> None:
    message = peer.asking_with(size)
    assert len(message) == size

    peer.send(frame(peer.endpoint.opcode, message))

    await peer.is_alive()


# -- control frames


@pytest.mark.parametrize("payload", [b"", b"1", b"x" * 124, b"\xff" * 125], ids=len)
async def test_a_ping_is_answered_with_its_payload(peer: Peer, payload: bytes) -> None:
    peer.send(frame(PING, payload))

    assert await peer.next_of(PONG) == (PONG, payload, True)


async def test_many_pings_are_answered_in_their_order(peer: Peer) -> None:
    payloads = [b"%d" % number for number in range(2000)]

    peer.send(*[frame(PING, payload) for payload in payloads])

    assert [(await peer.next_of(PONG)).payload for _ in payloads] == payloads


@pytest.mark.parametrize("payload", [b"", b"nobody asked", b"\xff" * 125], ids=len)
async def test_a_pong_that_nobody_asked_for_is_no_news(peer: Peer, payload: bytes) -> None:
    peer.send(frame(PONG, payload))

    await peer.is_alive()


@pytest.mark.parametrize(
    "between", [(PING, b"a ping"), (PONG, b"a pong"), (PING, b"x" * 125)], ids=["ping", "pong", "long"]
)
@pytest.mark.parametrize("place", [0, 1, 5, -1])
async def test_a_control_frame_may_stand_between_the_parts_of_a_message(
    peer: Peer, between: tuple[int, bytes], place: int
) -> None:
    message = peer.asking("in two parts")

    peer.send(frame(peer.endpoint.opcode, message[:place], fin=False), frame(*between))
    peer.send(frame(CONTINUATION, message[place:]))

    await peer.answered("in two parts")


async def test_a_ping_between_the_parts_of_a_message_is_answered_before_the_message_ends(peer: Peer) -> None:
    message = peer.asking("in two parts")
    peer.send(frame(peer.endpoint.opcode, message[:4], fin=False), frame(PING, b"between"))

    assert (await peer.next_of(PONG)).payload == b"between"

    peer.send(frame(CONTINUATION, message[4:]))
    await peer.answered("in two parts")


# -- parts


@pytest.mark.parametrize("parts", [2, 3, LIMITS.fragments])
async def test_a_message_may_come_in_parts(peer: Peer, parts: int) -> None:
    message = peer.asking("p" * 50)
    step = len(message) // parts
    pieces = [message[place * step : (place + 1) * step] for place in range(parts - 1)]

    peer.send(frame(peer.endpoint.opcode, pieces[0], fin=False))
    peer.send(*[frame(CONTINUATION, piece, fin=False) for piece in pieces[1:]])
    peer.send(frame(CONTINUATION, message[(parts - 1) * step :]))

    await peer.answered("p" * 50)


async def test_parts_may_be_empty(peer: Peer) -> None:
    message = peer.asking("around it is nothing")

    peer.send(frame(peer.endpoint.opcode, fin=False), frame(CONTINUATION, fin=False))
    peer.send(frame(CONTINUATION, message, fin=False), frame(CONTINUATION))

    await peer.answered("around it is nothing")


async def test_a_conversation_may_come_byte_by_byte(peer: Peer) -> None:
    message = peer.asking("🦩 slow")
    opcode = peer.endpoint.opcode

    await peer.trickle(frame(PING, b"slow ping"))
    await peer.trickle(frame(opcode, message[:20], fin=False) + frame(PONG, b"!") + frame(CONTINUATION, message[20:]))

    await peer.answered("🦩 slow")
    await peer.trickle(frame(CLOSE, b"\x03\xe8bye"))
    assert await peer.closed_with() == (1000, "")
