"""How a client came: every socket knows, hook or not."""

from __future__ import annotations

import pytest

from antiphon import Arrival, Arriving, Client, Server, Socket
from antiphon.dispatch.middleware import Proceed
from tests.hosts.rig import served
from tests.server.peer import Peer, Poller, Port, settle


async def test_a_socket_knows_how_its_client_came_last(server: Server) -> None:
    root = server.namespace("/")
    ann = Peer(server)
    ann.address, ann.headers = "10.0.0.1", {"cookie": "session=7", "origin": "https://app.example"}
    ann.attach("/")
    await settle()
    [socket] = root.sockets
    first = socket.arrival
    ann.address, ann.headers = "10.0.0.2", {}
    ann.attach()
    second = socket.arrival
    ann.wire.lost()

    assert first == Arrival(
        "10.0.0.1", {"cookie": "session=7", "origin": "https://app.example"}, first.origin, "websocket"
    )
    assert first.origin == "https://app.example"
    assert (second.address, second.origin) == ("10.0.0.2", None)
    assert socket.arrival is second, "it is kept while the client is away"


async def test_middleware_around_connect_sees_it(server: Server) -> None:
    came: list[str] = []

    @server.around_connect
    async def look(arriving: Arriving, proceed: Proceed) -> None:
        came.append(arriving.socket.arrival.address)
        await proceed(arriving)

    server.namespace("/")
    ann = Peer(server)
    ann.address = "10.0.0.1"
    ann.attach("/")
    await settle()

    assert came == ["10.0.0.1"]


async def test_the_key_of_a_request_is_kept_from_the_application_and_nothing_is_copied_without_need(
    server: Server,
) -> None:
    server.namespace("/")
    ann, bob = Poller(server, "ann"), Peer(server, "bob")
    ann.greet_by(Port(), headers={"antiphon-key": ann.key, "cookie": "session=7"})
    bob.headers = {"cookie": "session=8"}
    bob.attach("/")

    [longpoll, websocket] = [line.arrival for line in server.registry]

    assert longpoll.headers == {"cookie": "session=7"}
    assert websocket.headers is bob.headers, "its transport keeps them anyway"


@pytest.mark.parametrize("transport", ["websocket", "sse", "longpoll"])
async def test_it_is_known_on_every_transport_without_a_hook(transport: str) -> None:
    server, arrivals = Server(), list[Arrival]()

    @server.namespace("/").on_connect
    async def enter(socket: Socket) -> None:
        arrivals.append(socket.arrival)

    async with served(server) as site:
        client = Client(site.url, transports=[transport], headers={"X-Device": "phone"})
        await client.connect()
        await client.namespace("/").ready()
        await client.close()

    [arrival] = arrivals
    assert (arrival.address, arrival.transport, arrival.headers["x-device"]) == ("127.0.0.1", transport, "phone")
    assert client.session.key not in repr(arrival.headers)
