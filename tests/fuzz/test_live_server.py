"""A living server, given mutated messages and requests: a healthy client beside them does not notice."""

from __future__ import annotations

import asyncio
import logging
import os
from time import monotonic, perf_counter

import pytest
from aiohttp.http_exceptions import HttpProcessingError

from antiphon import Resume, Server, Socket
from tests.fuzz.attackers import Attackers
from tests.hosts.rig import PATIENCE, Control, Site, served, undisturbed

# Five thousand in a normal run, and more in a longer one.
INPUTS = int(os.environ.get("INPUTS", "200000")) // 40
SEED = int(os.environ.get("SEED", "0"))
# Attackers, server and healthy client share a process and its core, so this is about the order of magnitude.
SLOWEST = 0.5
# Who attaches and never polls is missed after 20 s of the server's clock, which hurries for that.
HASTE = 3.0
ENOUGH = 30.0


class Pulse:
    """The healthy client's other half: numbered events to the server, and calls whose time is taken."""

    def __init__(self, site: Site, control: Control) -> None:
        self.arrived: list[int] = []
        self.took: list[float] = []
        self._control = control

        @site.server.namespace("/").on("note")
        async def note(socket: Socket, number: int) -> None:
            self.arrived.append(number)

    async def run(self) -> None:
        root = self._control.root
        number = 0
        while True:
            number += 1
            await root.emit("note", number)
            begun = perf_counter()
            assert await root.call("echo", number, timeout=PATIENCE) == [number]
            self.took.append(perf_counter() - begun)
            assert self.arrived[-1] == number
            await asyncio.sleep(0.005)


async def _alone(server: Server, tasks: int) -> None:
    """Wait until nothing is left of the attackers: no session, no task."""
    async with asyncio.timeout(ENOUGH):
        while len(server.registry) > 1 or len(asyncio.all_tasks()) > tasks:  # noqa: ASYNC110 - their end sets no event
            await asyncio.sleep(0.02)


def _check_log(caplog: pytest.LogCaptureFixture) -> None:
    """No traceback and no error, but for those of aiohttp about what is no HTTP, which never reach us."""
    faults = [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]
    causes = [record.exc_info[1] if record.exc_info else None for record in faults]
    assert [
        record.getMessage()
        for record, cause in zip(faults, causes, strict=True)
        if record.name != "aiohttp.server" or not isinstance(cause, HttpProcessingError)
    ] == []
    caplog.clear()


async def test_a_server_survives_mutants_and_a_healthy_client_does_not_notice(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = Server(clock=lambda: HASTE * monotonic(), resume=Resume(window=1.0, leaving=0.5))
    async with served(server) as site, undisturbed(site, caplog) as control:
        pulse = Pulse(site, control)
        tasks = len(asyncio.all_tasks())
        beating = asyncio.create_task(pulse.run())
        attackers = Attackers(site.port, SEED)

        await attackers.attack(INPUTS)

        assert not beating.done(), beating
        beating.cancel()
        assert pulse.arrived == list(range(1, len(pulse.arrived) + 1))
        assert len(pulse.took) > 50
        assert sorted(pulse.took)[len(pulse.took) * 99 // 100] < SLOWEST
        [line] = [line for line in server.registry if line.session.sid == control.client.session.sid]
        assert line.session.attempt == 1, "the healthy client was cut"
        await _alone(server, tasks)
        _check_log(caplog)

    # Otherwise nothing was tested: some of them were let in, and others turned away in more than one way.
    assert attackers.answers["websocket 101"] > INPUTS / 20
    assert attackers.answers["400"] > 0 and attackers.answers["401"] > 0 and attackers.answers["200"] > 0
