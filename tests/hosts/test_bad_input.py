"""What broken clients and strangers say: each gets its own clear answer, and nobody else notices."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import msgpack
import pytest

from antiphon import Limits, Server
from antiphon.protocol.packets import Ack, Call, Close, Event, Failed, Ping, Pong, Reply
from tests.hosts.rig import (
    CODEC,
    KEY,
    OTHER,
    Site,
    attached,
    ending,
    hello,
    message,
    packets,
    raw,
    replies,
    served,
    undisturbed,
)

DEEP: Any = []
for _ in range(40):
    DEEP = [DEEP]

# -- messages of a session


@pytest.mark.parametrize(
    "received",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xc1", id="no msgpack"),
        pytest.param(b"\x93\x01", id="cut off"),
        pytest.param(raw(1, 0) + b"\x00", id="bytes behind it"),
        pytest.param(b"\xc0", id="nil"),
        pytest.param(b"\x81\xa1n\x01", id="a map"),
        pytest.param(b"\x90", id="an empty array"),
        pytest.param(raw(1), id="no count"),
        pytest.param(b"\xdd\xff\xff\xff\xff\x01\x00", id="four billion packets"),
        pytest.param(b"\x93\x01\x01\x94\x05\xa1/\xa1e\xdd\xff\xff\xff\xff", id="four billion arguments"),
        pytest.param(b"\x93\x01\x01\x94\x05\xa1/\xa1e\x91\xc6\xff\xff\xff\xff", id="four billion bytes"),
        pytest.param(b"\x93\x01\x01\x94\x05\xa1/\xa1e\x91\xdf\xff\xff\xff\xff", id="four billion keys"),
        pytest.param(b"\x91" * 100_000, id="a hundred thousand levels"),
        pytest.param(b"\x93\x01\x01\x94\x05\xa1/\xa1\xff\x90", id="a name that is no UTF-8"),
        pytest.param(raw(-1, 0), id="a negative number"),
        pytest.param(raw(1.0, 0), id="a float as number"),
        pytest.param(raw(float("nan"), 0), id="NaN as number"),
        pytest.param(raw(True, 0), id="a boolean as number"),
        pytest.param(raw("1", 0), id="a string as number"),
        pytest.param(raw(2**53, 0), id="a number beyond 2**53"),
        pytest.param(raw(2**64 - 1, 0), id="the largest number"),
        pytest.param(raw(1, -1, [5, "/", "e", []]), id="a negative count"),
        pytest.param(raw(1, 1.0, [5, "/", "e", []]), id="a float as count"),
        pytest.param(raw(1, 2**53, [5, "/", "e", []]), id="a count beyond 2**53"),
        pytest.param(raw(0, 1, [5, "/", "e", []]), id="a first number of 0"),
        pytest.param(raw(1, 0, 7), id="a packet that is no array"),
        pytest.param(raw(1, 0, []), id="an empty packet"),
        pytest.param(raw(1, 0, [0]), id="type 0"),
        pytest.param(raw(1, 0, [64]), id="type 64"),
        pytest.param(raw(1, 0, [-5]), id="a negative type"),
        pytest.param(raw(1, 1, [5.0, "/", "e", []]), id="a float as type"),
        pytest.param(raw(1, 1, ["5", "/", "e", []]), id="a string as type"),
        pytest.param(raw(1, 1, [5]), id="an event without anything"),
        pytest.param(raw(1, 1, [5, 7, "e", []]), id="a namespace that is a number"),
        pytest.param(raw(1, 1, [5, "/", "e", {}]), id="arguments that are a map"),
        pytest.param(raw(1, 1, [6, 0, "/", "e", []]), id="call 0"),
        pytest.param(raw(1, 1, [6, -1, "/", "e", []]), id="a negative call"),
        pytest.param(raw(1, 1, [6, 1.5, "/", "e", []]), id="a fractional call"),
        pytest.param(raw(1, 0, [35, -1]), id="a negative ack"),
        pytest.param(raw(1, 0, [35, 1.5]), id="a fractional ack"),
        pytest.param(raw(1, 0, [35, 2**53]), id="an ack beyond 2**53"),
        pytest.param(raw(1, 0, [35, 1_000]), id="an ack of what was never sent"),
        pytest.param(raw(1, 0, [35, 1, 1_000]), id="received what was never sent"),
        pytest.param(raw(1, 0, [35, 1, 0]), id="received less than handled"),
        pytest.param(raw(1, 0, [36, "now"]), id="a ping at no time"),
        pytest.param(hello(OTHER, attempt=2), id="a second Hello"),
        pytest.param(raw(0, 0, [34, "code"]), id="a Refuse"),
        pytest.param("[1,0]", id="text in a msgpack session"),
    ],
)
async def test_what_breaks_the_protocol_ends_that_session_and_says_so(site: Site, received: bytes | str) -> None:
    async with attached(site) as socket:
        await (socket.send_bytes(received) if isinstance(received, bytes) else socket.send_str(received))
        heard, code, reason = await ending(socket)

    assert (code, reason) == (4007, "protocol")
    [close] = [packet for packet in heard if isinstance(packet, Close)]
    assert close.code == "protocol"
    assert close.reason, "it says what was wrong"


@pytest.mark.parametrize(
    ("received", "word"),
    [
        pytest.param(raw(1, 2, [5, "/", "echo", []]), "miscounted", id="says two and holds one"),
        pytest.param(raw(1, 0, [5, "/", "echo", []]), "miscounted", id="says none and holds one"),
        pytest.param(raw(1, 2**53 - 1, [5, "/", "echo", []]), "miscounted", id="says very many"),
        pytest.param(raw(1, 1, [36, 1]), "miscounted", id="says one and holds none"),
        pytest.param(raw(1, 1, [31, "?"]), "unsupported", id="a counted packet that nobody knows"),
    ],
)
async def test_a_lying_count_and_an_unknown_counted_packet_have_words_of_their_own(
    site: Site, received: bytes, word: str
) -> None:
    async with attached(site) as socket:
        await socket.send_bytes(received)
        heard, code, reason = await ending(socket)

    assert (code, reason) == (4007, word)
    assert [packet.code for packet in heard if isinstance(packet, Close)] == [word]


async def test_a_flood_ends_that_session(site: Site) -> None:
    held = asyncio.Event()

    @site.server.namespace("/").on("hold")
    async def hold(socket: Any) -> None:
        await held.wait()

    async with attached(site) as socket:
        for number in range(1, 1000):
            with contextlib.suppress(ConnectionError):
                await socket.send_bytes(message(number, Event("/", "hold", [])))
        _, code, reason = await ending(socket)
    held.set()

    assert (code, reason) == (4007, "flood")


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param([63, "?"], id="an uncounted packet that nobody knows"),
        pytest.param([36, 1, "more", "fields"], id="fields that came later"),
    ],
)
async def test_what_may_be_ignored_is(site: Site, packet: list[Any]) -> None:
    async with attached(site) as socket:
        await socket.send_bytes(raw(1, 1, packet, [6, 1, "/", "echo", ["alive"]]))

        assert Reply(1, ["alive"]) in await replies(socket, 1)


@pytest.mark.parametrize(
    ("args", "parameter"),
    [
        pytest.param([DEEP], "Call", id="too deep"),
        pytest.param([dict.fromkeys(map(str, range(1025)))], "Call", id="too many keys"),
        pytest.param([float("nan")], "Call", id="NaN"),
        pytest.param([float("-inf")], "Call", id="infinity"),
        pytest.param([2**53], "Call", id="an integer beyond 2**53"),
        pytest.param([-(2**63)], "Call", id="the smallest integer"),
        pytest.param([{1: "one"}], "Call", id="a key that is a number"),
        pytest.param([msgpack.ExtType(7, b"x")], "Call", id="an extension"),
        pytest.param([msgpack.Timestamp(1)], "Call", id="a timestamp"),
    ],
)
async def test_what_breaks_a_limit_is_refused_by_itself_and_the_session_lives(
    site: Site, args: list[Any], parameter: str
) -> None:
    async with attached(site) as socket:
        await socket.send_bytes(raw(1, 1, [6, 1, "/", "echo", args]))
        await socket.send_bytes(raw(2, 1, [6, 2, "/", "echo", ["alive"]]))
        refused, alive = await replies(socket, 2)

    assert isinstance(refused, Failed) and refused.code == "payload"
    assert refused.data["parameter"].startswith(parameter)
    assert alive == Reply(2, ["alive"])


async def test_a_name_that_is_too_long_is_refused_by_itself(site: Site) -> None:
    async with attached(site) as socket:
        await socket.send_bytes(raw(1, 1, [6, 1, "/", "e" * 129, []]))
        await socket.send_bytes(raw(2, 1, [6, 2, "/" + "n" * 128, "e", []]))
        event, namespace = await replies(socket, 2)

    assert isinstance(event, Failed) and event.data["parameter"] == "name"
    assert isinstance(namespace, Failed) and namespace.code == "payload"


@pytest.mark.parametrize("name", ["nobody", "", "__proto__", "\r\n\x1b[31m", "\u202e"])
async def test_an_unknown_event_is_answered_and_the_session_lives(site: Site, name: str) -> None:
    async with attached(site) as socket:
        await socket.send_bytes(message(1, Event("/", name, []), Call(1, "/", name, []), Call(2, "/", "echo", [])))
        unknown, alive = await replies(socket, 2)

    assert isinstance(unknown, Failed) and unknown.code == "unknown_event"
    assert alive == Reply(2, [])


async def test_a_gap_closes_the_transport_and_keeps_the_session(site: Site) -> None:
    async with attached(site) as socket:
        await socket.send_bytes(message(7, Event("/", "echo", [])))
        _, code, reason = await ending(socket)

    assert (code, reason) == (4004, "expected number 1, got 7")
    assert site.server.statistics().sessions == 2


async def test_a_message_above_the_limit_is_1009_and_keeps_the_session(site: Site) -> None:
    async with attached(site) as socket:
        with contextlib.suppress(ConnectionError):
            await socket.send_bytes(b"x" * (2 << 20))
        _, code, _ = await ending(socket)

    assert code == 1009
    assert site.server.statistics().sessions == 2


async def test_what_one_client_sends_cannot_break_what_others_are_sent(site: Site) -> None:
    @site.server.namespace("/").on("tell all")
    async def tell(socket: Any, *args: Any) -> None:
        await site.server.namespace("/").emit("told", *args)

    poison = [{"__proto__": {"x": 1}, "constructor": None, "$bytes": "no", "": []}, "\u2028\ufeff\x00", b"\xff", -0.0]
    async with attached(site) as socket, site.websocket() as reader:
        await reader.send_str('[0,0,[32,{"key":"' + "j" * 43 + '","attempt":1,"joins":[["/",null]]}]]')
        await reader.receive()
        await reader.receive()
        await socket.send_bytes(message(1, Event("/", "tell all", poison)))

        received = packets((await socket.receive()).data)
        as_json = (await reader.receive()).data

    assert [packet.args for packet in received if isinstance(packet, Event)] == [poison]
    assert "told" in as_json
    assert CODEC.form == "msgpack"


# -- before Hello


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(b"\xc1", id="no msgpack"),
        pytest.param("not JSON", id="no JSON"),
        pytest.param("[" * 10_000, id="deep JSON"),
        pytest.param('{"$bytes":"?"}', id="no message"),
        pytest.param(b"\x91" * 10_000, id="deep msgpack"),
        pytest.param(raw(0, 0, [32, {"key": KEY}]), id="a Hello without attempt"),
        pytest.param(raw(0, 0, [32, {"attempt": 1}]), id="a Hello without key"),
        pytest.param(raw(0, 0, [32, {"key": 7, "attempt": 1}]), id="a key that is a number"),
        pytest.param(raw(0, 0, [32, {"key": "short", "attempt": 1}]), id="a short key"),
        pytest.param(raw(0, 0, [32, {"key": KEY, "attempt": -1}]), id="a negative attempt"),
        pytest.param(raw(0, 0, [32, {"key": KEY, "attempt": 1.5}]), id="a fractional attempt"),
        pytest.param(raw(0, 0, [32, {"key": KEY, "attempt": 2**60}]), id="a huge attempt"),
        pytest.param(raw(0, 0, [32, {"key": KEY, "attempt": 1, "received": -1}]), id="received less than nothing"),
        pytest.param(raw(0, 0, [32, {"key": KEY, "attempt": 1, "sid": 7}]), id="a sid that is a number"),
        pytest.param(raw(0, 0, [32, {"key": KEY, "attempt": 1, "joins": "/"}]), id="joins that are a string"),
        pytest.param(raw(0, 0, [32, {"key": KEY, "attempt": 1, "auth": DEEP}]), id="a deep auth"),
        pytest.param(raw(0, 0, [32, [KEY, 1]]), id="a Hello that is an array"),
        pytest.param(raw(0, 0, [32]), id="an empty Hello"),
        pytest.param('[0,0,[32,{"key":"\\ud800' + "k" * 43 + '","attempt":1}]]', id="half a character in the key"),
        pytest.param(message(1, Event("/", "echo", [])), id="an event"),
        pytest.param(message(0, Ack(0)), id="an ack"),
        pytest.param(hello(auth="x" * (16 << 10)), id="a Hello above 16 KiB"),
        pytest.param(b"x" * 500_000, id="half a megabyte"),
    ],
)
async def test_what_is_no_hello_is_4001_and_leaves_nothing(site: Site, first: bytes | str) -> None:
    async with site.websocket() as socket:
        await (socket.send_bytes(first) if isinstance(first, bytes) else socket.send_str(first))
        heard, code, reason = await ending(socket)

    assert (heard, code) == ([], 4001)
    assert reason, "it says what was wrong"
    assert KEY not in reason
    assert site.server.statistics().sessions == 1

    async with site.post("attach", first, _type_of(first)) as response:
        assert response.status == (413 if len(first) > 16 << 10 else 400)
        assert KEY not in await response.text()


def _type_of(body: bytes | str) -> dict[str, str]:
    return {} if isinstance(body, bytes) else {"Content-Type": "application/json"}


async def test_a_first_message_above_every_limit_is_4001_before_it_is_there(site: Site) -> None:
    async with site.websocket() as socket:
        with contextlib.suppress(ConnectionError):
            await socket.send_bytes(b"x" * (2 << 20))
        _, code, reason = await ending(socket)

    assert (code, reason) == (4001, "a Hello has at most 16384 bytes")


@pytest.mark.parametrize("pings", [0, 1])
async def test_silence_instead_of_hello_is_4000(caplog: pytest.LogCaptureFixture, pings: int) -> None:
    server = Server(limits=Limits(hello_timeout=0.3))
    async with served(server) as site, undisturbed(site, caplog), site.websocket() as socket:
        for number in range(pings):
            await socket.send_bytes(message(0, Ping(number)))
        heard, code, reason = await ending(socket)

    assert (code, reason) == (4000, "no Hello came in time")
    assert [type(packet) for packet in heard] == [Pong] * pings


def test_a_hello_must_come_within_10_seconds_by_default() -> None:
    assert Limits().hello_timeout == 10.0


async def test_who_has_said_hello_is_not_asked_for_it_again(caplog: pytest.LogCaptureFixture) -> None:
    server = Server(limits=Limits(hello_timeout=0.1))
    async with served(server) as site, undisturbed(site, caplog), attached(site) as socket:
        await asyncio.sleep(0.2)
        await socket.send_bytes(message(1, Call(1, "/", "echo", [])))

        assert await replies(socket, 1) == [Reply(1, [])]
