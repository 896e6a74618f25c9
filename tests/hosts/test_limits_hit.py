"""Every limit is driven once, and counted under its name; a limit that nobody counts fails here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, fields
from typing import Any, TypeAlias, get_args

import pytest

from antiphon import Inbox, Limits, LimitsHit, LocalProtocolError, Outbox, OutboxFull, Server, Socket
from antiphon.dialects.base import Push
from antiphon.protocol.packets import Call, Event, Failed, Join, Ping, Refuse
from antiphon.server.counters import Limit
from tests.hosts.rig import OTHER, attached, ending, hello, served
from tests.server.peer import Peer, Poller, Port, entered, serving, settle
from tests.wire.frames import BINARY, CLOSE, CONTINUATION, PING, frame, upgrade

Driver: TypeAlias = Callable[[pytest.MonkeyPatch], Awaitable[tuple[Server, int]]]


def nested(levels: int) -> Any:
    value: Any = "deep"
    for _ in range(levels):
        value = [value]
    return value


@asynccontextmanager
async def hanging(server: Server) -> AsyncIterator[asyncio.Event]:
    """Nobody gets past the authentication hook. The event tells that it was given up."""
    go_on, given_up = asyncio.Event(), asyncio.Event()

    @server.authenticate
    async def who(auth: Any) -> str:
        try:
            await go_on.wait()
        except asyncio.CancelledError:
            given_up.set()
            raise
        return "ann"

    yield given_up
    go_on.set()
    await settle()


# -- those of Limits: each returns its server, and how often the limit was met


async def drive_message(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    server = Server(limits=Limits(message=4096, hello=1024))
    async with served(server) as site:
        async with attached(site) as socket:
            await socket.send_bytes(b"x" * 5000)
            assert (await ending(socket))[1] == 1009
        async with site.post("push", b"x" * 5000) as response:
            assert response.status == 413
    return server, 2


async def drive_hello(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    server = Server(limits=Limits(hello=512))
    async with served(server) as site:
        async with site.websocket() as socket:
            await socket.send_bytes(hello(auth="x" * 512))
            assert (await ending(socket))[1] == 4001
        async with site.post("attach", hello(auth="x" * 512)) as response:
            assert response.status == 413
    return server, 2


async def drive_fragments(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    server = Server(limits=Limits(fragments=3))
    async with served(server) as site:
        opening = upgrade("/antiphon") + frame(BINARY, hello(OTHER))
        answer = await site.talk(opening + frame(BINARY, fin=False) + frame(CONTINUATION, fin=False) * 3)
        assert (1009).to_bytes(2, "big") + b"a message comes in at most 3 frames" in answer
    return server, 1


async def drive_hello_timeout(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    server = Server(limits=Limits(hello_timeout=0.05))
    async with served(server) as site, site.websocket() as socket:
        assert (await ending(socket))[1] == 4000
    return server, 1


async def drive_depth(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    async with serving(limits=Limits(depth=4)) as (server, _):
        ann = await entered(server)
        ann.emit("deep", nested(9))
        ann.say(Call(1, "/", "deep", [nested(9)]))
        await settle()
        assert [type(packet) for packet in ann.read()] == [Failed]
    return server, 2


async def drive_keys(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    async with serving(limits=Limits(keys=2)) as (server, _):
        ann = await entered(server)
        ann.emit("wide", {"a": 1, "b": 2, "c": 3})
    return server, 1


async def drive_values(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    async with serving(limits=Limits(values=4)) as (server, _):
        ann = await entered(server)
        ann.emit("many", [1, 2, 3, 4])
        await settle()
    return server, 1


async def drive_name(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    async with serving(limits=Limits(name=8)) as (server, _):
        ann = await entered(server)
        ann.emit("a long name")
        ann.say(Join("/a long name"))
        await settle()
    return server, 2


async def drive_namespaces(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    async with serving(limits=Limits(namespaces=1)) as (server, _):
        await entered(server, "ann", "/", "/other")
    return server, 1


async def drive_rate(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    async with serving(limits=Limits(rate=1.0)) as (server, _):
        for name in ("ann", "bob"):
            peer = await entered(server, name)
            peer.say(*[Event("/", "tick", [])] * 3)
        await settle()
    return server, 2


async def drive_messages(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    server = Server(limits=Limits(messages=2.0))
    async with served(server) as site:
        opening = upgrade("/antiphon") + frame(BINARY, hello(OTHER)) + frame(PING, b"") * 4
        await site.talk(opening + frame(CLOSE, b""))
    return server, 1


async def drive_concurrent(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    async with serving(limits=Limits(concurrent=1)) as (server, _):

        @server.namespace("/").on("wait", concurrent=True)
        async def wait(socket: Socket) -> None:
            await asyncio.Event().wait()

        ann = await entered(server)
        ann.say(*[Event("/", "wait", [])] * 3)
        await settle()
        await server.close(patience=0.01)
    return server, 1


async def drive_rooms(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    async with serving(limits=Limits(rooms=1)) as (server, _):
        await entered(server)
        [socket] = server.namespace("/").sockets
        with pytest.raises(LocalProtocolError):
            await socket.join("a", "b")
    return server, 1


async def drive_connections(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    async with serving(limits=Limits(connections=1)) as (server, _):
        await entered(server)
        assert isinstance(Peer(server, "bob").attach(), Refuse)
    return server, 1


async def drive_connections_per_address(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    async with serving(limits=Limits(connections_per_address=1)) as (server, _):
        for name in ("ann", "bob", "eve"):
            peer = Peer(server, name)
            peer.address = "192.0.2.1"
            peer.attach()
    return server, 2


async def drive_connections_per_principal(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    async with serving(limits=Limits(connections_per_principal=1)) as (server, _):
        server.authenticate(lambda auth: "ann")
        for name in ("phone", "laptop"):
            Peer(server, name).greet()
            await settle()
    return server, 1


async def drive_detached(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    async with serving(limits=Limits(detached=1)) as (server, _):
        for name in ("ann", "bob"):
            (await entered(server, name)).wire.lost()
    return server, 1


async def drive_detached_per_principal(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    async with serving(limits=Limits(detached_per_principal=1)) as (server, _):
        server.authenticate(lambda auth: "ann")
        for name in ("phone", "laptop", "watch"):
            peer = Peer(server, name)
            peer.greet()
            await settle()
            peer.wire.lost()
    return server, 2


async def drive_attaches(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    async with serving(limits=Limits(attaches=0.1)) as (server, _):
        ann = await entered(server)
        for _ in range(3):
            ann.attach()
    return server, 2


# -- those of the other settings


async def drive_inbox(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    async with serving(limits=Limits(inbox=Inbox(packets=2))) as (server, _):
        ann = await entered(server)
        ann.say(*[Event("/", "tick", [])] * 4)
        await settle()
        assert server.statistics().endings == {"flood": 1}
    return server, 1


async def drive_outbox(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    async with serving(outbox=Outbox(packets=4)) as (server, _):
        ann = await entered(server)
        ann.wire.lost()
        for _ in range(6):
            server.namespace("/").emit_nowait("tick")
        await settle()
        assert server.statistics().endings == {"overflow": 1}
    return server, 1


# -- those that are fixed


async def drive_slow(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    async with serving(outbox=Outbox(packets=100)) as (server, clock):
        ann = await entered(server)
        ann.wire.congested = True
        for _ in range(80):
            server.namespace("/").emit_nowait("tick")
        for _ in range(24):
            await settle()
            server.tick(clock.advance(0.25))
        assert server.statistics().transports_closed == {"slow": 1}
    return server, 1


async def drive_packet(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    async with serving(outbox=Outbox(size=2048)) as (server, _):
        root = server.namespace("/")

        @root.on("much")
        async def much(socket: Socket) -> str:
            return "x" * 1000

        ann = await entered(server)
        with pytest.raises(OutboxFull):
            root.emit_nowait("much", "x" * 1000)
        ann.say(Call(1, "/", "much", []))
        await settle()
        [failed] = ann.read()
        assert isinstance(failed, Failed) and failed.code == "too_large"
    return server, 2


async def drive_pings(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    async with serving() as (server, _):
        ann = await entered(server)
        ann.say(*[Ping(1)] * 18)
    return server, 2


async def drive_streaming(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    async with serving(limits=Limits(streaming=1)) as (server, _):

        @server.namespace("/").on("ticks")
        async def ticks(socket: Socket) -> AsyncIterator[int]:
            await asyncio.Event().wait()
            yield 1

        ann = await entered(server)
        ann.say(*[Call(number, "/", "ticks", [], None, False, None, 8) for number in (1, 2, 3)])
        await settle()
        statistics = server.statistics()
        await server.close(patience=0.01)
    assert statistics.handlers == 1
    return server, 2


async def drive_wrong_keys(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    async with serving() as (server, _):
        server.namespace("/")
        ann = Poller(server)
        ann.enter("/")
        wrong = ann.credentials()._replace(key="e" * 43)
        for _ in range(21):
            server.gateway.push(Push(wrong, b""), Port(), "10.0.0.1")
        eve = Peer(server, "eve")
        eve.address = "10.0.0.1"
        answer = eve.attach(sid=ann.sid)
        assert isinstance(answer, Refuse) and server.statistics().refused == {"try_later": 1}
    return server, 2


async def drive_authenticating(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    async with serving(limits=Limits(authenticating=1)) as (server, _), hanging(server):
        for number in range(7):
            Peer(server, f"client-{number}").greet()
        assert server.statistics().checks == 5
    return server, 2


async def drive_check_time(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    monkeypatch.setattr("antiphon.server.authentication.HOOK_WAIT", 0.01)
    async with serving() as (server, _), hanging(server) as given_up:
        Peer(server).greet()
        await asyncio.wait_for(given_up.wait(), 5)
    return server, 1


async def drive_origins(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    async with served() as site:
        async with site.post("attach", hello(), {"Origin": "https://evil.example"}) as response:
            assert response.status == 403
        server = site.server
    return server, 1


async def drive_body_timeout(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    monkeypatch.setattr("antiphon.hosts.aiohttp_doorman.CLOSE_WAIT", 0.05)
    async with served(Server(limits=Limits(body_timeout=0.05))) as site:
        answer = await site.talk(b"POST /antiphon/push HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nslow")
        assert answer.startswith(b"HTTP/1.1 408 ")
        server = site.server
    return server, 1


async def drive_tombstones(monkeypatch: pytest.MonkeyPatch) -> tuple[Server, int]:
    monkeypatch.setattr("antiphon.server.registry.TOMBSTONES", 1)
    async with serving() as (server, clock):
        for name in ("ann", "bob"):
            await entered(server, name)
            for socket in server.namespace("/").sockets:
                await socket.end()
            await settle()
            server.tick(clock.advance(3))
            await settle()
        assert server.statistics().sessions_ended == 2
    return server, 1


DRIVERS: dict[str, Driver] = {name.removeprefix("drive_"): made for name, made in globals().items() if "drive_" in name}


@pytest.mark.parametrize("limit", [field.name for field in fields(LimitsHit)])
async def test_a_limit_that_is_met_is_counted_under_its_name(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    server, times = await DRIVERS[limit](monkeypatch)

    counted = asdict(server.statistics().limits)

    assert {name: count for name, count in counted.items() if count} == {limit: times}


def test_every_limit_that_can_be_set_is_counted() -> None:
    counted = {field.name for field in fields(LimitsHit)}

    # aiohttp looks after the heads of requests by itself, and tells nobody.
    settings = {field.name for field in fields(Limits)} - {"headers_timeout"}
    assert settings <= counted, "a new limit needs a counter, and a driver above"
    assert "outbox" in counted


def test_what_is_counted_is_what_is_told() -> None:
    derived = {"inbox", "outbox", "slow"}  # from the words that sessions and transports end with

    assert {field.name for field in fields(LimitsHit)} == {*get_args(Limit), *derived} == set(DRIVERS)


async def test_a_page_that_may_not_connect_is_told_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "antiphon.session")
    async with served() as site, site.post("attach", hello(), {"Origin": "https://evil.example"}):
        pass

    [told] = [record.getMessage() for record in caplog.records if record.name == "antiphon.session"]
    assert told.startswith("a request from 127.0.0.1 was refused: pages of 'https://evil.example' may not connect to ")


async def test_requests_are_counted_by_the_status_that_refuses_them() -> None:
    async with served() as site:
        for verb, body in (("attach", b"nonsense"), ("poll", b""), ("nowhere", b"")):
            async with site.post(verb, body):
                pass

        statistics = site.server.statistics()

    assert statistics.requests_refused == {400: 2, 404: 1}
    assert statistics.refused == {"bad_hello": 1}
