"""A site whose other clients must not notice what a test does to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.hosts.rig import Site, served, undisturbed


@pytest.fixture
async def site(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Site]:
    """A site with a healthy client that goes on all the time, and a log that must stay clean."""
    async with served() as site, undisturbed(site, caplog):
        yield site
