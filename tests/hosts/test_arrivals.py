"""What an authentication hook is told of the request that a client came by."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon import Arrival, Client, Server
from tests.hosts.rig import served


@pytest.mark.parametrize("transport", ["websocket", "sse", "longpoll"])
async def test_a_hook_sees_address_and_headers_and_no_key(transport: str) -> None:
    server, arrivals = Server(), list[Arrival]()

    @server.authenticate
    async def who(auth: Any, request: Arrival) -> str:
        arrivals.append(request)
        return "ann"

    async with served(server) as site:
        origin = site.origin
        headers = {"Cookie": "session=7", "Origin": origin, "X-Device": "phone"}
        client = Client(site.url, transports=[transport], headers=headers)
        await client.connect()
        await client.close()

    [arrival] = arrivals
    assert (arrival.address, arrival.origin, arrival.transport) == ("127.0.0.1", origin, transport)
    assert (arrival.headers["cookie"], arrival.headers["x-device"]) == ("session=7", "phone")
    assert "antiphon-key" not in arrival.headers
    assert client.session.key not in repr(arrival)
    assert "session=7" not in repr(arrival)
