"""What a client says of its session."""

from __future__ import annotations

from antiphon import Client, Server, Socket
from antiphon.protocol.statistics import Amount
from antiphon.testing import TestClient
from antiphon.testing.turns import settle


async def test_a_client_tells_how_its_session_stands() -> None:
    server = Server()
    root = server.namespace("/")

    @root.on("hello")
    async def hello(socket: Socket) -> None: ...

    async with TestClient(server) as ann:
        await ann.emit("hello")
        await settle()
        connected = ann.client.statistics()
        ann.cut()
        ann.emit_nowait("hello")
        away = ann.client.statistics()
        await ann.resume()
        back = ann.client.statistics()

    assert connected.sid is not None and connected.sid == back.sid
    assert (connected.state, connected.transport) == ("attached", "memory")
    assert (away.state, away.transport, away.waiting.packets) == ("detached", None, 1)
    assert (back.attaches, back.resumes, back.gaps, back.late_replies) == (2, 1, 0, 0)
    assert (connected.round_trip, connected.clock_offset) == (None, None)
    assert connected.age >= connected.since >= 0


async def test_a_client_that_was_never_connected_has_what_waits_at_a_gate() -> None:
    client = Client("http://nowhere")
    fresh = client.statistics()
    client.namespace("/").emit_nowait("hello")

    waits = client.statistics()

    assert (fresh.state, fresh.sid, fresh.age, fresh.attaches) == ("fresh", None, 0.0, 0)
    assert fresh.waiting == Amount()
    assert waits.waiting.packets == 1 and waits.waiting.size > 0


async def test_what_is_counted_goes_on_in_the_next_session() -> None:
    server = Server()
    root = server.namespace("/")
    async with TestClient(server) as ann:
        ann.cut()
        for _ in range(3):
            ann.emit_nowait("pose", volatile=True)
        before = ann.client.statistics()
        for line in server.registry:
            line.end("expired", "")
        await ann.resume()
        await settle()
        after = ann.client.statistics()

    assert root.count() == 0
    assert (before.dropped, after.dropped) == (3, 3)
    assert (before.attaches, after.attaches, after.resumes) == (1, 2, 0)
    assert before.sid != after.sid
