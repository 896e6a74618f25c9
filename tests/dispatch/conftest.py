"""A client of a server that has the root namespace, and a generator there that goes on until it is closed."""

from __future__ import annotations

import pytest

from antiphon import Server
from antiphon.testing import TestClient
from antiphon.testing.fixtures import ClientFactory
from tests.dispatch.streaming import Endless


@pytest.fixture
async def ann(antiphon_server: Server, antiphon_client: ClientFactory) -> TestClient:
    antiphon_server.namespace("/")
    return await antiphon_client()


@pytest.fixture
def endless(antiphon_server: Server) -> Endless:
    generator = Endless()
    antiphon_server.namespace("/").on("endless")(generator.__call__)
    return generator
