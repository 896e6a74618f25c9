"""docs/security.md: every attack has an answer that a test shows, and its block does what the text says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import ModuleType
from typing import NamedTuple

import pytest
from aiohttp.log import server_logger

from antiphon import CallFailed
from antiphon.testing import TestClient
from tests.docs.named_tests import ROOT, missing, misspelled, named

PAGE = "security.md"
TEXT = (ROOT / "docs" / PAGE).read_text()
FEWEST = 45


class Row(NamedTuple):
    attack: str
    answer: str
    tests: str


ROWS = [
    Row(*(cell.strip() for cell in line.strip("|").split(" | ")))
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith("| attack |")
]


def test_there_are_enough_rows_and_the_opening_counts_them() -> None:
    assert len(ROWS) >= FEWEST
    assert f"a table of {len(ROWS)} attacks" in " ".join(TEXT.split())
    assert len({row.attack for row in ROWS}) == len(ROWS)


def test_every_row_has_an_answer_and_names_a_test() -> None:
    assert [row.attack for row in ROWS if not row.answer or not named(row.tests)] == []


def test_a_test_that_is_named_exists() -> None:
    assert [(row.attack, *test) for row in ROWS for test in missing(row.tests)] == []


def test_what_looks_like_a_test_is_read_as_one() -> None:
    assert misspelled(TEXT) == []


def test_every_test_of_attacks_is_named() -> None:
    files = {path for row in ROWS for path, _ in named(row.tests)}

    assert {str(path.relative_to(ROOT)) for path in (ROOT / "tests" / "security").glob("test_*.py")} <= files


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """The block of the page quiets a logger of the whole process."""
    before = server_logger.filters[:]
    yield
    server_logger.filters[:] = before


async def test_the_block_lets_in_who_may_and_nobody_else(page: ModuleType) -> None:
    async with (
        TestClient(page.server, namespace="/documents", credentials="ann") as ann,
        TestClient(page.server, namespace="/documents", credentials="ben") as ben,
        TestClient(page.server, namespace="/documents") as nobody,
    ):
        await ann.call("open", 7)
        for stranger, document in ((ben, 7), (nobody, 7), (ann, 8)):
            with pytest.raises(CallFailed, match="not yours"):
                await stranger.call("open", document)

        assert page.documents.count("document 7") == 1
    assert page.server.hosts.refusal("evil.example") is not None
    assert re.search(r"^quiet_bad_requests\(\)$", TEXT, flags=re.MULTILINE)
