"""What the logger antiphon.session tells: who comes and goes, by sid and words, and nothing that a client wrote."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest

from antiphon import Arrival, Principal, Refused, Server, Socket
from antiphon.dialects.base import Push
from antiphon.protocol.packets import Call, Close, Renew, Welcome
from antiphon.testing.clock import ManualClock
from tests.server.peer import Peer, Poller, Port, Wire, entered, serving, settle

SECRETS = ("sesame", "pay-load", "cookie-jar", "for-the-door")


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


def lines(log: pytest.LogCaptureFixture, level: int = logging.DEBUG) -> list[str]:
    return [r.getMessage() for r in log.records if r.name == "antiphon.session" and r.levelno >= level]


async def test_the_life_of_a_session_is_told(server: Server, clock: ManualClock, log: pytest.LogCaptureFixture) -> None:
    ann = Peer(server)
    ann.address = "10.0.0.1"
    ann.attach()
    first = ann.wire
    ann.attach()
    ann.wire.lost()
    server.tick(clock.advance(121))

    assert first.shut is not None
    assert lines(log) == [
        f"session {ann.sid} attached by websocket from 10.0.0.1",
        f"session {ann.sid} resumed by websocket from 10.0.0.1",
        f"session {ann.sid}: its websocket was fenced",
        f"session {ann.sid} detached: lost",
        f"session {ann.sid} ended: expired",
    ]
    assert lines(log, logging.INFO) == []


async def test_who_is_turned_away_is_told_with_address_and_code(server: Server, log: pytest.LogCaptureFixture) -> None:
    ann = Peer(server)
    ann.address = "10.0.0.1"
    ann.attach(version=7)
    ann.wire.lost()
    ann.attach()
    ann.attempt = 0
    ann.attach()
    ann.wire = Wire(server.gateway)
    ann.wire.address = "10.0.0.2"
    ann.wire.received(ann.pack(0, Close("closed")))

    assert lines(log, logging.INFO) == [
        "a client from 10.0.0.1 was refused: version",
        "a client from 10.0.0.2 was refused: bad_hello",
    ]
    assert "a client from 10.0.0.1 was refused: stale" in lines(log)


async def test_guessing_keys_is_told_with_its_address(server: Server, log: pytest.LogCaptureFixture) -> None:
    server.namespace("/")
    ann = Poller(server)
    ann.enter("/")
    wrong = ann.credentials()._replace(key="e" * 43)

    for _ in range(21):
        server.gateway.push(Push(wrong, b""), Port(), "10.0.0.9")

    assert lines(log, logging.INFO) == ["a request with a wrong key from 10.0.0.9 was refused: there were too many"]


@pytest.fixture
async def guarded() -> AsyncIterator[tuple[Server, ManualClock]]:
    async with serving() as (server, clock):

        @server.authenticate
        async def who(auth: str, request: Arrival) -> Principal:
            if auth != "sesame":
                raise Refused(f"{auth} is not the word")
            return Principal("ann", data={"password": auth})

        root = server.namespace("/")

        @root.on_connect
        async def enter(socket: Socket, auth: str | None) -> None:
            if auth != "for-the-door":
                raise Refused(f"{auth} does not open")

        @root.on("say")
        async def say(socket: Socket, text: str) -> str:
            await socket.broadcast.emit("said", text)
            if text == "pay-load":
                raise Refused("not that word")
            return text

        yield server, clock


async def test_no_record_holds_a_key_a_payload_or_a_credential(
    guarded: tuple[Server, ManualClock], log: pytest.LogCaptureFixture
) -> None:
    server, clock = guarded
    ann = Peer(server, "top-secret-key")
    ann.address, ann.headers = "10.0.0.1", {"cookie": "cookie-jar", "antiphon-key": ann.key}
    ann.greet(("/", "for-the-door"), auth="wrong sesame")
    await settle()
    ann.greet(("/", "for-the-door"), auth="sesame")
    await settle()
    assert isinstance(ann.answered(), Welcome)
    ann.emit("say", "pay-load")
    ann.say(Call(1, "/", "say", ["pay-load"]), Call(2, "/", "unheard", ["pay-load"]), Call(3, "/", "say", [1]))
    ann.say(Renew("sesame"))
    await settle()
    ann.wire.lost()
    ann.greet(auth="sesame")
    await settle()
    ann.say(Close("closed", "pay-load"))
    await settle()
    poller = Poller(server, "top-secret-key-too")
    poller.greet_by(Port(), auth="sesame", address="10.0.0.1", headers={"antiphon-key": poller.key})
    await settle()
    server.tick(clock.advance(200))
    await settle()

    told = "\n".join(f"{record.getMessage()} {record.args} {record.exc_text}" for record in log.records)
    assert [secret for secret in (*SECRETS, "top-secret-key") if secret in told] == []
    # Attached, resumed and ended; and a poller.
    assert len(lines(log)) >= 6


async def test_nothing_is_logged_for_an_event_or_a_broadcast(server: Server, log: pytest.LogCaptureFixture) -> None:
    root = server.namespace("/")

    @root.on("say")
    async def say(socket: Socket, text: str) -> None:
        await root.emit("said", text)

    ann = await entered(server)
    log.clear()
    for number in range(50):
        ann.emit("say", str(number))
        await settle()
        ann.read()
        ann.ack()

    assert [r.getMessage() for r in log.records if r.name.startswith("antiphon")] == []


async def test_what_came_of_calls_and_violations_is_told_to_who_runs_the_server(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "antiphon.server")
    root = server.namespace("/")

    @root.on("say")
    async def say(socket: Socket, text: str) -> None: ...

    ann = Peer(server)
    ann.address = "10.0.0.1"
    ann.attach("/")
    await settle()
    ann.say(Call(1, "/", "say", [1]), Call(2, "/", "shout\n", []))
    await settle()
    ann.wire.received(b"nonsense")
    bob = await entered(server)
    bob.say(Close("protocol", "my own words"))

    misfit, unheard, violation = caplog.messages
    assert misfit == (
        "a call of 'say' of '/' was refused: handler 'say' of namespace '/' expects str for parameter 'text', "
        "but the event carried int"
    )
    assert unheard == r"a call was refused: namespace '/' has no handler for 'shout\n'"
    assert violation.startswith("a session from 10.0.0.1 was ended for a violation: protocol: ")
