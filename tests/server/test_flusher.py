"""One write per receiver and turn."""

from __future__ import annotations

from antiphon import Limits, Server
from tests.server.peer import entered, serving, settle


async def test_what_is_emitted_in_one_turn_is_one_message_at_its_end(server: Server) -> None:
    root = server.namespace("/")
    ann = await entered(server)
    written = len(ann.wire.written)

    for number in range(5):
        await root.emit("tick", number)

    assert len(ann.wire.written) == written
    await settle()
    assert len(ann.wire.written) == written + 1
    assert ann.events() == [("tick", number) for number in range(5)]


async def test_many_marks_schedule_one_flush(server: Server) -> None:
    scheduled = []
    server.flusher._call_soon = lambda callback: scheduled.append(callback)

    server.flusher.soon()
    server.flusher.soon()

    assert len(scheduled) == 1


async def test_nothing_is_written_to_a_congested_transport_until_it_is_drained(server: Server) -> None:
    root = server.namespace("/")
    ann, bob = await entered(server, "ann"), await entered(server, "bob")
    ann.wire.congested = True

    root.emit_nowait("tick", 1)
    await settle()

    assert ann.events() == []
    assert bob.events() == [("tick", 1)]

    ann.wire.congested = False
    ann.wire.receiver.on_drained(ann.wire)
    await settle()

    assert ann.events() == [("tick", 1)]


async def test_what_is_emitted_while_detached_waits_for_the_attach(server: Server) -> None:
    root = server.namespace("/")
    ann = await entered(server)
    ann.wire.lost()

    root.emit_nowait("tick", 1)
    await settle()
    answer = ann.attach()
    await settle()

    assert answer.resumed  # type: ignore[union-attr]  # a Refuse would fail here as well
    assert ann.events() == [("tick", 1)]


async def test_what_is_more_than_one_message_may_carry_becomes_several() -> None:
    async with serving(limits=Limits(message=64_000)) as (server, _):
        root = server.namespace("/")
        ann = await entered(server)
        written = len(ann.wire.written)

        for number in range(3):
            root.emit_nowait("big", number, "x" * 30_000)
        await settle()

        assert [len(message) <= 64_000 for message in ann.wire.written[written:]] == [True, True]
        assert [number for _, number, _ in ann.events()] == [0, 1, 2]
