"""Packets that no client sends: each ends the connection that it came by, and no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import msgpack
import pytest

from antiphon import Socket
from antiphon.config import Inbox
from tests.interop.witnessed import LIMITS, MESSAGE, Place, witnessed

PLACEHOLDER = '{"_placeholder":true,"num":0}'


@pytest.fixture
async def place(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Place]:
    async with witnessed(caplog) as place:
        yield place


# What a client in "/" says, by what is wrong with it.
VIOLATIONS: dict[str, list[str | bytes]] = {
    "an empty message": [""],
    "a type that Engine.IO has not": ["7"],
    "a word": ["hello"],
    "an open packet": ['0{"sid":"x"}'],
    "a ping": ["2"],
    "a probe on a transport of its own": ["2probe"],
    "an upgrade on a transport of its own": ["5"],
    "a message without a packet": ["4"],
    "a type that Socket.IO has not": ['47["note"]'],
    "a CONNECT_ERROR": ['44{"message":"no"}'],
    "a CONNECT with an array": ['40/one,["token"]'],
    "a DISCONNECT with data": ['41["note"]'],
    "a DISCONNECT where it is not": ["41/one,"],
    "an event where it is not": ['42/one,["note"]'],
    "an event where nobody is": ['42/nowhere,["note"]'],
    "an ack where it is not": ["43/one,1[]"],
    "an event without anything": ["42"],
    "an event that is an object": ["42{}"],
    "an event that is null": ["42null"],
    "an event without a name": ["42[]"],
    "an object for a name": ['42[{"toString":"foo"}]'],
    "an array for a name": ['42[["note"]]'],
    "null for a name": ["42[null]"],
    "true for a name": ["42[true]"],
    "the reserved name connect": ['42["connect"]'],
    "the reserved name connect_error": ['42["connect_error"]'],
    "the reserved name disconnect": ['42["disconnect"]'],
    "the reserved name disconnecting": ['42["disconnecting"]'],
    "the reserved name newListener": ['42["newListener"]'],
    "the reserved name removeListener": ['42["removeListener"]'],
    "JSON that breaks off": ['42["note"'],
    "something behind the JSON": ['42["note"] x'],
    "NaN": ['42["note",NaN]'],
    "nesting without end": ['42["note",' + "[" * 4000 + "]" * 4000 + "]"],
    "an id that is no number": ['42abc["note"]'],
    "an id beyond all numbers": ['4299999999999999999999["note"]'],
    "a negative id": ['42-1["note"]'],
    "an ack without an id": ["43[1]"],
    "an ack that is an object": ["431{}"],
    "bytes that nobody announced": [b"\1\2\3"],
    "bytes behind an event without attachments": ['42["note"]', b"\1\2\3"],
    "text where attachments are missing": [f'452-["note",{PLACEHOLDER}]', b"\1", '42["note"]'],
    "a second event with attachments where some are missing": [
        f'451-["note",{PLACEHOLDER}]',
        f'451-["x",{PLACEHOLDER}]',
    ],
    "attachments in a number without digits": [f'45-["note",{PLACEHOLDER}]'],
    "attachments of a kind that has none": [f'421-["note",{PLACEHOLDER}]'],
    "eleven attachments": [f'4511-["note",{PLACEHOLDER}]'],
    "a billion attachments": [f'451000000000-["note",{PLACEHOLDER}]'],
    "attachments where it is not": [f'451-/one,["note",{PLACEHOLDER}]'],
    "a placeholder beyond the attachments": ['451-["note",{"_placeholder":true,"num":1}]'],
    "a placeholder below the attachments": ['451-["note",{"_placeholder":true,"num":-1}]'],
    "a placeholder with a word": ['451-["note",{"_placeholder":true,"num":"splice"}]'],
    "a placeholder with half a number": ['451-["note",{"_placeholder":true,"num":0.5}]'],
    "a placeholder with true for a number": ['451-["note",{"_placeholder":true,"num":true}]'],
    "a placeholder without a number": ['451-["note",{"_placeholder":true}]'],
    "a placeholder in a placeholder": ['451-["note",{"_placeholder":true,"num":{"_placeholder":true,"num":0}}]'],
    "a wrong placeholder deep inside": ['451-["note",{"a":[{"b":{"_placeholder":true,"num":7}}]}]'],
    "a placeholder where no attachment is": [f'450-["note",{PLACEHOLDER}]'],
    "an ack with a wrong placeholder": ['461-1[{"_placeholder":true,"num":1}]'],
}


@pytest.mark.parametrize("packets", VIOLATIONS.values(), ids=VIOLATIONS.keys())
async def test_a_connection_ends_with(place: Place, packets: list[str | bytes]) -> None:
    async with place.joined() as frames:
        await frames.say(*packets, '42["note","behind"]')

        await frames.end()

    assert ("behind",) not in place.heard


async def test_other_connections_go_on_when_many_end_at_once(place: Place) -> None:
    async def violate(packets: list[str | bytes]) -> None:
        async with place.joined() as frames:
            await frames.say(*packets, '42["note","behind"]')
            await frames.end()

    async with place.joined() as other:
        await asyncio.gather(*map(violate, VIOLATIONS.values()))

        await other.say('421["echo",1]')
        assert await other.hear_beside_pings() == "431[1]"


def packed(**packet: object) -> bytes:
    """A packet of the msgpack parser, right or wrong."""
    data: bytes = msgpack.packb(packet)
    return data


# What a client with the msgpack parser says, by what is wrong with it.
BINARY_VIOLATIONS: dict[str, str | bytes] = {
    "nothing": b"",
    "text": '42["note"]',
    "what is no msgpack": b"\xc1",
    "something behind the packet": packed(type=2, nsp="/", data=["note"]) + b"\x00",
    "an array": msgpack.packb([2, "/", ["note"]]),
    "no type": packed(nsp="/", data=["note"]),
    "a type that is a word": packed(type="2", nsp="/", data=["note"]),
    "a type of events with attachments": packed(type=5, nsp="/", data=["note"]),
    "no namespace": packed(type=2, data=["note"]),
    "a namespace that is a number": packed(type=2, nsp=1, data=["note"]),
    "a namespace where it is not": packed(type=2, nsp="/one", data=["note"]),
    "a second CONNECT": packed(type=0, nsp="/"),
    "an event without anything": packed(type=2, nsp="/"),
    "an event that is a map": packed(type=2, nsp="/", data={"0": "note"}),
    "a map for a name": packed(type=2, nsp="/", data=[{"toString": "foo"}]),
    "bytes for a name": packed(type=2, nsp="/", data=[b"note"]),
    "a reserved name": packed(type=2, nsp="/", data=["disconnect"]),
    "an id that is a word": packed(type=2, nsp="/", data=["note"], id="splice"),
    "an ack without an id": packed(type=3, nsp="/", data=[1]),
    "an array that says it is longer than it is": b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\xdd\xff\xff\xff\xff",
}


@pytest.mark.parametrize("packet", BINARY_VIOLATIONS.values(), ids=BINARY_VIOLATIONS.keys())
async def test_a_connection_with_the_msgpack_parser_ends_with(place: Place, packet: str | bytes) -> None:
    async with place.engine.frames() as frames:
        await frames.say(packed(type=0, nsp="/"))
        assert isinstance(await frames.hear(), bytes)

        await frames.say(packet, packed(type=2, nsp="/", data=["note", "behind"]))

        await frames.end()
    assert ("behind",) not in place.heard


# What comes before a namespace was asked for.
TOO_EARLY: dict[str, list[str | bytes]] = {
    "an event": ['42["note"]'],
    "an event in another namespace": ['42/one,["note"]'],
    "an event with attachments": [f'451-["note",{PLACEHOLDER}]'],
    "an ack": ["431[]"],
    "a DISCONNECT": ["41"],
    "a ping": ["2"],
    "an upgrade": ["5"],
    "a probe": ["2probe"],
    "no packet": ["4abc"],
    "a CONNECT with an array": ["40[]"],
    "a CONNECT that is larger than one may be": ['40{"token":"' + "x" * 2000 + '"}'],
    "bytes that are no msgpack": [b"\xc1\xc1"],
    "msgpack that is no packet": [msgpack.packb([1, 2, 3])],
    "an event in msgpack": [msgpack.packb({"type": 2, "nsp": "/", "data": ["note"]})],
}


@pytest.mark.parametrize("packets", TOO_EARLY.values(), ids=TOO_EARLY.keys())
async def test_a_connection_ends_with_what_comes_before_its_first_connect(
    place: Place, packets: list[str | bytes]
) -> None:
    async with place.engine.frames() as frames:
        await frames.say(*packets, "40", '42["note","behind"]')

        assert await frames.end() == []

    assert place.heard == []


async def test_a_connection_ends_with_a_message_that_is_too_large(place: Place) -> None:
    async with place.joined() as frames:
        await frames.say(f'42["note","{"x" * MESSAGE}"]')

        await frames.end()
        assert frames.socket.close_code == 1009


async def test_a_connection_ends_with_attachments_that_are_too_large_together(place: Place) -> None:
    async with place.joined() as frames:
        placeholders = ",".join(f'{{"_placeholder":true,"num":{number}}}' for number in range(3))
        await frames.say(f'453-["note",{placeholders}]', *[b"x" * (MESSAGE // 2)] * 3)

        assert await frames.end() == []

    assert place.heard == []


async def test_a_connection_ends_when_attachments_do_not_come(caplog: pytest.LogCaptureFixture) -> None:
    async with witnessed(caplog, ping_interval=0.1, ping_timeout=5.0) as place, place.joined() as frames:
        await frames.say(f'451-["note",{PLACEHOLDER}]')

        assert await frames.hear_beside_pings() is None


async def test_who_asks_for_more_namespaces_than_it_may_be_in_is_refused_those(place: Place) -> None:
    async with place.joined() as frames:
        for name in ("/one", "/two"):
            await frames.enter(name)

        await frames.say("40/three,", '42["note","still here"]', '421["echo"]')

        assert await frames.hear() == '44/three,{"message":"a client may join 3 namespaces"}'
        assert await frames.hear() == "431[]"
        assert place.heard == [("still here",)]


async def test_who_asks_for_namespaces_that_are_not_there_is_refused_each(place: Place) -> None:
    async with place.joined() as frames:
        asked = [f"/{number}" for number in range(300)]
        await frames.say(*(f"40{name}," for name in asked))

        heard = [await frames.hear() for _ in asked]

    assert heard == [f'44{name},{{"message":"Invalid namespace"}}' for name in asked]


async def test_a_connection_ends_when_more_namespaces_are_asked_for_at_a_time_than_are_remembered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    go_on = asyncio.Event()
    async with witnessed(caplog, replace(LIMITS, inbox=Inbox(packets=64))) as place, place.joined() as frames:

        @place.server.namespace("/one").on_connect
        async def connect(socket: Socket) -> None:
            await go_on.wait()

        await frames.say("40/one,", *(f"40/{number}," for number in range(30)))

        assert await frames.end() == []
        go_on.set()


async def test_a_number_is_a_name_for_an_event(place: Place) -> None:
    async with place.joined() as frames:
        await frames.say("42[7]", '421["echo"]')

        assert await frames.hear() == "431[]"
    assert place.server.statistics().unhandled == 1


async def test_an_event_may_announce_that_it_has_no_attachments(place: Place) -> None:
    async with place.joined() as frames:
        await frames.say('450-["note","x"]', '42["note","y"]', '450-1["echo","z"]')

        assert await frames.hear() == '431["z"]'
    assert place.heard == [("x",), ("y",)]


async def test_an_ack_that_nobody_waits_for_is_ignored(place: Place) -> None:
    async with place.joined() as frames:
        await frames.say('43999["late"]', '431["echo"]', f"461-2[{PLACEHOLDER}]", b"\1", '421["echo"]')

        assert await frames.hear() == "431[]"


async def test_who_leaves_a_namespace_says_nothing_more_there(place: Place) -> None:
    async with place.joined() as frames:
        await frames.enter("/one")
        await frames.say("41/one,", '42/one,["note"]')

        assert await frames.end() == []


async def test_what_is_said_before_the_client_knows_that_it_was_put_out_is_dropped(place: Place) -> None:
    async with place.joined() as frames:
        await frames.enter("/one")
        await place.server.namespace("/one").disconnect()

        await frames.say('42/one,["note"]', '421["echo"]')

        assert [await frames.hear(), await frames.hear()] == ["41/one,", "431[]"]
