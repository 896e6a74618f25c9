"""socket.io-client comes in: with credentials or without, to one namespace or several, or it is turned away."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon import Refused, Server, Socket
from tests.hosts.rig import Site, until
from tests.interop.clients import WIRES, Clients
from tests.interop.site import Io, only


async def test_a_client_knows_the_id_of_its_socket(io: Io, site: Site) -> None:
    client = await io.connect(site)

    assert client.sid == only(site.server).id


async def test_without_credentials_the_handler_is_given_none(io: Io, site: Site, heard: list[Any]) -> None:
    await io.connect(site)

    assert heard == [("connect", None)]


@pytest.mark.parametrize("auth", [{"token": "a\u00e9\U0001f600"}, {"nested": {"list": [1, None, True]}}, {}])
async def test_the_handler_is_given_the_credentials(io: Io, site: Site, heard: list[Any], auth: Any) -> None:
    await io.connect(site, auth=auth)

    assert heard == [("connect", auth)]


async def test_a_function_gives_the_credentials(io: Io, site: Site, heard: list[Any]) -> None:
    await io.connect(site, auths=[{"token": "from a function"}])

    assert heard == [("connect", {"token": "from a function"})]


async def test_a_handler_knows_its_credentials_by_their_type(io: Io, site: Site, server: Server) -> None:
    given: list[Any] = []

    @server.namespace("/typed").on_connect
    async def connect(socket: Socket, auth: dict[str, int]) -> None:
        given.append(auth)

    await io.connect(site, "/typed", auth={"level": 3})

    assert given == [{"level": 3}]


async def test_credentials_of_another_type_are_refused(io: Io, site: Site, server: Server) -> None:
    @server.namespace("/typed").on_connect
    async def connect(socket: Socket, auth: dict[str, int]) -> None: ...

    client = io.open(site, "/typed", auth={"level": "three"})

    word, message, _ = await client.told()
    assert word == "connect_error"
    assert "auth" in message


async def test_who_is_refused_is_told_why_and_more(io: Io, site: Site) -> None:
    client = io.open(site, auth={"token": "wrong"})

    assert await client.told() == ["connect_error", "who are you?", {"wanted": "token"}]


async def test_who_is_refused_without_more_is_told_why(io: Io, site: Site) -> None:
    client = io.open(site, "/members")

    assert await client.told() == ["connect_error", "members only", None]


async def test_who_was_refused_comes_in_with_other_credentials(io: Io, site: Site) -> None:
    client = io.open(site, "/members", auth={"token": "wrong"})
    assert (await client.told())[0] == "connect_error"

    client.do("auth", auth={"token": "open"})
    client.do("connect")
    await client.connected()

    assert await client.ask("where") == ["/members"]


async def test_who_was_refused_twice_comes_in_all_the_same(io: Io, site: Site) -> None:
    client = io.open(site, "/members")
    for token in ("wrong", "wrong again", "open"):
        assert (await client.told())[0] == "connect_error"
        client.do("auth", auth={"token": token})
        client.do("connect")

    await client.connected()

    assert await client.ask("where") == ["/members"]


async def test_a_handler_that_raises_keeps_the_client_out_and_tells_nothing(
    io: Io, site: Site, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    @server.namespace("/broken").on_connect
    async def connect(socket: Socket) -> None:
        raise RuntimeError("a secret")

    client = io.open(site, "/broken")

    word, message, _ = await client.told()
    assert word == "connect_error"
    assert "secret" not in message
    assert "a secret" in caplog.text


async def test_a_namespace_that_is_not_there_is_refused(io: Io, site: Site) -> None:
    client = io.open(site, "/nowhere")

    assert await client.told() == ["connect_error", "Invalid namespace", None]


async def test_namespaces_share_a_connection(io: Io, site: Site) -> None:
    root = await io.connect(site)
    chat = io.clients.beside(root, "/chat")
    await chat.connected()

    assert await root.ask("where") == ["/"]
    assert await chat.ask("where") == ["/chat"]
    assert site.server.statistics().sessions == 1


async def test_each_namespace_has_credentials_of_its_own(io: Io, site: Site, heard: list[Any]) -> None:
    root = await io.connect(site, auth={"token": "of the root"})
    members = io.clients.beside(root, "/members", auth={"token": "open"})
    stranger = io.clients.beside(root, "/nowhere", auth={"token": "open"})

    await members.connected()
    assert await stranger.told() == ["connect_error", "Invalid namespace", None]

    assert heard == [("connect", {"token": "of the root"})]
    assert await root.ask("where") == ["/"]


async def test_a_refusal_in_one_namespace_leaves_the_others_alone(io: Io, site: Site) -> None:
    chat = await io.connect(site, "/chat")

    members = io.clients.beside(chat, "/members", auth={"token": "wrong"})

    assert await members.told() == ["connect_error", "members only", None]
    assert await chat.ask("echo", "still here") == ["still here"]


async def test_namespaces_are_entered_while_the_connection_is_being_made(io: Io, site: Site) -> None:
    root = io.open(site)
    others = [io.clients.beside(root, namespace) for namespace in ("/chat", "/members", "/nowhere")]

    await root.connected()
    await others[0].connected()
    assert [(await other.told())[:2] for other in others[1:]] == [
        ["connect_error", "members only"],
        ["connect_error", "Invalid namespace"],
    ]


async def test_ids_differ_by_namespace_and_by_connection(io: Io, site: Site) -> None:
    root, other = await io.connect(site), await io.connect(site)
    chat = io.clients.beside(root, "/chat")
    await chat.connected()

    assert len({root.sid, other.sid, chat.sid}) == 3


async def test_a_socket_that_was_disconnected_comes_back_as_another(io: Io, site: Site) -> None:
    root = await io.connect(site)
    chat = io.clients.beside(root, "/chat")
    await chat.connected()
    before = only(site.server, "/chat")
    chat.disconnect()
    assert await chat.disconnected() == "io client disconnect"

    chat.do("connect")
    await chat.connected()

    assert only(site.server, "/chat") is not before
    assert await chat.ask("echo", 1) == [1]


async def test_what_on_connect_says_arrives_behind_the_answer(io: Io, site: Site, server: Server) -> None:
    @server.namespace("/eager").on_connect
    async def connect(socket: Socket) -> None:
        await socket.emit("welcome", 1)
        await socket.emit("welcome", 2)

    client = await io.connect(site, "/eager")

    assert await client.events(2) == [("welcome", 1), ("welcome", 2)]


async def test_who_is_refused_hears_nothing_of_what_was_said_before(io: Io, site: Site, server: Server) -> None:
    @server.namespace("/regret").on_connect
    async def connect(socket: Socket) -> None:
        await socket.emit("welcome")
        raise Refused("after all, no")

    client = io.open(site, "/regret")

    assert await client.told() == ["connect_error", "after all, no", None]
    assert await client.quiet()


async def test_what_a_refused_client_was_told_does_not_come_up_again_when_it_is_let_in(
    io: Io, site: Site, server: Server
) -> None:
    @server.namespace("/regret").on_connect
    async def connect(socket: Socket, auth: Any) -> None:
        await socket.emit("welcome", auth)
        if auth is None:
            raise Refused("after all, no")

    client = io.open(site, "/regret")
    assert (await client.told())[0] == "connect_error"
    client.do("auth", auth={"token": "open"})
    client.do("connect")

    told = [await client.told(), await client.told()]

    assert ["event", "welcome", {"token": "open"}] in told
    assert ["event", "welcome", None] not in told


async def test_events_emitted_before_the_connection_is_there_arrive_in_order(
    io: Io, site: Site, heard: list[Any]
) -> None:
    client = io.open(site, "/chat")

    client.count("note", 100)
    answer = await client.ask("echo", "last")

    assert answer == ["last"]
    assert heard == [("note", number) for number in range(100)]


async def test_a_client_that_leaves_while_it_connects_leaves_nothing_behind(io: Io, site: Site) -> None:
    client = io.open(site)
    client.disconnect()

    other = await io.connect(site)

    await until(lambda: site.server.statistics().sessions == 1)
    assert only(site.server).id == other.sid


async def test_fifty_clients_come_at_once(clients: Clients, site: Site) -> None:
    many = [clients.open(site.origin, WIRES[number % 3]) for number in range(50)]

    for client in many:
        await client.connected()

    assert {client.sid for client in many} == {socket.id for socket in site.server.namespace("/").sockets}
