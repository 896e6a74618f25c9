"""Whose session it is: who is the same person, when fresh credentials are asked for, and when the old ones expire."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.protocol.identity import Identity, Principal

NEVER = float("inf")


def test_a_principal_shows_its_id_only() -> None:
    principal = Principal("ann", expires=5.0, data={"token": "secret"})

    assert repr(principal) == "Principal(id='ann')"
    assert (principal.expires, principal.data) == (5.0, {"token": "secret"})


def test_principals_can_be_compared_and_kept_in_sets_whatever_their_data_is() -> None:
    assert len({Principal("ann", data=[1]), Principal("ann", data=[2]), Principal("bob")}) == 2


@pytest.mark.parametrize("id", ["", None, 7, b"ann"])
def test_an_id_is_a_str_that_is_not_empty(id: Any) -> None:
    with pytest.raises(ValueError, match="must be a str that is not empty"):
        Principal(id)


@pytest.mark.parametrize("expires", [True, "soon", float("nan"), float("inf")])
def test_an_expiry_is_a_moment(expires: Any) -> None:
    with pytest.raises(ValueError, match="must be unix seconds or None"):
        Principal("ann", expires)


def test_who_has_the_same_id_is_the_same_person() -> None:
    ann, bob, nobody = Identity(Principal("ann", 5.0)), Identity(Principal("bob")), Identity()

    assert ann.same_as(Identity(Principal("ann", data=1)))
    assert nobody.same_as(Identity())
    assert not ann.same_as(bob)
    assert not ann.same_as(nobody)
    assert not nobody.same_as(ann)
    assert (ann.id, nobody.id) == ("ann", None)


@pytest.mark.parametrize("identity", [Identity(), Identity(Principal("ann"), now=100.0, wall=1e9)])
def test_what_does_not_expire_is_never_asked_for(identity: Identity) -> None:
    assert identity.due == NEVER
    assert not identity.asks(1e12)
    assert not identity.expired(1e12)


def test_it_expires_when_the_wall_clock_says_so_on_the_monotonic_clock() -> None:
    identity = Identity(Principal("ann", expires=1_000_600.0), now=50.0, wall=1_000_000.0)

    assert not identity.expired(649.9)
    assert identity.expired(650.0)


@pytest.mark.parametrize(("lifetime", "ask_at"), [(3600.0, 3540.0), (240.0, 180.0), (40.0, 30.0)])
def test_it_is_asked_for_a_minute_before_or_a_quarter_of_its_lifetime(lifetime: float, ask_at: float) -> None:
    identity = Identity(Principal("ann", expires=lifetime))

    assert identity.due == ask_at
    assert not identity.asks(ask_at - 0.1)
    assert identity.asks(ask_at)


def test_it_is_asked_for_once() -> None:
    identity = Identity(Principal("ann", expires=100.0))

    assert identity.asks(80.0)
    assert not identity.asks(81.0)
    assert identity.due == 100.0


def test_it_is_asked_for_again_when_there_is_still_time() -> None:
    identity, late, endless = Identity(Principal("ann", 100.0)), Identity(Principal("ann", 100.0)), Identity()

    for each, at in ((identity, 85.0), (late, 100.0), (endless, 85.0)):
        each.asks(80.0)
        each.ask_again(at)

    assert identity.asks(85.0)
    assert not late.asks(99.0)
    assert endless.due == NEVER


def test_a_stall_moves_both_deadlines() -> None:
    identity = Identity(Principal("ann", expires=100.0))

    identity.postpone(10.0)

    assert (identity.ask_at, identity.ends_at) == (85.0, 110.0)


def test_who_answers_with_the_same_credentials_is_not_asked_again() -> None:
    """It would be asked at a quarter of what is left, again and again."""
    older = Identity(Principal("ann", expires=100.0))
    older.asks(75.0)
    same, longer = (Identity(Principal("ann", until), now=75.0, wall=75.0) for until in (100.0, 200.0))

    same.follow(older)
    longer.follow(older)

    assert same.due == 100.0
    assert longer.due == 168.75


def test_who_was_not_asked_is_asked_in_time_whatever_came_before() -> None:
    older, nobody = Identity(Principal("ann", expires=100.0)), Identity()
    early = Identity(Principal("ann", expires=100.0), now=20.0, wall=20.0)

    early.follow(older)
    early.follow(nobody)
    nobody.follow(early)

    assert early.due == 80.0
