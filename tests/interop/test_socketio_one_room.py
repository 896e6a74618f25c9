"""One room with a native client, a socket.io-client over polling and one over WebSocket: each speaks to the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from antiphon import ClientNamespace, Server, Socket
from tests.hosts.rig import PATIENCE, Site
from tests.interop.clients import Clients, IoClient
from tests.interop.site import native

NAMES = ("native", "polling", "websocket")
SENT: dict[str, list[Any]] = {
    "plain": ["hello", 1, {"nested": [None, 1.5, "\u65e5\u672c"]}],
    "binary": ["hello", b"\x00\x01\xff", {"nested": [b"", b"\xfe"]}],
}


class Member:
    """One of the three, whatever it is made of."""

    def __init__(
        self,
        emit: Callable[..., Awaitable[None]],
        ask: Callable[..., Awaitable[Any]],
        event: Callable[[], Awaitable[tuple[Any, ...]]],
    ) -> None:
        self.emit, self.ask, self.event = emit, ask, event


def foreign(client: IoClient) -> Member:
    """A socket.io-client."""

    async def emit(event: str, *args: Any) -> None:
        client.emit(event, *args)

    async def ask(event: str, *args: Any) -> Any:
        [answer] = await client.ask(event, *args)
        return answer

    return Member(emit, ask, client.event)


def our_own(client: ClientNamespace) -> Member:
    """A native client, which answers what it is asked with what it was asked."""
    heard = asyncio.Queue[tuple[Any, ...]]()

    @client.on("*")
    async def hear(event: str, *args: Any) -> Any:
        heard.put_nowait((event, *args))
        return args[0] if args else None

    async def event() -> tuple[Any, ...]:
        async with asyncio.timeout(PATIENCE):
            return await heard.get()

    return Member(client.emit, client.call, event)


@pytest.fixture
def server(server: Server) -> Server:
    """It puts everybody into one room, and says on there what each says."""
    root = server.namespace("/")

    @root.on_connect
    async def connect(socket: Socket) -> None:
        await socket.join("room")

    @root.on("say")
    async def say(socket: Socket, *args: Any) -> str:
        await socket.to("room").emit("said", *args)
        return f"told {root.count('room') - 1}"

    @root.on("poll")
    async def poll(socket: Socket, *args: Any) -> list[Any]:
        replies = await socket.to("room").call("vote", *args, timeout=PATIENCE)
        assert not replies.errors
        return list(replies.values.values())

    return server


@pytest.fixture
async def room(site: Site, clients: Clients) -> AsyncIterator[dict[str, Member]]:
    """The three of them, in the room."""
    async with native(site) as client:
        polling, websocket = clients.open(site.origin, "polling"), clients.open(site.origin, "websocket")
        for other in (polling, websocket):
            await other.connected()
            await other.answer("vote", "aye")
        yield {"native": our_own(client), "polling": foreign(polling), "websocket": foreign(websocket)}


@pytest.mark.parametrize("kind", SENT)
@pytest.mark.parametrize("sender", NAMES)
async def test_what_one_says_reaches_the_others(room: dict[str, Member], sender: str, kind: str) -> None:
    await room[sender].emit("say", *SENT[kind])

    for name in set(NAMES) - {sender}:
        assert await room[name].event() == ("said", *SENT[kind])


@pytest.mark.parametrize("kind", SENT)
@pytest.mark.parametrize("sender", NAMES)
async def test_what_one_says_is_acknowledged_and_reaches_the_others(
    room: dict[str, Member], sender: str, kind: str
) -> None:
    assert await room[sender].ask("say", *SENT[kind]) == "told 2"

    for name in set(NAMES) - {sender}:
        assert await room[name].event() == ("said", *SENT[kind])


@pytest.mark.parametrize("kind", SENT)
@pytest.mark.parametrize("sender", NAMES)
async def test_what_one_asks_the_others_answer(room: dict[str, Member], sender: str, kind: str) -> None:
    answers = await room[sender].ask("poll", *SENT[kind])

    assert sorted(answers) == (["aye", "aye"] if sender == "native" else ["aye", "hello"])
    for name in set(NAMES) - {sender}:
        assert await room[name].event() == ("vote", *SENT[kind])


@pytest.mark.parametrize("kind", SENT)
async def test_what_the_server_says_reaches_all_three(room: dict[str, Member], server: Server, kind: str) -> None:
    for number in range(20):
        await server.namespace("/").to("room").emit("said", number, *SENT[kind])

    for member in room.values():
        assert [await member.event() for _ in range(20)] == [("said", number, *SENT[kind]) for number in range(20)]


async def test_all_three_speak_at_once_and_each_is_heard_in_its_order(room: dict[str, Member]) -> None:
    for number in range(50):
        for name, member in room.items():
            await member.emit("say", name, number, bytes([number]))

    for name, member in room.items():
        heard = [await member.event() for _ in range(100)]
        for other in set(NAMES) - {name}:
            assert [event for event in heard if event[1] == other] == [
                ("said", other, number, bytes([number])) for number in range(50)
            ]
