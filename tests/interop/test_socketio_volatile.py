"""Volatile events of socket.io-client and to it: they may be lost, and never come late."""

from __future__ import annotations

from typing import Any

from antiphon import Server
from antiphon.testing.proxy import Direction
from tests.hosts.rig import Site, until
from tests.interop.clients import Clients, IoClient
from tests.interop.recovering import proxied
from tests.interop.site import Io, native, only


async def writable(client: IoClient) -> None:
    """Wait until nothing of the client is on its way: what is volatile is dropped before."""
    while not (await client.looks())["writable"]:
        pass


async def test_a_client_is_told_what_is_volatile(io: Io, site: Site) -> None:
    client = await io.connect(site)
    await io.settle(client)

    await only(site.server).emit("tick", 1, volatile=True)

    assert await client.event() == ("tick", 1)


async def test_a_client_is_told_bytes_that_are_volatile(io: Io, site: Site) -> None:
    client = await io.connect(site)
    await io.settle(client)

    await only(site.server).emit("tick", {"bytes": b"\x00\xff"}, volatile=True)

    assert await client.event() == ("tick", {"bytes": b"\x00\xff"})


async def test_everybody_is_told_what_is_volatile(clients: Clients, site: Site, server: Server) -> None:
    async with native(site) as ours:
        ticks: list[int] = []
        ours.on("tick")(ticks.append)
        others = [clients.open(site.origin, wire) for wire in ("polling", "websocket")]
        for client in others:
            await client.connected()

        await server.namespace("/").emit("tick", 1, volatile=True)

        assert [await client.event() for client in others] == [("tick", 1)] * 2
        await until(lambda: ticks == [1])


async def test_what_is_volatile_keeps_its_place_among_the_rest(io: Io, site: Site) -> None:
    client = await io.connect(site)
    await io.settle(client)
    socket = only(site.server)

    await socket.emit("first")
    await socket.emit("tick", volatile=True)
    await socket.emit("last")

    heard = [name for (name,) in await client.events(2)]
    if heard[-1] != "last":
        heard += await client.event()
    assert heard in (["first", "tick", "last"], ["first", "last"])


async def test_a_client_says_what_is_volatile(io: Io, site: Site, heard: list[Any]) -> None:
    client = await io.connect(site, "/chat")
    await io.settle(client)
    await writable(client)

    client.emit("note", "volatile", b"\x00", volatile=True)

    await until(lambda: heard == [("note", "volatile", b"\x00")])


async def test_what_is_volatile_before_the_client_is_connected_is_lost(io: Io, site: Site, heard: list[Any]) -> None:
    client = io.open(site, "/chat")

    client.emit("note", "volatile", volatile=True)
    client.emit("note", "kept")

    await until(lambda: heard == [("note", "kept")])


async def test_a_client_that_does_not_read_misses_what_is_volatile_and_nothing_else(io: Io, site: Site) -> None:
    async with proxied(site, io.clients) as proxy:
        client = await io.connect(proxy.url)
        await io.settle(client)
        socket = only(site.server)
        await until(lambda: socket.transport == ("polling" if io.wire == "polling" else "websocket"))
        proxy.stall(Direction.DOWN)
        sent = 0

        def dropped() -> bool:
            nonlocal sent
            if not socket.statistics().waiting.packets:  # the network takes much by itself
                socket.emit_nowait("kept", sent, "x" * 100_000)
                sent += 1
            socket.emit_nowait("tick", volatile=True)  # what is stale is dropped when more comes
            return socket.statistics().dropped > 0

        await until(dropped)
        await socket.emit("end")
        proxy.release()

        heard = []
        while (event := await client.event()) != ("end",):
            heard += [event[1]] if event[0] == "kept" else []
        assert heard == list(range(sent))
