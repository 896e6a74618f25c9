"""Everybody comes back at once: the hook is asked by a few at a time, the clients spread themselves, and all resume."""

from __future__ import annotations

import asyncio

from antiphon import Limits, Server
from antiphon.testing import TestClient, VirtualClock
from tests.overload.census import left

CLIENTS = 300
LIMITS = Limits(authenticating=16)


async def test_three_hundred_clients_that_are_cut_off_at_once_all_resume() -> None:
    clock = VirtualClock()
    server = Server(clock=clock, wall=clock.wall, limits=LIMITS)
    running = most = 0

    @server.authenticate
    async def who(auth: str) -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            await clock.sleep(0.05)  # a database, say
            return auth
        finally:
            running -= 1

    server.start(ticking=False)
    clock.drive(server)
    clients = [TestClient(server, credentials=f"client-{number}") for number in range(CLIENTS)]
    opening = [asyncio.create_task(client.client.connect()) for client in clients]
    namespaces = [client.client.namespace("/") for client in clients]
    server.namespace("/")
    await clock.advance(30.0)
    await asyncio.gather(*opening, *(namespace.ready() for namespace in namespaces))
    before, sessions = server.statistics(), {line.session.sid for line in server.registry}

    for client in clients:
        client.cut()
    for client in clients:
        client.network.resume()
    arrivals: list[int] = []
    for _ in range(100):  # ten seconds
        known = server.statistics().attaches
        await clock.advance(0.1)
        arrivals.append(server.statistics().attaches - known)

    now = server.statistics()
    assert {line.session.sid for line in server.registry} == sessions
    assert all(line.session.attached for line in server.registry)
    assert now.resumes - before.resumes == CLIENTS
    # The first tries are spread over a second: thirty in a tenth of it, give or take.
    assert max(arrivals) <= 3 * CLIENTS / 10, arrivals
    assert most <= LIMITS.authenticating
    closing = [asyncio.create_task(client.client.close()) for client in clients]
    await clock.advance(5.0)
    await asyncio.gather(*closing)
    assert left(server) == {}
    await server.close()


async def test_whom_a_storm_sends_away_comes_in_later() -> None:
    clock = VirtualClock()
    server = Server(clock=clock, limits=Limits(connections=20))
    server.namespace("/")
    server.start(ticking=False)
    clock.drive(server)
    clients = [TestClient(server) for _ in range(30)]
    opening = [asyncio.create_task(client.client.connect()) for client in clients]
    await clock.advance(4.0)
    assert [client.client.state for client in clients].count("connected") == 20
    happy = [client for client in clients if client.client.state == "connected"]

    for client in happy[:10]:
        await client.client.close()
    await clock.advance(40.0)

    assert [client.client.state for client in clients].count("connected") == 20
    assert server.statistics().limits.connections >= 10
    assert server.statistics().refused.keys() == {"try_later"}
    for client in clients:
        await client.client.close()
    await asyncio.gather(*opening, return_exceptions=True)
    await server.close()
    assert left(server) == {}
