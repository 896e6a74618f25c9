"""What Socket.IO v5 is held to by its public suite, in our words: namespaces, events, acknowledgements, violations.

Its tests of Engine.IO below /socket.io/ are in test_conformance_engine.py.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestServer

from tests.interop.engine_client import Engine, Frames, talking
from tests.interop.socketio_conformance import make_app


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    """A place where Socket.IO is served."""
    async with TestServer(make_app()) as server, talking(str(server.make_url("/socket.io/"))) as engine:
        yield engine


@pytest.fixture
async def frames(engine: Engine) -> AsyncIterator[Frames]:
    """A WebSocket on which no namespace was asked for."""
    async with engine.frames() as frames:
        yield frames


@pytest.fixture
async def joined(frames: Frames) -> Frames:
    """A WebSocket that is in "/"."""
    await frames.enter()
    assert await frames.hear() == '42["auth",{}]'
    return frames


# -- connect


async def test_a_client_comes_into_the_main_namespace(frames: Frames) -> None:
    told = await frames.enter()

    assert set(told) == {"sid"} and isinstance(told["sid"], str)
    assert await frames.hear() == '42["auth",{}]'


async def test_a_client_brings_credentials_to_the_main_namespace(frames: Frames) -> None:
    told = await frames.enter(auth='{"token":"123"}')

    assert set(told) == {"sid"} and isinstance(told["sid"], str)
    assert await frames.hear() == '42["auth",{"token":"123"}]'


async def test_a_client_comes_into_another_namespace(frames: Frames) -> None:
    told = await frames.enter("/custom")

    assert set(told) == {"sid"} and isinstance(told["sid"], str)
    assert await frames.hear() == '42/custom,["auth",{}]'


async def test_a_client_brings_credentials_to_another_namespace(frames: Frames) -> None:
    told = await frames.enter("/custom", auth='{"token":"abc"}')

    assert set(told) == {"sid"} and isinstance(told["sid"], str)
    assert await frames.hear() == '42/custom,["auth",{"token":"abc"}]'


async def test_an_unknown_namespace_is_refused_in_the_words_that_clients_know(frames: Frames) -> None:
    await frames.say("40/random")

    assert await frames.hear() == '44/random,{"message":"Invalid namespace"}'


async def test_what_is_no_connect_ends_the_connection_before_the_first(frames: Frames) -> None:
    await frames.say("4abc")

    assert await frames.hear() is None


async def test_who_asks_for_no_namespace_is_closed(engine: Engine) -> None:
    async with engine.frames() as frames:
        # Alive, so that it is not its silence that it is closed for.
        assert await frames.hear_beside_pings() is None


# -- disconnect


async def test_who_leaves_its_only_namespace_is_still_pinged(joined: Frames) -> None:
    await joined.say("41")

    assert await joined.hear() == "2"


async def test_who_leaves_one_namespace_is_still_served_in_another(joined: Frames) -> None:
    assert await joined.hear() == "2"
    await joined.say("3")
    await joined.say("40/custom")
    connected, auth = await joined.hear(), await joined.hear()

    await joined.say("41/custom", '42["message","message to main namespace"]')

    assert isinstance(connected, str) and connected.startswith("40/custom,")
    assert auth == '42/custom,["auth",{}]'
    assert await joined.hear() == '42["message-back","message to main namespace"]'


# -- events and acknowledgements


async def test_an_event_carries_json(joined: Frames) -> None:
    await joined.say('42["message",1,"2",{"3":[true]}]')

    assert await joined.hear() == '42["message-back",1,"2",{"3":[true]}]'


async def test_an_event_carries_bytes(joined: Frames) -> None:
    await joined.say(
        '452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]', b"\1\2\3", b"\4\5\6"
    )

    heard = [await joined.hear_beside_pings() for _ in range(3)]

    head = '452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
    assert heard == [head, b"\1\2\3", b"\4\5\6"]


async def test_an_event_is_acknowledged_with_json(joined: Frames) -> None:
    await joined.say('42456["message-with-ack",1,"2",{"3":[false]}]')

    assert await joined.hear() == '43456[1,"2",{"3":[false]}]'


async def test_an_event_is_acknowledged_with_bytes(joined: Frames) -> None:
    placeholders = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}'
    await joined.say(f'452-789["message-with-ack",{placeholders}]', b"\1\2\3", b"\4\5\6")

    heard = [await joined.hear_beside_pings() for _ in range(3)]

    assert heard == [f"462-789[{placeholders}]", b"\1\2\3", b"\4\5\6"]


async def test_a_packet_of_an_unknown_type_ends_the_connection(joined: Frames) -> None:
    await joined.say("4abc", '42["message"]')

    assert await joined.end() == []


async def test_an_event_that_is_no_array_ends_the_connection(joined: Frames) -> None:
    await joined.say("42{}", '42["message"]')

    assert await joined.end() == []


async def test_an_id_that_is_no_number_ends_the_connection(joined: Frames) -> None:
    await joined.say('42abc["message-with-ack",1,"2",{"3":[false]}]', '42["message"]')

    assert await joined.end() == []
