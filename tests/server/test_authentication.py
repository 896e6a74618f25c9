"""The authentication hook: what it is asked, what its answers mean, and what bounds it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from antiphon import Arrival, LocalProtocolError, Principal, Refused
from antiphon.protocol.identity import Identity
from antiphon.protocol.packets import Refuse
from antiphon.server import authentication as authentications
from antiphon.server.authentication import Authentication, Check, Verdict
from antiphon.testing.clock import ManualClock
from tests.server.peer import settle

WALL = 1_000_000.0
NOWHERE = Arrival()


@pytest.fixture
async def authentication(clock: ManualClock) -> AsyncIterator[Authentication]:
    authentication = Authentication(clock, lambda: WALL, lambda: "incident-7")
    yield authentication
    await authentication.close(1.0)


class Asked:
    """What became of one question."""

    def __init__(self, authentication: Authentication, auth: Any = "x", arrival: Arrival = NOWHERE) -> None:
        self.verdicts: list[Verdict] = []
        self.check: Check = authentication.begin(auth, arrival, self.verdicts.append)

    @property
    def refusal(self) -> Refuse:
        [verdict] = self.verdicts
        assert isinstance(verdict, Refuse)
        return verdict

    @property
    def identity(self) -> Identity:
        [verdict] = self.verdicts
        assert isinstance(verdict, Identity)
        return verdict


async def ask(authentication: Authentication, auth: Any = "x", arrival: Arrival = NOWHERE) -> Asked:
    asked = Asked(authentication, auth, arrival)
    await settle()
    return asked


# -- what a hook may look like


async def test_a_principal_its_id_alone_and_nobody_are_answers(authentication: Authentication) -> None:
    answers: dict[str, Any] = {"a": Principal("ann", data=7), "b": "bob", "c": None}

    @authentication.register
    async def who(auth: str) -> Any:
        return answers[auth]

    found = [(await ask(authentication, auth)).identity.principal for auth in "abc"]

    assert found == [Principal("ann"), Principal("bob"), None]


async def test_a_hook_need_not_be_async(authentication: Authentication) -> None:
    authentication.register(lambda auth: "ann")

    assert (await ask(authentication)).identity.id == "ann"


async def test_a_hook_may_leave_out_what_it_does_not_need(authentication: Authentication) -> None:
    @authentication.register
    async def who() -> str:
        return "everybody"

    assert (await ask(authentication, "token")).identity.id == "everybody"


async def test_a_hook_is_told_how_the_client_came(authentication: Authentication) -> None:
    @authentication.register
    async def who(auth: str, request: Arrival) -> str:
        return f"{auth} from {request.address} by {request.transport} with {request.headers['cookie']}"

    asked = await ask(authentication, "ann", Arrival("10.0.0.7", {"cookie": "a=b"}, None, "websocket"))

    assert asked.identity.id == "ann from 10.0.0.7 by websocket with a=b"


async def test_credentials_are_bound_to_the_annotation(authentication: Authentication) -> None:
    @dataclass
    class Login:
        name: str

    @authentication.register
    async def who(auth: Login) -> str:
        return auth.name

    assert (await ask(authentication, {"name": "ann"})).identity.id == "ann"
    refusal = (await ask(authentication, {"name": 7})).refusal
    assert refusal.code == "unauthorized"
    assert "'auth" in refusal.reason and "str" in refusal.reason


def test_an_arrival_shows_no_headers_and_the_wire_tells_none_of_its_secrets() -> None:
    headers = {"cookie": "secret", "origin": "https://app.example", "antiphon-key": "k" * 43}

    arrival = authentications.arrival("10.0.0.7", headers, "sse")

    assert dict(arrival.headers) == {"cookie": "secret", "origin": "https://app.example"}
    assert arrival.origin == "https://app.example"
    assert "secret" not in repr(arrival)


async def test_a_server_has_one_hook(authentication: Authentication) -> None:
    authentication.register(lambda auth: "ann")

    with pytest.raises(LocalProtocolError, match="one authentication hook"):
        authentication.register(lambda auth: "bob")


async def test_a_hook_that_asks_for_more_than_there_is_is_refused_where_it_stands(
    authentication: Authentication,
) -> None:
    def who(auth: str, request: Arrival, database: object) -> str:
        return "ann"

    with pytest.raises(TypeError, match="'database'"):
        authentication.register(who)


# -- what is refused


async def test_whoever_is_refused_is_unauthorized_and_not_to_come_back(authentication: Authentication) -> None:
    @authentication.register
    async def who(auth: str) -> str:
        raise Refused("not on the list", {"list": "guests"})

    assert (await ask(authentication, "x")).refusal == Refuse("unauthorized", "not on the list")


async def test_a_refusal_that_cannot_be_told_is_an_incident(
    authentication: Authentication, caplog: pytest.LogCaptureFixture
) -> None:
    @authentication.register
    async def who(auth: str) -> str:
        raise Refused(object())  # type: ignore[arg-type]  # that is the mistake

    refusal = (await ask(authentication, "x")).refusal

    assert refusal == Refuse("unauthorized", "authentication failed [incident-7]")
    assert "incident-7" in caplog.text


async def test_credentials_that_have_expired_already_are_refused(authentication: Authentication) -> None:
    authentication.register(lambda auth: Principal("ann", expires=WALL))

    assert (await ask(authentication)).refusal == Refuse("unauthorized", "the credentials have expired")


async def test_an_expiry_is_reckoned_from_the_moment_of_the_answer(
    authentication: Authentication, clock: ManualClock
) -> None:
    authentication.register(lambda auth: Principal("ann", expires=WALL + 100))

    assert (await ask(authentication)).identity.ends_at == clock() + 100


@pytest.mark.parametrize("result", [7, b"ann", ""])
async def test_an_answer_that_is_none_is_an_incident(
    authentication: Authentication, caplog: pytest.LogCaptureFixture, result: object
) -> None:
    authentication.register(lambda auth: result)

    refusal = (await ask(authentication)).refusal

    assert (refusal.code, refusal.retry_after) == ("try_later", 2000)
    assert "incident-7" in caplog.text


async def test_a_hook_that_fails_has_its_client_try_later_and_tells_it_an_id_only(
    authentication: Authentication, caplog: pytest.LogCaptureFixture
) -> None:
    @authentication.register
    async def who(auth: str) -> str:
        raise ConnectionError("the database at 10.0.0.9 is down")

    refusal = (await ask(authentication, "x")).refusal

    assert refusal == Refuse("try_later", "authentication failed [incident-7]", 2000)
    assert "10.0.0.9" in caplog.text


async def test_what_a_hook_waits_for_being_cancelled_is_its_failure(authentication: Authentication) -> None:
    @authentication.register
    async def who(auth: str) -> str:
        waiting: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        waiting.cancel()
        return await waiting

    assert (await ask(authentication, "x")).refusal.code == "try_later"


# -- what bounds it


async def test_a_hook_that_takes_too_long_is_cancelled(
    authentication: Authentication, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(authentications, "HOOK_WAIT", 0.01)
    cancelled = asyncio.Event()

    @authentication.register
    async def who(auth: str) -> str:
        try:
            await asyncio.Event().wait()
            return "ann"
        finally:
            cancelled.set()

    asked = Asked(authentication)
    await asyncio.wait_for(cancelled.wait(), 5)
    await settle()

    assert asked.refusal == Refuse("try_later", "authentication took too long [incident-7]", 2000)
    assert "incident-7" in caplog.text
    assert len(authentication) == 0


async def test_a_hook_that_does_not_let_itself_be_cancelled_keeps_nobody_waiting(
    authentication: Authentication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentications, "HOOK_WAIT", 0.01)
    cancelled, go_on = asyncio.Event(), asyncio.Event()

    @authentication.register
    async def who(auth: str) -> str:
        try:
            await go_on.wait()
        except asyncio.CancelledError:
            cancelled.set()
            await go_on.wait()
        return "ann"

    asked = Asked(authentication)
    await asyncio.wait_for(cancelled.wait(), 5)
    assert asked.refusal.code == "try_later"
    assert len(authentication) == 1, "it counts until it is over"

    go_on.set()
    await settle()

    assert len(asked.verdicts) == 1
    assert len(authentication) == 0


async def test_who_does_not_wait_any_more_is_told_nothing(authentication: Authentication) -> None:
    @authentication.register
    async def who(auth: str) -> str:
        await asyncio.Event().wait()
        return "ann"

    asked = Asked(authentication)
    await settle()
    asked.check.cancel()
    await settle()

    assert asked.verdicts == []
    assert len(authentication) == 0


async def test_who_is_revoked_while_the_hook_looks_is_not_let_in(authentication: Authentication) -> None:
    go_on = asyncio.Event()

    @authentication.register
    async def who(auth: str) -> str:
        await go_on.wait()
        return auth

    ann, bob = Asked(authentication, "ann"), Asked(authentication, "bob")
    authentication.revoke("ann", "banned")
    go_on.set()
    await settle()

    assert ann.refusal == Refuse("revoked", "banned")
    assert bob.identity.id == "bob"


async def test_a_shutdown_sends_everybody_to_the_next_process_and_leaves_no_hook_behind(
    authentication: Authentication,
) -> None:
    @authentication.register
    async def who(auth: str) -> str:
        await asyncio.Event().wait()
        return "ann"

    asked = await ask(authentication)

    await authentication.close(1.0)

    assert asked.refusal.code == "draining"
    assert len(authentication) == 0


async def test_a_shutdown_does_not_wait_for_ever(
    authentication: Authentication, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    go_on = asyncio.Event()

    @authentication.register
    async def who(auth: str) -> str:
        try:
            await go_on.wait()
        except asyncio.CancelledError:
            await go_on.wait()
        return "ann"

    await ask(authentication)

    await authentication.close(0.01)

    assert "1 authentication hooks" in caplog.text
    go_on.set()
    await settle()
