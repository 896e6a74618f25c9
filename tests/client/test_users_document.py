"""docs/users.md: what it shows runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from antiphon import Client, ConnectionClosed
from tests.client.serving import SOON, serving, until

TEXT = (Path(__file__).parents[2] / "docs" / "users.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n# (\w+)\n(.*?)```", TEXT, flags=re.DOTALL)


def program(name: str) -> dict[str, Any]:
    """The blocks of one program, run from the first to the last."""
    space: dict[str, Any] = {"__name__": name}
    for block_of, code in BLOCKS:
        if block_of == name:
            exec(compile(code, f"docs/users.md, {name}", "exec"), space)
    return space


def test_every_block_belongs_to_a_program() -> None:
    assert TEXT.count("```python\n") == len(BLOCKS)
    assert {name for name, _ in BLOCKS} == {"server", "client"}


async def test_the_client_of_the_page_talks_to_its_server() -> None:
    async with serving(program("server")["server"]) as site:
        assert await program("client")["main"](site.url) == "ann: hello"


async def test_a_person_is_reached_and_sent_away() -> None:
    application = program("server")

    async with serving(application["server"]) as site:
        client = Client(site.url, backoff=SOON, auth="token-of-ann")
        chat, heard = client.namespace("/chat"), list[tuple[Any, ...]]()
        chat.on("paid")(lambda invoice: heard.append(("paid", invoice)))
        chat.on("said")(lambda *args: heard.append(("said", *args)))
        await client.connect()
        await chat.ready()

        await application["paid"](7)
        await until(lambda: len(heard) == 2)
        assert heard == [("paid", 7), ("said", "bank", "thank you")]
        assert [socket.rooms for socket in application["chat"].sockets] == [{"customers"}]

        await application["ban"]("ann")
        await until(lambda: client.state == "closed")
        with pytest.raises(ConnectionClosed, match="revoked: you were asked to stop"):
            await chat.ready()
        await client.close()


async def test_whoever_signs_in_again_goes_on() -> None:
    application = program("server")

    async with serving(application["server"]) as site:
        client = Client(site.url, backoff=SOON, auth="stale")
        chat = client.namespace("/chat")
        with pytest.raises(ConnectionClosed, match="unauthorized: sign in first"):
            await client.connect()

        await program("client")["sign_in_again"](client, "token-of-ben")

        await chat.ready()
        await client.close()
