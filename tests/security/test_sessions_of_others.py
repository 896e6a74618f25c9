"""Somebody else's session, and one's own after one was sent away: nothing of it is had without key and credentials."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import antiphon
from antiphon import Server, Socket
from antiphon.dialects.base import LeaveBeacon, Poll, Push
from antiphon.protocol.packets import Ack, Call, Event, Refuse, Welcome
from antiphon.server.registry import prove
from tests.hosts.rig import Site, hello, packets
from tests.server.peer import Peer, Poller, Port, settle
from tests.server.people import WALL, Served

SOURCES = Path(antiphon.__file__).parent


# -- a sid is public: it stands in nobody's way, and opens nothing


async def test_what_waits_for_a_session_is_not_given_to_who_knows_its_sid(people: Served) -> None:
    ann = await people.client("ann", "ann", "/chat")
    ann.wire.lost()
    await people.chat.emit("secret", 42)
    await settle()

    eve = Peer(people.server, "eve")
    answer = await people.attach(eve, "eve", "/chat", sid=ann.sid, received=0)

    assert isinstance(answer, Welcome) and not answer.resumed and answer.sid != ann.sid
    assert ("secret", 42) not in eve.events()
    again = await people.attach(ann, "ann")
    assert isinstance(again, Welcome) and again.resumed
    assert ("secret", 42) in ann.events()


@pytest.mark.parametrize("key", ["", "e" * 43, "annxx", "ann" + "x" * 41, "ann" + "x" * 39, "ANN" + "x" * 40])
async def test_with_any_other_key_no_request_reads_writes_or_ends_a_session(server: Server, key: str) -> None:
    server.namespace("/")
    ann = Poller(server, "ann")
    ann.enter("/")
    await settle()
    [line] = server.registry
    before = line.session.attempt, line.session.inbox.received, line.transport
    wrong = ann.credentials()._replace(key=key)
    polled, pushed, left = Port(), Port(), Port()

    server.gateway.poll(Poll(wrong, ann.pack(1, Ack(1))), polled, "10.0.0.9")
    server.gateway.push(Push(wrong, ann.pack(1, Call(1, "/", "x", []))), pushed, "10.0.0.9")
    server.gateway.leave(LeaveBeacon(wrong.sid, key, 2**53 - 1), left, "10.0.0.9")

    assert [port.told and port.told.status for port in (polled, pushed)] == [401, 401]
    assert left.answers == [None], "it learns nothing"
    assert (line.session.attempt, line.session.inbox.received, line.transport) == before
    assert ann.told(ann.poll())


async def test_a_sid_that_was_made_up_is_answered_as_one_of_somebody_else(site: Site) -> None:
    [line] = site.server.registry

    answers = []
    for sid in (line.session.sid, "A" * 22):
        async with site.post("attach", hello(sid[0] * 43, sid=sid, epoch=site.server.epoch)) as response:
            [answer] = packets(await response.read())
        assert isinstance(answer, Welcome)
        answers.append((answer.resumed, answer.reason, answer.received, answer.next))

    assert answers[0] == answers[1] == (False, "unknown", 0, 1)


def test_what_is_kept_of_a_key_is_a_hash_and_hashes_are_compared_in_constant_time() -> None:
    assert prove("k" * 43) != b"k" * 43 and len(prove("k" * 43)) == 32
    compared = []
    for path in (SOURCES / "server").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq | ast.In) for op in node.ops):
                sides = [ast.unparse(side) for side in (node.left, *node.comparators)]
                compared += [side for side in sides if side.endswith((".proof", ".key", "prove(key)", "proof"))]

    assert compared == []
    assert (SOURCES / "server" / "registry.py").read_text().count("hmac.compare_digest(") == 2


# -- one's own, and the credentials that count now


async def test_who_was_banned_while_away_gets_nothing_of_what_waited(people: Served) -> None:
    ann = await people.client("ann", "ann", "/chat")
    ann.wire.lost()
    await people.chat.emit("secret", 42)
    await settle()

    banned = await people.attach(ann, "stranger")

    assert isinstance(banned, Refuse) and banned.code == "unauthorized"
    assert len(ann.wire.written) == 1, "the refusal, and nothing behind it"
    assert ann.wire.shut == (4002, "unauthorized")


async def test_who_was_banned_by_name_is_ended_while_away_and_told_so(people: Served) -> None:
    ann = await people.client("ann", "ann", "/chat")
    ann.wire.lost()
    await people.chat.emit("secret", 42)

    await people.server.revoke("ann", "banned")
    answer = await people.attach(ann, "ann")

    assert answer == Refuse("revoked", "banned")
    assert len(people.server.registry) == 0 and len(ann.wire.written) == 1


async def test_whose_credentials_have_expired_is_not_let_in_with_them(people: Served) -> None:
    people.people.expires["ann"] = WALL + 20
    ann = await people.client("ann", "ann", "/chat")
    ann.wire.lost()
    await people.chat.emit("secret", 42)
    people.people.expires["ann"] = WALL - 1

    answer = await people.attach(ann, "ann")

    assert isinstance(answer, Refuse) and answer.code == "unauthorized"
    assert len(ann.wire.written) == 1


async def test_a_fenced_transport_reads_nothing_and_says_nothing_any_more(people: Served) -> None:
    heard: list[str] = []

    @people.chat.on("say")
    async def say(socket: Socket, text: str) -> None:
        heard.append(text)

    ann = await people.client("ann", "ann", "/chat")
    stolen = ann.wire
    await people.attach(ann, "ann")
    written = len(stolen.written)
    await people.chat.emit("secret", 42)
    stolen.received(ann.pack(1, Event("/chat", "say", ["forged"])))
    await settle()

    assert stolen.shut == (4003, "2")
    assert len(stolen.written) == written and heard == []


async def test_two_people_may_have_one_key_and_each_is_refused_the_others_session(people: Served) -> None:
    ann = await people.client("one", "ann", "/chat")
    eve = Peer(people.server, "one")
    eve.attempt = 50

    answers = [await people.attach(eve, "eve", sid=sid) for sid in (None, ann.sid)]

    assert [answer.code for answer in answers if isinstance(answer, Refuse)] == ["principal_changed"] * 2
    assert ann.wire.shut is None
    await people.chat.emit("said", "still here")
    await settle()
    assert ann.events() == [("said", "still here")]
