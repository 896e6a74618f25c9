"""Suspend and resume: a cut and its end are told in pairs, in the order of what the session does."""

from __future__ import annotations

import asyncio

import pytest

import antiphon
from antiphon import LocalProtocolError, Server, Socket
from antiphon.client.client import Client
from antiphon.protocol.packets import Close, Event, Join
from antiphon.testing.clock import ManualClock
from tests.server.peer import Peer, Poller, entered, settle


@pytest.fixture
def told(server: Server) -> list[str]:
    """What the hooks of "/" and "/b" were told, and what was handled between."""
    told: list[str] = []
    for name in ("/", "/b"):
        namespace = server.namespace(name)
        namespace.on_connect(lambda socket: told.append(f"{socket.namespace.name} in"))
        namespace.on_suspend(lambda socket: told.append(f"{socket.namespace.name} cut"))
        namespace.on_resume(lambda socket: told.append(f"{socket.namespace.name} back"))
        namespace.on_disconnect(lambda socket, reason: told.append(f"{socket.namespace.name} {reason.code}"))
        namespace.on("say")(lambda socket, text: told.append(text))
    return told


async def come_back(peer: Peer) -> None:
    peer.attach()
    await settle()


async def test_a_cut_and_its_end_are_told_in_pairs(server: Server, told: list[str]) -> None:
    ann = await entered(server, "ann", "/", "/b")

    for _ in range(2):
        ann.wire.lost()
        await settle()
        await come_back(ann)

    assert told == ["/ in", "/b in", *["/ cut", "/b cut", "/ back", "/b back"] * 2]


async def test_a_cut_that_is_over_before_the_hook_had_its_turn_is_told_all_the_same(
    server: Server, told: list[str]
) -> None:
    door = asyncio.Event()

    @server.namespace("/").on("work")
    async def work(socket: Socket) -> None:
        await door.wait()
        told.append("worked")

    ann = await entered(server)
    ann.emit("work")
    ann.emit("say", "behind")
    await settle()
    ann.wire.lost()
    ann.attach()
    await settle()
    assert told == ["/ in"]

    door.set()
    await settle()

    assert told == ["/ in", "worked", "/ cut", "/ back", "behind"]


async def test_cuts_behind_a_handler_that_takes_long_do_not_pile_up(
    server: Server, clock: ManualClock, told: list[str]
) -> None:
    door = asyncio.Event()

    @server.namespace("/").on("work")
    async def work(socket: Socket) -> None:
        await door.wait()

    ann = await entered(server)
    ann.emit("work")
    await settle()

    for _ in range(500):
        ann.wire.lost()
        clock.advance(0.4)
        ann.attach()
    door.set()
    await settle()
    ann.wire.lost()
    await settle()

    assert told == ["/ in", *["/ cut", "/ back"] * 128, "/ cut"]


async def test_a_take_over_tells_nobody(server: Server, told: list[str]) -> None:
    ann = await entered(server)

    await come_back(ann)

    assert told == ["/ in"]


async def test_a_session_that_ends_while_it_is_cut_off_is_not_resumed(
    server: Server, clock: ManualClock, told: list[str]
) -> None:
    ann = await entered(server)

    ann.wire.lost()
    await settle()
    server.tick(clock.advance(121))
    await settle()

    assert told == ["/ in", "/ cut", "/ expired"]


@pytest.mark.parametrize("how", ["a goodbye", "a server that closes"])
async def test_an_end_is_no_cut(server: Server, told: list[str], how: str) -> None:
    ann = await entered(server)

    if how == "a goodbye":
        ann.say(Close("closed"))
    else:
        await server.close()
    await settle()

    assert told == ["/ in", "/ closed" if how == "a goodbye" else "/ shutdown"]


async def test_who_is_put_out_while_cut_off_does_not_come_back(server: Server, told: list[str]) -> None:
    ann = await entered(server, "ann", "/", "/b")
    [socket] = server.namespace("/").sockets

    ann.wire.lost()
    await settle()
    await socket.disconnect()
    await settle()
    await come_back(ann)

    assert told == ["/ in", "/b in", "/ cut", "/b cut", "/ put_out", "/b back"]


async def test_who_comes_in_after_the_cut_was_not_cut_off(server: Server, told: list[str]) -> None:
    door = asyncio.Event()

    @server.namespace("/").on("work")
    async def work(socket: Socket) -> None:
        await door.wait()

    ann = await entered(server)
    ann.say(Event("/", "work", []), Join("/b"))
    await settle()
    ann.wire.lost()
    door.set()
    await settle()
    await come_back(ann)

    assert told == ["/ in", "/ cut", "/b in", "/ back"]


async def test_what_a_hook_emits_waits_for_the_client(server: Server) -> None:
    @server.namespace("/").on_suspend
    async def cut(socket: Socket) -> None:
        assert not socket.attached
        await socket.emit("missed you")

    ann = await entered(server)
    ann.wire.lost()
    await settle()
    await come_back(ann)

    assert ann.events() == [("missed you",)]


async def test_a_hook_that_raises_keeps_no_other_from_running(
    server: Server, told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    @server.namespace("/").on_suspend
    def broken(socket: Socket) -> None:
        raise ValueError("broken")

    server.namespace("/").on_suspend(lambda socket: told.append("the last one"))
    ann = await entered(server)

    ann.wire.lost()
    await settle()

    assert told == ["/ in", "/ cut", "the last one"]
    assert "handler 'on_suspend' of namespace '/' raised" in caplog.text


async def test_a_client_that_polls_no_more_is_cut_off(server: Server, clock: ManualClock, told: list[str]) -> None:
    ann = Poller(server)
    ann.enter("/")
    await settle()

    server.tick(clock.advance(21))
    await settle()
    server.tick(clock.advance(21))
    await settle()

    assert told == ["/ in", "/ cut"]


async def test_hooks_are_marked_in_a_class_of_the_server_and_unknown_to_a_client(server: Server) -> None:
    class Log:
        def __init__(self) -> None:
            self.cuts = 0

        @antiphon.on_suspend
        def cut(self, socket: Socket) -> None:
            self.cuts += 1

        @antiphon.on_resume
        def back(self, socket: Socket) -> None:
            self.cuts -= 10

    log = server.namespace("/").include(Log())
    ann = await entered(server)
    ann.wire.lost()
    await settle()
    await come_back(ann)

    assert log.cuts == -9
    with pytest.raises(LocalProtocolError, match="has no on_suspend"):
        Client("http://localhost/antiphon").namespace("/").include(Log())


def test_a_hook_takes_a_socket_and_nothing_else(server: Server) -> None:
    with pytest.raises(TypeError, match=r"on_suspend of namespace '/' .* is given \(socket\)"):
        server.namespace("/").on_suspend(lambda socket, reason: None)
