"""The pid of a CONNECT: what it proves, and what is left of the auth behind it."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.dialects.socketio.credentials import Claim, claimed, spelled
from antiphon.dialects.socketio.recovery import Place

KEY = "k" * 43


def test_a_pid_says_whose_session_and_where_in_it() -> None:
    claim, auth = claimed("/a", {"pid": spelled("sid", KEY, 2), "offset": "e1.7", "token": "x"})

    assert claim == Claim("sid", KEY, Place("/a", "e1.7", "2"))
    assert auth == {"token": "x"}


def test_who_has_no_auth_has_none_when_it_comes_back() -> None:
    assert claimed("/", {"pid": spelled("sid", KEY, 2)}) == (Claim("sid", KEY, Place("/", None, "2")), None)


@pytest.mark.parametrize("offset", [None, 7, True, "x" * 65, ["e1.7"]])
def test_an_offset_that_we_cannot_have_given_is_none(offset: Any) -> None:
    claim, _ = claimed("/", {"pid": spelled("sid", KEY, 2), "offset": offset})

    assert claim is not None and claim.place == Place("/", None, "2")


@pytest.mark.parametrize(
    "pid",
    [None, 7, "", "sid", "sid.", f".{KEY}", "sid.short", f"sid.{'k' * 129}", f"{'s' * 65}.{KEY}", f"é.{KEY}", [KEY]],
)
def test_a_pid_that_we_cannot_have_given_is_the_users_own(pid: Any) -> None:
    auth = {"pid": pid, "offset": "x"}

    assert claimed("/", auth) == (None, auth)


@pytest.mark.parametrize("auth", [None, {}, {"token": "x"}])
def test_who_claims_nothing_says_what_it_says(auth: Any) -> None:
    assert claimed("/", auth) == (None, auth)


def test_a_key_never_shows() -> None:
    claim, _ = claimed("/", {"pid": spelled("sid", KEY, 2)})

    assert KEY not in repr(claim)
