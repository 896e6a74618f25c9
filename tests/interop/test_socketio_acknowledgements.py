"""socket.io-client asks and the server acknowledges: what a handler returns, or nothing at all."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from antiphon import CallFailed, Refused, Server, Socket
from tests.hosts.rig import Site, until
from tests.interop.clients import Unanswered
from tests.interop.site import Io, only

# Long enough for what may still come, short enough to wait for.
SOON = 150


@pytest.mark.parametrize(
    ("value", "acknowledged"),
    [
        pytest.param("one", ["one"], id="one value"),
        pytest.param((1, "two", {"three": 3}), [1, "two", {"three": 3}], id="several in a tuple"),
        pytest.param([1, 2], [[1, 2]], id="a list, which is one value"),
        pytest.param(None, [], id="none"),
        pytest.param((None,), [None], id="null in a tuple"),
        pytest.param((), [], id="an empty tuple"),
        pytest.param(0, [0], id="zero"),
        pytest.param(False, [False], id="false"),
        pytest.param(b"\x00\xff", [b"\x00\xff"], id="bytes"),
        pytest.param(("text", b"", {"nested": [b"\x01"]}), ["text", b"", {"nested": [b"\x01"]}], id="bytes and text"),
        pytest.param("x" * 200_000, ["x" * 200_000], id="200 KB"),
    ],
)
async def test_what_a_handler_returns_is_the_acknowledgement(
    io: Io, site: Site, server: Server, value: Any, acknowledged: list[Any]
) -> None:
    @server.namespace("/").on("give")
    async def give(socket: Socket) -> Any:
        return value

    client = await io.connect(site)

    assert await client.ask("give") == acknowledged


async def test_a_handler_that_is_no_coroutine_acknowledges_too(io: Io, site: Site, server: Server) -> None:
    server.namespace("/").on("double")(lambda socket, number: number * 2)
    client = await io.connect(site)

    assert await client.ask("double", 21) == [42]


async def test_bytes_go_and_come_with_an_acknowledgement(io: Io, site: Site) -> None:
    client = await io.connect(site)

    assert await client.ask("echo", b"\x00", {"a": [b"\x01"]}, "c") == [b"\x00", {"a": [b"\x01"]}, "c"]


async def test_a_promise_is_kept(io: Io, site: Site) -> None:
    client = await io.connect(site)

    assert await client.ask("echo", "first", "second", promised=True) == ["first"]
    assert await client.ask("echo", "first", promised=True, timeout=5000) == ["first"]


async def test_an_acknowledgement_in_time_is_no_timeout(io: Io, site: Site) -> None:
    client = await io.connect(site)

    assert await client.ask("echo", 1, 2, timeout=5000) == [1, 2]


@pytest.mark.parametrize("promised", [False, True])
async def test_what_nobody_handles_is_not_acknowledged(io: Io, site: Site, promised: bool) -> None:
    client = await io.connect(site)

    with pytest.raises(Unanswered, match="timed out"):
        await client.ask("unheard of", timeout=SOON, promised=promised)


@pytest.mark.parametrize("error", [Refused("no"), CallFailed("taken", "that name", {"by": "ann"}), ValueError("bad")])
async def test_a_handler_that_raises_withholds_its_acknowledgement(
    io: Io, site: Site, server: Server, error: Exception
) -> None:
    @server.namespace("/").on("fail")
    async def fail(socket: Socket) -> None:
        raise error

    client = await io.connect(site)

    with pytest.raises(Unanswered, match="timed out"):
        await client.ask("fail", timeout=SOON)
    assert await client.ask("echo", "alive") == ["alive"]


async def test_a_wrong_argument_withholds_the_acknowledgement_and_the_connection_lives(
    io: Io, site: Site, server: Server
) -> None:
    called: list[Any] = []

    @server.namespace("/").on("typed")
    async def typed(socket: Socket, number: int) -> int:
        called.append(number)
        return number

    client = await io.connect(site)

    wrong: list[list[Any]] = [["text"], [None], [[1]], [b"1"], [1.5], [], [1, 2]]
    unanswered = [client.asking("typed", *args) for args in wrong]
    client.emit("typed", "text")

    assert await client.ask("typed", 7) == [7]
    assert called == [7]
    assert not any(answer.done() for answer in unanswered)
    assert await client.quiet()


async def test_an_acknowledgement_that_comes_too_late_is_nothing(io: Io, site: Site, server: Server) -> None:
    go_on = asyncio.Event()

    @server.namespace("/").on("slow")
    async def slow(socket: Socket) -> str:
        await go_on.wait()
        return "late"

    client = await io.connect(site)
    with pytest.raises(Unanswered, match="timed out"):
        await client.ask("slow", timeout=30)

    go_on.set()

    assert await client.ask("echo", "next") == ["next"]


async def test_calls_are_answered_in_their_order(io: Io, site: Site) -> None:
    client = await io.connect(site)
    answered: list[int] = []

    asked = [client.asking("echo", number) for number in range(100)]
    for answer in asked:
        answer.add_done_callback(lambda answer: answered.extend(answer.result()))
    await asyncio.gather(*asked)

    assert answered == list(range(100))


async def test_concurrent_handlers_answer_in_an_order_of_their_own(io: Io, site: Site, server: Server) -> None:
    second = asyncio.Event()

    @server.namespace("/").on("pass", concurrent=True)
    async def overtaken(socket: Socket, first: bool) -> str:
        if not first:
            second.set()
            return "second"
        await second.wait()
        return "first"

    client = await io.connect(site)

    slow, quick = client.asking("pass", True), client.asking("pass", False)

    assert await quick == ["second"]
    assert await slow == ["first"]


async def test_calls_of_two_namespaces_have_answers_of_their_own(io: Io, site: Site) -> None:
    root = await io.connect(site)
    chat = io.clients.beside(root, "/chat")
    await chat.connected()

    asked = [client.asking("where") for client in (root, chat, root, chat)]

    assert await asyncio.gather(*asked) == [["/"], ["/chat"], ["/"], ["/chat"]]


async def test_a_handler_asks_the_client_before_it_answers(io: Io, site: Site, server: Server) -> None:
    @server.namespace("/").on("order")
    async def order(socket: Socket, what: str) -> str:
        sure = await socket.call("sure?", what)
        return f"{what}: {sure}"

    client = await io.connect(site)
    await client.answer("sure?", "yes")

    assert await client.ask("order", "tea") == ["tea: yes"]


async def test_who_leaves_while_asking_is_told_so(io: Io, site: Site, server: Server) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    @server.namespace("/").on("slow")
    async def slow(socket: Socket) -> None:
        asked.set()
        await go_on.wait()

    client = await io.connect(site)
    answer = client.asking("slow", timeout=60_000)
    await asked.wait()

    client.disconnect()

    with pytest.raises(Unanswered, match="socket has been disconnected"):
        await answer
    await until(lambda: site.server.statistics().sessions == 0)
    go_on.set()


async def test_acknowledgements_that_nobody_asked_for_are_ignored(io: Io, site: Site) -> None:
    client = await io.connect(site)

    for message in ('3999["x"]', "30[]", '31234567890["x"]', '37[{"a":[1]}]'):
        client.do("say", message=message)

    assert await client.ask("echo", "alive") == ["alive"]


async def test_an_acknowledgement_that_comes_twice_counts_once(io: Io, site: Site) -> None:
    client = await io.connect(site)
    socket = only(site.server)
    await client.withhold("which?")
    asking = asyncio.create_task(socket.call("which?"))
    await client.event()

    for number in range(10):  # it is one of these
        client.do("say", message=f'3{number}["first"]')
        client.do("say", message=f'3{number}["second"]')

    assert await asking == "first"
    assert await client.ask("echo", "alive") == ["alive"]
