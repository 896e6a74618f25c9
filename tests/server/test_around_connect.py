"""Middleware around connecting: what its handlers are given, and who is not let in."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from antiphon import (
    Arriving,
    Namespace,
    Refused,
    Server,
    Socket,
)
from antiphon.dispatch.middleware import Proceed
from antiphon.protocol.packets import (
    Joined,
)
from antiphon.protocol.packets import Refused as RefusedPacket
from tests.server.asking import errors
from tests.server.peer import Peer, entered, settle


@pytest.fixture
def heard() -> list[Any]:
    return []


@pytest.fixture
def root(server: Server) -> Namespace:
    return server.namespace("/")


async def test_it_is_around_the_connect_handlers(server: Server, heard: list[Any]) -> None:
    chat = server.namespace("/chat")

    @server.around_connect
    async def outer(arriving: Arriving, proceed: Proceed) -> None:
        heard.append(f"outer {arriving.auth}")
        await proceed(replace(arriving, auth=f"{arriving.auth}, checked"))
        heard.append("outer ends")

    @chat.around_connect
    async def inner(arriving: Arriving, proceed: Proceed) -> None:
        heard.append((arriving.socket.namespace.name, arriving.auth))
        await proceed(arriving)

    chat.on_connect(lambda socket, auth: heard.append(f"handler {auth}"))
    await entered(server, "ann", ("/chat", "a token"))

    assert heard == ["outer a token", ("/chat", "a token, checked"), "handler a token, checked", "outer ends"]
    assert chat.count() == 1


async def test_it_lets_in_where_there_is_no_connect_handler(server: Server, root: Namespace) -> None:
    @root.around_connect
    async def nothing(arriving: Arriving, proceed: Proceed) -> None:
        await proceed(arriving)

    ann = Peer(server)
    ann.attach("/")
    await settle()

    assert [type(packet) for packet in ann.read()] == [Joined]


async def refuse(arriving: Arriving, proceed: Proceed) -> None:
    raise Refused("full", {"after": 3})


async def forget(arriving: Arriving, proceed: Proceed) -> None: ...


async def swallow(arriving: Arriving, proceed: Proceed) -> None:
    with suppress(Refused):
        await proceed(arriving)


async def refuse_afterwards(arriving: Arriving, proceed: Proceed) -> None:
    await proceed(arriving)
    raise Refused("full", {"after": 3})


@pytest.mark.parametrize(
    ("around", "told"),
    [
        (refuse, RefusedPacket("/", "full", {"after": 3})),
        (refuse_afterwards, RefusedPacket("/", "full", {"after": 3})),
        (forget, RefusedPacket("/", "refused")),
        (swallow, RefusedPacket("/", "refused")),
    ],
    ids=["it refuses", "it refuses afterwards", "it does not proceed", "it swallows a refusal"],
)
async def test_who_is_refused_by_it_is_not_let_in(
    server: Server, root: Namespace, around: Any, told: RefusedPacket
) -> None:
    root.around_connect(around)
    if around is swallow:

        @root.on_connect
        def enter(socket: Socket) -> None:
            raise Refused("not you")

    ann = Peer(server)
    ann.attach("/")
    await settle()

    assert ann.read() == [told]
    assert root.count() == 0


async def test_an_exception_in_it_turns_the_client_away(
    server: Server, root: Namespace, caplog: pytest.LogCaptureFixture
) -> None:
    @root.around_connect
    async def broken(arriving: Arriving, proceed: Proceed) -> None:
        raise RuntimeError("a secret")

    ann = Peer(server)
    ann.attach("/")
    await settle()

    [refused] = ann.read()
    assert isinstance(refused, RefusedPacket) and refused.reason == "the connect handler failed"
    assert refused.data["id"] in errors(caplog)[0]


async def test_credentials_that_do_not_fit_are_a_refusal_that_it_sees(
    server: Server, root: Namespace, heard: list[Any]
) -> None:
    @root.around_connect
    async def watch(arriving: Arriving, proceed: Proceed) -> None:
        try:
            await proceed(arriving)
        except Refused as refused:
            heard.append(refused.data)
            raise

    @root.on_connect
    def enter(socket: Socket, auth: str) -> None: ...

    ann = Peer(server)
    ann.attach(("/", 1))
    await settle()

    [refused] = ann.read()
    assert isinstance(refused, RefusedPacket) and refused.data == {"parameter": "auth", "expected": "str"}
    assert heard == [refused.data]


async def test_while_it_waits_the_client_is_not_in(server: Server, root: Namespace) -> None:
    door = asyncio.Event()

    @root.around_connect
    async def wait(arriving: Arriving, proceed: Proceed) -> None:
        await door.wait()
        await proceed(arriving)

    ann = Peer(server)
    ann.attach("/")
    await settle()
    assert root.count() == 0

    door.set()
    await settle()
    assert root.count() == 1
