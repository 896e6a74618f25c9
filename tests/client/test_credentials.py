"""A client's credentials, against a real server: given at every attach, renewed, refused, revoked."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from antiphon import Client, ConnectionClosed, PayloadError, Principal, Refused, Server
from antiphon.client.credentials import Auth
from antiphon.protocol.client_session import Loss
from antiphon.protocol.closing import Closing, TransportCode
from antiphon.protocol.packets import Event
from antiphon.server import server as servers
from antiphon.testing.clock import ManualClock
from tests.client.serving import SOON, Running, serving, until

EVERY_TRANSPORT = pytest.mark.parametrize("transport", ["websocket", "sse", "longpoll"])


@pytest.fixture(autouse=True)
def _no_stall(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is moved by hand looks like a process that stalled."""
    monkeypatch.setattr(servers, "STALL", float("inf"))


class Application:
    """It knows tokens: what each of them proves, and until when. The time of its server passes as tests say."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.server = Server(clock=self.clock, wall=self.clock)
        self.root = self.server.namespace("/")
        self.tokens: dict[str, Principal] = {}
        self.seen: list[Any] = []
        self.server.authenticate(self.who)
        self.said: list[str] = []

        @self.root.on("say")
        async def say(socket: Any, text: str) -> str:
            self.said.append(text)
            return f"{socket.principal.id} said {text}"

    def token(self, name: str, lifetime: float | None = None, *, id: str = "ann") -> str:
        """A token by that name."""
        self.tokens[name] = Principal(id, None if lifetime is None else self.clock() + lifetime)
        return name

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.server.tick(self.clock())

    def cut(self) -> None:
        """The transport of the only client breaks."""
        [line] = self.server.registry
        line.detach(Closing(TransportCode.GAP, "a cut"))

    async def who(self, auth: str) -> Principal:
        self.seen.append(auth)
        if auth not in self.tokens:
            raise Refused(f"nobody knows {auth!r}")
        return self.tokens[auth]


@asynccontextmanager
async def running() -> AsyncIterator[tuple[Application, Running]]:
    application = Application()
    async with serving(application.server) as site:
        yield application, site


@asynccontextmanager
async def connected(site: Running, auth: Auth, transport: str = "websocket") -> AsyncIterator[Client]:
    client = Client(site.url, transports=[transport], backoff=SOON, auth=auth)
    root = client.namespace("/")
    try:
        await client.connect()
        await root.ready()
        yield client
    finally:
        await client.close()


@EVERY_TRANSPORT
async def test_a_client_proves_who_it_is(transport: str) -> None:
    async with running() as (application, site), connected(site, application.token("t1"), transport) as client:
        assert await client.namespace("/").call("say", "hi") == "ann said hi"


@EVERY_TRANSPORT
async def test_whoever_is_refused_is_told_why_and_does_not_try_again(transport: str) -> None:
    async with running() as (application, site):
        client = Client(site.url, transports=[transport], backoff=SOON, auth="wrong")

        with pytest.raises(ConnectionClosed) as refused:
            await client.connect()
        await client.close()

        assert (refused.value.code, refused.value.reason) == ("unauthorized", "nobody knows 'wrong'")
        assert refused.value.reconnect is False
        assert application.seen == ["wrong"]


async def test_a_function_is_asked_for_fresh_credentials_at_every_attach() -> None:
    async with running() as (application, site):
        tokens = [application.token("t1"), application.token("t2"), application.token("t3")]

        async def fetch() -> str:
            await asyncio.sleep(0)
            return tokens.pop(0)

        async with connected(site, fetch) as client:
            application.cut()
            await until(lambda: application.seen == ["t1", "t2"])
            assert await client.namespace("/").call("say", "hi") == "ann said hi"


async def test_a_function_need_not_be_async() -> None:
    async with running() as (application, site), connected(site, lambda: application.token("t1")):
        assert application.seen == ["t1"]


async def test_a_function_that_raises_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as (application, site):
        answers: list[Any] = [OSError("no network"), object(), application.token("t1")]

        def fetch() -> Any:
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        async with connected(site, fetch):
            assert application.seen == ["t1"]
            assert caplog.text.count("gives credentials raised") == 2


async def test_credentials_that_cannot_travel_are_refused_where_they_are_given() -> None:
    with pytest.raises(PayloadError):
        Client("http://localhost", auth=object())


@EVERY_TRANSPORT
async def test_the_server_asks_for_fresh_credentials_before_the_old_ones_expire(transport: str) -> None:
    async with running() as (application, site):
        tokens = [application.token("t1", 20), application.token("t2")]

        async with connected(site, lambda: tokens.pop(0), transport) as client:
            application.pass_time(15)

            await until(lambda: application.seen == ["t1", "t2"])
            [socket] = application.root.sockets
            await until(lambda: socket.principal == Principal("ann"))
            assert client.session.attempt == 1, "on the living connection"


@EVERY_TRANSPORT
async def test_credentials_that_expired_are_replaced_with_the_next_attach_and_nothing_is_lost(transport: str) -> None:
    async with running() as (application, site):
        heard: list[int] = []
        tokens = [application.token("t1", 20), application.token("t2")]

        async with connected(site, lambda: tokens.pop(0), transport) as client:
            client.namespace("/").on("tick")(heard.append)
            await application.root.emit("tick", 1)
            application.pass_time(20)
            await application.root.emit("tick", 2)

            await until(lambda: heard == [1, 2])
            assert application.seen == ["t1", "t2"]
            assert client.session.attempt == 2
            assert len(application.server.registry) == 1


async def test_a_stale_token_stops_the_client_and_a_fresh_one_goes_on_where_it_stopped() -> None:
    async with running() as (application, site), connected(site, application.token("t1")) as client:
        del application.tokens["t1"]
        application.cut()
        await until(lambda: client.state == "closed")
        await client.namespace("/").emit("say", "kept")
        await application.root.emit("news", 1)

        await client.renew(application.token("t2"))
        await client.connect()

        assert await client.namespace("/").call("say", "back") == "ann said back"
        assert application.said == ["kept", "back"]
        await client.namespace("/").ready()


async def test_credentials_are_renewed_when_the_application_says_so() -> None:
    async with running() as (application, site), connected(site, application.token("t1", 60)) as client:
        await client.renew(application.token("t2", 600))

        await until(lambda: application.seen == ["t1", "t2"])
        [socket] = application.root.sockets
        await until(lambda: socket.principal == application.tokens["t2"])


async def test_what_a_function_raises_is_raised_where_the_application_renews() -> None:
    async with running() as (application, site), connected(site, application.token("t1")) as client:

        def fetch() -> str:
            raise OSError("no network")

        with pytest.raises(OSError, match="no network"):
            await client.renew(fetch)


async def test_a_function_that_raises_when_the_server_asks_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as (application, site):
        tokens = [application.token("t1", 20)]

        async with connected(site, lambda: tokens.pop(0)) as client:
            application.pass_time(15)

            await until(lambda: "gives credentials raised" in caplog.text)
            assert await client.namespace("/").call("say", "hi") == "ann said hi"


async def test_what_is_renewed_without_a_connection_comes_with_the_next_attach() -> None:
    async with running() as (application, site):
        client = Client(site.url, backoff=SOON, auth="wrong")

        await client.renew(application.token("t1"))
        await client.connect()
        await client.close()

        assert application.seen == ["t1"]


async def test_after_the_end_there_is_nothing_to_renew() -> None:
    async with running() as (application, site):
        async with connected(site, application.token("t1")) as client:
            pass

        with pytest.raises(ConnectionClosed):
            await client.renew()


async def test_renewed_credentials_that_are_refused_end_the_session() -> None:
    async with running() as (application, site), connected(site, application.token("t1")) as client:
        await client.renew("wrong")

        await until(lambda: client.state == "closed")
        with pytest.raises(ConnectionClosed, match="unauthorized: nobody knows 'wrong'"):
            await client.namespace("/").ready()


@EVERY_TRANSPORT
async def test_a_revoked_client_stops(transport: str) -> None:
    async with running() as (application, site), connected(site, application.token("t1"), transport) as client:
        reasons: list[str] = []
        client.namespace("/").on_disconnect(lambda reason: reasons.append(str(reason)))

        await application.server.revoke("ann", "banned")
        await until(lambda: client.state == "closed" and reasons)

        with pytest.raises(ConnectionClosed, match="revoked: banned") as closed:
            await client.namespace("/").ready()
        assert closed.value.reconnect is False
        assert application.seen == ["t1"] or transport != "websocket"


async def test_a_client_that_is_away_when_it_is_revoked_learns_it_when_it_comes_back() -> None:
    async with running() as (application, site):
        go_on = asyncio.Event()
        go_on.set()

        async def fetch() -> str:
            await go_on.wait()
            return "t1"

        application.token("t1")
        async with connected(site, fetch) as client:
            losses: list[Loss] = []
            client.on_loss = losses.append
            go_on.clear()
            application.cut()
            await until(lambda: client.session.attempt == 1 and not client.session.attached)
            await application.server.revoke("ann", "banned")
            client.namespace("/").emit_nowait("say", "too late")
            go_on.set()

            await until(lambda: client.state == "closed")

            assert [(loss.reason, loss.unsent) for loss in losses] == [("revoked", [Event("/", "say", ["too late"])])]
            assert application.said == []


async def test_a_client_that_became_another_person_stops_and_reports_what_waits(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Rule 17."""
    caplog.set_level(logging.ERROR)
    async with running() as (application, site):
        tokens = [application.token("t1"), application.token("b1", id="bob")]

        async with connected(site, lambda: tokens.pop(0)) as client:
            losses: list[Loss] = []
            client.on_loss = losses.append
            application.cut()
            client.namespace("/").emit_nowait("say", "as Ann")

            await until(lambda: client.state == "closed")

            assert [loss.reason for loss in losses] == ["principal_changed"]
            assert application.said == []
            assert [each.session.identity.id for each in application.server.registry] == ["ann"], "undisturbed"


async def test_closing_does_not_wait_for_credentials() -> None:
    async with running() as (_, site):
        client = Client(site.url, backoff=SOON, auth=lambda: asyncio.get_running_loop().create_future())
        connecting = asyncio.create_task(client.connect())
        await until(lambda: client.state == "connecting")

        started = time.monotonic()
        await client.close()

        assert time.monotonic() - started < 1
        with pytest.raises(ConnectionClosed):
            await connecting
