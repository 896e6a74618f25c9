"""Every transport of the server keeps the contract of transports."""

from __future__ import annotations

import pytest

from antiphon.testing import check_transport
from antiphon.testing.conformance.transport import TransportFactory
from tests.transports.rigs import event_stream, longpoll, memory, websocket


@pytest.mark.parametrize("factory", [memory, longpoll, websocket, event_stream])
async def test_a_transport_keeps_its_contract(factory: TransportFactory) -> None:
    await check_transport(factory)
