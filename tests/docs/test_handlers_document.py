"""docs/handlers.md: its blocks run one after another, and do what the text says."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from antiphon import CallFailed, ConnectionRefused
from antiphon.testing import TestClient

PAGE = "handlers.md"


async def failure(ann: TestClient, event: str, *args: Any) -> CallFailed:
    with pytest.raises(CallFailed) as failed:
        await ann.call(event, *args)
    return failed.value


async def test_what_a_handler_returns_answers(ann: TestClient) -> None:
    assert await ann.call("say", "hello") == 5
    assert await ann.next("said") == ("hello", "from the chat")

    misfit = await failure(ann, "say", 1)
    assert (misfit.code, misfit.data["parameter"]) == ("payload", "text")


async def test_the_next_words_are_the_first_ones_once(
    page: ModuleType, ann: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    await ann.emit("say", "hello")
    await ann.emit("say", "again")

    assert capsys.readouterr().out == "the first words: hello\n"
    assert page.spoken == []


async def test_some_are_for_all_events(page: ModuleType, ann: TestClient) -> None:
    assert await ann.call("what") == "nobody knows 'what'"
    await ann.call("say", "hello")

    assert page.log == ["what came", "say came", "said went"]


async def test_methods_are_handlers(page: ModuleType) -> None:
    async with TestClient(page.server, namespace="/room", auth="Ann") as ann:
        assert await ann.call("topic") == "TRAINS"
        assert [socket.data["name"] for socket in page.server.namespace("/room").sockets] == ["Ann"]


async def test_middleware_refuses(page: ModuleType, ann: TestClient) -> None:
    with pytest.raises(ConnectionRefused, match="members only"):
        async with TestClient(page.server, namespace="/chat", auth="stranger"):
            raise AssertionError("a stranger is in")

    refusal = await failure(ann, "ask")
    assert (refusal.code, refusal.message) == ("refused", "say please")
    assert await ann.call("ask", "please") == "nobody knows 'ask'"


async def test_models_are_payloads(ann: TestClient) -> None:
    tea = {"item": "tea", "amount": 2}

    assert await ann.call("buy", [tea]) == {"orders": [tea], "price": 7.0}
    misfit = await failure(ann, "buy", [{"item": "tea", "amount": 0}])
    assert (misfit.code, misfit.data["parameter"]) == ("payload", "orders[0].amount")
