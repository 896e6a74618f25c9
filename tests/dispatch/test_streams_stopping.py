"""Generators that make nothing of being stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from antiphon import (
    Server,
    Socket,
)
from antiphon.testing import TestClient
from tests.server.peer import settle

# -- generators that make nothing of being stopped


@pytest.mark.parametrize("waits", [True, False])
async def test_a_generator_that_swallows_its_cancellation_is_closed_all_the_same(
    antiphon_server: Server, ann: TestClient, waits: bool
) -> None:
    log = list[str]()

    @antiphon_server.namespace("/").on("stubborn")
    async def stubborn(socket: Socket) -> AsyncIterator[int]:
        try:
            while True:
                try:
                    await asyncio.sleep(1000 if waits else 0)
                except asyncio.CancelledError:
                    log.append("swallowed")
                yield 1
        finally:
            log.append("closed")

    stream = ann.namespace.stream("stubborn")
    if not waits:
        await anext(stream)
    await settle()

    stream.close()
    await settle()

    assert log[-1] == "closed"
    assert len(antiphon_server.namespace("/").sockets) == 1


async def test_a_source_that_swallows_its_cancellation_sends_nothing_more(
    antiphon_server: Server, ann: TestClient
) -> None:
    log = list[str]()

    @antiphon_server.namespace("/").on("first")
    async def first(socket: Socket, rows: AsyncIterator[int]) -> int:
        return await anext(rows)

    async def stubborn() -> AsyncIterator[int]:
        try:
            yield 1
            while True:
                try:
                    await asyncio.sleep(1000)
                except asyncio.CancelledError:
                    log.append("swallowed")
                yield 2
        finally:
            log.append("closed")

    assert await ann.call("first", stubborn()) == 1
    await settle()

    assert log == ["swallowed", "closed"]
    [socket] = antiphon_server.namespace("/").sockets
    assert socket.connection.session.streams.late == 0


async def test_a_handler_that_swallows_its_cancellation_has_nothing_more_to_read(
    antiphon_server: Server, ann: TestClient
) -> None:
    log = list[Any]()

    @antiphon_server.namespace("/").on("read")
    async def read(socket: Socket, rows: AsyncIterator[int]) -> None:
        while True:
            try:
                log.append(await anext(rows))
            except asyncio.CancelledError:
                log.append("swallowed")
            except Exception as error:
                log.append(str(error))
                return

    async def silent() -> AsyncIterator[int]:
        yield 1
        await asyncio.Event().wait()

    calling = asyncio.create_task(ann.namespace.call("read", silent()))
    await settle()
    calling.cancel()
    await settle()

    assert log == [1, "swallowed", "the handler was stopped"]
