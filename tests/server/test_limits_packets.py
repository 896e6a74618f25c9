"""What one packet may hold, and a first message, at the limit and one above. A whole message: tests/wire."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon import Limits
from antiphon.protocol.packets import Call, Event, Failed, Hello, Join, Joined, Packet, Refused, Reply
from tests.server.peer import Peer, entered, serving, settle


def nested(levels: int) -> Any:
    value: Any = "deep"
    for _ in range(levels):
        value = [value]
    return value


async def told(limits: Limits, *packets: Packet) -> tuple[list[Packet], dict[str, int]]:
    """What a client is told that says these, and which limits it met."""
    async with serving(limits=limits) as (server, _):
        server.namespace("/").on("12345678")(lambda socket, value: "taken")
        server.namespace("/2345678")
        ann, bob = await entered(server), await entered(server, "bob")

        ann.say(*packets)
        await settle()

        [line, _] = server.registry
        assert line.session.ending is None
        assert bob.read() == []
        limits_hit = server.statistics().limits
        return ann.read(), {name: getattr(limits_hit, name) for name in ("depth", "keys", "values", "name")}


CASES = [
    # The arguments of an event are a list, and so the first level.
    pytest.param("depth", Limits(depth=4), nested(3), nested(4), id="depth"),
    pytest.param("keys", Limits(keys=2), {"a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3}, id="keys"),
    # The list of arguments has one member, and the other lists eight together.
    pytest.param("values", Limits(values=9), [1, [2, 3], [4, 5, 6]], [1, [2, 3], [4, 5, 6, 7]], id="values"),
]


@pytest.mark.parametrize(("limit", "limits", "most", "more"), CASES)
async def test_a_value_at_the_limit_is_taken(limit: str, limits: Limits, most: Any, more: Any) -> None:
    answers, hits = await told(limits, Call(1, "/", "12345678", [most]))

    assert answers == [Reply(1, "taken")]
    assert hits[limit] == 0


@pytest.mark.parametrize(("limit", "limits", "most", "more"), CASES)
async def test_a_value_above_the_limit_is_refused_by_itself(limit: str, limits: Limits, most: Any, more: Any) -> None:
    answers, hits = await told(limits, Call(1, "/", "12345678", [more]), Call(2, "/", "12345678", ["ok"]))

    [failed, taken] = answers
    assert isinstance(failed, Failed) and (failed.id, failed.code) == (1, "payload")
    assert taken == Reply(2, "taken")
    assert hits[limit] == 1


async def test_names_at_the_limit_are_taken() -> None:
    answers, hits = await told(Limits(name=8), Call(1, "/", "12345678", [1]), Join("/2345678"))

    assert [type(answer) for answer in answers] == [Reply, Joined]
    assert hits["name"] == 0


async def test_names_above_the_limit_are_refused_by_themselves() -> None:
    answers, hits = await told(
        Limits(name=8), Call(1, "/", "123456789", [1]), Event("/", "123456789", [1]), Join("/23456789")
    )

    [failed, refused] = sorted(answers, key=lambda answer: type(answer).__name__)
    assert isinstance(failed, Failed) and failed.code == "payload"
    assert isinstance(refused, Refused)
    assert hits["name"] == 3


def hello_of(peer: Peer, size: int) -> Any:
    """A Hello of so many bytes."""
    smallest = len(peer.pack(0, Hello(key=peer.key, attempt=1, auth="x" * 300)))
    data = peer.pack(0, Hello(key=peer.key, attempt=1, auth="x" * (300 + size - smallest)))
    assert len(data) == size
    return data


@pytest.mark.parametrize(("size", "shut"), [(512, None), (513, 4001)])
async def test_a_first_message_at_the_limit_is_looked_at_and_one_above_is_not(size: int, shut: int | None) -> None:
    async with serving(limits=Limits(hello=512)) as (server, _):
        peer = Peer(server)

        peer.wire.received(hello_of(peer, size))

        assert (None if peer.wire.shut is None else peer.wire.shut[0]) == shut
        assert server.statistics().sessions == (1 if shut is None else 0)
        assert server.statistics().limits.hello == (0 if shut is None else 1)
