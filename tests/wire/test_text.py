"""Text is UTF-8, wherever it is cut, and what is not is noticed as soon as its bytes are wrong."""

from __future__ import annotations

import pytest

from tests.wire.endpoints import TEXT_ENDPOINTS
from tests.wire.frames import BINARY, CONTINUATION, PING, PONG, TEXT, frame
from tests.wire.peer import Peer

pytestmark = pytest.mark.parametrize("endpoint", TEXT_ENDPOINTS, ids=repr, indirect=True)

FLAMINGO = "🦩"
CUTS = [1, 2, 3]

WRONG = {
    "a continuation byte": b"\x80",
    "the last continuation byte": b"\xbf",
    "a byte that is never used": b"\xff",
    "another one": b"\xfe",
    "an overlong slash": b"\xc0\xaf",
    "an overlong delete": b"\xc1\xbf",
    "an overlong zero in two bytes": b"\xc0\x80",
    "an overlong slash in three bytes": b"\xe0\x80\xaf",
    "an overlong zero in four bytes": b"\xf0\x80\x80\x80",
    "an overlong character of three bytes in four": b"\xf0\x8f\xbf\xbf",
    "the first surrogate": b"\xed\xa0\x80",
    "the last surrogate": b"\xed\xbf\xbf",
    "a pair of surrogates": b"\xed\xa0\xbd\xed\xb8\x80",
    "the first code point beyond Unicode": b"\xf4\x90\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "a character without its last byte": b"\xe2\x82 ",
    "a character without its last two bytes": b"\xf0\x9f x",
}
# Those of which a part is right as far as it goes, and the byte with which it goes wrong.
RIGHT_AT_FIRST = {
    "a second byte that makes it overlong": (b"\xe0", b"\x80"),
    "a second byte that makes it a surrogate": (b"\xed", b"\xa0"),
    "a second byte that makes it too large": (b"\xf4", b"\x90"),
    "a second byte that is none": (b"\xf0", b"a"),
    "a third byte that is none": (b"\xf0\x9f", b"a"),
    "a fourth byte that is none": (b"\xf0\x9f\xa6", b"a"),
}


@pytest.mark.parametrize("cut", CUTS)
async def test_a_character_may_be_cut_by_two_parts(peer: Peer, cut: int) -> None:
    message = peer.asking(FLAMINGO)
    place = message.index(FLAMINGO.encode()) + cut

    peer.send(frame(TEXT, message[:place], fin=False), frame(CONTINUATION, message[place:]))

    await peer.answered(FLAMINGO)


@pytest.mark.parametrize("cut", CUTS)
async def test_a_character_may_be_cut_by_a_ping(peer: Peer, cut: int) -> None:
    message = peer.asking(FLAMINGO)
    place = message.index(FLAMINGO.encode()) + cut

    peer.send(frame(TEXT, message[:place], fin=False), frame(PING, b"\xff"), frame(CONTINUATION, message[place:]))

    await peer.answered(FLAMINGO)


@pytest.mark.parametrize("cut", CUTS)
async def test_a_character_may_be_cut_by_two_segments(peer: Peer, cut: int) -> None:
    message = peer.asking(FLAMINGO)
    whole = frame(TEXT, message)
    place = len(whole) - len(message) + message.index(FLAMINGO.encode()) + cut

    await peer.trickle(whole[:place])
    await peer.trickle(whole[place:])

    await peer.answered(FLAMINGO)


async def test_each_byte_of_a_character_may_be_a_part(peer: Peer) -> None:
    message = peer.asking(FLAMINGO)
    place = message.index(FLAMINGO.encode())
    pieces = [message[:place], *(message[place + cut : place + cut + 1] for cut in range(4)), message[place + 4 :]]

    peer.send(frame(TEXT, pieces[0], fin=False), *[frame(CONTINUATION, piece, fin=False) for piece in pieces[1:]])
    peer.send(frame(CONTINUATION))

    await peer.answered(FLAMINGO)


@pytest.mark.parametrize("text", ["\x7f\x80", "߿ࠀ", "\ud7ff\ue000", "\uffff", "\U00010000", "\U0010ffff"], ids=ascii)
async def test_the_ends_of_unicode_are_text(peer: Peer, text: str) -> None:
    peer.send(frame(TEXT, peer.asking(text)))

    await peer.answered(text)


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
async def test_text_that_is_no_utf_8_is_1007(peer: Peer, wrong: bytes) -> None:
    peer.send(frame(TEXT, b"some text and then " + wrong))

    assert await peer.closed_with() == (1007, "text must be UTF-8")


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
async def test_it_is_noticed_before_the_frame_is_complete(peer: Peer, wrong: bytes) -> None:
    peer.send(frame(TEXT, b"some text and then " + wrong + b"x" * 1000)[:-990])

    assert (await peer.closed_with())[0] == 1007


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
async def test_it_is_noticed_before_the_message_is_complete(peer: Peer, wrong: bytes) -> None:
    peer.send(frame(TEXT, b"some text and then ", fin=False), frame(CONTINUATION, wrong, fin=False))

    assert (await peer.closed_with())[0] == 1007


@pytest.mark.parametrize(("right", "wrong"), RIGHT_AT_FIRST.values(), ids=RIGHT_AT_FIRST)
async def test_it_is_noticed_with_the_first_wrong_byte(peer: Peer, right: bytes, wrong: bytes) -> None:
    peer.send(frame(TEXT, right, fin=False), frame(PING, b"so far it is right"))
    await peer.next_of(PONG)

    peer.send(frame(CONTINUATION, wrong, fin=False))

    assert (await peer.closed_with())[0] == 1007


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("parts", [1, 2])
async def test_text_that_ends_inside_of_a_character_is_1007(peer: Peer, cut: int, parts: int) -> None:
    text = b"text " + FLAMINGO.encode()[:cut]

    peer.send(frame(TEXT, text, fin=parts == 1), frame(CONTINUATION) if parts == 2 else b"")

    assert (await peer.closed_with())[0] == 1007


async def test_binary_may_be_anything(peer: Peer) -> None:
    peer.send(frame(BINARY, b"\xff\xfe"))

    code, _ = await peer.closed_with()

    assert code != 1007, "it was read, and is no message of a session in text"
