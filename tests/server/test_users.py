"""A person and all that is theirs: what is said to them, done to them, and how they are revoked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from antiphon import Outgoing, Principal, Refused
from antiphon.brokers.memory import MemoryBroker
from antiphon.dispatch.middleware import Proceed
from antiphon.protocol.packets import Call, Cancel, Close, Failed, Leave, Refuse, Reply, Welcome
from antiphon.testing.clock import ManualClock
from tests.server.peer import Peer, serving, settle
from tests.server.people import Served


async def test_a_person_is_reached_in_every_namespace_on_every_device(served: Served) -> None:
    phone = await served.client("phone", "ann", "/chat", "/news")
    laptop = await served.client("laptop", "ann", "/chat")
    other = await served.client("other", "bob", "/chat", "/news")

    await served.server.user("ann").emit("hello", 1)
    served.server.user("ann").emit_nowait("hello", 2)
    await settle()

    assert phone.events() == [("hello", 1)] * 2 + [("hello", 2)] * 2
    assert laptop.events() == [("hello", 1), ("hello", 2)]
    assert other.events() == []
    assert len(served.server.user("ann").sockets) == 3
    assert repr(served.server.user("ann")) == "<User ann with 3 sockets>"


async def test_a_person_in_one_namespace_is_an_audience(served: Served) -> None:
    phone = await served.client("phone", "ann", "/chat", "/news")
    await served.client("other", "bob", "/chat")

    await served.chat.user("ann").emit("said", 1)
    await served.server.user("ann").within("/news").emit("news", 2)
    await settle()

    assert phone.events() == [("said", 1), ("news", 2)]
    assert len(served.chat.user("ann").sockets) == 1
    assert len(served.chat.user("bob").to("nowhere").sockets) == 1


async def test_nobody_is_reached_who_is_not_here(served: Served) -> None:
    user = served.server.user("ann")

    await user.emit("hello")
    await user.join("red")
    await user.disconnect()

    assert user.sockets == frozenset()
    assert (await user.call("ask")).values == {}


async def test_a_person_comes_into_rooms_and_leaves_them_everywhere(served: Served) -> None:
    await served.client("phone", "ann", "/chat", "/news")
    user = served.server.user("ann")

    await user.join("red", "blue")
    await user.leave("red")

    assert [socket.rooms for socket in user.sockets] == [{"blue"}, {"blue"}]
    assert len(served.chat.to("blue").sockets) == len(served.news.to("blue").sockets) == 1


async def test_a_call_to_a_person_gathers_what_each_device_answers(served: Served) -> None:
    phone = await served.client("phone", "ann", "/chat", "/news")
    asking = asyncio.create_task(served.server.user("ann").call("vote"))
    await settle()
    first, second = phone.read()
    assert isinstance(first, Call) and isinstance(second, Call)
    phone.say(Reply(first.id, "yes"), Failed(second.id, "busy"))

    replies = await asking

    assert list(replies.values.values()) == ["yes"]
    assert [str(error) for error in replies.errors.values()] == ["busy"]
    assert replies.missing == frozenset()


async def test_a_person_is_put_out_of_all_namespaces_and_the_session_goes_on(served: Served) -> None:
    phone = await served.client("phone", "ann", "/chat", "/news")

    await served.server.user("ann").disconnect("lunch")
    await settle()

    assert sorted(packet.namespace for packet in phone.read() if isinstance(packet, Leave)) == ["/chat", "/news"]
    assert served.server.user("ann").sockets == frozenset()
    assert len(served.server.registry) == 1


async def test_whoever_is_gone_is_not_in_the_audience_of_a_person(served: Served) -> None:
    phone = await served.client("phone", "ann", "/chat")
    [socket] = served.chat.sockets
    await socket.join("red")

    phone.say(Leave("/chat"))
    await settle()

    assert served.chat.user("ann").sockets == frozenset()
    assert socket.rooms == {"red"}


async def test_what_middleware_raises_at_a_call_to_a_person_is_raised_as_it_is(served: Served) -> None:
    phone = await served.client("phone", "ann", "/chat", "/news")
    cause = KeyError("quota")

    @served.chat.around_emit
    async def refuse(outgoing: Outgoing, proceed: Proceed) -> Any:
        await asyncio.sleep(0)  # so that the other namespace was asked before
        raise Refused("not now") from cause

    with pytest.raises(Refused, match="not now") as refused:
        await served.server.user("ann").call("vote")
    await settle()

    assert refused.value.__cause__ is cause
    asked, cancelled = phone.read()
    assert isinstance(asked, Call) and asked.namespace == "/news"
    assert cancelled == Cancel(asked.id)


async def test_a_person_is_reached_on_another_node_as_well() -> None:
    broker = MemoryBroker()
    async with serving(broker=broker) as (here, _), serving(broker=broker) as (there, _):
        people, far = Served(there, ManualClock()), here.namespace("/chat")
        peer = await people.client("one", "ann", "/chat")
        await people.client("two", "bob", "/chat")

        await here.user("ann").emit("hello", 1)
        await far.user("ann").emit("hello", 2)
        await settle()

        assert peer.events() == [("hello", 1), ("hello", 2)]


# -- revoking


async def test_a_revoked_person_is_gone_everywhere_and_told_not_to_come_back(served: Served) -> None:
    phone = await served.client("phone", "ann", "/chat", "/news")
    laptop = await served.client("laptop", "ann", "/chat")
    other = await served.client("other", "bob", "/chat")
    laptop.wire.lost()

    await served.server.user("ann").revoke("banned")
    await settle()

    assert phone.read()[-1] == Close("revoked", "banned")
    assert phone.wire.shut == (1000, "revoked")
    assert other.wire.shut is None
    assert [line.session.identity.id for line in served.server.registry] == ["bob"]
    assert {socket.principal for socket in served.chat.sockets} == {Principal("bob")}
    assert await served.attach(laptop, "ann") == Refuse("revoked", "banned")


async def test_whoever_begins_anew_after_that_is_up_to_the_hook(served: Served) -> None:
    peer = await served.client("one", "ann", "/chat")
    await served.server.revoke("ann")

    answer = await served.attach(peer, "ann", sid=None, epoch=served.server.epoch)

    assert isinstance(answer, Welcome)
    assert not answer.resumed


async def test_whoever_is_just_coming_is_revoked_too(served: Served) -> None:
    served.people.hold = asyncio.Event()
    peer = Peer(served.server)
    served.greet(peer, "ann")
    await settle()

    await served.server.revoke("ann", "banned")
    served.people.hold.set()
    await settle()

    assert served.answer(peer) == Refuse("revoked", "banned")
    assert len(served.server.registry) == 0
