"""Bytes in the events of socket.io-client: of every kind, at any place, and beside text."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hosts.rig import Site, until
from tests.interop.clients import js
from tests.interop.site import Io, only

BYTES = bytes(range(256))
LARGE = BYTES * 800

VALUES = [
    pytest.param([BYTES], id="at the top"),
    pytest.param([b""], id="empty"),
    pytest.param([BYTES, "text", b"\x00", None, b""], id="several, and text"),
    pytest.param([{"a": {"b": [1, BYTES, {"c": b"\xff"}]}}], id="nested"),
    pytest.param([[b"a", b"b", b"c", b"d", b"e", b"f", b"g", b"h", b"i", b"j"]], id="ten"),
    pytest.param([BYTES, BYTES, {"again": BYTES}], id="the same several times"),
    pytest.param([LARGE], id="200 KB"),
    pytest.param([{"text": "\u65e5\u672c", "bytes": BYTES}], id="beside unicode"),
]


@pytest.mark.parametrize("args", VALUES)
async def test_a_client_says_bytes(io: Io, site: Site, heard: list[Any], args: list[Any]) -> None:
    client = await io.connect(site, "/chat")

    client.emit("note", *args)

    await until(lambda: heard == [("note", *args)])


@pytest.mark.parametrize("args", VALUES)
async def test_a_client_is_told_bytes(io: Io, site: Site, args: list[Any]) -> None:
    client = await io.connect(site)

    await only(site.server).emit("told", *args)

    assert await client.event() == ("told", *args)


@pytest.mark.parametrize("kind", ["Buffer", "Uint8Array", "ArrayBuffer"])
async def test_bytes_of_every_kind_are_bytes(io: Io, site: Site, heard: list[Any], kind: Any) -> None:
    client = await io.connect(site, "/chat")

    client.emit("note", js(kind, BYTES), {"nested": js(kind, b"")})

    await until(lambda: heard == [("note", BYTES, {"nested": b""})])


async def test_numbers_in_a_typed_array_are_their_bytes(io: Io, site: Site, heard: list[Any]) -> None:
    client = await io.connect(site, "/chat")

    client.emit("note", js("Float32Array", [1.0, -2.0]))

    await until(lambda: heard == [("note", bytes.fromhex("0000803f000000c0"))])


async def test_bytes_and_text_keep_their_order(io: Io, site: Site, heard: list[Any]) -> None:
    client = await io.connect(site, "/chat")
    said: list[Any] = [number if number % 3 else number.to_bytes(2, "big") for number in range(150)]

    for value in said:
        client.emit("note", value)

    await until(lambda: len(heard) == 150)
    assert heard == [("note", value) for value in said]


async def test_bytes_and_text_come_back_in_their_order(io: Io, site: Site) -> None:
    client = await io.connect(site)
    said: list[Any] = [number if number % 3 else number.to_bytes(2, "big") for number in range(150)]

    for value in said:
        client.emit("back", value, {"again": value})

    assert await client.events(150) == [("back", value, {"again": value}) for value in said]


async def test_bytes_in_two_namespaces_do_not_mix(io: Io, site: Site, heard: list[Any]) -> None:
    root = await io.connect(site)
    chat = io.clients.beside(root, "/chat")
    await chat.connected()

    for number in range(20):
        root.emit("back", "root", bytes([number, number]))
        chat.emit("back", "chat", bytes([number]))

    assert await root.events(20) == [("back", "root", bytes([number, number])) for number in range(20)]
    assert await chat.events(20) == [("back", "chat", bytes([number])) for number in range(20)]


async def test_bytes_among_credentials_are_what_json_makes_of_them(io: Io, site: Site, heard: list[Any]) -> None:
    client = await io.connect(site, auth={"key": b"\x01\x02"})

    assert heard == [("connect", {"key": {"type": "Buffer", "data": [1, 2]}})]
    assert await client.ask("echo", BYTES) == [BYTES]
