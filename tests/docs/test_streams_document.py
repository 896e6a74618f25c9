"""docs/streams.md: its blocks run one after another, and do what the text says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import ModuleType

import pytest

from antiphon import CallFailed
from antiphon.testing import TestClient
from antiphon.testing.turns import settle

PAGE = "streams.md"


async def test_an_answer_is_a_stream(page: ModuleType, ann: TestClient) -> None:
    assert await page.show(ann.namespace) == ["anybody here?", "bye"]


async def test_an_argument_is_a_stream(page: ModuleType, ann: TestClient) -> None:
    assert await page.fill(ann.namespace) == 100
    assert page.messages[-1] == "lobby: line 99"


async def test_an_item_that_does_not_fit_fails_the_call(ann: TestClient) -> None:
    async def numbers() -> AsyncIterator[int]:
        yield 1

    with pytest.raises(CallFailed) as failed:
        await ann.call("import", numbers(), "lobby")

    assert failed.value.code == "payload"


async def test_leaving_early_closes_the_generator(page: ModuleType, ann: TestClient) -> None:
    assert await page.some(ann.namespace) == 3
    await settle()

    assert page.messages[-1] == "no more ticks"


async def test_a_call_that_is_given_up_cancels_its_handler(page: ModuleType, ann: TestClient) -> None:
    assert await page.ask(ann.namespace) == "never mind"
    await settle()

    assert page.messages[-1] == "nobody wants to know"


async def test_a_deadline_travels(ann: TestClient) -> None:
    ann.on("question")(lambda: "why?")

    assert await ann.call("forward", timeout=5) == "why?"
    with pytest.raises(CallFailed, match="hurry"):
        await ann.call("forward", timeout=0.5)
