"""What was found in the server by its simulation, and by accident, each as the shortest story that shows it."""

from __future__ import annotations

from antiphon import Server, Socket
from antiphon.protocol.closing import Closing, TransportCode
from antiphon.protocol.packets import Hello, Joined, Leave, Volatile, Welcome
from tests.server.peer import Peer, entered, serving, settle


async def test_a_first_hello_come_late_does_not_hide_why_a_session_was_lost() -> None:
    async with serving() as (server, _):
        ann = await entered(server)
        lost = ann.sid
        [line] = server.registry
        line.session.end("overflow", "too slow")
        line.finish()
        late = Peer(server, "ann")
        late.attach(attempt=1)

        answer = ann.attach(sid=lost, epoch=server.epoch, attempt=2)

        assert isinstance(answer, Welcome)
        assert (answer.resumed, answer.reason) == (False, "overflow")


async def test_a_client_that_begins_anew_is_not_given_what_its_last_session_was_sent() -> None:
    async with serving() as (server, _):
        root = server.namespace("/")
        ann = await entered(server)
        await root.emit("news")
        await settle()
        assert ann.events() == [("news",)]
        first, ann.sid, ann.received = ann.sid, None, 0

        answer = ann.attach("/", epoch=server.epoch)
        await settle()

        assert isinstance(answer, Welcome) and answer.sid != first
        assert ann.events() == []


async def test_a_goodbye_whose_transport_is_lost_is_over_at_once() -> None:
    async with serving() as (server, _):
        await entered(server)
        [line] = server.registry
        line.session.close(server.clock())
        assert line.session.ending is None

        line.detach(Closing(TransportCode.GOING_AWAY))

        assert len(server.registry) == 0


async def test_a_repeated_hello_does_not_bring_back_who_was_put_out() -> None:
    async with serving() as (server, _):
        entries: list[Socket] = []

        @server.namespace("/").on_connect
        async def enter(socket: Socket) -> None:
            entries.append(socket)

        ann = Peer(server)
        ann.attach("/")
        await settle()
        await entries[0].disconnect("out with you")
        ann.sid = None

        ann.attach("/")
        await settle()

        assert len(entries) == 1
        assert [packet for packet in ann.read() if isinstance(packet, Joined | Leave | Hello)] == [
            Joined("/", entries[0].id),
            Leave("/", "out with you"),
        ]


async def test_a_volatile_event_is_handled_though_nothing_counted_comes_with_it(server: Server) -> None:
    """It has no number, so by the numbers nothing seemed to wait."""
    poses: list[int] = []
    server.namespace("/").on("pose")(lambda socket, number: poses.append(number))
    ann = await entered(server)

    ann.say(Volatile("/", "pose", [1]))
    await settle()

    assert poses == [1]
