"""docs/operations.md, from stopping on: what its blocks do is what the text says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from aiohttp import web

from antiphon import DisconnectCode, Server
from antiphon.hosts.aiohttp_signals import MOUNTED
from antiphon.testing import TestClient
from antiphon.testing.turns import settle

TEXT = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT[TEXT.index("## Stopping") :], flags=re.DOTALL)


@pytest.fixture
def page() -> Iterator[ModuleType]:
    """The blocks as one module, behind what the blocks before have made."""
    page = ModuleType("page")
    server = Server()
    page.__dict__.update(server=server, chat=server.namespace("/chat"), web=web)
    exec("from antiphon import Socket", page.__dict__)
    page.chat.on("enter")(lambda socket: socket.namespace.rooms.join(socket, "lobby"))
    for number, block in enumerate(BLOCKS, 1):
        exec(compile(block, f"operations.md, block {number} of stopping", "exec", dont_inherit=True), page.__dict__)
    yield page


async def test_the_application_drains_its_server(page: ModuleType) -> None:
    reasons = []
    async with TestClient(page.server, namespace="/chat") as ann:
        ann.namespace.on_disconnect(lambda reason: reasons.append(reason.code))

        [mounted] = page.site[MOUNTED]
        await mounted.drain()
        await settle()

        assert [loss.reason for loss in ann.losses] == ["draining"]
    assert reasons == [DisconnectCode.DRAINING]


async def test_a_reason_is_told_as_code_and_text(page: ModuleType) -> None:
    async with TestClient(page.server, namespace="/chat") as ann:
        async with TestClient(page.server, namespace="/chat") as bob:
            id = bob.id
            [socket] = [socket for socket in page.chat.sockets if socket.id == id]
            await socket.disconnect("be nice")
            await settle()

        assert await ann.next("gone") == (id, "put_out", "put_out: be nice")


async def test_a_cut_and_its_end_are_told(page: ModuleType) -> None:
    async with TestClient(page.server, namespace="/chat") as ann, TestClient(page.server, namespace="/chat") as bob:
        await ann.call("enter")
        bob.cut()
        assert await ann.next("away") == (bob.id,)

        await bob.resume()

        assert await ann.next("back") == (bob.id,)
        await ann.nothing("gone")
