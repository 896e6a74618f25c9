"""Ending a client's whole session: it is told, hears what was said before, and does not come back by itself."""

from __future__ import annotations

import pytest

from antiphon import ConnectionClosed, Server, Socket
from antiphon.protocol.disconnects import Disconnected
from antiphon.protocol.packets import Call, Close, Event, Join, Ping, Refuse, Refused, Welcome
from antiphon.testing import NothingCame, TestClient, turns
from antiphon.testing.clock import ManualClock
from tests.server.peer import Peer, entered, settle


async def socket_of(server: Server, namespace: str = "/") -> Socket:
    [socket] = server.namespace(namespace).sockets
    return socket


async def test_it_ends_in_all_namespaces_and_what_was_said_before_arrives(server: Server) -> None:
    gone: list[tuple[str, str]] = []
    for name in ("/", "/other"):

        @server.namespace(name).on_disconnect
        async def leave(socket: Socket, reason: Disconnected) -> None:
            gone.append((socket.namespace.name, str(reason)))

    ann = await entered(server, "ann", "/", "/other")
    socket = await socket_of(server)

    await socket.emit("last words")
    await socket.end("be nice")
    assert not socket.connected and server.namespace("/other").count() == 0
    await socket.emit("nobody hears this")
    await settle()

    assert gone == [("/", "closed: be nice"), ("/other", "closed: be nice")]
    assert [type(packet) for packet in ann.read()] == [Ping, Event]
    ann.ack()
    await settle()
    assert ann.read() == [Close("closed", "be nice", None)]
    assert ann.wire.shut == (1000, "closed")
    assert dict(server.statistics().endings) == {"closed": 1}


async def test_it_ends_after_two_seconds_when_the_client_acks_nothing(server: Server, clock: ManualClock) -> None:
    ann = await entered(server)
    await (await socket_of(server)).end()
    for _ in range(9):
        await settle()
        server.tick(clock.advance(0.25))

    assert ann.read()[-1] == Close("closed", "ended by the server", None)


async def test_who_is_away_is_told_when_it_comes_back(server: Server) -> None:
    ann = await entered(server)
    socket = await socket_of(server)
    ann.wire.lost()

    await socket.end("be nice")
    await settle()

    assert server.statistics().sessions == 0
    assert ann.attach("/") == Refuse("closed", "be nice")
    stranger = Peer(server, "eve")
    assert isinstance(stranger.attach("/", sid=ann.sid), Welcome), "only who can prove the session is told of it"


async def test_who_begins_anew_may_come_in(server: Server) -> None:
    ann = await entered(server)
    await (await socket_of(server)).end()
    ann.ack()
    await settle()

    again = Peer(server, "ann")
    again.attempt = ann.attempt
    assert isinstance(again.attach("/"), Welcome)


async def test_who_moves_to_another_transport_meanwhile_is_refused_as_well(server: Server) -> None:
    ann = await entered(server)
    await (await socket_of(server)).end("be nice")

    assert ann.attach() == Refuse("closed", "be nice")
    assert server.statistics().sessions == 0


async def test_a_connect_handler_may_end_the_session(server: Server) -> None:
    @server.namespace("/").on_connect
    async def enter(socket: Socket) -> None:
        await socket.end("not you")

    ann = Peer(server)
    ann.attach("/", "/other")
    server.namespace("/other")
    await settle()

    assert [packet for packet in ann.read() if not isinstance(packet, Ping)] == [Refused("/", "not you")]
    ann.ack()
    await settle()
    assert ann.read() == [Close("closed", "not you", None)]
    assert server.namespace("/other").count() == 0


async def test_a_handler_may_end_its_own_session_and_nobody_comes_in_meanwhile(server: Server) -> None:
    @server.namespace("/").on("bye")
    async def bye(socket: Socket) -> str:
        await socket.end()
        return "bye"

    ann = await entered(server)
    ann.say(Call(1, "/", "bye", []))
    await settle()
    ann.say(Join("/"), Call(2, "/", "bye", []))
    await settle()

    assert server.namespace("/").count() == 0
    answers = [packet for packet in ann.read() if not isinstance(packet, Ping)]
    assert [(type(packet).__name__, getattr(packet, "code", None)) for packet in answers] == [
        ("Reply", None),
        ("Failed", "not_joined"),
    ]


async def test_an_audience_is_ended_and_the_others_stay(server: Server) -> None:
    root = server.namespace("/")
    peers = [await entered(server, name) for name in ("ann", "bob", "cat")]
    for peer in peers[:2]:
        socket = root.socket(f"{peer.sid}/")
        assert socket is not None
        await socket.join("spam")

    await root.to("spam").end("spam")
    await settle()
    for peer in peers:
        peer.ack()
    await settle()

    assert [any(isinstance(packet, Close) for packet in peer.read()) for peer in peers] == [True, True, False]
    await root.end()
    assert root.count() == 0


@pytest.mark.parametrize("away", [False, True])
async def test_a_client_does_not_come_back_by_itself_and_may_be_told_to(away: bool) -> None:
    server = Server()
    root = server.namespace("/")
    async with TestClient(server) as ann:
        [socket] = root.sockets
        if away:
            ann.cut()

        await socket.end("be nice")
        if away:
            with pytest.raises(NothingCame):
                await ann.resume()
        await turns.settle()

        assert ann.client.state == "closed"
        with pytest.raises(ConnectionClosed, match="closed"):
            await ann.emit("hello")
        await ann.client.connect()
        assert ann.client.state == "connected"


async def test_a_word_that_a_client_makes_up_for_its_end_is_not_kept(server: Server) -> None:
    ann = await entered(server)

    ann.say(Close("whatever_i_like"))
    await settle()

    assert server.statistics().endings == {"other": 1}
