"""Credentials expire and are renewed on the living connection."""

from __future__ import annotations

import asyncio

from antiphon import Principal
from antiphon.protocol.packets import Close, Renew, Welcome
from tests.server.peer import settle
from tests.server.people import WALL, Served


async def test_fresh_credentials_are_asked_for_and_the_session_goes_on(served: Served) -> None:
    served.people.expires["ann"] = WALL + 20
    peer = await served.client("one", "ann", "/chat")
    served.pass_time(15.0)
    await settle()
    assert Renew() in peer.read()
    served.people.expires["ann"] = WALL + 1000

    peer.say(Renew("ann"))
    await settle()
    served.pass_time(10.0)
    await settle()

    assert peer.wire.shut is None
    [socket] = served.chat.sockets
    assert socket.principal == Principal("ann", WALL + 1000)


async def test_expired_credentials_close_the_transport_and_fresh_ones_resume(served: Served) -> None:
    served.people.expires["ann"] = WALL + 20
    peer = await served.client("one", "ann", "/chat")

    served.pass_time(20.0)
    await served.chat.emit("said", "meanwhile")
    assert peer.wire.shut == (4008, "the credentials have expired")
    served.people.expires["ann"] = WALL + 1000
    answer = await served.attach(peer, "ann")
    await settle()

    assert isinstance(answer, Welcome)
    assert answer.resumed
    assert peer.events() == [("said", "meanwhile")]


async def test_fresh_credentials_that_are_refused_end_the_session(served: Served) -> None:
    peer = await served.client("one", "ann", "/chat")

    peer.say(Renew("stranger"))
    await settle()

    assert peer.read()[-1] == Close("unauthorized", "nobody knows you")
    assert peer.wire.shut == (1000, "unauthorized")

    again = await served.attach(peer, "ann", epoch=served.server.epoch)
    assert isinstance(again, Welcome)
    assert (again.resumed, again.reason) == (False, "unauthorized")


async def test_fresh_credentials_of_another_person_end_the_session(served: Served) -> None:
    peer = await served.client("one", "ann", "/chat")

    peer.say(Renew("bob"))
    await settle()

    assert isinstance(peer.read()[-1], Close)
    assert peer.wire.shut == (1000, "principal_changed")


async def test_a_hook_that_fails_for_fresh_credentials_asks_for_them_again(served: Served) -> None:
    served.people.expires["ann"] = WALL + 20
    peer = await served.client("one", "ann", "/chat")
    served.pass_time(15.0)
    await settle()
    peer.read()

    peer.say(Renew("broken"))
    await settle()
    assert peer.wire.shut is None
    served.pass_time(2.0)
    await settle()

    assert Renew() in peer.read()


async def test_one_renewal_at_a_time_and_the_newest_is_next(served: Served) -> None:
    peer = await served.client("one", "ann", "/chat")
    served.people.hold = asyncio.Event()
    for _ in range(3):
        peer.say(Renew("ann"))
        await settle()
    peer.say(Renew("stranger"))
    await settle()
    assert served.people.asked == ["ann", "ann"]

    served.people.hold.set()
    await settle()

    assert served.people.asked == ["ann", "ann", "stranger"]
    assert peer.wire.shut == (1000, "unauthorized")


async def test_a_session_that_ends_cancels_its_renewal(served: Served) -> None:
    peer = await served.client("one", "ann", "/chat")
    served.people.hold = asyncio.Event()
    peer.say(Renew("ann"))
    await settle()

    await served.server.revoke("ann")
    await settle()

    assert served.people.cancelled == 1
    assert len(served.server.authentication) == 0
