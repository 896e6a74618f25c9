"""socket.io-client with socket.io-msgpack-parser, which spells each packet in one binary message, on each transport."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon import Server, Socket
from tests.hosts.rig import Site, until
from tests.interop.clients import UNDEFINED, Clients, IoClient, Unanswered, js
from tests.interop.site import Io, native, only

BYTES = bytes(range(256))


class Msgpack(Io):
    """What opens clients with that parser."""

    def open(self, site: Site | str, namespace: str = "", **options: Any) -> IoClient:
        """See Io.open."""
        return super().open(site, namespace, parser="msgpack", **options)


@pytest.fixture
def msgpack(io: Io) -> Msgpack:
    """Opens them over each choice of transports."""
    return Msgpack(io.clients, io.wire)


async def test_a_client_knows_the_id_of_its_socket(msgpack: Msgpack, site: Site) -> None:
    client = await msgpack.connect(site)
    await msgpack.settle(client)

    assert client.sid == only(site.server).id


@pytest.mark.parametrize(
    "auth", [{"token": "a\u00e9\U0001f600"}, {"nested": {"list": [1, None, True], "bytes": b"\x00"}}]
)
async def test_the_handler_is_given_the_credentials(msgpack: Msgpack, site: Site, heard: list[Any], auth: Any) -> None:
    await msgpack.connect(site, auth=auth)

    assert heard == [("connect", auth)]


async def test_who_is_refused_is_told_why_and_more(msgpack: Msgpack, site: Site) -> None:
    client = msgpack.open(site, auth={"token": "wrong"})

    assert await client.told() == ["connect_error", "who are you?", {"wanted": "token"}]


async def test_a_namespace_that_is_not_there_is_refused(msgpack: Msgpack, site: Site) -> None:
    client = msgpack.open(site, "/nowhere")

    assert await client.told() == ["connect_error", "Invalid namespace", None]


async def test_events_of_the_client_come_in_their_order(msgpack: Msgpack, site: Site, heard: list[Any]) -> None:
    client = await msgpack.connect(site)

    client.count("note", 100)
    await until(lambda: len(heard) == 101)

    assert heard[1:] == [("note", number) for number in range(100)]


async def test_events_of_the_server_come_in_their_order(msgpack: Msgpack, site: Site) -> None:
    client = await msgpack.connect(site)

    for number in range(100):
        await only(site.server).emit("number", number)

    assert await client.events(100) == [("number", number) for number in range(100)]


@pytest.mark.parametrize(
    "value",
    [
        *(0, -1, 2**53 - 1, -(2**53) + 1, 4.5, -1.5e-300, True, None, "", "Grüße ☃ \U0001f600", "x" * 70_000),
        [],
        {},
        {"deep": [{"er": [None, {"": ""}]}]},
        list(range(20_000)),
    ],
    ids=lambda value: f"{type(value).__name__} {str(value)[:12]}",
)
async def test_values_come_back_as_they_went(clients: Clients, site: Site, value: Any) -> None:
    client = await Msgpack(clients, "websocket").connect(site)

    assert await client.ask("echo", value) == [value]


@pytest.mark.parametrize("kind", ["Buffer", "Uint8Array", "ArrayBuffer"])
async def test_bytes_of_each_kind_arrive_as_bytes_in_any_place(
    msgpack: Msgpack, site: Site, heard: list[Any], kind: Any
) -> None:
    client = await msgpack.connect(site)

    client.emit("note", js(kind, BYTES), {"deep": [js(kind, b"\x00")]}, js(kind, b"12345678"), js(kind, b""))
    await until(lambda: len(heard) == 2)

    assert heard[1] == ("note", BYTES, {"deep": [b"\x00"]}, b"12345678", b"")


async def test_bytes_of_the_server_arrive_in_any_place(msgpack: Msgpack, site: Site) -> None:
    client = await msgpack.connect(site)

    await only(site.server).emit("bytes", BYTES * 300, {"deep": [b"\x00", b""]})

    assert await client.event() == ("bytes", BYTES * 300, {"deep": [b"\x00", b""]})


async def test_more_values_of_bytes_than_the_text_form_takes(msgpack: Msgpack, site: Site) -> None:
    client = await msgpack.connect(site)
    many = [bytes([number]) * number for number in range(40)]

    assert await client.ask("echo", many) == [many]


async def test_undefined_arrives_as_none_and_a_date_as_its_milliseconds(
    msgpack: Msgpack, site: Site, heard: list[Any]
) -> None:
    client = await msgpack.connect(site)

    client.emit("note", UNDEFINED, js("Date", 1_000_000_000_000), {"u": UNDEFINED, "before": js("Date", -1)})
    await until(lambda: len(heard) == 2)

    assert heard[1] == ("note", None, 1_000_000_000_000, {"u": None, "before": -1})


async def test_one_value_several_or_none_are_the_acknowledgement(msgpack: Msgpack, site: Site) -> None:
    client = await msgpack.connect(site)

    assert await client.ask("echo", {"one": BYTES}) == [{"one": BYTES}]
    assert await client.ask("echo", 1, "two", b"three") == [1, "two", b"three"]
    assert await client.ask("note") == []


async def test_a_handler_that_refuses_withholds_the_acknowledgement(
    msgpack: Msgpack, site: Site, server: Server
) -> None:
    @server.namespace("/").on("strict")
    async def strict(socket: Socket, number: int) -> int:
        return number

    client = await msgpack.connect(site)

    with pytest.raises(Unanswered, match="timed out"):
        await client.ask("strict", "no number", timeout=100)
    assert await client.ask("strict", 7) == [7]


async def test_the_server_asks_and_the_client_answers(msgpack: Msgpack, site: Site) -> None:
    client = await msgpack.connect(site)
    await client.answer("several", 1, b"two")
    await client.answer("none")
    socket = only(site.server)

    answers = [await socket.call("same", {"a": BYTES}), await socket.call("several"), await socket.call("none")]

    assert answers == [{"a": BYTES}, [1, b"two"], None]
    assert await client.events(3) == [("same", {"a": BYTES}), ("several",), ("none",)]


async def test_namespaces_are_joined_beside_one_another(msgpack: Msgpack, site: Site) -> None:
    client = await msgpack.connect(site)
    chat = msgpack.clients.beside(client, "/chat")
    members = msgpack.clients.beside(client, "/members", auth={"token": "wrong"})
    await chat.connected()

    assert await members.told() == ["connect_error", "members only", None]
    assert [await client.ask("where"), await chat.ask("where")] == [["/"], ["/chat"]]
    assert site.server.statistics().sessions == 1


async def test_the_client_leaves_one_namespace_and_then_the_last(
    msgpack: Msgpack, site: Site, heard: list[Any]
) -> None:
    client = await msgpack.connect(site)
    chat = msgpack.clients.beside(client, "/chat")
    await chat.connected()
    heard.clear()

    chat.disconnect()
    await until(lambda: heard == [("disconnect", "/chat", "left")])
    assert await client.ask("where") == ["/"]
    client.disconnect()

    assert [await chat.disconnected(), await client.disconnected()] == ["io client disconnect"] * 2
    await until(lambda: site.server.statistics().sessions == 0)
    assert heard[1:] == [("disconnect", "/", "left")]


async def test_the_server_puts_the_client_out_behind_what_it_said(msgpack: Msgpack, site: Site) -> None:
    client = await msgpack.connect(site)
    socket = only(site.server)

    await socket.emit("last", b"\x00")
    await socket.disconnect()

    assert await client.event() == ("last", b"\x00")
    assert await client.disconnected() == "io server disconnect"
    await until(lambda: site.server.statistics().sessions == 0)


async def test_a_client_without_the_parser_is_served_beside_one_with_it(
    clients: Clients, io: Io, msgpack: Msgpack, site: Site
) -> None:
    text, other = await io.connect(site), await msgpack.connect(site)

    assert await text.ask("echo", b"1", None) == await other.ask("echo", b"1", None) == [b"1", None]


async def test_a_room_is_shared_by_both_parsers_and_native_clients(io: Io, msgpack: Msgpack, site: Site) -> None:
    @site.server.namespace("/").on("say")
    async def say(socket: Socket, what: Any) -> None:
        await site.server.namespace("/").to("room").emit("said", what)

    async with native(site) as member:
        said: list[Any] = []
        member.on("said")(said.append)
        both = [await io.connect(site), await msgpack.connect(site)]
        for client in both:
            await client.ask("join", "room")
        await member.call("join", "room")

        both[0].emit("say", {"text": BYTES})
        await until(lambda: len(said) == 1)
        both[1].emit("say", {"msgpack": BYTES})
        await until(lambda: len(said) == 2)
        await member.emit("say", b"native")
        await until(lambda: len(said) == 3)

        assert said == [{"text": BYTES}, {"msgpack": BYTES}, b"native"]
        for client in both:
            assert await client.events(3) == [("said", what) for what in said]
