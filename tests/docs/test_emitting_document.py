"""docs/emitting.md: the blocks of each section run as they stand, and do what the text says."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from antiphon import Client, Server
from antiphon.hosts.aiohttp import mount
from tests.client.serving import SOON, until

TEXT = (Path(__file__).parents[2] / "docs" / "emitting.md").read_text()
SECTIONS = {title.strip(): text for title, _, text in (part.partition("\n") for part in TEXT.split("\n## "))}
FIRST = next(iter(SECTIONS))


class Page:
    """The application of the page, running, with Ann and Bob in its lobby; `socket` is Ann's, `mine` her client's."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}
        self.heard: dict[str, list[tuple[Any, ...]]] = {"ann": [], "bob": []}
        self.url = ""

    async def run(self, section: str, *blocks: int) -> None:
        """Run the blocks of a section, or these of them."""
        found = re.findall(r"```python\n(.*?)```", SECTIONS[section], flags=re.DOTALL)
        for number in blocks or range(len(found)):
            name = f"emitting.md, {section}, block {number}"
            code = compile(found[number], name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
            result = eval(code, self.names)
            if inspect.isawaitable(result):
                await result

    def words(self, name: str) -> list[str]:
        """What was said to one of them."""
        return [args[0] for event, *args in self.heard[name] if event == "said"]

    def events(self, name: str) -> set[tuple[Any, ...]]:
        """What else was."""
        return {event for event in self.heard[name] if event[0] != "said"}

    async def until_said(self, text: str) -> None:
        """Wait until Bob has heard it, and with it all before."""
        await self.names["chat"].emit("said", text)
        await until(lambda: all(text in self.words(name) for name in self.heard))


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    page = Page()
    await page.run(FIRST)
    server, chat = page.names["server"], page.names["chat"]
    assert isinstance(server, Server)

    async def publish(request: web.Request) -> Any:
        return await page.names["publish"](request)

    app = web.Application()
    app.router.add_post("/publish", publish)
    mount(app, server)
    async with TestServer(app) as running:
        page.url = str(running.make_url("/publish"))
        clients = {name: Client(str(running.make_url("/antiphon")), backoff=SOON) for name in page.heard}
        for name, client in clients.items():
            place = client.namespace("/chat")
            place.on("*")(lambda *event, name=name: page.heard[name].append(event))
            place.on("vote")(lambda question, name=name: "yes" if name == "ann" else None)
            await client.connect()
            await place.ready()
            page.names.setdefault("mine", place)
        page.names["socket"] = next(socket for socket in chat.sockets if socket.id == page.names["mine"].id)
        yield page
        for client in clients.values():
            await client.close()


async def test_to_whom(page: Page) -> None:
    await page.run("To whom")
    async with aiohttp.ClientSession() as http, http.post(page.url, data="news") as response:
        assert await response.text() == "2 will hear it"
    await page.names["greeting"]
    await page.until_said("end")

    to_all = ["to everybody in the namespace", "to who is in any of these rooms, each once"]
    others = ["but not to those", "to the others in the room"]
    assert page.words("ann") == ["to this client", *to_all, "from a task", "end"]
    assert page.words("bob") == [*to_all, *others, "from a task", "end"]
    assert page.events("bob") == {("published", "news")}


async def test_what_may_be_lost_and_what_may_be_replaced(page: Page) -> None:
    up: list[tuple[Any, ...]] = []
    page.names["chat"].on("*")(lambda socket, *event: up.append(event))

    await page.run("What may be lost, and what may be replaced")
    await page.until_said("end")
    await until(lambda: len(up) == 3)

    assert page.events("bob") == {("cursor", 120, 80), ("pose", "ann", 3.0, 4.0)}
    assert sorted(up) == [("cursor", 7, 7), ("pose", "ann", 3.0, 4.0), ("typing",)]


async def test_declared_once(page: Page, capsys: pytest.CaptureFixture[str]) -> None:
    await page.run("Declared once")
    await page.until_said("end")

    assert page.events("bob") == {("cursor", 120, 80), ("pose", "ann", 3.0, 4.0)}
    assert f"```text\n{capsys.readouterr().out}```" in SECTIONS["Declared once"]


async def test_handles(page: Page) -> None:
    chat = page.names["chat"]

    await page.run("Handles", 0)
    assert (page.names["everybody"], page.names["found"]) == (chat.sockets, page.names["socket"])
    assert (len(page.names["here"]), page.names["sizes"]) == (2, {"lobby": 2})

    await page.run("Handles", 1)
    assert chat.sockets == frozenset()
    await until(lambda: page.names["mine"].id is None)


async def test_calls_to_many(page: Page, capsys: pytest.CaptureFixture[str]) -> None:
    page.names["print"] = lambda *words: print(*words[1:])

    await page.run("Calls to many")

    assert sorted(capsys.readouterr().out.splitlines()) == ["says None", "says yes", "was the first to agree"]


def test_every_section_with_code_is_run() -> None:
    with_code = {title for title, text in SECTIONS.items() if "```python" in text}

    assert with_code == {
        FIRST,
        "To whom",
        "What may be lost, and what may be replaced",
        "Declared once",
        "Handles",
        "Calls to many",
    }
