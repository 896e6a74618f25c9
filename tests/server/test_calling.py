"""Calls to many: answers as they come, who did not answer, and who is asked at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from antiphon import CallAbandoned, CallFailed, CallNotSent, CallTimeout, OutboxFull, PayloadError, Server, Socket
from antiphon.config import Limits, Outbox
from antiphon.protocol.packets import Call, Cancel, Close, Failed, Leave, Reply
from antiphon.server.calling import Replies
from antiphon.testing.clock import ManualClock
from tests.server.peer import JSON, Peer, entered, serving, settle

People = dict[str, tuple[Peer, Socket]]


@pytest.fixture
async def people(server: Server) -> People:
    return await enter(server, "ann", "bob", "cat")


async def enter(server: Server, *names: str) -> People:
    root, people = server.namespace("/"), {}
    for name in names:
        before = root.sockets
        peer = await entered(server, name)
        [socket] = root.sockets - before
        people[name] = (peer, socket)
    return people


def asked(peer: Peer) -> Call:
    """The one call that came."""
    [call] = [packet for packet in peer.read() if isinstance(packet, Call)]
    return call


def answer(people: People, name: str, value: Any) -> None:
    peer, _ = people[name]
    peer.say(Reply(asked(peer).id, value))


def by_name(people: People, replies: Replies) -> tuple[dict[str, Any], dict[str, type], set[str]]:
    names = {socket: name for name, (_, socket) in people.items()}
    return (
        {names[socket]: value for socket, value in replies.values.items()},
        {names[socket]: type(error) for socket, error in replies.errors.items()},
        {names[socket] for socket in replies.missing},
    )


async def test_a_call_returns_when_all_have_answered(server: Server, people: People) -> None:
    voting = asyncio.create_task(server.namespace("/").call("vote", "tea?"))
    await settle()
    for name in people:
        assert not voting.done()
        answer(people, name, f"{name}'s")
        await settle()

    assert by_name(people, await voting) == ({"ann": "ann's", "bob": "bob's", "cat": "cat's"}, {}, set())


async def test_everybody_is_asked_with_the_same_packet(server: Server, people: People) -> None:
    voting = asyncio.create_task(server.namespace("/").call("vote", "tea?", timeout=2))
    await settle()

    calls = [asked(peer) for peer, _ in people.values()]
    assert calls == [Call(calls[0].id, "/", "vote", ["tea?"], 2000)] * 3

    voting.cancel()


async def test_only_those_in_the_audience_are_asked(server: Server, people: People) -> None:
    await people["ann"][1].join("red")
    voting = asyncio.create_task(people["bob"][1].to("red").call("vote"))
    await settle()
    answer(people, "ann", 1)

    assert by_name(people, await voting)[0] == {"ann": 1}
    assert people["bob"][0].read() == people["cat"][0].read() == []


async def test_an_empty_audience_has_answered_at_once(server: Server, people: People) -> None:
    assert await server.namespace("/").to("nowhere").call("vote") == Replies({}, {})


async def test_who_comes_later_is_not_asked(server: Server, people: People) -> None:
    voting = asyncio.create_task(server.namespace("/").call("vote"))
    await settle()

    later = await entered(server, "dan")
    for name in people:
        answer(people, name, name)
    await settle()

    assert len((await voting).values) == 3
    assert later.read() == []


async def test_who_fails_has_answered_and_who_says_nothing_is_missing(
    server: Server, people: People, clock: ManualClock
) -> None:
    voting = asyncio.create_task(server.namespace("/").call("vote", timeout=2))
    await settle()
    answer(people, "ann", "yes")
    bob = people["bob"][0]
    bob.say(Failed(asked(bob).id, "tired", "not now"))
    cat = people["cat"][0]
    call = asked(cat)

    clock.advance(2.1)
    server.tick(clock())
    await settle()

    assert by_name(people, await voting) == ({"ann": "yes"}, {"bob": CallFailed, "cat": CallTimeout}, {"cat"})
    assert cat.read() == [Cancel(call.id)]


async def test_a_short_timeout_does_not_wait_for_the_servers_ticker() -> None:
    server = Server()
    server.start()
    ann = await entered(server)

    async with asyncio.timeout(2):
        replies = await server.namespace("/").call("vote", timeout=0.01)

    assert [type(error) for error in replies.errors.values()] == [CallTimeout]
    assert ann.wire.shut is None
    await server.close()


async def test_who_is_detached_counts_like_others_but_is_not_waited_for_longer(
    server: Server, people: People, clock: ManualClock
) -> None:
    people["ann"][0].wire.lost()
    people["bob"][0].wire.lost()
    voting = asyncio.create_task(server.namespace("/").call("vote", timeout=2))
    await settle()
    answer(people, "cat", "yes")

    ann = people["ann"][0]
    ann.attach()
    await settle()
    answer(people, "ann", "no")
    clock.advance(2.1)
    server.tick(clock())
    await settle()

    assert by_name(people, await voting) == ({"ann": "no", "cat": "yes"}, {"bob": CallNotSent}, {"bob"})


async def test_who_goes_away_is_told_of_at_once(server: Server, people: People) -> None:
    voting = asyncio.create_task(server.namespace("/").call("vote"))
    await settle()
    answer(people, "ann", "yes")
    bob, cat = people["bob"][0], people["cat"][0]
    bob_was_asked, cat_was_asked = asked(bob), asked(cat)

    bob.say(Leave("/"))
    cat.say(Close("closed"))
    await settle()

    assert by_name(people, await voting)[1] == {"bob": CallAbandoned, "cat": CallAbandoned}
    assert bob.read() == [Cancel(bob_was_asked.id)]
    assert cat_was_asked == bob_was_asked


async def test_an_answer_of_who_is_gone_is_dropped(server: Server, people: People) -> None:
    voting = asyncio.create_task(people["ann"][1].namespace.call("vote", timeout=5))
    await settle()
    for name in ("ann", "bob"):
        answer(people, name, name)
    cat, socket = people["cat"]
    call = asked(cat)
    await socket.disconnect("out")
    await settle()

    cat.say(Reply(call.id, "too late"))

    assert by_name(people, await voting)[1] == {"cat": CallAbandoned}


async def test_answers_are_given_as_they_come(server: Server, people: People) -> None:
    came: list[tuple[Socket, Any]] = []

    async def listen() -> None:
        async for socket, outcome in server.namespace("/").replies("vote"):
            came.append((socket, outcome))

    listening = asyncio.create_task(listen())
    await settle()
    for name in ("cat", "ann", "bob"):
        answer(people, name, name)
        await settle()
        assert came[-1] == (people[name][1], name)

    await listening
    assert len(came) == 3


async def test_leaving_the_loop_early_cancels_the_call_at_who_still_owes_an_answer(
    server: Server, people: People
) -> None:
    async def first() -> Any:
        async for _, outcome in server.namespace("/").replies("vote"):
            return outcome

    asking = asyncio.create_task(first())
    await settle()
    answer(people, "bob", "me first")

    assert await asking == "me first"
    await settle()
    for name in ("ann", "cat"):
        call, cancel = people[name][0].read()
        assert isinstance(call, Call) and cancel == Cancel(call.id)
    assert people["bob"][0].read() == []
    assert not any(socket.connection.session.calls for _, socket in people.values())


async def test_a_cancelled_caller_cancels_the_call_at_all(server: Server, people: People) -> None:
    voting = asyncio.create_task(server.namespace("/").call("vote"))
    await settle()
    calls = [asked(peer) for peer, _ in people.values()]

    voting.cancel()
    await settle()

    assert [peer.read() for peer, _ in people.values()] == [[Cancel(call.id)] for call in calls]


async def test_one_caller_may_ask_while_another_does(server: Server, people: People) -> None:
    first = asyncio.create_task(server.namespace("/").call("vote"))
    second = asyncio.create_task(server.namespace("/").call("sing"))
    await settle()
    for peer, _ in people.values():
        for call in peer.read():
            assert isinstance(call, Call)
            peer.say(Reply(call.id, call.name))

    assert set((await first).values.values()) == {"vote"}
    assert set((await second).values.values()) == {"sing"}


async def test_a_handler_may_ask_the_room_that_its_own_client_is_in(server: Server, people: People) -> None:
    root, told = server.namespace("/"), []

    @root.on("ask")
    async def ask(socket: Socket) -> None:
        told.append(await root.call("vote"))

    people["ann"][0].emit("ask")
    await settle()
    for name in people:
        answer(people, name, name)
    await settle()

    assert set(told[0].values.values()) == {"ann", "bob", "cat"}


async def test_who_answers_a_call_does_not_ask_for_longer_than_its_caller_waits(server: Server, people: People) -> None:
    root = server.namespace("/")

    @root.on("ask")
    async def ask(socket: Socket) -> int:
        return len((await root.except_(socket).call("vote")).values)

    ann, bob = people["ann"][0], people["bob"][0]
    ann.say(Call(1, "/", "ask", [], 5000))
    await settle()

    assert asked(bob).timeout == 5000

    ann.say(Cancel(1))
    await settle()
    assert [type(packet) for packet in bob.read()] == [Cancel]


async def test_what_cannot_be_asked_is_refused_and_nobody_hears_of_it(server: Server, people: People) -> None:
    with pytest.raises(PayloadError):
        await server.namespace("/").call("vote", {1, 2})
    with pytest.raises(OutboxFull):
        await server.namespace("/").call("vote", bytes(2 << 20))
    with pytest.raises(PayloadError):
        server.namespace("/").replies("")

    await settle()
    assert [peer.read() for peer, _ in people.values()] == [[], [], []]


async def test_a_call_that_fits_in_one_form_only_does_not_reach_who_has_the_other() -> None:
    async with serving(outbox=Outbox(size=100_000), limits=Limits(message=100_000)) as (server, _):
        people = await enter(server, "ann")
        bob = Peer(server, "bob", codec=JSON)
        bob.attach("/")
        await settle()
        bob.read()

        voting = asyncio.create_task(server.namespace("/").call("vote", b"x" * 24_000))
        await settle()
        answer(people, "ann", "yes")
        replies = await voting

        assert list(replies.values.values()) == ["yes"]
        [error] = replies.errors.values()
        assert isinstance(error, CallNotSent)
        assert str(error).startswith("a call of 32038 bytes is larger than one packet may be (25000 bytes); send it")
        assert bob.read() == []


async def test_a_session_that_is_just_ending_was_certainly_not_asked(server: Server, people: People) -> None:
    people["ann"][1].connection.session.end("closed", tell=False)

    voting = asyncio.create_task(server.namespace("/").call("vote"))
    await settle()
    for name in ("bob", "cat"):
        answer(people, name, name)

    assert by_name(people, await voting)[1] == {"ann": CallNotSent}


@pytest.mark.parametrize(
    "begin",
    [lambda room: room.call("vote"), lambda room: anext(room.replies("vote"))],
    ids=["call", "replies"],
)
async def test_a_predicate_that_raises_is_told_where_it_is_asked(
    server: Server, people: People, begin: Callable[[Any], Any]
) -> None:
    def failing(socket: Socket) -> bool:
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match="no such thing"):
        await begin(server.namespace("/").where(failing))
