"""A Socket.IO client comes back to the session it had, or begins anew and is told so."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.server.engine_peer import Polls, Site, entered, wire_of
from tests.server.peer import settle


async def test_who_is_somebody_else_by_now_begins_anew_and_disturbs_nobody() -> None:
    site = Site(recovery=True)

    @site.server.authenticate
    async def who(auth: dict[str, Any]) -> str:
        return str(auth["name"])

    _, told = await entered(site, {"name": "ann"})

    _, joined = await entered(site, {"name": "bob", "pid": told["pid"]})

    assert joined["sid"] != told["sid"]
    assert site.heard == []
    assert site.server.statistics().sessions == 2


async def test_a_client_may_come_back_by_another_way_in() -> None:
    site = Site(recovery=True)
    beside = Site.beside(site, path="/games/", recovery=True)
    wire, told = await entered(site)
    other, _ = await entered(beside)
    await site.root.emit("one")
    await settle()
    offset = json.loads(str(wire.heard[-1])[2:])[-1]
    wire.lost()
    other.lost()

    await site.root.emit("two")
    again, joined = await entered(beside, {"pid": told["pid"], "offset": offset})

    assert joined == told
    assert [json.loads(str(message)[2:])[0] for message in again.heard if str(message)[1] == "2"] == ["two"]


async def test_without_recovery_nobody_is_told_how_to_come_back() -> None:
    _, told = await entered(Site())

    assert told.keys() == {"sid"}


async def test_who_comes_back_goes_on_where_it_was() -> None:
    site = Site(recovery=True)
    wire, told = await entered(site)
    await site.root.emit("one")
    await settle()
    offset = json.loads(str(wire.heard[-1])[2:])[-1]

    wire.lost()
    await site.root.emit("two")
    again, joined = await entered(site, {"pid": told["pid"], "offset": offset})

    assert joined == told
    assert [json.loads(str(message)[2:])[0] for message in again.heard if str(message)[1] == "2"] == ["two"]
    assert site.heard == []


async def test_who_was_told_nothing_comes_back_as_well() -> None:
    site = Site(recovery=True)
    wire, told = await entered(site)

    wire.lost()
    _, joined = await entered(site, {"pid": told["pid"]})

    assert joined == told


async def test_who_comes_back_while_its_old_transport_seems_to_live_takes_over() -> None:
    site = Site(recovery=True)
    wire, told = await entered(site)

    again, joined = await entered(site, {"pid": told["pid"]})
    wire.say('42["note","from the grave"]')
    again.say('42["note","here"]')
    await settle()

    assert joined == told
    assert wire.shut is not None
    assert site.heard == ["here"]


async def test_a_polling_client_comes_back_by_a_websocket() -> None:
    site = Site(recovery=True)
    client = Polls(site.engine)
    told = await client.enter()
    client.poll().gone = True
    await site.passes(0.25)

    await site.root.emit("missed")
    again, joined = await entered(site, {"pid": told["pid"]})

    assert joined == told
    assert any(str(message).startswith('42["missed"') for message in again.heard)


async def test_who_cannot_go_on_there_begins_anew_and_what_it_was_is_over() -> None:
    site = Site(recovery=True)
    wire, told = await entered(site)
    wire.lost()

    _, joined = await entered(site, {"pid": told["pid"], "offset": f"{site.server.epoch}.999"})

    assert joined["sid"] != told["sid"] and joined["pid"] != told["pid"]
    assert site.heard == ["unknown"]
    assert site.server.statistics().sessions == 1


async def test_the_pid_that_was_given_anew_is_good() -> None:
    site = Site(recovery=True)
    wire, told = await entered(site)
    wire.lost()
    await site.passes(121)
    second, joined = await entered(site, {"pid": told["pid"]})
    assert joined["sid"] != told["sid"]

    second.lost()
    _, again = await entered(site, {"pid": joined["pid"]})

    assert again == joined


@pytest.mark.parametrize("pid", ["nonsense", "a." + "k" * 43, "." + "k" * 43])
async def test_a_pid_that_proves_nothing_begins_anew(pid: str) -> None:
    site = Site(recovery=True)
    _, told = await entered(site)

    _, joined = await entered(site, {"pid": pid})
    _, wrong = await entered(site, {"pid": told["sid"].split("/")[0] + "." + "k" * 43})

    assert len({told["sid"], joined["sid"], wrong["sid"]}) == 3
    assert site.server.statistics().sessions == 3


async def test_who_has_left_everything_is_not_waited_for() -> None:
    site = Site(recovery=True)
    wire, _ = await entered(site)

    wire.say("41")
    wire.lost()
    await settle()

    assert site.server.statistics().sessions == 0


async def test_the_place_may_be_lost_while_it_is_looked_into_who_comes() -> None:
    site, go_on = Site(recovery=True), asyncio.Event()
    go_on.set()

    @site.server.authenticate
    async def who(auth: Any) -> str:
        await go_on.wait()
        return "ann"

    wire, told = await entered(site)
    wire.lost()
    go_on.clear()
    again = wire_of(site)
    again.say("40" + json.dumps({"pid": told["pid"]}))
    await settle()
    [line] = site.server.registry

    line.abandon("unknown", "in the meantime")
    go_on.set()
    await settle()

    assert str(again.heard[0]).startswith('40{"sid":') and told["sid"] not in str(again.heard[0])
