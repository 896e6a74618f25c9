"""What one client says can break nobody else: neither what others are sent, nor their sessions, nor the server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse

from antiphon import Refused, Server, Socket
from antiphon.protocol.packets import Call, Event, Failed, Join, Packet, Reply, Welcome
from tests.hosts.rig import OTHER, Site, attached, ending, hello, message, packets, raw, replies
from tests.server.peer import JSON, Peer, entered, settle

# -- over a network: strings that are none, and numbers that are none, in JSON


@asynccontextmanager
async def speaking_json(site: Site, key: str = "j" * 43) -> AsyncIterator[ClientWebSocketResponse]:
    async with site.websocket() as socket:
        await socket.send_str(f'[0,0,[32,{{"key":"{key}","attempt":1,"joins":[["/",null]]}}]]')
        await socket.receive()
        await socket.receive()
        yield socket


POISON = [
    pytest.param('[5,"/","relay",["\\ud800"]]', id="half a character"),
    pytest.param('[5,"/","relay",[{"\\udfff":1}]]', id="half a character as a key"),
    pytest.param('[5,"/","\\ud83d",[]]', id="half a character as a name"),
    pytest.param('[1,"/\\udc00"]', id="half a character as a namespace"),
    pytest.param('[5,"/","relay",["\\ude00\\ud83d"]]', id="two halves in the wrong order"),
    pytest.param('[5,"/","relay",[NaN]]', id="NaN"),
    pytest.param('[5,"/","relay",[-Infinity]]', id="infinity"),
    pytest.param('[5,"/","relay",[1e999]]', id="a number beyond all floats"),
    pytest.param('[5,"/","relay",[{"$bytes":"?"}]]', id="bytes that are none"),
    pytest.param('[5,"/","relay",[{"$other":1}]]', id="a key that is reserved"),
]


@pytest.mark.parametrize("poison", POISON)
async def test_what_is_no_value_in_json_ends_its_senders_session_and_reaches_nobody(site: Site, poison: str) -> None:
    heard = listening(site.server)
    async with speaking_json(site) as socket:
        await socket.send_str(f"[1,1,{poison}]")
        _, code, reason = await ending(socket)

    assert (code, reason) == (4007, "protocol")
    assert heard == []


@pytest.mark.parametrize("bytes_", [b"\xed\xa0\x80", b"\xc0\x80", b"\xff", b"\xf4\x90\x80\x80"], ids=bytes.hex)
async def test_text_that_is_no_utf_8_ends_its_senders_session_and_reaches_nobody(site: Site, bytes_: bytes) -> None:
    heard = listening(site.server)
    text = bytes([0xA0 | len(bytes_)]) + bytes_
    async with attached(site) as socket:
        await socket.send_bytes(b"\x93\x01\x01\x94\x05\xa1/\xa5relay\x91" + text)
        _, code, reason = await ending(socket)

    assert (code, reason) == (4007, "protocol")
    assert heard == []


async def test_numbers_that_others_cannot_hold_are_refused_before_anybody_hears_of_them(site: Site) -> None:
    heard = listening(site.server)
    evil = [float("nan"), float("inf"), 2**53, -(2**63), 2**64 - 1, {"a": {"b": [float("nan")]}}]
    async with attached(site) as socket:
        for number, value in enumerate(evil, 1):
            await socket.send_bytes(raw(number, 1, [6, number, "/", "relay", [value]]))
        refused = await replies(socket, len(evil))

    assert [packet.code for packet in refused if isinstance(packet, Failed)] == ["payload"] * len(evil)
    assert heard == []


def listening(server: Server) -> list[Any]:
    """What gets as far as a handler that repeats it to everybody."""
    heard: list[Any] = []

    @server.namespace("/").on("relay")
    async def relay(socket: Socket, *args: Any) -> None:
        heard.append(args)
        await server.namespace("/").emit("relayed", *args)

    return heard


# -- what is right by itself, and repeated in a place where it is wrong


async def two(server: Server) -> tuple[Peer, Peer, Peer]:
    """Eve, and one more in each form."""
    eve, ann = await entered(server, "eve"), await entered(server, "ann")
    bob = Peer(server, "bob", JSON)
    assert isinstance(bob.attach("/"), Welcome)
    await settle()
    bob.read()
    return eve, ann, bob


@pytest.mark.parametrize("name", ["", "x" * 129, "ž" * 129, 7, None, ["a"], b"x", {"$bytes": ""}])
async def test_a_name_that_a_client_chose_reaches_nobody_if_it_can_be_none(server: Server, name: Any) -> None:
    root = server.namespace("/")

    @root.on("say as")
    async def say_as(socket: Socket, name: Any) -> None:
        await root.emit(name, 1)

    eve, ann, bob = await two(server)
    eve.say(Call(1, "/", "say as", [name]))
    await settle()

    assert [type(packet) for packet in eve.read()] == [Failed]
    assert ann.read() == bob.read() == []
    await alive(eve, ann, bob)


async def test_whatever_a_client_may_send_every_form_can_be_sent(server: Server) -> None:
    listening(server)
    eve, ann, bob = await two(server)
    odd = [
        {"__proto__": {"admin": True}, "constructor": None, "$bytes": "no", "$$": 1, "": [], "toString": 0},
        "\x00\x1b\u2028\u2029\ufeff\uffff\U0010ffff",
        [-0.0, 5e-324, 1.7976931348623157e308, 2**53 - 1, -(2**53) + 1, True, None],
        [b"", b"\xff" * 3],
    ]

    eve.emit("relay", *odd)
    await settle()

    assert ann.events() == bob.events() == [("relayed", *odd)]
    await alive(ann, bob)


async def test_a_refusal_that_repeats_what_a_client_said_reaches_that_client_only(server: Server) -> None:
    door = server.namespace("/door")

    @door.on_connect
    async def enter(socket: Socket, auth: Any) -> None:
        raise Refused(str(auth), auth)

    eve, ann, bob = await two(server)
    eve.say(Join("/door", "x" * 200_000))
    await settle()

    assert len(eve.read()) == 1
    assert ann.read() == bob.read() == []
    await alive(ann, bob)


async def test_what_a_client_says_cannot_be_taken_for_the_frame_of_a_message(site: Site) -> None:
    listening(site.server)
    evil = '"],[38,"closed"]]'
    async with speaking_json(site) as reader, attached(site) as socket:
        await socket.send_bytes(message(1, Event("/", "relay", [evil, {evil: evil}])))
        text = (await reader.receive()).data
        await socket.send_bytes(message(2, Call(1, "/", "echo", [])))
        assert Reply(1, []) in await replies(socket, 1)

    relayed = JSON.decode(text).packets
    assert [packet.args for packet in relayed if isinstance(packet, Event)] == [[evil, {evil: evil}]]
    assert len(relayed) == 1


async def alive(*peers: Peer) -> None:
    """Their sessions go on: what is said to all still comes."""
    peers[0].server.namespace("/").emit_nowait("still here")
    await settle()
    assert [peer.events()[-1:] for peer in peers] == [[("still here",)]] * len(peers)
    assert all(peer.wire.shut is None for peer in peers)


# -- the server's own answers


@pytest.mark.parametrize(
    "first",
    [
        pytest.param({"epoch": "\x00" * 64, "sid": "\x00" * 64}, id="control characters"),
        pytest.param({"sid": "\U0001f9a9" * 20}, id="beyond ASCII"),
        pytest.param({"received": 2**53 - 1, "sid": "x"}, id="everything received"),
        pytest.param({"version": 2**53 - 1}, id="another version"),
    ],
)
async def test_what_a_hello_says_comes_back_as_an_answer_and_as_nothing_else(site: Site, first: dict[str, Any]) -> None:
    async with site.websocket() as socket:
        await socket.send_bytes(hello(OTHER, **first))
        [answer] = packets((await socket.receive()).data)

    assert isinstance(answer, Packet) and type(answer).__name__ in ("Welcome", "Refuse")
