"""The clients of python-socketio, on each choice of transports, beside native clients of the same server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import socketio

from antiphon import Server, Socket
from tests.hosts.rig import Site, until
from tests.interop.clients import PATIENCE, TRANSPORTS, Wire
from tests.interop.python_client import PythonClient, carried_by, python_client
from tests.interop.site import native, only, serve, with_handlers

BYTES = bytes(range(256))


@pytest.fixture(params=TRANSPORTS)
def wire(request: pytest.FixtureRequest) -> Wire:
    """Each choice of transports."""
    wire: Wire = request.param
    return wire


@pytest.fixture
async def client(site: Site, wire: Wire) -> AsyncIterator[PythonClient]:
    """A client that was let in."""
    async with python_client(site.origin, wire) as client:
        yield client


def has_say(server: Server) -> None:
    """Whoever comes to the server is in a room, and says something to it by `say`."""
    root = server.namespace("/")

    @root.on_connect
    async def connect(socket: Socket) -> None:
        await socket.join("room")

    @root.on("say")
    async def say(socket: Socket, what: Any) -> int:
        await root.to("room").emit("said", what)
        return len(root.sockets)


async def test_a_client_comes_in_and_knows_the_id_of_its_socket(site: Site, wire: Wire, client: PythonClient) -> None:
    assert client.heard == [("connect",)]
    assert client.real.get_sid("/") == only(site.server).id
    assert client.real.transport() == carried_by(wire)


async def test_the_handler_is_given_the_credentials(site: Site, wire: Wire, heard: list[Any]) -> None:
    async with python_client(site.origin, wire, auth={"token": "Grüße ☃", "more": [1, None]}):
        assert heard == [("connect", {"token": "Grüße ☃", "more": [1, None]})]


async def test_who_is_refused_is_told_why(site: Site, wire: Wire) -> None:
    client = PythonClient()

    with pytest.raises(socketio.exceptions.ConnectionError, match="failed to connect: /"):
        await client.connect(site.origin, wire, auth={"token": "wrong"})

    assert client.heard == [("connect_error", {"message": "who are you?", "data": {"wanted": "token"}})]
    await until(lambda: site.server.statistics().sessions == 0)


async def test_a_namespace_that_is_not_there_is_refused(site: Site, wire: Wire) -> None:
    client = PythonClient(["/nowhere"])

    with pytest.raises(socketio.exceptions.ConnectionError, match="failed to connect: /nowhere"):
        await client.connect(site.origin, wire)

    assert client.heard == [("/nowhere", "connect_error", {"message": "Invalid namespace"})]


async def test_events_of_the_client_come_in_their_order(heard: list[Any], client: PythonClient) -> None:
    for number in range(100):
        await client.real.emit("note", number)

    await until(lambda: len(heard) == 101)

    assert heard[1:] == [("note", number) for number in range(100)]


async def test_events_of_the_server_come_in_their_order(site: Site, client: PythonClient) -> None:
    """Many of them are there when a poll asks, and this client reads 16 packets in a payload and no more."""
    for number in range(100):
        await only(site.server).emit("number", number)

    await until(lambda: len(client.heard) > 100)

    assert client.heard == [("connect",), *(("number", number) for number in range(100))]


async def test_one_value_is_acknowledged_as_it_is(client: PythonClient) -> None:
    value = {"three": [4.5, None, True], "text": "Grüße ☃"}

    assert await client.call("echo", value) == value


async def test_several_values_are_acknowledged_side_by_side(client: PythonClient) -> None:
    assert await client.call("echo", 1, "two", [3]) == (1, "two", [3])


async def test_none_is_an_acknowledgement_without_values(client: PythonClient) -> None:
    assert await client.call("note", 1) is None


async def test_a_callback_is_called_with_what_is_acknowledged(client: PythonClient) -> None:
    called = asyncio.get_running_loop().create_future()

    await client.real.emit("echo", (1, BYTES), callback=lambda *args: called.set_result(args))

    assert await asyncio.wait_for(called, PATIENCE) == (1, BYTES)


async def test_a_refused_call_is_not_acknowledged_and_the_next_one_is(server: Server, client: PythonClient) -> None:
    @server.namespace("/").on("strict")
    async def strict(socket: Socket, number: int) -> int:
        return number

    with pytest.raises(socketio.exceptions.TimeoutError):
        await client.call("strict", "no number", timeout=0.1)

    assert await client.call("strict", 7) == 7


async def test_bytes_come_and_go_in_any_place(client: PythonClient) -> None:
    sent = ({"a": BYTES}, b"", "text", [b"\x1e", {"b": b"\xff"}])

    assert await client.call("echo", *sent) == sent


async def test_many_bytes_come_and_go(client: PythonClient) -> None:
    large = BYTES * 2000

    assert await client.call("echo", large) == large


@pytest.mark.parametrize(
    ("answer", "reply"),
    [({"name": BYTES}, {"name": BYTES}), ((1, b"two"), [1, b"two"]), (None, None)],
    ids=["one value", "several", "none"],
)
async def test_the_server_asks_and_the_client_answers(
    site: Site, client: PythonClient, answer: Any, reply: Any
) -> None:
    client.answers["what"] = lambda *args: answer

    assert await only(site.server).call("what", 1, b"\x00\xff") == reply

    assert client.heard[-1] == ("what", 1, b"\x00\xff")


async def test_namespaces_are_joined_beside_one_another(site: Site, wire: Wire) -> None:
    async with python_client(site.origin, wire, namespaces=["/", "/chat"]) as client:
        where = [await client.call("where"), await client.call("where", namespace="/chat")]

        assert where == ["/", "/chat"]
        assert sorted(client.heard) == [("/chat", "connect"), ("connect",)]
        assert site.server.statistics().sessions == 1


async def test_who_is_put_out_of_a_namespace_stays_in_the_others(site: Site, wire: Wire) -> None:
    async with python_client(site.origin, wire, namespaces=["/", "/chat"]) as client:
        await only(site.server, "/chat").disconnect()
        await until(lambda: ("/chat", "disconnect", "server disconnect") in client.heard)

        assert await client.call("where") == "/"


async def test_a_client_says_goodbye(site: Site, heard: list[Any], client: PythonClient) -> None:
    heard.clear()

    async with asyncio.timeout(PATIENCE):
        await client.real.disconnect()

    assert client.heard == [("connect",), ("disconnect", "client disconnect")]
    await until(lambda: site.server.statistics().sessions == 0)
    # On a WebSocket its close frame overtakes its DISCONNECT, so there the reason is that the connection is gone.
    await until(lambda: [(word, where) for word, where, _ in heard] == [("disconnect", "/")])


async def test_the_server_puts_the_client_out_behind_what_it_said(site: Site, client: PythonClient) -> None:
    socket = only(site.server)

    await socket.emit("last")
    await socket.disconnect()
    await until(lambda: len(client.heard) == 3)

    assert client.heard == [("connect",), ("last",), ("disconnect", "server disconnect")]
    await until(lambda: site.server.statistics().sessions == 0)


async def test_the_server_ends_the_session_behind_what_it_said(site: Site, client: PythonClient) -> None:
    socket = only(site.server)

    await socket.emit("last")
    await socket.end("go home")
    await until(lambda: len(client.heard) == 3)

    assert client.heard == [("connect",), ("last",), ("disconnect", "server disconnect")]
    await until(lambda: site.server.statistics().sessions == 0)


@pytest.mark.parametrize("drained", [False, True], ids=["which was closed", "which was drained"])
async def test_the_client_comes_back_to_a_server_that_was_restarted(wire: Wire, drained: bool) -> None:
    async with AsyncExitStack() as stack:
        async with serve(with_handlers(Server(), [])) as first:
            client = await stack.enter_async_context(python_client(first.origin, wire))
            sid, port = client.real.get_sid("/"), first.port
            if drained:
                await first.server.drain(window=0.1, patience=1.0)

        second = await stack.enter_async_context(serve(with_handlers(Server(), []), port=port))
        await until(lambda: client.real.connected and client.heard[-1] == ("connect",))

        assert [word for word, *_ in client.heard] == ["connect", "disconnect", "connect"]
        assert client.real.get_sid("/") == only(second.server).id != sid
        assert await client.call("echo", "again") == "again"


async def test_a_room_is_shared_by_native_clients_and_those_of_every_transport(server: Server, site: Site) -> None:
    has_say(server)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(python_client(site.origin, wire)) for wire in TRANSPORTS]
        member = await stack.enter_async_context(native(site))
        said: list[Any] = []
        member.on("said")(said.append)
        words = ["polling", {"bytes": BYTES}, "upgrade", b"native"]

        for client, word in zip(clients, words[:3], strict=True):
            assert await client.call("say", word) == 4
        assert await member.call("say", words[3]) == 4

        await until(lambda: len(said) == 4 and all(len(client.heard) == 5 for client in clients))
        assert said == words
        for client in clients:
            assert client.heard[1:] == [("said", word) for word in words]
            client.answers["vote"] = lambda proposal: {"for": proposal}
        member.on("vote")(lambda proposal: None)
        replies = await server.namespace("/").to("room").call("vote", BYTES, timeout=PATIENCE)
        votes = list(replies.values.values())
        assert (votes.count({"for": BYTES}), votes.count(None)) == (3, 1)


async def test_the_simple_client_says_and_receives(server: Server, site: Site, wire: Wire) -> None:
    has_say(server)
    async with socketio.AsyncSimpleClient(handle_sigint=False) as client:
        await client.connect(site.origin, transports=TRANSPORTS[wire])

        await client.emit("say", BYTES)
        received = await client.receive(timeout=PATIENCE)
        answer = await client.call("echo", (1, "two"), timeout=PATIENCE)

        assert (received, answer) == (["said", BYTES], (1, "two"))
        assert (client.sid, client.transport) == (only(server).id, carried_by(wire))
    await until(lambda: server.statistics().sessions == 0)


async def test_the_client_without_asyncio_says_and_receives(server: Server, site: Site, wire: Wire) -> None:
    has_say(server)

    def visit() -> tuple[Any, ...]:
        with socketio.SimpleClient(handle_sigint=False) as client:
            client.connect(site.origin, transports=TRANSPORTS[wire])
            client.emit("say", {"bytes": BYTES})
            received = client.receive(timeout=PATIENCE)
            return received, client.call("echo", (1, "two"), timeout=PATIENCE), client.transport

    seen = await asyncio.to_thread(visit)

    assert seen == (["said", {"bytes": BYTES}], (1, "two"), carried_by(wire))
    await until(lambda: server.statistics().sessions == 0)
