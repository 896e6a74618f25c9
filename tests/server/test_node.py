"""Servers that share a broker: what is said on one is heard on all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from antiphon import Limits, LocalProtocolError, OutboxFull, Server, Socket
from antiphon.brokers.base import Destination, Envelope
from antiphon.brokers.memory import MemoryBroker
from antiphon.config import Outbox
from antiphon.protocol.packets import Event, Volatile
from antiphon.testing import TestClient, VirtualClock
from antiphon.testing.turns import settle


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker()


@pytest.fixture
async def servers(broker: MemoryBroker) -> AsyncIterator[list[Server]]:
    clock = VirtualClock()
    servers = [Server(clock=clock, broker=broker) for _ in range(3)]
    for server in servers:
        serve(server)
        server.start(ticking=False)
    yield servers
    for server in servers:
        await server.close()


def serve(server: Server) -> None:
    chat = server.namespace("/chat")

    @server.authenticate
    async def who(auth: str | None) -> str | None:
        return auth

    @chat.on("join")
    async def join(socket: Socket, room: str) -> None:
        await socket.join(room)

    @chat.on("say")
    async def say(socket: Socket, room: str, text: str) -> None:
        await socket.to(room).emit("said", text)


async def chatting(stack: AsyncExitStack, *servers: Server) -> list[TestClient]:
    """One client at each of these servers."""
    return [await stack.enter_async_context(TestClient(server, namespace="/chat")) for server in servers]


async def test_an_emit_reaches_the_sockets_of_all_nodes_once(servers: list[Server]) -> None:
    async with AsyncExitStack() as stack:
        clients = await chatting(stack, *servers)

        await servers[0].namespace("/chat").emit("tick", 1)
        await settle()

        assert [client.received for client in clients] == [[("tick", (1,))]] * 3


async def test_a_room_spans_nodes_and_its_speaker_is_left_out(servers: list[Server]) -> None:
    async with AsyncExitStack() as stack:
        ann, ben, cy = await chatting(stack, *servers)
        await ann.emit("join", "lobby")
        await ben.emit("join", "lobby")

        await ann.emit("say", "lobby", "hello")

        assert [client.received for client in (ann, ben, cy)] == [[], [("said", ("hello",))], []]


async def test_who_is_in_an_excluded_room_hears_nothing_on_any_node(servers: list[Server]) -> None:
    async with AsyncExitStack() as stack:
        ann, ben, cy = await chatting(stack, *servers)
        await ben.emit("join", "muted")

        await servers[0].namespace("/chat").except_("muted").emit("tick")
        await settle()

        assert [len(client.received) for client in (ann, ben, cy)] == [1, 0, 1]


async def test_an_excluded_socket_is_known_by_its_id_on_its_own_node(
    broker: MemoryBroker, servers: list[Server]
) -> None:
    async with AsyncExitStack() as stack:
        ann, ben = await chatting(stack, *servers[1:])
        assert ben.id is not None

        broker.publish(Envelope("elsewhere", Destination(but=(ben.id, "gone/chat")), Event("/chat", "tick", [])))
        await settle()

        assert (len(ann.received), len(ben.received)) == (1, 0)


async def test_the_sockets_of_a_person_are_reached_on_every_node(servers: list[Server]) -> None:
    async with AsyncExitStack() as stack:
        here, there = [
            await stack.enter_async_context(TestClient(server, namespace="/chat", credentials="ann"))
            for server in servers[:2]
        ]
        ben = await stack.enter_async_context(TestClient(servers[1], namespace="/chat", credentials="ben"))

        await servers[0].namespace("/chat").user("ann").emit("mail")
        await settle()

        assert [len(client.received) for client in (here, there, ben)] == [1, 1, 0]


async def test_what_is_volatile_or_a_latest_value_stays_so(broker: MemoryBroker, servers: list[Server]) -> None:
    heard: list[Envelope] = []
    broker.subscribe("watcher", heard.append)
    chat = servers[0].namespace("/chat")
    async with AsyncExitStack() as stack:
        [ben] = await chatting(stack, servers[1])

        chat.emit_nowait("pose", 1, volatile=True)
        chat.emit_nowait("price", 1, latest="acme")
        chat.emit_nowait("price", 2, latest="acme")
        await settle()

        assert [(type(envelope.packet), envelope.latest) for envelope in heard] == [
            (Volatile, None),
            (Event, "acme"),
            (Event, "acme"),
        ]
        assert ben.received == [("price", (2,)), ("pose", (1,))]


async def test_events_of_one_node_arrive_in_order(servers: list[Server]) -> None:
    async with AsyncExitStack() as stack:
        [ben] = await chatting(stack, servers[1])

        for number in range(100):
            servers[0].namespace("/chat").emit_nowait("tick", number)
        await settle()

        assert [args for _, args in ben.received] == [(number,) for number in range(100)]


async def test_a_predicate_cannot_travel_and_nobody_hears_half_of_it(servers: list[Server]) -> None:
    async with AsyncExitStack() as stack:
        [ann] = await chatting(stack, servers[0])

        with pytest.raises(LocalProtocolError, match=r"where\(\) takes a function, which a broker cannot carry"):
            await servers[0].namespace("/chat").where(lambda socket: True).emit("tick")

        await ann.nothing("tick")


async def test_what_is_too_large_is_said_to_nobody(broker: MemoryBroker, servers: list[Server]) -> None:
    heard: list[Envelope] = []
    broker.subscribe("watcher", heard.append)

    with pytest.raises(OutboxFull):
        await servers[0].namespace("/chat").emit("tick", "x" * (2 << 20))
    await settle()

    assert heard == []


async def test_what_is_too_large_for_another_node_is_a_line_in_its_log(
    broker: MemoryBroker, servers: list[Server], caplog: pytest.LogCaptureFixture
) -> None:
    narrow = Server(clock=VirtualClock(), broker=broker, limits=Limits(message=1000), outbox=Outbox(size=4000))
    narrow.namespace("/chat")
    narrow.start(ticking=False)

    await servers[0].namespace("/chat").emit("tick", "x" * 2000)
    await settle()
    await narrow.close()

    assert "an event 'tick' of another node is not sent" in caplog.text


async def test_a_namespace_that_a_node_does_not_serve_is_the_affair_of_others(servers: list[Server]) -> None:
    async with AsyncExitStack() as stack:
        clients = await chatting(stack, *servers)

        await servers[0].namespace("/only-here").emit("tick")
        await settle()

        assert [client.received for client in clients] == [[], [], []]


async def test_a_server_that_closed_hears_nothing_more(broker: MemoryBroker, servers: list[Server]) -> None:
    before = broker.nodes

    await servers[1].close()

    assert before == tuple(server.epoch for server in servers)
    assert broker.nodes == (servers[0].epoch, servers[2].epoch)


async def test_a_server_without_a_broker_has_no_node() -> None:
    assert Server().node is None


async def test_what_listens_to_all_that_is_emitted_hears_only_what_its_own_node_emits(servers: list[Server]) -> None:
    here, there = (server.namespace("/chat") for server in servers[:2])
    told = list[str]()
    here.on_any_outgoing(lambda event, *args: told.append(event))

    await there.emit("tick", 1)
    await settle()
    await here.emit("tock", 1)

    assert told == ["tock"]
