"""Connections of Engine.IO, from their first request to their first CONNECT and back to the session they had."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from antiphon import CallFailed, CallNotSent, CallTimeout, Inbox, Limits, Refused, Socket, Socketio
from antiphon.dialects.socketio.engine import EngineError, EngineRefusal
from antiphon.protocol.closing import Loss
from antiphon.server.engineio import UNKNOWN
from antiphon.types import Data
from tests.server.engine_peer import Ask, Polls, Site, entered, wire_of
from tests.server.peer import settle


def refuse(socket: Socket) -> None:
    raise CallFailed("busy")


# -- the first request


async def test_many_who_ask_for_nothing_are_not_too_many() -> None:
    site = Site(Limits(connections=2))
    Polls(site.engine)
    wire_of(site)

    refused = Polls(site.engine)
    websocket = site.engine.expect_websocket(None, "")

    assert refused.sid == "" and refused.greeting.error is EngineError.FORBIDDEN
    assert isinstance(websocket, EngineRefusal)
    assert site.server.statistics().limits.connections == 2


async def test_nor_are_those_of_one_address() -> None:
    site = Site(Limits(connections_per_address=2))
    for _ in range(2):
        Polls(site.engine, "192.0.2.1")

    refused, other = Polls(site.engine, "192.0.2.1"), Polls(site.engine, "192.0.2.2")

    assert refused.greeting.error is EngineError.FORBIDDEN
    assert other.sid
    assert site.server.statistics().limits.connections_per_address == 1


async def test_who_has_asked_for_a_namespace_makes_room() -> None:
    site = Site(Limits(connections_per_address=2))
    Polls(site.engine, "192.0.2.1")
    client = Polls(site.engine, "192.0.2.1")
    client.post("40")
    await settle()

    assert site.engine.opening == 1
    assert Polls(site.engine, "192.0.2.1").sid


async def test_where_there_are_as_many_sessions_as_may_be_nobody_begins_another() -> None:
    site = Site(Limits(connections_per_address=1))
    client = Polls(site.engine, "192.0.2.1")
    await client.enter()

    refused, websocket = Polls(site.engine, "192.0.2.1"), site.engine.expect_websocket(None, "192.0.2.1")

    there = "there are 1 sessions from your address; try again later"
    assert refused.greeting.refusal == EngineRefusal(EngineError.FORBIDDEN, there) == websocket


async def test_but_with_recovery_who_comes_may_have_one() -> None:
    site = Site(Limits(connections_per_address=1), recovery=True)
    client = Polls(site.engine, "192.0.2.1")
    await client.enter()

    assert Polls(site.engine, "192.0.2.1").sid


async def test_who_is_turned_away_and_may_come_again_is_told_why() -> None:
    site = Site(Limits(connections_per_address=1), recovery=True)
    await Polls(site.engine, "192.0.2.1").enter()
    client = Polls(site.engine, "192.0.2.1")
    poll = client.poll()

    client.post("40")
    await settle()

    there = EngineRefusal(EngineError.SESSION_UNKNOWN, "there are 1 sessions from your address")
    assert poll.refusal == client.poll().refusal == client.post("40").refusal == there
    assert site.engine.polled == 1


async def test_of_a_thousand_sessions_that_are_over_it_is_known_why() -> None:
    site = Site()
    clients = [Polls(site.engine) for _ in range(1001)]
    for client in clients:
        client.post("nonsense")

    assert clients[0].poll().refusal == UNKNOWN
    assert "no packet of Engine.IO" in str(clients[1].poll().refusal)


async def test_a_request_for_a_session_that_is_not_there_is_refused() -> None:
    site, poll, post = Site(), Ask(), Ask()

    site.engine.poll("nobody", poll)
    assert site.engine.expect_push("nobody", post) is None

    assert poll.error is post.error is EngineError.SESSION_UNKNOWN
    assert poll.refusal is not None and "always to the same" in poll.refusal.message


# -- until the first CONNECT


async def test_who_asks_for_nothing_is_pinged_and_closed_in_time() -> None:
    site = Site(connect_timeout=45)
    wire = wire_of(site)

    for _ in range(2):
        await site.passes(22)
        wire.say("3")
    await site.passes(2)

    assert wire.heard == ["2"]
    assert wire.shut is not None
    assert site.engine.opening == 0


async def test_who_does_not_answer_is_closed() -> None:
    site = Site(connect_timeout=1000)
    client, wire = Polls(site.engine), wire_of(site)

    await site.passes(45)

    assert wire.shut is not None
    assert client.poll().error is EngineError.SESSION_UNKNOWN
    assert (site.engine.opening, site.engine.polled) == (0, 0)


async def test_who_polls_too_late_is_told_so_before_the_ticker_has_looked() -> None:
    site = Site(ping_interval=0.3, ping_timeout=0.2)
    opening, session = Polls(site.engine), Polls(site.engine)
    await session.enter()

    site.clock.advance(0.5)

    assert opening.poll().error is EngineError.SESSION_UNKNOWN
    assert session.poll().error is EngineError.SESSION_UNKNOWN


@pytest.mark.parametrize("first", ['42["note",1]', "41", "4", "40[]", "hello", b"\xc1", "2", "5"])
async def test_what_is_no_connect_ends_the_connection(first: Data) -> None:
    site = Site()
    wire = wire_of(site)

    wire.say(first)

    assert wire.shut is not None
    assert site.engine.opening == 0 and site.server.statistics().sessions == 0


async def test_a_first_message_is_small() -> None:
    site = Site(Limits(hello=100))
    wire, client = wire_of(site), Polls(site.engine)

    wire.say("40" + json.dumps({"token": "x" * 100}))

    assert wire.shut is not None
    assert site.engine.size_of(client.sid) == 100
    assert site.server.statistics().limits.hello == 1


async def test_later_ones_may_be_as_large_as_was_said() -> None:
    site = Site(Limits(hello=100), max_http_buffer_size=5000)
    client = Polls(site.engine)
    await client.enter()

    assert site.engine.size_of(client.sid) == 7500


async def test_who_goes_before_it_asks_leaves_nothing() -> None:
    site = Site()
    wire, client = wire_of(site), Polls(site.engine)

    wire.lost()
    client.post("1")
    await site.passes(1)

    assert (site.engine.opening, site.engine.polled) == (0, 0)


async def test_a_body_that_was_not_read_ends_its_session() -> None:
    site, post = Site(), Ask()
    client = Polls(site.engine)
    await client.enter()

    polling = site.engine.expect_push(client.sid, post)
    assert polling is not None
    polling.broken(Loss("it did not come"))
    site.engine.push(polling, b'42["note",1]', "text/plain")
    await settle()

    assert post.error is EngineError.BAD_REQUEST
    assert site.heard == ["expired"]


async def test_a_second_post_is_one_too_many_before_the_body_of_the_first_is_there() -> None:
    site, first, second = Site(), Ask(), Ask()
    client = Polls(site.engine)
    await client.enter()
    site.engine.expect_push(client.sid, first)

    assert site.engine.expect_push(client.sid, second) is None

    assert first.error is second.error is EngineError.BAD_REQUEST
    assert site.engine.polled == 0


# -- who comes


async def test_who_is_refused_hears_it_by_the_next_poll() -> None:
    site = Site()

    @site.server.authenticate
    async def who(auth: Any) -> str:
        raise Refused("who are you?", {"wanted": "token"})

    client = Polls(site.engine)
    client.post("40")
    await settle()

    assert client.poll().text == '44{"message":"who are you?","data":{"code":"unauthorized"}}'
    assert (site.engine.opening, site.engine.polled) == (0, 0)


async def test_what_is_posted_while_it_is_looked_into_waits() -> None:
    site, go_on = Site(), asyncio.Event()

    @site.server.authenticate
    async def who(auth: Any) -> str:
        await go_on.wait()
        return "ann"

    client = Polls(site.engine)
    post = client.post('40\x1e42["note",1]')
    await site.passes(1)
    assert post.open

    go_on.set()
    await site.passes(1)

    assert post.text == "ok"
    assert site.heard == [1]


async def test_sessions_are_told_apart_by_their_own_rules() -> None:
    site = Site()
    beside = site.server.serve_socketio(Socketio(path="/games/", ping_interval=1, ping_timeout=1))
    client, gamer = Polls(site.engine), Polls(beside)
    await client.enter()
    await gamer.enter()

    await site.passes(1)

    poll, pinged = client.poll(), gamer.poll()
    await settle()
    assert poll.open
    assert pinged.text == "2"


async def test_who_is_let_in_is_told_so_first() -> None:
    site = Site()

    @site.root.on_connect
    async def connect(socket: Socket) -> None:
        await socket.join("room")
        await socket.emit("welcome", b"\x01")
        await site.root.to("room").emit("all", latest="k")
        await socket.emit("gone", volatile=True)
        with pytest.raises(CallNotSent, match="before they are let in"):
            await socket.call("sure?")
        replies = await site.root.to("room").call("sure?")
        site.heard += [type(error) for error in replies.errors.values()]

    wire, _ = await entered(site)
    await settle()

    assert [str(message)[:6] for message in wire.heard[1:]] == ['451-["', "b'\\x01", '42["al']
    assert site.heard == [CallNotSent]


async def test_who_is_not_let_in_hears_nothing() -> None:
    site = Site()

    @site.root.on_connect
    async def connect(socket: Socket) -> None:
        await socket.emit("welcome")
        raise Refused("no")

    wire = wire_of(site)
    wire.say("40")
    await settle()

    assert wire.heard == ['44{"message":"no"}']


async def test_what_waits_before_the_door_is_bounded() -> None:
    site = Site()

    @site.root.on_connect
    async def connect(socket: Socket) -> None:
        for _ in range(5000):
            socket.emit_nowait("much")

    wire = wire_of(site)
    wire.say("40")
    await settle()

    assert wire.shut is not None
    assert site.server.statistics().sessions == 0


async def test_a_tuple_is_several_values_and_none_is_none() -> None:
    site = Site()
    site.root.on("two")(lambda socket: (1, [2]))
    site.root.on("one")(lambda socket: [1])
    site.root.on("none")(lambda socket: None)
    site.root.on("withheld")(refuse)
    wire, _ = await entered(site)

    wire.say('421["two"]', '422["one"]', '423["withheld"]', '424["none"]')
    await settle()

    assert wire.heard[1:] == ["431[1,[2]]", "432[[1]]", "434[]"]


@pytest.mark.parametrize("packets", [20, 200])
async def test_a_handler_that_asks_its_client_is_answered_behind_what_waits(packets: int) -> None:
    site = Site(Limits(inbox=Inbox(packets=8)))
    answers = list[object]()

    @site.root.on("ask")
    async def ask(socket: Socket) -> None:
        try:
            answers.append(await socket.call("sure?", timeout=1))
        except CallTimeout as error:
            answers.append(type(error))

    wire, _ = await entered(site)
    # Four times as much as may wait is looked through for it, and no more.
    wire.say('42["ask"]', *['42["note",1]'] * packets, '432["yes"]')
    for _ in range(60):
        await site.passes(0.25)
        wire.say()

    assert answers == (["yes"] if packets == 20 else [CallTimeout])
    assert site.heard == [1] * packets


async def test_a_message_may_be_as_large_as_was_said_however_small_the_inbox() -> None:
    site = Site(Limits(inbox=Inbox(size=1000)), max_http_buffer_size=10_000_000)
    wire, _ = await entered(site)

    wire.say(f'42["note","{"x" * 9_000_000}"]', '42["note",1]')
    await settle()
    wire.say()
    await settle()

    assert wire.shut is None
    assert [len(heard) if isinstance(heard, str) else heard for heard in site.heard] == [9_000_000, 1]


async def test_a_server_that_stops_begins_nothing_new() -> None:
    site = Site()

    await site.server.close()

    assert Polls(site.engine).greeting.error is EngineError.FORBIDDEN
    assert isinstance(site.engine.expect_websocket(None, ""), EngineRefusal)


async def test_a_stall_of_ours_costs_nobody_its_time() -> None:
    site = Site(connect_timeout=45)
    wire, polls = wire_of(site), Polls(site.engine)
    upgrade = polls.upgrade()

    site.clock.advance(44)
    site.server.tick(site.clock(), 43.75)
    wire.say("3")
    await site.passes(5)

    assert wire.shut is None and upgrade.shut is None
    assert (site.engine.opening, site.engine.upgrading) == (2, 1)
