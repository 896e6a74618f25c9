"""Disconnect handlers of one session run for every socket, whatever one of them does."""

from __future__ import annotations

import pytest

from antiphon import Server, Socket
from tests.client.serving import connected, serving, until


async def test_a_disconnect_handler_that_expects_something_else_keeps_no_other_from_running(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server, ends = Server(), list[str]()
    for name in ("/one", "/two", "/three"):
        if name == "/two":

            @server.namespace(name).on_disconnect
            def misfit(socket: Socket, reason: int) -> None:
                raise AssertionError("a reason is no number")

        else:
            server.namespace(name).on_disconnect(lambda socket: ends.append(socket.namespace.name))
    async with serving(server) as running:
        async with connected(running.url, "/one", "/two", "/three"):
            pass

        await until(lambda: len(ends) == 2)
    assert sorted(ends) == ["/one", "/three"]
    assert "on_disconnect of namespace '/two' expects int for parameter 'reason'" in caplog.text
    assert "never retrieved" not in caplog.text
