"""The control port and the program: the proxy's verbs over HTTP, for tests in other languages."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from contextlib import suppress
from typing import Any

import aiohttp
import pytest

from antiphon.testing.proxy import FaultProxy
from antiphon.testing.proxy.control import Control
from tests.testing.peers import connected, echo_server, web_server


@pytest.mark.parametrize(
    "command",
    [
        "/cut",
        "/cut?ending=close",
        "/cut-after?size=10",
        "/cut-after?size=10&direction=up&ending=close",
        "/black-hole?direction=up",
        "/stall",
        "/trickle?direction=down&interval=0.01",
        "/delay?seconds=0.5",
        "/release",
        "/refuse-upgrades",
        "/refuse-upgrades?refusal=silence&cut_established=1",
        "/allow-upgrades",
        "/lose-responses",
        "/lose-responses?count=2&path=/push",
        "/repeat-posts?count=2&path=/push&answer=second",
        "/repeat-posts?lag=0.1",
        "/offline",
        "/online",
        "/target?port=1",
        "/chaos?seed=1&cuts_per_second=1&inside=1&disturbances_per_second=1&longest=0.1&path=/push",
        "/calm",
    ],
)
async def test_every_verb_is_carried_out_and_answers_the_statistics(command: str) -> None:
    async with FaultProxy("127.0.0.1", 1) as proxy, Control(proxy) as control:
        status, answer = await _command(control.url + command)

        assert (status, answer["cuts"]) == (200, 0)


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("/explode", "POST /explode is no command; there are POST /cut"),
        ("/cut?ending=bang", "'ending' must be one of reset, close, not 'bang'"),
        ("/cut?size=1", "no parameter 'size'"),
        ("/cut-after", "'size' is missing"),
        ("/cut-after?size=much", "'size' must be a number, not 'much'"),
        ("/cut-after?size=1.5", "'size' must be a whole number, not 1.5"),
        ("/cut-after?size=0", "use cut()"),
        ("/delay?seconds=inf", "'seconds' must be a number"),
        ("/chaos?sed=1", "no parameter 'sed'"),
        ("/statistics", "POST /statistics is no command"),
    ],
)
async def test_a_wrong_command_is_refused_in_words_and_does_nothing(command: str, error: str) -> None:
    async with FaultProxy("127.0.0.1", 1) as proxy, Control(proxy) as control:
        status, answer = await _command(control.url + command)

        assert status == 400
        assert error in answer["error"]


async def test_what_it_is_told_happens_to_the_traffic() -> None:
    async with (
        echo_server() as echo,
        FaultProxy("127.0.0.1", echo.port) as proxy,
        Control(proxy) as control,
        connected(proxy) as client,
    ):
        await client.send(b"antiphon")
        await client.receive(8)
        assert (await _command(control.url + "/statistics", "GET"))[1]["connections_living"] == 1

        _status, counts = await _command(control.url + "/offline")

        assert (counts["cuts"], counts["connections_living"]) == (1, 0)
        with pytest.raises(ConnectionResetError):
            await client.rest()


async def test_chaos_runs_until_calm() -> None:
    async with (
        web_server() as pages,
        FaultProxy("127.0.0.1", pages.port) as proxy,
        Control(proxy) as control,
        aiohttp.ClientSession(proxy.url) as http,
    ):
        await _command(control.url + "/chaos?seed=1&cuts_per_second=1000&disturbances_per_second=0&inside=0")
        # The cut may come while it still connects.
        with suppress(aiohttp.ClientError):
            async with http.ws_connect("/ws") as socket:
                await socket.receive(timeout=5)

        _status, counts = await _command(control.url + "/calm")

        assert counts["cuts"] >= 1
        async with http.ws_connect("/ws") as calm:
            await calm.send_bytes(b"calm")
            assert await calm.receive_bytes(timeout=5) == b"calm"


async def test_the_program_says_where_it_listens_and_ends_when_asked() -> None:
    async with echo_server() as echo:
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "antiphon.testing.proxy", "--target", str(echo.port), "--control", "0"),
            stdout=PIPE,
            stderr=PIPE,
        )
        assert program.stdout is not None
        addresses = json.loads(await asyncio.wait_for(program.stdout.readline(), 10))

        reader, writer = await asyncio.open_connection("127.0.0.1", addresses["port"])
        writer.write(b"antiphon")
        assert await reader.readexactly(8) == b"antiphon"
        _status, counts = await _command(addresses["control"] + "/cut")
        writer.close()
        program.terminate()
        _output, errors = await asyncio.wait_for(program.communicate(), 10)

        assert counts["cuts"] == 1
        assert (program.returncode, errors) == (0, b"")


async def _command(url: str, method: str = "POST") -> tuple[int, dict[str, Any]]:
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, url, data=b"" if method == "POST" else None) as answer,
    ):
        return answer.status, await answer.json()
