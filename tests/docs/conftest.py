"""A page of the documentation as one module, and somebody who talks to the server in it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType

import pytest

from antiphon.testing import TestClient

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def page(request: pytest.FixtureRequest) -> ModuleType:
    """All blocks of the page that the test module names as PAGE, run one after another."""
    name: str = request.module.PAGE
    page = ModuleType("page")
    text = (DOCS / name).read_text(encoding="utf-8")
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL), 1):
        exec(compile(block, f"{name}, block {number}", "exec", dont_inherit=True), page.__dict__)
    return page


@pytest.fixture
async def ann(page: ModuleType) -> AsyncIterator[TestClient]:
    async with TestClient(page.server, namespace="/chat") as ann:
        yield ann
