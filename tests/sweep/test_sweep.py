"""A dialogue that is cut once, wherever that is, goes as if it had not been: one session, everything once, in order.

`make sweep` cuts at every byte; this is its short form.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.sweep.dialogue import Stage
from tests.sweep.pipes import Scissors
from tests.sweep.run import in_memory, over_sockets


@pytest.fixture(autouse=True)
def nothing_is_logged_as_a_fault(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A client that is gone, wherever in a request, is nobody's fault."""
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.ERROR] == []


def test_a_websocket_may_be_cut_at_every_byte_in_memory() -> None:
    cuts, broken = in_memory("websocket", 1)

    assert broken == []
    assert cuts > 800


# Nine in ten of these bytes are heads of HTTP; the steps are primes, so that they fall on all kinds of places.
@pytest.mark.parametrize(("kind", "step", "least"), [("sse", 5, 500), ("longpoll", 11, 400)])
def test_http_may_be_cut_anywhere_in_memory(kind: str, step: int, least: int) -> None:
    cuts, broken = in_memory(kind, step)

    assert broken == []
    assert cuts > least


@pytest.mark.parametrize(("kind", "step"), [("websocket", 16), ("sse", 61), ("longpoll", 127)])
async def test_they_may_be_cut_anywhere_over_sockets(kind: str, step: int) -> None:
    cuts, broken = await over_sockets(kind, step)

    assert broken == []
    assert cuts > 30


async def test_a_dialogue_that_goes_wrong_is_told() -> None:
    async with Stage.set() as stage:
        stage.server.namespace().off("say")

        wrong = await stage.play_in_memory("websocket", Scissors())

    assert wrong == ["the server heard something else"]
