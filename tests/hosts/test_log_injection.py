"""Whatever clients write, a record of the log is one short line that speaks to no terminal."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
import pytest

from antiphon import CallFailed, Refused, Server, Socket
from antiphon.protocol.packets import Call, Close, Event, Join, Leave
from tests.hosts.rig import KEY, attached, ending, hello, message, raw, served

EVIL = "x\r\nERROR all is lost\x1b[2J\x07\u2028\u202e\x85" + "y" * 2000
SHORT = EVIL[:60]


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    """What has no other fields; who sends one is told of it by name."""

    x: int = 0


def gullible() -> Server:
    """A server whose application repeats what clients say, and whose own calls they answer."""
    server = Server()
    root = server.namespace("/")

    @root.on("refuse")
    async def refuse(socket: Socket, text: str) -> None:
        raise Refused(text)

    @root.on("fail")
    async def fail(socket: Socket, text: str) -> None:
        raise CallFailed(text, text, text)

    @root.on("ask")
    async def ask(socket: Socket, text: str) -> None:
        await socket.call(text[:60], timeout=0.01)

    @root.on("strict")
    async def strict(socket: Socket, value: Strict) -> None: ...

    @root.on("model")
    async def model(socket: Socket, *values: int) -> None: ...

    @server.namespace("/guarded").on_connect
    async def guard(socket: Socket, auth: Any) -> None:
        raise Refused(auth)

    return server


async def test_every_record_is_one_short_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "antiphon")
    said = [
        Event("/", SHORT, []),
        Event(SHORT, "echo", []),
        Event("/", "refuse", [EVIL]),
        Event("/", "fail", [EVIL]),
        Event("/", "ask", [EVIL]),
        Event("/", "strict", [{EVIL: 1}]),
        Event("/", "model", [EVIL]),
        Call(1, "/", "strict", [{EVIL: 1}]),
        Join("/guarded", EVIL),
        Leave("/", EVIL),
    ]
    async with served(gullible()) as site:
        forwarded = {"X-Forwarded-For": "1.2.3.4\x9b, nonsense"}
        async with site.post("attach", raw(SHORT, EVIL), forwarded) as response:
            assert response.status == 400
        async with site.post("attach", hello(KEY, 1, sid=SHORT, auth=EVIL), forwarded) as response:
            assert response.status == 200
        async with attached(site) as socket:
            for number, packet in enumerate(said, 1):
                await socket.send_bytes(message(number, packet))
            await socket.send_bytes(message(len(said) + 1, Close(SHORT, EVIL)))
            await ending(socket)

    lines = [record.getMessage() for record in caplog.records]
    assert [line for line in lines if "dropped" in line or "refused" in line or "failed" in line]
    assert [line for line in lines if not line.isprintable() or len(line) > 500] == []
    assert not any(record.exc_info for record in caplog.records)
