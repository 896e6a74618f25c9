"""The life of a server: it starts, lets time pass, and stops."""

from __future__ import annotations

import asyncio
import logging

import pytest

from antiphon import Disconnected, LocalProtocolError, Server, Socket
from antiphon.protocol.closing import TransportCode
from antiphon.protocol.packets import Event
from tests.server.peer import entered, settle


async def test_close_ends_every_session_sees_everybody_off_and_closes_the_transports(server: Server) -> None:
    root, gone = server.namespace("/"), []

    @root.on_disconnect
    async def leave(socket: Socket, reason: Disconnected) -> None:
        await asyncio.sleep(0)
        gone.append(reason.code)

    ann, bob = await entered(server, "ann"), await entered(server, "bob")
    bob.wire.lost()

    await server.close()

    assert gone == ["shutdown", "shutdown"]
    assert ann.wire.shut is not None and ann.wire.shut[0] == TransportCode.GOING_AWAY
    assert server.statistics().sessions == 0
    assert root.count() == 0


async def test_close_waits_for_what_was_accepted(server: Server) -> None:
    root, handled = server.namespace("/"), []

    @root.on("say")
    async def say(socket: Socket, text: str) -> None:
        await asyncio.sleep(0)
        handled.append(text)

    ann = await entered(server)
    ann.say(*(Event("/", "say", [text]) for text in "abc"))

    await server.close()

    assert handled == ["a", "b", "c"]


async def test_close_does_not_wait_for_ever(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    root, seen = server.namespace("/"), []

    @root.on("hang")
    async def hang(socket: Socket) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("cancelled")

    @root.on_disconnect
    async def leave(socket: Socket, reason: Disconnected) -> None:
        seen.append(reason.code)

    ann = await entered(server)
    ann.emit("hang")
    ann.emit("hang")
    await settle()

    await server.close(patience=0.01)

    assert seen == ["cancelled", "shutdown"]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert len(asyncio.all_tasks()) == 1


async def test_a_handler_may_close_the_server(server: Server) -> None:
    root, seen = server.namespace("/"), []

    @root.on("shutdown")
    async def shutdown(socket: Socket) -> None:
        await server.close()
        seen.append("closed")

    @root.on_disconnect
    async def leave(socket: Socket, reason: Disconnected) -> None:
        seen.append(reason.code)

    ann = await entered(server)
    ann.emit("shutdown")
    await settle()

    assert seen == ["closed", "shutdown"]


async def test_closing_twice_is_closing_once(server: Server) -> None:
    await entered(server)

    await server.close()
    await server.close()


async def test_a_closed_server_is_not_started_again(server: Server) -> None:
    await server.close()

    with pytest.raises(LocalProtocolError, match="make a new one"):
        server.start()


async def test_a_server_that_is_not_started_says_so_where_it_is_used() -> None:
    with pytest.raises(LocalProtocolError, match="not started; mount it"):
        Server().namespace("/").emit_nowait("hi")


async def test_time_passes_by_itself_once_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("antiphon.server.server.TICK", 0.001)
    server, ticks = Server(), asyncio.Event()
    registry = server.registry
    monkeypatch.setattr(type(registry), "forget", lambda self, now: ticks.set())

    server.start()
    server.start()
    await asyncio.wait_for(ticks.wait(), 5)
    await server.close()

    assert len(asyncio.all_tasks()) == 1


async def test_starting_and_closing_leaves_no_task_behind() -> None:
    server = Server()
    server.start()
    ann = await entered(server)
    ann.wire.lost()

    await server.close()

    assert len(asyncio.all_tasks()) == 1


async def test_two_servers_have_different_start_ids() -> None:
    assert Server().epoch != Server().epoch


async def test_ids_of_calls_are_never_used_twice_by_one_server(server: Server) -> None:
    assert len({server.next_call() for _ in range(1000)}) == 1000
