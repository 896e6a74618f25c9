"""The pytest plugin: it brings the fixtures that what is installed can carry.

Async fixtures need pytest-asyncio. Those for a whole application need pytest-aiohttp, which brings it along.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import pytest

__all__ = ["pytest_configure"]

FIXTURES = {
    "pytest_asyncio": "antiphon.testing.fixtures",
    "pytest_aiohttp": "antiphon.testing.app_fixtures",
}


def pytest_configure(config: pytest.Config) -> None:
    """Register the fixtures that what is installed can carry."""
    for needed, module in FIXTURES.items():
        if find_spec(needed) is not None:
            config.pluginmanager.register(import_module(module), module)
