"""The clients that schedules are played with, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from antiphon.testing.simulation.applications import open_page as in_python
from antiphon.testing.simulation.page import OpenPage
from tests.simulation.typescript.compiling import compiled
from tests.simulation.typescript.pages import TypeScriptPages


@pytest.fixture(scope="session")
def typescript() -> Iterator[Path]:
    """Where the client in TypeScript is compiled to."""
    with compiled() as directory:
        yield directory


@pytest.fixture(scope="module", params=["python", "typescript"])
def open_page(request: pytest.FixtureRequest) -> Iterator[OpenPage]:
    """Opens pages in the one language, then in the other."""
    if request.param == "python":
        yield in_python
        return
    pages = TypeScriptPages(request.getfixturevalue("typescript"))
    yield pages
    pages.close()
